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
import { joinDigests } from './causality/join-keys.ts';
import { builtInRules } from './causality/rules/built-in-rules.ts';
import type { RuleSet } from './causality/rules/rule-set.ts';
import { fullestCluster, isOrphan, placeOf, rootOf, subjectId } from './file-observations.ts';
import { forEachOf } from './for-each-of.ts';
import type { BatchResponse } from './ingest.ts';
import { createMeetings, type OwnLooks, type Stories } from './meet-others.ts';
import { planFolds } from './plan-folds.ts';
import { planLooks } from './plan-looks.ts';
import type { Ports, Remark, Waits } from './ports.ts';
import {
  aboutKey,
  activityPartition,
  archivePartition,
  clusterOf,
  expectKey,
  familyPartition,
  type Item,
  idOf,
  type KnownObject,
  type Place,
} from './store.ts';
import {
  type About,
  type Activity,
  aboutItem,
  bytesOf,
  type Chunk,
  chunkOf,
  chunksSince,
  cutItem,
  cutsAndExpectsAfter,
  expectItem,
  fitCut,
  hasSeen,
  isChunk,
  knownObjects,
  lastCutAt,
  lastHeard,
  movedChunk,
  movedCut,
  nameChunks,
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
  looks?: OwnLooks;
}

/** An activity that can be settled as soon as those are read that it meets. */
interface Ready {
  due: Due;
  activity: Activity;
  chunks: Chunk[];
  /** Read after this. */
  readAt: number;
  /** Before anything was moved in: whoever has cut since has seen less, or more. */
  lastCut: number;
  /** Its own object was seen. */
  isKnown: boolean;
  /** Seconds since when whoever begins to look finds it where they meet. */
  found: number;
  /** Sent by this timer already. */
  spans: Span[];
}

/** An activity of a timer. */
interface Due {
  /** Of the timer. */
  id: string;
  activity: string;
  dueAt: number;
  since: number | undefined;
  messageId: string;
  /** In its message. */
  isAlone: boolean;
}

/** The longest chain of controllers known is 4 (CronJob, Job, or an operator's resource over a Deployment). */
const mostOwners = 16;
/** Of an activity: what a rollout comes to. */
const fewItems = 12;
/** Bytes: to read so much once more costs what it costs to write down what was found (five of DynamoDB's read units). */
const muchToRead = 20_000;
/**
 * Bytes of bodies: unpacked and assembled they are some two hundred times as much, and an invocation has up to twenty
 * activities at once. What is larger comes alone, so that the others do not fail with it.
 */
const mostAtOnce = 300_000;
/** With this, a settle has used a third of the function's memory. */
const large = 3_000_000;
/** Milliseconds from when ingest looks at the clock until what it writes is there. */
const longestPut = 60_000;

/**
 * The handler of the timers. A message that is no timer is set aside; the answer names those to be brought again.
 */
export function createSettle(
  ports: Ports,
  waits: Waits,
  rules: RuleSet = builtInRules,
): (event: SqsEvent) => Promise<BatchResponse> {
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

  /** When they come, in milliseconds since 1970. */
  async function arm(id: string, activities: readonly string[], seconds: number): Promise<number> {
    const dueAt = now() + seconds * 1000;
    await ports.timers.arm({ id, activities, dueAt, since: now() }, seconds);
    return dueAt;
  }

  const { register, createStories, gather, armLooks } = createMeetings(ports, waits, rules, arm);

  const waitsSince = (activity: Activity) => waitingSince(activity, lastCutAt(activity), firstLook * 1000);

  /** Seconds; 0 where it is quiet, or has been loud for too long. */
  function untilQuiet(heard: number, since: number): number {
    const [sinceLast, sinceFirst] = [(now() - heard) / 1000, (now() - since) / 1000];
    return Math.max(0, Math.min(waits.quiet - sinceLast, waits.patience - sinceFirst));
  }

  /** Seconds that the timers' queue is behind. */
  const behind = (dueAt: number) => Math.max(0, (now() - dueAt) / 1000);

  /**
   * Seconds: what meets others gives those that went quiet with it the time for their first look, which is late where
   * this one is.
   */
  function untilMet(meets: boolean, heard: number, dueAt: number): number {
    const longest = waits.meeting + behind(dueAt);
    return meets ? Math.min((heard - now()) / 1000 + firstLook + longest, longest) : 0;
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
    const heard = lastHeard(news);
    const age = (now() - waiting) / 1000;
    const loud = untilQuiet(heard, waiting);
    const wait = loud > 0 || age >= waits.patience ? loud : untilMet(about.meets, heard, dueAt);
    if (wait <= 0) return undefined;
    const digests = joinDigests(
      news.chunks.flatMap((chunk) => chunkOf(chunk).observations),
      rules,
    );
    if (!digests.isSubsetOf(about.digests)) return undefined;
    return { spans: [], ...postpone(due, news, wait, age) };
  }

  /** For those that look next, where that costs less than what they would read. */
  async function tellAbout(
    { key, bytes, lastCut: cut, points }: Activity,
    observations: readonly Observation[],
    about: Pick<About, 'at' | 'cutAt' | 'since'>,
  ): Promise<void> {
    if (bytes < muchToRead) return;
    const digests = joinDigests(observations, rules);
    const item = aboutItem(
      key,
      { ...about, cut, bytes, digests, meets: points.length > 0 },
      expiresIn(waits.closing + 2 * waits.patience),
    );
    if (item !== undefined) await store.put([item]);
  }

  /** What is mostly little stays as it is. The name of the chunks that there are then. */
  async function fold(read: Parameters<typeof planFolds>[0]): Promise<string> {
    const left = new Map<string, Pick<Item, 'sk'>>(read.activity.chunks.map((item) => [item.sk, item]));
    if (read.activity.bytes >= muchToRead) {
      for (const { put, remove } of planFolds(read, waits, now())) {
        await store.put(put);
        await store.remove(remove);
        for (const item of put) if (isChunk(item)) left.set(item.sk, item);
        for (const { sk } of remove) left.delete(sk);
      }
    }
    return nameChunks([...left.values()]);
  }

  /** All of it, which is mostly little; else what somebody has found who has read all, and then what is new. */
  async function prepare(due: Due): Promise<Turn | Ready> {
    const pk = activityPartition(due.activity);
    const readAt = now();
    const first = await store.list(pk, { most: fewItems });
    const isWhole = first.length < fewItems;
    const about = first.find(({ sk }) => sk === aboutKey(due.activity).sk);
    const found = about && readAbout(about);
    const heard = isWhole || found === undefined ? undefined : await listen(due, found);
    if (heard !== undefined) return heard;
    const bytes = isWhole ? bytesOf(first) : (found?.bytes ?? 0);
    if (bytes > mostAtOnce && !due.isAlone) {
      await armAgain([due], 0);
      return { spans: [] };
    }
    if (bytes > large) ports.log({ kind: 'large', activity: due.activity, bytes });
    if (isWhole) return look(due, readActivity(due.activity, first), readAt);
    const rest = await store.list(pk, { within: [`${first.at(-1)!.sk}!`, '~'] });
    return look(due, readActivity(due.activity, [...first, ...rest]), readAt);
  }

  async function look(due: Due, activity: Activity, readAt: number): Promise<Turn | Ready> {
    const { id, activity: key, dueAt, since } = due;
    // Cut by this timer, which came again before it was done.
    const isLate = now() - dueAt > (waits.cutRetention - waits.margin) * 1000;
    const cuts = isLate ? [...activity.cuts, ...(await loadArchive(key))] : activity.cuts;
    const spans = cuts.filter(({ fields }) => fields.turn === id).flatMap(spansOf);
    if (isSuperseded(activity, since) || isLeftToLater(activity, dueAt)) return { spans };
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
    const { lastCut } = activity;
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
    const isNew = await register(activity, observations);
    const wait = await unrest(activity, observations);
    if (wait > 0) {
      await tellAbout(activity, observations, { at: readAt, cutAt: lastCutAt(activity), since: waiting });
      return { spans, ...postpone(due, activity, wait, age) };
    }
    const found = isNew ? 0 : waits.meeting + behind(dueAt);
    const meeting = isNew
      ? waits.meeting + behind(dueAt)
      : untilMet(activity.points.length > 0, heard, dueAt);
    const ready = { due, activity, chunks: own, readAt, lastCut, isKnown: known, found, spans };
    // Not beyond patience: an activity that makes new points all the time settles too.
    return meeting > 0 && age < waits.patience ? comeBack(ready, meeting) : ready;
  }

  const ageOf = (activity: Activity) => (now() - (waitsSince(activity) ?? now())) / 1000;

  const comeBack = ({ activity, spans }: Ready, seconds: number): Turn => ({
    spans,
    comesBack: seconds,
    remark: { kind: 'postponed', activity: activity.key, seconds, age: ageOf(activity) },
  });

  async function finish(ready: Ready, stories: Stories): Promise<Turn> {
    const { due, activity, chunks: own, readAt, isKnown, found, spans } = ready;
    const { id } = due;
    const { key } = activity;
    const age = ageOf(activity);
    const observations = own.flatMap((chunk) => chunk.observations);
    const others = await gather(activity, stories);
    // From when it went quiet, or was no longer waited for.
    const held = Math.max((now() - lastHeard(activity)) / 1000 - waits.quiet, age - waits.patience);
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
      if (longest > 0) return comeBack(ready, Math.min(longest, waits.hold - held));
    }

    const ownSent = whatWasSent([activity]);
    const sent = new Map([...ownSent, ...whatWasSent(others.map(({ member }) => member))]);
    const assembled = assemble({
      cluster: fullestCluster(own.map(({ cluster }) => cluster)),
      observations: [...own, ...others.flatMap(({ chunks }) => chunks)].flatMap(
        (chunk) => chunk.observations,
      ),
      rules,
      sent,
      now: ports.assemblyClock(),
    });
    const horizon = BigInt(now() - waits.retention * 1000) * 1_000_000n;
    const { final, open } = pickSpans(assembled, observations, ownSent, horizon);
    let { lastCut } = ready;
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
        return comeBack(ready, waits.quiet);
      }
      spans.push(...some);
    }
    const left = await fold({ activity, chunks: own });
    await tellAbout({ ...activity, lastCut }, observations, { at: readAt, cutAt: now(), since: undefined });
    const closed = new Set(
      [...sent.values()].flatMap((span) => (span.parentSpanId === null ? span.traceId : [])),
    );
    const settled: Remark = {
      kind: 'settled',
      activity: key,
      members: 1 + others.length,
      sent: final.length,
      late: final.filter(({ traceId }) => closed.has(traceId)).length,
      unresolved: isKnown ? 0 : final.length,
      open,
      traceIds: [...new Set(final.map(({ traceId }) => traceId))],
      age,
    };
    const closes = untilClosed([activity, ...others.map(({ member }) => member)]);
    if (activity.points.length === 0) {
      return { spans, remark: settled, ...(open > 0 && { comesBack: closes }) };
    }
    const seen = others.map(({ member, chunks }) => {
      const said = chunks.flatMap((chunk) => chunk.observations);
      const { final, open } = pickSpans(assembled, said, whatWasSent([member]), horizon);
      return { member, unsent: { final: final.length, open } };
    });
    const isLook = hasSeen(activity);
    const looks = planLooks(seen, { sent: spans.length, isLook, found }, waits, now());
    return { spans, remark: settled, looks: { ...looks, activity, seen: left, isOpen: open > 0, closes } };
  }

  /** Seconds until all may be closed: with the time that what still belongs to it takes to come, and to be found. */
  function untilClosed(members: readonly Activity[]): number {
    const heard = members.reduce((last, member) => Math.max(last, lastHeard(member)), 0);
    const left = waits.closing + firstLook + waits.meeting - (now() - heard) / 1000;
    // What is still open then is told by a clock that is ahead.
    return left > 0 ? Math.min(left, waits.closing) : waits.closing;
  }

  /** Together: they share requests to the queues. Those that failed, and why. */
  async function settle(some: readonly Due[]): Promise<Map<Due, unknown>> {
    const failed = new Map<Due, unknown>();
    const turns = new Map<Due, Turn>();
    const ready: Ready[] = [];
    const tryOut = async (due: Due, step: () => Promise<Turn | Ready>) => {
      try {
        const reached = await step();
        if ('due' in reached) ready.push(reached);
        else turns.set(due, reached);
      } catch (error) {
        failed.set(due, error);
      }
    };
    await forEachOf(some, (due) => tryOut(due, () => prepare(due)));
    // Only now: each sees whoever registered before it did.
    const stories = createStories();
    await forEachOf(ready.splice(0), (one) => tryOut(one.due, () => finish(one, stories)));
    try {
      await armLooks(
        [...turns].flatMap(([{ id }, { looks }]) => (looks === undefined ? [] : { id, ...looks })),
      );
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

  /** Some of one message in one of their own. */
  async function armAgain(some: readonly Due[], seconds: number): Promise<void> {
    const { id, dueAt, since } = some[0]!;
    const activities = some.map(({ activity }) => activity);
    await ports.timers.arm({ id, activities, dueAt, ...(since !== undefined && { since }) }, seconds);
  }

  /**
   * Of one message those that failed, without the others: with them they would bring, time and again, what was sent and
   * armed for the others already. Whether the message is done with.
   */
  async function leaveOthersOut(failed: readonly Due[]): Promise<boolean> {
    try {
      await armAgain(failed, waits.quiet);
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
        else {
          const isAlone = activities.length === 1;
          inMessages.push(
            ...activities.map((activity) => ({ id, activity, dueAt, since, messageId, isAlone })),
          );
        }
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
      if (some.length === all.length || !(await leaveOthersOut(some))) failures.add(messageId);
    }
    return { batchItemFailures: [...failures].map((itemIdentifier) => ({ itemIdentifier })) };
  };
}

/** What came since it was armed has a timer of its own, which does what this one would. */
const isSuperseded = ({ chunks }: Pick<Activity, 'chunks'>, since: number | undefined): boolean =>
  since !== undefined && chunks.some(({ fields }) => fields.at > since && fields.dueAt > since);

/** A look of which another is to come, or none is needed: nothing came since that was said. */
const isLeftToLater = (activity: Activity, dueAt: number): boolean =>
  hasSeen(activity) &&
  activity.expected.length === 0 &&
  (activity.look!.fields.next ?? Number.POSITIVE_INFINITY) > dueAt;

/** By span id. */
function whatWasSent(members: readonly Activity[]): Map<string, SentSpan> {
  const sent = new Map<string, SentSpan>();
  for (const { cuts } of members) for (const span of cuts.flatMap(sentOf)) sent.set(span.spanId, span);
  return sent;
}

/**
 * @param horizon nanoseconds since 1970: of what is older nobody knows whether it was sent, and only snapshots tell of it, which
 * come again and again
 */
function pickSpans(
  spans: readonly AssembledSpan[],
  own: readonly Observation[],
  sent: ReadonlyMap<string, SentSpan>,
  horizon: bigint,
): { final: Span[]; open: number } {
  const ownKeys = keysOf(own);
  const unsent = spans.filter(
    ({ key, span, untoldSince }) =>
      ownKeys.has(key) && !sent.has(span.spanId) && (untoldSince ?? horizon) >= horizon,
  );
  const final = unsent.filter((entry) => entry.final).map(({ span }) => span);
  return { final: final.sort(compareSpans), open: unsent.length - final.length };
}

/**
 * Of the spans that these observations are told by: an Event's first occurrence is its repeats', a transition its pod's, the
 * root of a change its object's.
 */
function keysOf(own: readonly Observation[]): Set<string> {
  const keys = new Set<string>();
  for (const observation of own) {
    if (observation.type === 'object') keys.add(observation.object.uid);
    else for (const count of [1, observation.event.count]) keys.add(`${observation.event.uid}/${count}`);
  }
  return keys;
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
