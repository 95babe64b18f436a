/**
 * Ingest: records of the stream into activities. One write for each (record, activity) and one for each (batch,
 * activity), never one for an Event; every one of them can be repeated.
 */

import { type DecodedBatch, decodeBatch } from '../../shared/batch-codec.ts';
import { PoisonError } from '../../shared/errors.ts';
import type { Cluster, Observation } from '../../shared/observation.ts';
import { createDuplicateCounter } from './count-duplicates.ts';
import { clusterKey, placeOf, rootOf, subjectId } from './file-observations.ts';
import { forEachOf } from './for-each-of.ts';
import type { IngestPorts, Waits } from './ports.ts';
import { headKey, type Item, type KnownObject, objectKey } from './store.ts';
import { chunkItems, expectItem, knownObject, objectItem } from './store-items.ts';
import { touchActivity } from './touch-activity.ts';

/** What Lambda hands over, as far as it is read. */
export interface KinesisEvent {
  Records: {
    /** shardId:sequenceNumber */
    eventID: string;
    kinesis: { sequenceNumber: string /** base64 */; data: string };
  }[];
}

export interface BatchResponse {
  batchItemFailures: { itemIdentifier: string }[];
}

interface Record extends DecodedBatch {
  source: string;
}

interface Remembered {
  known: KnownObject;
  /** Seconds since 1970. */
  expiresAt: number;
}

/** Objects that a warm function remembers: some 5 MB. */
const mostRemembered = 20_000;

/**
 * The handler of the stream. What cannot be read is set aside and holds nothing back; where that fails, the answer
 * names the record, and those before it are done. Rejects when the store or the timers are away: the batch comes again.
 */
export function createIngest(
  ports: IngestPorts,
  waits: Waits,
): (event: KinesisEvent) => Promise<BatchResponse> {
  const { store, now } = ports;
  const countDuplicates = createDuplicateCounter();
  /** By cluster and id, least recently used first. */
  const memory = new Map<string, Remembered>();

  const recall = (key: string): Remembered | undefined => {
    const remembered = memory.get(key);
    if (remembered === undefined) return undefined;
    memory.delete(key);
    if (remembered.expiresAt * 1000 <= now()) return undefined;
    memory.set(key, remembered);
    return remembered;
  };
  const remember = (key: string, remembered: Remembered) => {
    memory.delete(key);
    memory.set(key, remembered);
    if (memory.size > mostRemembered) memory.delete(memory.keys().next().value!);
  };

  async function readRecords(event: KinesisEvent) {
    const records: Record[] = [];
    for (const { eventID: source, kinesis } of event.Records) {
      try {
        const batch = decodeOrReject(kinesis.data);
        for (const { reason, payload } of batch.rejected) {
          await ports.setAside.keep({ reason, payload, source });
          ports.log({ kind: 'set-aside', source, reason });
        }
        records.push({ ...batch, source });
      } catch (error) {
        ports.log({ kind: 'not-set-aside', source, error });
        return { records, failed: kinesis.sequenceNumber };
      }
    }
    return { records, failed: undefined };
  }

  /** All objects from the given ones up to their roots, as far as they are known. */
  async function climb(keys: Iterable<string>, world: Map<string, Remembered>) {
    for (let open = new Set(keys); open.size > 0; ) {
      const missing: string[] = [];
      for (const key of open) {
        const remembered = world.get(key) ?? recall(key);
        if (remembered === undefined) missing.push(key);
        else world.set(key, remembered);
      }
      const found = await store.read(missing.map((key) => objectKey(...split(key))));
      for (const item of found) {
        const remembered = { known: knownObject(item), expiresAt: item.expiresAt };
        const key = item.pk.slice('object#'.length);
        world.set(key, remembered);
        remember(key, remembered);
      }
      const owners = new Set<string>();
      for (const key of open) {
        const owner = world.get(key)?.known.owner;
        if (owner === undefined) continue;
        const ownerKey = `${split(key)[0]}/${owner}`;
        if (!world.has(ownerKey)) owners.add(ownerKey);
      }
      open = owners;
    }
  }

  /** Objects that the snapshots tell of for the first time, or of whose owner. Writes them down. */
  async function learn(records: readonly Record[], world: Map<string, Remembered>, expiresAt: number) {
    const changed = new Map<string, Remembered>();
    const newlyOwned = new Set<string>();
    for (const { cluster, observations, source } of records) {
      for (const observation of observations) {
        const said = placeOf(observation);
        if (said === undefined) continue;
        const key = `${clusterKey(cluster)}/${said.id}`;
        const before = world.get(key);
        const isNew =
          before === undefined || (before.known.owner === undefined && said.place.owner !== undefined);
        // The record that told first may come again because what follows failed.
        if (said.place.owner !== undefined && (isNew || before.known.by === source)) newlyOwned.add(key);
        if (isNew) {
          changed.set(key, { known: { ...said.place, by: source }, expiresAt });
        } else if (before.expiresAt < expiresAt - waits.retention / 2) {
          changed.set(key, { known: before.known, expiresAt });
        } else continue;
        world.set(key, changed.get(key)!);
      }
    }
    await store.put(
      [...changed].map(([key, entry]) => objectItem(...split(key), entry.known, entry.expiresAt)),
    );
    for (const [key, entry] of changed) remember(key, entry);
    return newlyOwned;
  }

  return async (event) => {
    const { records, failed } = await readRecords(event);
    const expiresAt = Math.ceil(now() / 1000) + waits.retention;
    const world = new Map<string, Remembered>();
    const subjects = records.flatMap(({ cluster, observations }) =>
      observations.map((observation) => `${clusterKey(cluster)}/${subjectId(observation)}`),
    );
    await climb(subjects, world);
    const newlyOwned = await learn(records, world, expiresAt);
    // Owners that only these snapshots name.
    await climb(subjects, world);
    const activityOf = (cluster: string, id: string): string =>
      `${cluster}/${rootOf(id, (at) => world.get(`${cluster}/${at}`)?.known)}`;

    // Only after the objects are written: who files under such an object later finds its owner.
    const items: Item[] = [];
    for (const { pk } of await store.read([...newlyOwned].map(headKey))) {
      const early = pk.slice('activity#'.length);
      items.push(expectItem(activityOf(...split(early)), early, expiresAt));
    }
    const touched = new Set<string>();
    const clusters = new Set(records.map(({ cluster }) => clusterKey(cluster)));
    let observationCount = 0;
    for (const { cluster, observations, source } of records) {
      observationCount += observations.length;
      const byActivity = Map.groupBy(observations, (observation) =>
        activityOf(clusterKey(cluster), subjectId(observation)),
      );
      for (const [activity, own] of byActivity) {
        touched.add(activity);
        const hasSnapshot = own.some(({ type }) => type === 'object');
        const chunkExpiresAt = hasSnapshot ? expiresAt : expiresAt - waits.retention + waits.eventRetention;
        items.push(...chunkItems(activity, source, { cluster, observations: own }, chunkExpiresAt));
      }
    }
    await store.put(items);
    await forEachOf([...touched], (activity) =>
      touchActivity({ ...ports, waits }, activity, waits.quiet, true),
    );
    // The other half of write-then-read: whoever learned of an owner before these heads were written did not see them.
    const after = new Map<string, Remembered>();
    await climb([...touched], after);
    const expects: Item[] = [];
    const roots = new Set<string>();
    for (const activity of touched) {
      const [cluster, id] = split(activity);
      const root = `${cluster}/${rootOf(id, (at) => after.get(`${cluster}/${at}`)?.known)}`;
      if (root === activity) continue;
      expects.push(expectItem(root, activity, expiresAt));
      roots.add(root);
    }
    await store.put(expects);
    await forEachOf([...roots], (activity) =>
      touchActivity({ ...ports, waits }, activity, waits.quiet, true),
    );
    // Only now: a batch that failed before has not come yet.
    const duplicates = records.reduce(
      (sum, { cluster, observations }) => sum + countDuplicates(clusterKey(cluster), observations),
      0,
    );
    ports.log({
      kind: 'ingested',
      clusters: [...clusters],
      records: records.length,
      observations: observationCount,
      duplicates,
      activities: touched.size,
    });
    return { batchItemFailures: failed === undefined ? [] : [{ itemIdentifier: failed }] };
  };
}

const split = (key: string): [cluster: string, id: string] => {
  const at = key.indexOf('/');
  return [key.slice(0, at), key.slice(at + 1)];
};

const nothing: { cluster: Cluster; observations: Observation[] } = { cluster: {}, observations: [] };

function decodeOrReject(data: string): DecodedBatch {
  try {
    return decodeBatch(Buffer.from(data, 'base64'));
  } catch (error) {
    if (!(error instanceof PoisonError)) throw error;
    return { ...nothing, rejected: [{ reason: error.message, payload: data }] };
  }
}
