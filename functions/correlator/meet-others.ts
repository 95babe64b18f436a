/**
 * Activities of different roots that may cause each other: each writes itself into the points where they may meet
 * (causality/join-keys.ts), reads who else is there, and sees to it that whoever has something to send because of it looks.
 */
import type { Observation } from '../../shared/observation.ts';
import { isLinkKey, soughtBy } from './causality/join-key.ts';
import { joinKeys } from './causality/join-keys.ts';
import type { RuleSet } from './causality/rules/rule-set.ts';
import { forEachOf } from './for-each-of.ts';
import type { Looks } from './plan-looks.ts';
import type { Ports, Waits } from './ports.ts';
import { activityPartition, clusterOf, lookKey, meetingPartition } from './store.ts';
import {
  type Activity,
  type Chunk,
  chunkOf,
  type LookFields,
  lookItem,
  meetingItem,
  pointsItem,
  readActivity,
  shorten,
} from './store-items.ts';

/** Of another root. */
interface Member {
  member: Activity;
  chunks: Chunk[];
}

/** Of one that meets others. */
export interface OwnLooks extends Looks {
  activity: Activity;
  /** The name of its chunks. */
  seen: string;
  isOpen: boolean;
  /** Seconds until what is open of it and of those that it meets may be closed. */
  closes: number;
}

/** A drain of hundreds of nodes is no longer one story; what is left out is logged. */
const mostMembers = 200;
/** Of others that say when one activity looks next. */
const mostTurns = 16;

export type Stories = ReturnType<ReturnType<typeof createMeetings>['createStories']>;

/** `arm` answers when they come, in milliseconds since 1970. */
export function createMeetings(
  { store, now, log }: Pick<Ports, 'store' | 'now' | 'log'>,
  waits: Waits,
  rules: RuleSet,
  arm: (id: string, activities: readonly string[], seconds: number) => Promise<number>,
) {
  const expiresIn = (seconds: number) => Math.ceil(now() / 1000) + seconds;

  /** Writes itself into its meeting points: before it looks who else is there, so that of two one finds the other. */
  async function register(activity: Activity, observations: readonly Observation[]): Promise<boolean> {
    const points = joinKeys(observations, rules);
    const before = new Set(activity.points);
    const news = points.filter((point) => !before.has(point));
    if (news.length === 0) return false;
    const { key } = activity;
    await store.put(news.map((point) => meetingItem(key, point, expiresIn(waits.acquaintance))));
    // Expires first, so that a long activity registers again before its items are gone.
    const all = [...new Set([...before, ...points])].sort();
    await store.put([pointsItem(key, all, expiresIn(waits.acquaintance / 2))]);
    activity.points = all;
    return true;
  }

  /** Says so of others, unless somebody else has asked for a look as early. */
  async function sayNextLook(some: readonly Activity[], next: number): Promise<void> {
    await forEachOf(some, async ({ key, look }) => {
      for (let turn = 0, at = look; at !== undefined; turn += 1) {
        if (turn === mostTurns) throw new Error(`${key} is looked at all the time`);
        const item = lookItem(key, { ...at.fields, next }, at.revision, expiresIn(waits.acquaintance));
        if (await store.replace(item, at.revision)) return;
        [at] = (await store.read([lookKey(key)])) as (typeof look)[];
        if (at?.fields.next !== undefined && at.fields.next >= now() && at.fields.next <= next) return;
      }
    });
  }

  /** What several settles of one invocation read of others, once. */
  function createStories() {
    return {
      whoMeets: once(async (point: string) => (await store.list(point)).map(({ sk }) => sk)),
      loadMember: once(async (key: string): Promise<Member> => {
        const member = readActivity(key, await store.list(activityPartition(key)));
        return { member, chunks: member.chunks.map(chunkOf) };
      }),
    };
  }

  /** Those it meets, those they meet, and so on. */
  async function gather(activity: Activity, { whoMeets, loadMember }: Stories): Promise<Member[]> {
    const members = new Map<string, Member>();
    const cluster = clusterOf(activity.key);
    const asked = new Set<string>();
    let left = 0;
    for (let ring = [activity]; ring.length > 0; ) {
      // Who is found by a link is read, and not whom that one links to: a GitOps tool links to all that it applies.
      const isOwn = ring[0] === activity;
      const points = new Set(
        ring
          .flatMap((member) => member.points)
          .filter((point) => isOwn || !isLinkKey(point))
          .map(soughtBy),
      ).difference(asked);
      for (const point of points) asked.add(point);
      const found = new Set<string>();
      await forEachOf([...points], async (point) => {
        for (const key of await whoMeets(meetingPartition(cluster, point))) found.add(key);
      });
      const met = [...found].filter((key) => key !== activity.key && !members.has(key)).sort();
      const most = mostMembers - 1 - members.size;
      left += Math.max(0, met.length - most);
      ring = [];
      await forEachOf(met.slice(0, most), async (key) => {
        const read = await loadMember(key);
        members.set(key, read);
        ring.push(read.member);
      });
    }
    if (left > 0) log({ kind: 'too-many-members', activity: activity.key, left });
    return [...members.values()];
  }

  /** What is settled together and closes together looks together: what they read then is read once. */
  async function armLooks(all: readonly (OwnLooks & { id: string })[]): Promise<void> {
    const settled = new Set(all.map(({ activity }) => activity.key));
    for (const [closes, some] of Map.groupBy(all, (own) => Math.ceil(own.closes))) {
      const othersOf = (asked: 'soon' | 'closing') =>
        [...new Map(some.flatMap((own) => own[asked]).map((other) => [other.key, other])).values()].filter(
          ({ key }) => !settled.has(key),
        );
      const armThese = (these: readonly Activity[], name: string, seconds: number) =>
        arm(
          shorten(`${some[0]!.id} ${some[0]!.activity.key} ${name}`),
          these.map(({ key }) => key),
          seconds,
        );
      const [soon, closing] = [othersOf('soon'), othersOf('closing')];
      if (soon.length > 0) await sayNextLook(soon, await armThese(soon, 'soon', waits.meeting));
      const open = some.filter(({ isOpen }) => isOpen).map(({ activity }) => activity);
      const together = [...open, ...closing];
      const next = together.length > 0 ? await armThese(together, 'closing', closes) : undefined;
      if (next !== undefined) await sayNextLook(closing, next);
      // Last: a timer that comes again leaves it at that. Where somebody was faster, a look is to come that finds this.
      await forEachOf(some, async ({ activity: { key, look }, seen, isOpen }) => {
        const fields: LookFields = { seen, ...(isOpen && { next: next! }) };
        const item = lookItem(key, fields, look?.revision, expiresIn(waits.acquaintance));
        await store.replace(item, look?.revision);
      });
    }
  }

  return { register, createStories, gather, armLooks };
}

/** Asks once for each key. */
function once<T>(ask: (key: string) => Promise<T>): (key: string) => Promise<T> {
  const answers = new Map<string, Promise<T>>();
  return (key) => {
    const answer = answers.get(key) ?? ask(key);
    answers.set(key, answer);
    return answer;
  };
}
