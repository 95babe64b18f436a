/**
 * Settle: an activity that has gone quiet is read back, together with those of other roots that may have caused it, and
 * what can no longer change of its spans goes to the queue. Each span is sent by the one activity that its observation
 * is filed under.
 */
import * as v from 'valibot';
import type { Observation } from '../../shared/observation.ts';
import { parseWith } from '../../shared/observation.ts';
import { compareSpans, type Span } from '../../shared/span.ts';
import { type AssembledSpan, assemble, type SentSpan } from './causality/assemble.ts';
import { meetingDigests, meetingPoints } from './causality/meeting-points.ts';
import { fullestCluster, isOrphan, placeOf, rootOf, subjectId } from './file-observations.ts';
import { forEachOf } from './for-each-of.ts';
import type { BatchResponse } from './ingest.ts';
import { planFolds } from './plan-folds.ts';
import type { Ports, Remark, Waits } from './ports.ts';
import {
  aboutKey,
  activityPartition,
  archivePartition,
  clusterOf,
  expectKey,
  familyPartition,
  idOf,
  type KnownObject,
  lookKey,
  meetingPartition,
  type Place,
} from './store.ts';
import {
  type About,
  type Activity,
  aboutItem,
  chunkOf,
  chunksSince,
  cutItem,
  cutsAndExpectsAfter,
  expectItem,
  fitCut,
  knownObjects,
  lastCutAt,
  lastHeard,
  meetingItem,
  movedChunk,
  movedCut,
  pointsItem,
  readAbout,
  readActivity,
  sentOf,
  shorten,
  spansOf,
  waitingSince,
} from './store-items.ts';

/** What Lambda hands over, as far as it is read. */
export interface SqsEvent {
  Records: { messageId: string; body: string }[];
}

const TimerSchema = v.object({
  id: v.string(),
  activities: v.pipe(v.array(v.pipe(v.string(), v.includes('/'))), v.nonEmpty()),
  dueAt: v.number(),
  since: v.optional(v.number()),
});

/** The settle of one activity: its spans are sent with those of others, then its next timer. */
interface Turn {
  spans: Span[];
  /** Seconds until it comes back. */
  comesBack?: number | undefined;
  remark?: Remark;
}

/** An activity of a timer. */
interface Due {
  /** Of the timer. */
  id: string;
  activity: string;
  dueAt: number;
  since: number | undefined;
  messageId: string;
}

/** A drain of hundreds of nodes is no longer one story; what is left out is logged. */
const mostMembers = 200;
/** The longest chain of controllers known is 4 (CronJob, Job, or an operator's resource over a Deployment). */
const mostOwners = 16;
/** Of an activity: what a rollout comes to. */
const fewItems = 12;
/** Bytes: to read so much once more costs what it costs to write down what was found (five of DynamoDB's read units). */
const muchToRead = 20_000;
/** Milliseconds from when ingest looks at the clock until what it writes is there. */
const longestPut = 60_000;

/**
 * The handler of the timers. A message that is no timer is set aside; the answer names those to be brought again.
 */
export function createSettle(ports: Ports, waits: Waits): (event: SqsEvent) => Promise<BatchResponse> {
  const { store, now } = ports;
  const firstLook = waits.quiet + waits.spread;
  const expiresIn = (seconds: number) => Math.ceil(now() / 1000) + seconds;
  const load = async (key: string) => readActivity(key, await store.list(activityPartition(key)));

  const loadArchive = async (key: string) => readActivity(key, await store.list(archivePartition(key))).cuts;

  /** Its root as far as it is known now, and whether its own object is. */
  async function place(
    { key, family }: Activity,
    own: readonly Observation[],
  ): Promise<{ root: string; family: string; known: boolean }> {
    const [cluster, id] = [clusterOf(key), idOf(key)];
    const start: Place = { id, family: family ?? id };
    const told = own.filter((observation) => subjectId(observation) === id);
    const said = told.flatMap((observation) => placeOf(observation) ?? []);
    // Who learns of an owner elsewhere finds what has begun without it, and has it moved; but of an orphan more may come
    // after that, from a function that remembers it as one.
    if (said.length > 0 && said.every(({ owner }) => owner === undefined) && !told.some(isOrphan))
      return { root: key, family: start.family, known: true };
    const world = new Map<string, KnownObject>();
    const asked = new Set<string>();
    let at: Place | undefined = start;
    for (let steps = 0; at !== undefined && steps < mostOwners; steps += 1) {
      const partition = familyPartition(cluster, at.family);
      if (!world.has(at.id) && !asked.has(partition)) {
        asked.add(partition);
        for (const [id, { known }] of knownObjects(await store.list(partition))) world.set(id, known);
      }
      at = world.get(at.id)?.owner;
    }
    const root = rootOf(start, (id) => world.get(id));
    return {
      root: `${cluster}/${root.id}`,
      family: root.family,
      known: said.length > 0 || world.has(id),
    };
  }

  /**
   * Everything into its real root's activity, whose object is of `family`: what was cut first, so that nobody there sends
   * it again. Cuts stay here as well: the timer that made one may still have to send it.
   */
  async function move(from: string, into: string, family: string, arm: () => Promise<void>): Promise<void> {
    const early = await load(from);
    // Takes the turn of a settle that is reading `from` now: what it would send is sent from `into`.
    const expiresAt = expiresIn(waits.retention);
    const turn = cutItem(from, early.lastCut + 1, [], { at: now(), turn: '' }, expiresAt);
    if (!(await store.replace(turn, undefined))) throw new Error(`${from} is being settled elsewhere`);
    const fields = { at: now(), family };
    await store.put(early.cuts.map((item) => movedCut(item, from, into)));
    await store.put([
      ...early.chunks.map((item) => movedChunk(item, from, into, fields)),
      ...early.expected.filter((key) => key !== into).map((key) => expectItem(into, family, key, expiresAt)),
    ]);
    // Before nothing is left here that would bring this about again.
    await arm();
    await store.remove([
      ...early.chunks,
      ...early.expected.map((key) => expectKey(from, key)),
      { pk: activityPartition(from), sk: 'points' },
    ]);
    await store.remove([expectKey(into, from)]);
    ports.log({ kind: 'moved', activity: from, into, items: early.chunks.length });
  }

  /** Writes itself into its meeting points, then sees to it that whoever was there already looks again. */
  async function register(
    id: string,
    activity: Activity,
    observations: readonly Observation[],
  ): Promise<boolean> {
    const points = meetingPoints(observations);
    const before = new Set(activity.points);
    const news = points.filter((point) => !before.has(point));
    if (news.length === 0) return false;
    const { key } = activity;
    await store.put(news.map((point) => meetingItem(key, point, expiresIn(waits.acquaintance))));
    const others = (await whoMeets(clusterOf(key), news)).filter((other) => other !== key);
    await lookAgain(shorten(`${id} ${key}`), others);
    // Expires first, so that a long activity registers again before its items are gone.
    const all = [...new Set([...before, ...points])].sort();
    await store.put([pointsItem(key, all, expiresIn(waits.acquaintance / 2))]);
    activity.points = all;
    return true;
  }

  /** In `meeting` seconds; those of whom nobody has asked for that already. */
  async function lookAgain(id: string, activities: readonly string[]): Promise<void> {
    const asked = new Set((await store.read(activities.map(lookKey))).map(({ pk }) => pk));
    const left = activities.filter((activity) => !asked.has(activityPartition(activity)));
    if (left.length === 0) return;
    await arm(id, left, waits.meeting);
    // Until a second before that look.
    const expiresAt = Math.floor(now() / 1000 + waits.meeting) - 1;
    await store.put(left.map((activity) => ({ ...lookKey(activity), expiresAt })));
  }

  const arm = (id: string, activities: readonly string[], seconds: number) =>
    ports.timers.arm({ id, activities, dueAt: now() + seconds * 1000, since: now() }, seconds);

  async function whoMeets(cluster: string, points: readonly string[]): Promise<string[]> {
    const met = new Set<string>();
    await forEachOf(points, async (point) => {
      for (const { sk } of await store.list(meetingPartition(cluster, point))) met.add(sk);
    });
    return [...met].sort();
  }

  /** It, those it meets, those they meet, and so on. */
  async function gather(activity: Activity): Promise<Activity[]> {
    const members = new Map([[activity.key, activity]]);
    const asked = new Set<string>();
    let left = 0;
    for (let ring = [activity]; ring.length > 0; ) {
      const points = [...new Set(ring.flatMap((member) => member.points))].filter(
        (point) => !asked.has(point),
      );
      for (const point of points) asked.add(point);
      const met = (await whoMeets(clusterOf(activity.key), points)).filter((key) => !members.has(key));
      left += Math.max(0, met.length - (mostMembers - members.size));
      ring = [];
      await forEachOf(met.slice(0, mostMembers - members.size), async (key) => {
        ring.push(await load(key));
      });
      for (const member of ring) members.set(member.key, member);
    }
    if (left > 0) ports.log({ kind: 'too-many-members', activity: activity.key, left });
    return [...members.values()];
  }

  const waitsSince = (activity: Activity) => waitingSince(activity, lastCutAt(activity), firstLook * 1000);

  /** Seconds; 0 where it is quiet, or has been loud for too long. */
  function untilQuiet(heard: number, since: number): number {
    const [sinceLast, sinceFirst] = [(now() - heard) / 1000, (now() - since) / 1000];
    return Math.max(0, Math.min(waits.quiet - sinceLast, waits.patience - sinceFirst));
  }

  /** Seconds until it may be settled: 0 when it is quiet, or has been loud for too long. */
  async function unrest(activity: Activity, own: readonly Observation[]): Promise<number> {
    const { key, expected } = activity;
    const since = waitsSince(activity);
    if (since === undefined) return 0;
    const sinceFirst = (now() - since) / 1000;
    if (sinceFirst >= waits.patience) return 0;
    const loud = untilQuiet(lastHeard(activity), since);
    if (loud > 0) return loud;
    // Its own settle moves them in.
    if (expected.length > 0) return waits.meeting;
    if (sinceFirst < waits.pending) {
      const { root, known } = await place(activity, own);
      if (!known || root !== key) return waits.pending - sinceFirst;
    }
    return 0;
  }

  /** Its settle comes back, or a timer that comes anyway does. */
  function postpone(
    { activity, dueAt }: Due,
    { chunks }: Pick<Activity, 'chunks'>,
    seconds: number,
    age: number,
  ): Omit<Turn, 'spans'> {
    const next = chunks.reduce((last, { fields }) => Math.max(last, fields.dueAt), 0);
    return {
      comesBack: next > now() && next !== dueAt ? undefined : seconds,
      remark: { kind: 'postponed', activity, seconds, age },
    };
  }

  /**
   * What a look at all of a loud activity would come to, from what is new since the last such look. Undefined: nobody
   * has looked since its last cut, or it takes such a look again.
   */
  async function listen(due: Due, about: About): Promise<Turn | undefined> {
    const { activity: key, dueAt, since } = due;
    // Maybe cut by this timer, which came again before it was done.
    if (about.cutAt >= dueAt - waits.margin * 1000) return undefined;
    const [items, others] = await Promise.all(
      [chunksSince(about.at - longestPut), cutsAndExpectsAfter(about.cut)].map((part) =>
        store.list(activityPartition(key), part),
      ),
    );
    if (others!.length > 0) return undefined;
    const news = readActivity(key, items!);
    if (isSuperseded(news, since)) return { spans: [] };
    const first = waitingSince(news, about.cutAt, firstLook * 1000);
    if (first === undefined) return undefined;
    const waiting = Math.min(first, about.since ?? first);
    const wait = untilQuiet(lastHeard(news), waiting);
    if (wait === 0) return undefined;
    const digests = meetingDigests(news.chunks.flatMap((chunk) => chunkOf(chunk).observations));
    if (!digests.isSubsetOf(about.digests)) return undefined;
    return { spans: [], ...postpone(due, news, wait, (now() - waiting) / 1000) };
  }

  /** For those that look next, where that costs less than what they would read. */
  async function tellAbout(
    { key, bytes, lastCut: cut }: Activity,
    observations: readonly Observation[],
    about: Pick<About, 'at' | 'cutAt' | 'since'>,
  ): Promise<void> {
    if (bytes < muchToRead) return;
    const digests = meetingDigests(observations);
    const item = aboutItem(key, { ...about, cut, digests }, expiresIn(2 * waits.patience));
    if (item !== undefined) await store.put([item]);
  }

  /** What is mostly little stays as it is. */
  async function fold(read: Parameters<typeof planFolds>[0]): Promise<void> {
    if (read.activity.bytes < muchToRead) return;
    for (const { put, remove } of planFolds(read, waits, now())) {
      await store.put(put);
      await store.remove(remove);
    }
  }

  /** All of it, which is mostly little; else what somebody has found who has read all, and then what is new. */
  async function prepare(due: Due): Promise<Turn> {
    const pk = activityPartition(due.activity);
    const readAt = now();
    const first = await store.list(pk, { most: fewItems });
    if (first.length < fewItems) return look(due, readActivity(due.activity, first), readAt);
    const about = first.find(({ sk }) => sk === aboutKey(due.activity).sk);
    const heard = about && (await listen(due, readAbout(about)));
    if (heard !== undefined) return heard;
    const rest = await store.list(pk, { within: [`${first.at(-1)!.sk}!`, '~'] });
    return look(due, readActivity(due.activity, [...first, ...rest]), readAt);
  }

  async function look(due: Due, activity: Activity, readAt: number): Promise<Turn> {
    const { id, activity: key, dueAt, since } = due;
    // Cut by this timer, which came again before it was done.
    const isLate = now() - dueAt > (waits.eventRetention - waits.margin) * 1000;
    const cuts = isLate ? [...activity.cuts, ...(await loadArchive(key))] : activity.cuts;
    const spans = cuts.filter(({ fields }) => fields.turn === id).flatMap(spansOf);
    if (isSuperseded(activity, since)) return { spans };
    let own = activity.chunks.map(chunkOf);
    let observations = own.flatMap((chunk) => chunk.observations);
    const { root, family, known } = await place(activity, observations);
    if (root !== key) {
      if (activity.chunks.length + activity.expected.length > 0) {
        const timer = { id: shorten(`${id} ${key}`), activities: [root] };
        await move(key, root, family, () =>
          ports.timers.arm({ ...timer, dueAt: now() + firstLook * 1000 }, firstLook),
        );
      }
      return { spans };
    }
    if (observations.length + activity.expected.length === 0) return { spans };
    let { lastCut } = activity;
    for (let turn = 0; activity.expected.length > 0 && turn < mostOwners; turn += 1) {
      // This timer comes again until it is done with what is moved in.
      for (const expected of activity.expected) await move(expected, key, family, async () => {});
      readAt = now();
      activity = await load(key);
      own = activity.chunks.map(chunkOf);
      observations = own.flatMap((chunk) => chunk.observations);
    }

    const heard = lastHeard(activity);
    const waiting = waitsSince(activity);
    const age = (now() - (waiting ?? now())) / 1000;
    /** Seconds that the timers' queue is behind. */
    const behind = Math.max(0, (now() - dueAt) / 1000);
    const comeBack = (seconds: number): Turn => ({
      spans,
      comesBack: seconds,
      remark: { kind: 'postponed', activity: key, seconds, age },
    });
    const isNew = await register(id, activity, observations);
    const wait = await unrest(activity, observations);
    if (wait > 0) {
      await tellAbout(activity, observations, { at: readAt, cutAt: lastCutAt(activity), since: waiting });
      return { spans, ...postpone(due, activity, wait, age) };
    }
    // What meets others gives those that went quiet with it the time for their first look, which is late where this one
    // is; and not beyond patience: an activity that makes new points all the time settles too.
    const meetsFrom = heard + (firstLook + waits.meeting + behind) * 1000;
    const toCome = activity.points.length > 0 ? (meetsFrom - now()) / 1000 : 0;
    const meeting = isNew ? waits.meeting + behind : Math.min(toCome, waits.meeting + behind);
    if (meeting > 0 && age < waits.patience) return comeBack(meeting);
    const members = await gather(activity);
    const others = members
      .filter((member) => member !== activity)
      .map((member) => ({ member, chunks: member.chunks.map(chunkOf) }));
    // From when it went quiet, or was no longer waited for.
    const held = Math.max((now() - heard) / 1000 - waits.quiet, age - waits.patience);
    if (held < waits.hold && others.length > 0) {
      const unrests = await Promise.all(
        others.map(({ member, chunks }) =>
          unrest(
            member,
            chunks.flatMap((chunk) => chunk.observations),
          ),
        ),
      );
      const longest = Math.max(0, ...unrests);
      if (longest > 0) return comeBack(Math.min(longest, waits.hold - held));
    }

    const ownSent = whatWasSent([activity]);
    const sent = new Map([...ownSent, ...whatWasSent(others.map(({ member }) => member))]);
    const assembled = assemble({
      cluster: fullestCluster(own.map(({ cluster }) => cluster)),
      observations: [...own, ...others.flatMap(({ chunks }) => chunks)].flatMap(
        (chunk) => chunk.observations,
      ),
      sent,
      now: ports.assemblyClock(),
    });
    const { final, open } = pickSpans(assembled, observations, ownSent);
    for (let rest = final; rest.length > 0; ) {
      const some = fitCut(rest);
      rest = rest.slice(some.length);
      lastCut += 1;
      const cut = cutItem(key, lastCut, some, { at: now(), turn: id }, expiresIn(waits.retention));
      if (!(await store.replace(cut, undefined))) {
        // Another settle of this activity was faster: read again what it has sent. If it is this timer's, which came
        // twice, or this very call, whose first answer was lost, nobody else may live to send it.
        const [first] = (await store.read([cut])) as Activity['cuts'];
        if (first?.fields.turn === id) spans.push(...spansOf(first));
        return comeBack(waits.quiet);
      }
      spans.push(...some);
    }
    await fold({ activity, chunks: own });
    await tellAbout({ ...activity, lastCut }, observations, { at: readAt, cutAt: now(), since: undefined });
    const closed = new Set(
      [...sent.values()].flatMap((span) => (span.parentSpanId === null ? span.traceId : [])),
    );
    const settled: Remark = {
      kind: 'settled',
      activity: key,
      members: members.length,
      sent: final.length,
      late: final.filter(({ traceId }) => closed.has(traceId)).length,
      unresolved: known ? 0 : final.length,
      open,
      traceIds: [...new Set(final.map(({ traceId }) => traceId))],
      age,
    };
    return { spans, remark: settled, ...(open > 0 && { comesBack: waits.closing }) };
  }

  /** Together: they share requests to the queues. Those that failed, and why. */
  async function settle(some: readonly Due[]): Promise<Map<Due, unknown>> {
    const failed = new Map<Due, unknown>();
    const turns = new Map<Due, Turn>();
    await forEachOf(some, async (due) => {
      try {
        turns.set(due, await prepare(due));
      } catch (error) {
        failed.set(due, error);
      }
    });
    try {
      const spans = [...turns.values()].flatMap((turn) => turn.spans);
      if (spans.length > 0) await ports.spansQueue.send(spans);
      const coming = [...turns].filter(([, { comesBack }]) => comesBack !== undefined);
      const together = ([{ id }, { comesBack }]: [Due, Turn]) => `${Math.ceil(comesBack!)} ${id}`;
      for (const own of Map.groupBy(coming, together).values()) {
        const [[{ id }, { comesBack }]] = own as [[Due, Turn]];
        const activities = own.map(([{ activity }]) => activity);
        await arm(shorten(`${id} again`), activities, Math.ceil(comesBack!));
      }
      for (const { remark } of turns.values()) if (remark !== undefined) ports.log(remark);
    } catch (error) {
      for (const due of turns.keys()) failed.set(due, error);
    }
    return failed;
  }

  /**
   * Of one message those that failed, without the others: with them they would bring, time and again, what was sent and
   * armed for the others already. Whether the message is done with.
   */
  async function armAgain(some: readonly Due[]): Promise<boolean> {
    const { id, dueAt, since } = some[0]!;
    const activities = some.map(({ activity }) => activity);
    try {
      await ports.timers.arm({ id, activities, dueAt, ...(since !== undefined && { since }) }, waits.quiet);
      return true;
    } catch (error) {
      ports.log({ kind: 'settle-failed', activity: '', error });
      return false;
    }
  }

  return async ({ Records }) => {
    const failures = new Set<string>();
    const inMessages: Due[] = [];
    for (const { messageId, body } of Records) {
      const timer = parseWith(TimerSchema, parseJson(body));
      try {
        if (!timer.ok) {
          await ports.setAside.keep({ reason: timer.reason, payload: body, source: messageId });
          ports.log({ kind: 'set-aside', source: messageId, reason: timer.reason });
          continue;
        }
        const { id, activities, dueAt, since } = timer.value;
        const early = dueAt - now();
        const again = { id, activities, dueAt, ...(since !== undefined && { since }) };
        if (early > 1000) await ports.timers.arm(again, early / 1000);
        else inMessages.push(...activities.map((activity) => ({ id, activity, dueAt, since, messageId })));
      } catch (error) {
        ports.log({ kind: 'settle-failed', activity: '', error });
        failures.add(messageId);
      }
    }
    const first = await settle(inMessages);
    // Each again, and alone: until the message is visible again, those it would meet settle without this activity.
    const failed: Due[] = [];
    for (const due of first.keys()) {
      const [again] = (await settle([due])).values();
      if (again === undefined) continue;
      ports.log({ kind: 'settle-failed', activity: due.activity, error: again });
      failed.push(due);
    }
    for (const [messageId, some] of Map.groupBy(failed, (due) => due.messageId)) {
      const all = inMessages.filter((due) => due.messageId === messageId);
      if (some.length === all.length || !(await armAgain(some))) failures.add(messageId);
    }
    return { batchItemFailures: [...failures].map((itemIdentifier) => ({ itemIdentifier })) };
  };
}

/** What came since it was armed has a timer of its own, which does what this one would. */
const isSuperseded = ({ chunks }: Pick<Activity, 'chunks'>, since: number | undefined): boolean =>
  since !== undefined && chunks.some(({ fields }) => fields.at > since && fields.dueAt > since);

/** By span id. */
function whatWasSent(members: readonly Activity[]): Map<string, SentSpan> {
  const sent = new Map<string, SentSpan>();
  for (const { cuts } of members) for (const span of cuts.flatMap(sentOf)) sent.set(span.spanId, span);
  return sent;
}

function pickSpans(
  spans: readonly AssembledSpan[],
  own: readonly Observation[],
  sent: ReadonlyMap<string, SentSpan>,
): { final: Span[]; open: number } {
  const ownKeys = new Set(
    own.map((observation) =>
      observation.type === 'event'
        ? `${observation.event.uid}/${observation.event.count}`
        : observation.object.uid,
    ),
  );
  const unsent = spans.filter(({ key, span }) => ownKeys.has(key) && !sent.has(span.spanId));
  const final = unsent.filter((entry) => entry.final).map(({ span }) => span);
  return { final: final.sort(compareSpans), open: unsent.length - final.length };
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
