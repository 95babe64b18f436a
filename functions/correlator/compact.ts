/**
 * Compaction: of an activity that goes on and on, what nobody changes any more goes into fewer and smaller items, and what is over
 * goes out of the way, so that a check of all of it reads no more after a week than after hours.
 *
 * - Chunks, once they are settled, into one, which packs them a tenth as large. Of a trace that was sent whole and has been silent for
 *   hours its observations are left out: nothing can hang under its spans any more (no trace is longer than an hour). Of an object
 *   its newest snapshot stays, unless it is gone. What half of a trace's observations would tell is not told again: see `Bounds` in
 *   pick-spans.ts.
 * - Batches of the outbox, half an hour after they were committed: what tells that their spans were sent. The spans themselves go into
 *   the archive, for a timer that comes so late.
 * - What was sent, of traces that are over: into the archive, by the hour in which the span starts. Who assembles a span of such an
 *   hour asks there.
 *
 * Each is put before what it stands for is removed, and its key is behind those in order: who reads at the same time finds the one,
 * the other or both, and assembly is over a set.
 */
import type { Observation } from '../../shared/observation.ts';
import { type Activity, lastBatch, lastCommit, observationsOf } from './activity.ts';
import type { AssembledSpan, SentSpan } from './causality/assemble.ts';
import { fullestCluster } from './file-observations.ts';
import {
  archivedBatch,
  archivedSentItems,
  type BatchItem,
  type Chunk,
  type ChunkItem,
  compactedItems,
  hourOf,
  type SentItem,
  sentIn,
  sentItems,
} from './items.ts';
import { keysOf } from './pick-spans.ts';
import { activityPartition, expiryAfter, type Item, type Key } from './store.ts';
import { fewestBatches, fewestChunks, longestDelay, shareOver, type Thresholds } from './thresholds.ts';

/** To be put, then what is to be removed. */
export interface Compaction {
  put: Item[];
  remove: Key[];
}

export interface Settled {
  activity: Activity;
  /** What its chunks hold, in the same order. */
  chunks: readonly Chunk[];
  assembled: readonly AssembledSpan[];
  /** Of its own spans those that are still to be sent. */
  open: readonly AssembledSpan[];
}

/** @param now milliseconds since 1970 */
export function planCompaction(settled: Settled, thresholds: Thresholds, now: number): Compaction[] {
  const over = findOver(settled, now - thresholds.afterTrace * 1000);
  const kept = keepObservations(observationsOf(settled.chunks), over);
  return [
    compactChunks(settled, over, thresholds, now),
    compactSent(settled, over, keysOf(kept), thresholds, now),
  ].filter((compaction) => compaction !== undefined);
}

/** Traces that were sent whole and have been silent for long, and those that were not. */
interface Over {
  /** Milliseconds since 1970: what is younger is not over. */
  until: number;
  /** Trace ids of what is not over. */
  going: ReadonlySet<string>;
  /** Keys of spans in these. */
  keys: ReadonlySet<string>;
}

function findOver({ assembled, open }: Settled, until: number): Over {
  const untilNano = BigInt(until) * 1_000_000n;
  const isOpen = new Set(open.map(({ span }) => span.spanId));
  const going = new Set(
    assembled
      .filter(({ span }) => BigInt(span.endTimeUnixNano) >= untilNano || isOpen.has(span.spanId))
      .map(({ span }) => span.traceId),
  );
  const keys = assembled.filter(({ span }) => going.has(span.traceId)).map(({ key }) => key);
  return { until, going, keys: new Set(keys) };
}

function compactChunks(
  { activity, chunks, open }: Settled,
  over: Over,
  { maxWait, slack, quiet }: Thresholds,
  now: number,
): Compaction | undefined {
  // What timers still ask for the time of has to stay by itself.
  const settled = Math.min(lastCommit(activity), now - (maxWait + quiet + slack) * 1000 - longestDelay);
  const isOld = (item: ChunkItem) => item.compacted === undefined && item.at < settled;
  const isCompacted = (item: ChunkItem) => item.compacted !== undefined && item.at < settled;
  const pick = (isPicked: (item: ChunkItem) => boolean) => ({
    items: activity.chunks.filter(isPicked),
    chunks: chunks.filter((_, index) => isPicked(activity.chunks[index]!)),
  });
  const all = pick((item) => isOld(item) || isCompacted(item));
  const observations = withoutRepeats(all.chunks.flatMap((chunk) => chunk.observations));
  const kept = keepObservations(observations, over);
  const isWorthIt =
    observations.length - kept.length >= Math.max(fewestChunks, shareOver * observations.length);
  const some = isWorthIt ? all : pick(isOld);
  if (!isWorthIt && some.items.length < fewestChunks) return undefined;
  const left = isWorthIt ? kept : withoutRepeats(some.chunks.flatMap((chunk) => chunk.observations));
  const dropped = isWorthIt ? Math.max(0, ...without(observations, kept).map(timeOf)) : 0;
  const until = Math.max(dropped, ...some.items.map(({ compacted }) => compacted?.until ?? 0));
  const chunk: Chunk = {
    cluster: fullestCluster(some.chunks.map(({ cluster }) => cluster)),
    observations: left,
    ...(until > 0 && { unsent: toldBySnapshots(open) }),
  };
  return {
    put: compactedItems(activity.key, some.items, chunk, until),
    remove: some.items.map(({ sk }) => ({ pk: activityPartition(activity.key), sk })),
  };
}

const toldBySnapshots = (open: readonly AssembledSpan[]): string[] =>
  open
    .filter(({ occurrence }) => occurrence === undefined || occurrence.transition !== undefined)
    .map(({ span }) => span.spanId);

/**
 * What may still be a part of something; of an Event that goes on its lowest count, which says when it was first; of an object that is
 * not gone its newest snapshot.
 */
function keepObservations(observations: readonly Observation[], over: Over): Observation[] {
  const isRecent = (observation: Observation) => timeOf(observation) >= over.until;
  const lowest = lowestCounts(observations);
  const isGoing = ({ event }: Occurred) =>
    [1, event.count].some((count) => over.keys.has(`${event.uid}/${count}`));
  const events = observations.filter((observation) => observation.type === 'event');
  const kept = events.filter((observation) => isRecent(observation) || isGoing(observation));
  const goingOn = new Set(kept.map(({ event }) => event.uid));
  const subjects = new Set(kept.flatMap(({ event }) => [event.subject.uid, event.related?.uid]));
  const all = new Set<Observation>(kept);
  for (const [uid, observation] of lowest) if (goingOn.has(uid)) all.add(observation);
  const newest = newestSnapshots(observations);
  return observations.filter((observation) => {
    if (observation.type === 'event') return all.has(observation);
    const { uid } = observation.object;
    if (isRecent(observation) || over.keys.has(uid)) return true;
    return newest.has(observation) && (!isGone(observation) || subjects.has(uid));
  });
}

type Occurred = Extract<Observation, { type: 'event' }>;

/** By UID. */
function lowestCounts(observations: readonly Observation[]): Map<string, Occurred> {
  const lowest = new Map<string, Occurred>();
  for (const observation of observations) {
    if (observation.type !== 'event') continue;
    const { uid, count } = observation.event;
    const before = lowest.get(uid);
    if (before === undefined || count < before.event.count) lowest.set(uid, observation);
  }
  return lowest;
}

type Snapshot = Extract<Observation, { type: 'object' }>;

/** Of each object the last one seen, and whatever else tells of the same version. */
function newestSnapshots(observations: readonly Observation[]): Set<Observation> {
  const newest = new Map<string, Snapshot>();
  const snapshots = observations.filter((observation) => observation.type === 'object');
  for (const snapshot of snapshots) {
    const before = newest.get(snapshot.object.uid);
    if (before === undefined || timeOf(snapshot) > timeOf(before)) newest.set(snapshot.object.uid, snapshot);
  }
  return new Set(
    snapshots.filter(
      ({ object }) => newest.get(object.uid)!.object.resourceVersion === object.resourceVersion,
    ),
  );
}

/** Nothing is said of it any more, or it ran to its end: then its deletion comes with all that is to be known. */
const isGone = ({ deleted, object }: Snapshot): boolean =>
  deleted || object.status?.phase === 'Succeeded' || object.status?.phase === 'Failed';

const timeOf = ({ observedAt }: Observation): number => Date.parse(observedAt);

function compactSent(
  { activity, assembled }: Settled,
  over: Over,
  /** Of spans that observations tell which stay. */
  kept: ReadonlySet<string>,
  { outboxRetention, sentRetention }: Thresholds,
  now: number,
): Compaction | undefined {
  const { key } = activity;
  const old = activity.batches.filter(({ at }) => at < now - outboxRetention * 1000);
  // The last one keeps the number.
  const last = lastBatch(activity);
  const done = old.filter(({ number }) => number !== last);
  const batches = done.length >= fewestBatches ? done : [];
  const told = new Set(assembled.filter((entry) => kept.has(entry.key)).map(({ span }) => span.spanId));
  // Its whole hour.
  const isOver = (span: SentSpan) =>
    !over.going.has(span.traceId) && !told.has(span.spanId) && (hourOf(span) + 1) * 3_600_000 < over.until;
  const inSent = activity.sent.flatMap(sentIn);
  const overInSent = inSent.filter(isOver).length;
  const isWorthIt = overInSent >= Math.max(fewestChunks, shareOver * inSent.length);
  const replaced: (BatchItem | SentItem)[] = [...batches, ...(isWorthIt ? activity.sent : [])];
  if (replaced.length === 0) return undefined;
  const [gone, left] = [[], []] as [SentSpan[], SentSpan[]];
  for (const span of replaced.flatMap(sentIn)) (isOver(span) ? gone : left).push(span);
  return {
    put: [
      ...batches.map((item) => archivedBatch(key, item)),
      ...archivedSentItems(key, gone, expiryAfter(now, sentRetention)),
      ...(left.length > 0 ? sentItems(key, replaced, left) : []),
    ],
    remove: replaced.map(({ sk }) => ({ pk: activityPartition(key), sk })),
  };
}

const withoutRepeats = (observations: readonly Observation[]): Observation[] => [
  ...new Map(observations.map((observation) => [JSON.stringify(observation), observation])).values(),
];

const without = (all: readonly Observation[], some: readonly Observation[]): Observation[] => {
  const out = new Set(some);
  return all.filter((observation) => !out.has(observation));
};
