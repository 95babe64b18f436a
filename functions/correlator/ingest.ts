/**
 * Ingest: records of the stream into activities. One write for each (batch, activity), one for each (batch, family of new
 * objects), never one for an Event; every one of them can be repeated.
 */
import { ItemRefusedError } from '../../shared/errors.ts';
import type { Cluster, Observation } from '../../shared/observation.ts';
import { createDuplicateCounter } from './count-duplicates.ts';
import { createDoubt } from './doubt-sender.ts';
import { clusterKey, fullestCluster, rootOf, subjectPlace } from './file-observations.ts';
import { chunkItems, mergeItem } from './items.ts';
import {
  createOwnerDirectory,
  earlyMarks,
  findEarly,
  learnOwners,
  newbornIn,
  type OwnerDirectory,
  resolveOwners,
  type World,
} from './owner-directory.ts';
import type { IngestPorts } from './ports.ts';
import { type Admission, openAdmission } from './read-admission.ts';
import {
  type KinesisEvent,
  readRecords,
  type StreamBatch,
  type StreamRecord,
  toStreamBatches,
} from './read-records.ts';
import { createShares } from './share-stream.ts';
import { clusterOf, expiryAfter, type Item, type Place, splitKey, withoutRepeats } from './store.ts';
import { markItems } from './stream-marks.ts';
import type { Thresholds } from './thresholds.ts';
import { armTimers, createTimerBook, pendingTimer, type TimerBook } from './timer-book.ts';

export interface BatchResponse {
  batchItemFailures: { itemIdentifier: string }[];
}

/** What a warm function has. */
interface Ingest {
  ports: IngestPorts;
  directory: OwnerDirectory;
  timers: TimerBook;
  /** Seconds. */
  retention: number;
}

/**
 * The handler of the stream. What cannot be read is set aside and holds nothing back; where that fails, the answer
 * names the record, and those before it are done. Rejects when the store or the timers are away: the batch comes again.
 */
export function createIngest(
  ports: IngestPorts,
  thresholds: Thresholds,
  admission: Admission = openAdmission,
): (event: KinesisEvent) => Promise<BatchResponse> {
  const { quiet, slack, margin, retention } = thresholds;
  const ingest: Ingest = {
    ports,
    directory: createOwnerDirectory(ports.store, ports.now, retention),
    timers: createTimerBook(ports.timers, ports.now, { delay: quiet + slack, margin }),
    retention,
  };
  const countDuplicates = createDuplicateCounter();
  const doubt = createDoubt(admission);
  const openShares = createShares(admission.clusterRate, ports, retention);
  return async (event) => {
    const settings = { horizon: retention, doubt, openShares };
    const { records, failed, shares } = await readRecords(event, ports, settings);
    const activities = await file(ingest, toStreamBatches(records));
    // Only now: a batch that failed before has not come yet.
    await shares.keep();
    const duplicates = records.reduce(
      (sum, { cluster, observations }) => sum + countDuplicates(clusterKey(cluster), observations),
      0,
    );
    ports.log({
      kind: 'ingested',
      clusters: [...new Set(records.map(({ cluster }) => clusterKey(cluster)))],
      records: records.length,
      observations: records.reduce((sum, { observations }) => sum + observations.length, 0),
      duplicates,
      activities,
    });
    for (const [cluster, observations] of countExpected(records, admission))
      ports.log({ kind: 'heard', cluster, observations });
    return { batchItemFailures: failed === undefined ? [] : [{ itemIdentifier: failed }] };
  };
}

/** Of clusters of which somebody wants to know that they are heard: by name, as they say it. */
function countExpected(records: readonly StreamRecord[], { clusters }: Admission): Map<string, number> {
  const heard = new Map<string, number>();
  const expected = new Set(clusters.filter((one) => one.expected === true).map(({ name }) => name));
  for (const { cluster, observations } of records) {
    if (cluster.name === undefined || !expected.has(cluster.name)) continue;
    heard.set(cluster.name, (heard.get(cluster.name) ?? 0) + observations.length);
  }
  return heard;
}

/** Under which activities; how many they are. */
async function file(ingest: Ingest, batches: readonly StreamBatch[]): Promise<number> {
  const { directory, timers } = ingest;
  const invocation = batches.map(({ name }) => name).join();
  const subjects = placesOf(batches.flatMap(({ records }) => records));
  const world: World = new Map();
  const newborn = newbornIn(directory, batches);
  await resolveOwners(directory, new Map([...subjects].filter(([key]) => !newborn.has(key))), world);
  const newlyOwned = await learnOwners(directory, batches, world);
  // The newborn, and owners that only these snapshots name.
  await resolveOwners(directory, subjects, world);

  const chunks = groupByActivity(batches, world);
  const touched = new Map(chunks.map(({ activity, family }) => [activity, family]));
  const [early] = await Promise.all([
    // Only after the objects are written: who files under such an object later finds its owner.
    findEarly(directory, newlyOwned),
    armTimers(timers, touched.keys(), `${invocation} before`),
  ]);
  const merges = early.map(([key, place]) => toMerge(ingest, world, key, place)).filter(isElsewhere);
  const marks = earlyMarks(directory, batches, touched, world);
  const filed = chunks.map((chunk) => ({ chunk, items: toItems(ingest, chunk) }));
  await putOrSetAside(ingest, filed, [...merges.map(({ item }) => item), ...marks.items]);
  marks.done();
  await armTimers(timers, touched.keys(), `${invocation} after`);
  await handOver(ingest, touched, invocation);
  await mark(ingest, batches);
  return touched.size;
}

/** Last: what is marked as filed is there. */
async function mark({ ports, retention }: Ingest, batches: readonly StreamBatch[]): Promise<void> {
  const now = ports.now();
  const expiresAt = expiryAfter(now, retention);
  const marks = batches
    .flatMap(({ records }) => records)
    .flatMap(({ cluster, mark, arrivedAt }) =>
      mark === undefined ? [] : markItems(clusterKey(cluster), { mark, arrivedAt, now, expiresAt }),
    );
  // Of one key the last one counts.
  if (marks.length > 0) await ports.store.put(withoutRepeats(marks));
}

/** What the store refuses for what it is, is poison of the observations in it, and holds nothing else back. */
async function putOrSetAside(
  { ports }: Ingest,
  filed: readonly { chunk: Filed; items: readonly Item[] }[],
  others: readonly Item[],
): Promise<void> {
  try {
    // First: who settles chunks without the merges that they ask for would send what the smaller activities have sent.
    if (others.length > 0) await ports.store.put(others);
    await ports.store.put(filed.flatMap(({ items }) => items));
  } catch (error) {
    if (!(error instanceof ItemRefusedError)) throw error;
    const refused = new Set(error.keys.map(({ pk, sk }) => `${pk} ${sk}`));
    for (const { chunk, items } of filed.filter((one) =>
      one.items.some(({ pk, sk }) => refused.has(`${pk} ${sk}`)),
    )) {
      const lines = [{ version: 1, cluster: fullestCluster(chunk.clusters) }, ...chunk.observations];
      const payload = lines.map((line) => JSON.stringify(line)).join('\n');
      await ports.setAside.keep({ reason: error.message, payload, source: items[0]!.sk });
      ports.log({ kind: 'set-aside', source: chunk.batch, reason: error.message });
    }
  }
}

/** The other half of write-then-read: whoever learned of an owner before this was written did not see it. */
async function handOver(ingest: Ingest, touched: ReadonlyMap<string, string>, invocation: string) {
  const { ports, directory, timers } = ingest;
  const places = new Map([...touched].map(([key, family]) => [key, { id: splitKey(key)[1], family }]));
  const world: World = new Map();
  await resolveOwners(directory, places, world);
  const merges = [...places].map(([key, place]) => toMerge(ingest, world, key, place)).filter(isElsewhere);
  await ports.store.put(merges.map(({ item }) => item));
  await armTimers(timers, new Set(merges.map(({ into }) => into)), `${invocation} roots`);
}

/** What has begun under an object turned out to be a part of its root's activity. */
function toMerge({ ports, retention }: Ingest, world: World, from: string, place: Place) {
  const { activity: into, family } = activityOf(world, clusterOf(from), place);
  const expiresAt = expiryAfter(ports.now(), retention);
  return { from, into, item: mergeItem(into, family, from, expiresAt) };
}

/** Objects that own each other are all of the activity of one of them, which has nothing to merge into itself. */
const isElsewhere = ({ from, into }: { from: string; into: string }): boolean => into !== from;

/** By cluster and id. */
function placesOf(records: readonly StreamRecord[]): Map<string, Place> {
  const places = new Map<string, Place>();
  for (const { cluster, observations } of records) {
    for (const observation of observations) {
      const place = subjectPlace(observation);
      places.set(`${clusterKey(cluster)}/${place.id}`, place);
    }
  }
  return places;
}

function activityOf(world: World, cluster: string, place: Place): { activity: string; family: string } {
  const root = rootOf(place, (id) => world.get(`${cluster}/${id}`)?.known);
  return { activity: `${cluster}/${root.id}`, family: root.family };
}

/** What one batch of the stream holds of one activity. */
interface Filed {
  batch: string;
  activity: string;
  /** Of its root. */
  family: string;
  clusters: Cluster[];
  observations: Observation[];
  isPartitioned: boolean;
}

const beginFiled = (batch: string, activity: string, family: string): Filed => ({
  batch,
  activity,
  family,
  clusters: [],
  observations: [],
  isPartitioned: false,
});

function groupByActivity(batches: readonly StreamBatch[], world: World): Filed[] {
  return batches.flatMap(({ name: batch, records }) => {
    const filed = new Map<string, Filed>();
    for (const { cluster, observations, mark } of records) {
      for (const observation of observations) {
        const { activity, family } = activityOf(world, clusterKey(cluster), subjectPlace(observation));
        const own = filed.get(activity) ?? beginFiled(batch, activity, family);
        filed.set(activity, own);
        own.isPartitioned ||= mark !== undefined;
        own.clusters.push(cluster);
        own.observations.push(observation);
      }
    }
    return [...filed.values()];
  });
}

function toItems({ ports, timers, retention }: Ingest, filed: Filed): Item[] {
  const { batch, activity, family, clusters, observations, isPartitioned } = filed;
  const at = ports.now();
  const chunk = { cluster: fullestCluster(clusters), observations };
  const dueAt = pendingTimer(timers, activity) ?? 0;
  return chunkItems(activity, batch, chunk, {
    at,
    dueAt,
    family,
    expiresAt: expiryAfter(at, retention),
    isPartitioned,
  });
}
