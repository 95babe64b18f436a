/**
 * Ingest: records of the stream into activities. One write for each (batch, activity), one for each (batch, family of new
 * objects), never one for an Event; every one of them can be repeated.
 */

import { type DecodedBatch, decodeBatch, reasonOf } from '../../shared/batch-codec.ts';
import { PoisonError } from '../../shared/errors.ts';
import type { Cluster, Observation } from '../../shared/observation.ts';
import { createDuplicateCounter } from './count-duplicates.ts';
import { clusterKey, fullestCluster, isOrphan, placeOf, rootOf, subjectPlace } from './file-observations.ts';
import { forEachOf } from './for-each-of.ts';
import type { IngestPorts, Waits } from './ports.ts';
import { earlyKey, familyPartition, type Item, type KnownObject, type Place } from './store.ts';
import { batchName, chunkItems, expectItem, familyItems, knownObjects, shorten } from './store-items.ts';
import { createWarmMemory } from './warm-memory.ts';

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
  /** shardId:sequenceNumber */
  source: string;
}

/** What one invocation reads of one shard. */
interface Batch {
  name: string;
  records: readonly Record[];
}

interface Remembered {
  known: KnownObject;
  /** Seconds since 1970. */
  expiresAt: number;
}

/** Objects, and activities, that a warm function remembers: some 5 MB. */
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
  const firstLook = waits.quiet + waits.spread;
  const countDuplicates = createDuplicateCounter();
  /** By cluster and id. */
  const objects = createWarmMemory<Remembered>(mostRemembered, now);
  /** Activities that are written down as begun without their object. */
  const begun = createWarmMemory<{ expiresAt: number }>(mostRemembered, now);

  /** Timers that this function has sent, by activity. */
  const sent = createWarmMemory<{ dueAt: number; expiresAt: number }>(mostRemembered, now);
  /** Of a timer that comes after what is written now; undefined where there is none. */
  const pendingOf = (activity: string): number | undefined => {
    const dueAt = sent.recall(activity)?.dueAt;
    return dueAt !== undefined && dueAt > now() + waits.margin * 1000 ? dueAt : undefined;
  };

  /** Sees to it that a timer comes after what is written now. Before the writing, which says when; and after it, again. */
  async function follow(activities: Iterable<string>, id: string) {
    const alone = [...activities].filter((activity) => pendingOf(activity) === undefined);
    if (alone.length === 0) return;
    const dueAt = now() + firstLook * 1000;
    await ports.timers.arm({ id, activities: alone, dueAt }, firstLook);
    for (const activity of alone) sent.remember(activity, { dueAt, expiresAt: Math.ceil(dueAt / 1000) });
  }

  async function readRecords(event: KinesisEvent) {
    const records: Record[] = [];
    for (const { eventID: source, kinesis } of event.Records) {
      try {
        const batch = decodeOrReject(kinesis.data);
        if (batch.poison !== undefined) {
          const reason = reasonOf(batch.poison);
          await ports.setAside.keep({ reason, payload: batch.poison.payload, source });
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

  /** All objects from the given ones up to their roots, as far as they are known. By cluster and id. */
  async function climb(places: ReadonlyMap<string, Place>, world: Map<string, Remembered>) {
    const asked = new Set<string>();
    // Not those in `world`: with its family comes an object whose owner nobody has asked for.
    const climbed = new Set<string>();
    for (let open = new Map(places); open.size > 0; ) {
      const families = new Map<string, { cluster: string; family: string }>();
      for (const [key, { family }] of open) {
        const remembered = world.get(key) ?? objects.recall(key);
        if (remembered !== undefined) {
          world.set(key, remembered);
          continue;
        }
        const cluster = split(key)[0];
        const partition = familyPartition(cluster, family);
        if (!asked.has(partition)) families.set(partition, { cluster, family });
      }
      await forEachOf([...families], async ([partition, { cluster }]) => {
        asked.add(partition);
        for (const [id, found] of knownObjects(await store.list(partition))) {
          const key = `${cluster}/${id}`;
          world.set(key, found);
          objects.remember(key, found);
        }
      });
      const owners = new Map<string, Place>();
      for (const key of open.keys()) climbed.add(key);
      for (const key of open.keys()) {
        const owner = world.get(key)?.known.owner;
        if (owner === undefined) continue;
        const ownerKey = `${split(key)[0]}/${owner.id}`;
        if (!climbed.has(ownerKey)) owners.set(ownerKey, owner);
      }
      open = owners;
    }
  }

  /** Objects that the snapshots tell of for the first time, or of whose owner. Writes down who has one. */
  async function learn(batches: readonly Batch[], world: Map<string, Remembered>, expiresAt: number) {
    const items: Item[] = [];
    const changed = new Map<string, Remembered>();
    const newlyOwned = new Map<string, Place>();
    for (const { name, records } of batches) {
      const families = new Map<string, Map<string, KnownObject>>();
      for (const { cluster, observations, source } of records) {
        const by = shorten(source);
        for (const observation of observations) {
          const said = placeOf(observation);
          if (said === undefined) continue;
          const { owner, ...place } = said;
          const key = `${clusterKey(cluster)}/${place.id}`;
          const before = world.get(key);
          const isNew = before === undefined || (before.known.owner === undefined && owner !== undefined);
          // The record that told first may come again because what follows failed.
          if (owner !== undefined && (isNew || before.known.by === by)) newlyOwned.set(key, place);
          if (!isNew && before.expiresAt >= expiresAt - waits.retention / 2) continue;
          const known = isNew ? { ...(owner !== undefined && { owner }), by } : before.known;
          changed.set(key, { known, expiresAt });
          world.set(key, { known, expiresAt });
          // What has none is a root whether that is written down or not.
          if (known.owner === undefined) continue;
          const family = `${clusterKey(cluster)}/${place.family}`;
          families.set(family, (families.get(family) ?? new Map()).set(place.id, known));
        }
      }
      for (const [family, objects] of families) {
        items.push(...familyItems(...split(family), name, objects, now(), expiresAt));
      }
    }
    await store.put(items);
    for (const [key, entry] of changed) objects.remember(key, entry);
    return newlyOwned;
  }

  /** Of the objects those under which activities have begun already. */
  async function findEarly(places: ReadonlyMap<string, Place>): Promise<[activity: string, Place][]> {
    const partitions = new Map<string, [string, Place][]>();
    for (const [key, place] of places) {
      const partition = familyPartition(split(key)[0], place.family);
      partitions.set(partition, [...(partitions.get(partition) ?? []), [key, place]]);
    }
    const early: [string, Place][] = [];
    await forEachOf([...partitions], async ([partition, some]) => {
      const there = new Set((await store.list(partition)).map(({ sk }) => sk));
      early.push(...some.filter(([key, place]) => there.has(earlyKey(split(key)[0], place).sk)));
    });
    return early;
  }

  return async (event) => {
    const { records, failed } = await readRecords(event);
    const batches = toBatches(records);
    const expiresAt = Math.ceil(now() / 1000) + waits.retention;
    const world = new Map<string, Remembered>();
    const subjects = new Map<string, Place>();
    for (const { cluster, observations } of records) {
      for (const observation of observations) {
        const place = subjectPlace(observation);
        subjects.set(`${clusterKey(cluster)}/${place.id}`, place);
      }
    }
    await climb(subjects, world);
    const newlyOwned = await learn(batches, world, expiresAt);
    // Owners that only these snapshots name.
    await climb(subjects, world);
    /** Families by activity. */
    const touched = new Map<string, string>();
    const rootIn = (from: ReadonlyMap<string, Remembered>, cluster: string, place: Place) => {
      const root = rootOf(place, (id) => from.get(`${cluster}/${id}`)?.known);
      return { activity: `${cluster}/${root.id}`, family: root.family };
    };

    // Only after the objects are written: who files under such an object later finds its owner.
    const items: Item[] = [];
    for (const [early, place] of await findEarly(newlyOwned)) {
      const { activity, family } = rootIn(world, split(early)[0], place);
      items.push(expectItem(activity, family, early, expiresAt));
    }
    const chunks: { batch: string; activity: string; clusters: Cluster[]; observations: Observation[] }[] =
      [];
    for (const { name: batch, records: own } of batches) {
      const ofBatch = new Map<string, (typeof chunks)[number]>();
      for (const { cluster, observations } of own) {
        for (const observation of observations) {
          const { activity, family } = rootIn(world, clusterKey(cluster), subjectPlace(observation));
          touched.set(activity, family);
          const chunk = ofBatch.get(activity) ?? { batch, activity, clusters: [], observations: [] };
          ofBatch.set(activity, chunk);
          chunk.clusters.push(cluster);
          chunk.observations.push(observation);
        }
      }
      chunks.push(...ofBatch.values());
    }
    const invocation = batches.map(({ name }) => name).join();
    await follow(touched.keys(), shorten(`${invocation} before`));
    const at = now();
    for (const { batch, activity, clusters, observations } of chunks) {
      const fields = { at, dueAt: pendingOf(activity) ?? 0, family: touched.get(activity)! };
      const chunk = { cluster: fullestCluster(clusters), observations };
      items.push(...chunkItems(activity, batch, chunk, fields, expiresAt));
    }
    // Whoever learns of its owner finds what has begun without it.
    const orphans = new Set(
      records.flatMap(({ cluster, observations }) =>
        observations.filter(isOrphan).map((orphan) => `${clusterKey(cluster)}/${subjectPlace(orphan).id}`),
      ),
    );
    const early = [...touched].filter(
      ([key]) =>
        (!world.has(key) || orphans.has(key)) &&
        !((begun.recall(key)?.expiresAt ?? 0) >= expiresAt - waits.retention / 2),
    );
    for (const [key, family] of early) {
      const [cluster, id] = split(key);
      items.push({ ...earlyKey(cluster, { id, family }), expiresAt });
    }
    await store.put(items);
    for (const [key] of early) begun.remember(key, { expiresAt });
    await follow(touched.keys(), shorten(`${invocation} after`));
    // The other half of write-then-read: whoever learned of an owner before this was written did not see it.
    const after = new Map<string, Remembered>();
    const places = new Map([...touched].map(([key, family]) => [key, { id: split(key)[1], family }]));
    await climb(places, after);
    const expects: Item[] = [];
    const roots = new Set<string>();
    for (const [key, place] of places) {
      const { activity, family } = rootIn(after, split(key)[0], place);
      if (activity === key) continue;
      expects.push(expectItem(activity, family, key, expiresAt));
      roots.add(activity);
    }
    await store.put(expects);
    await follow(roots, shorten(`${invocation} roots`));
    // Only now: a batch that failed before has not come yet.
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
      activities: touched.size,
    });
    return { batchItemFailures: failed === undefined ? [] : [{ itemIdentifier: failed }] };
  };
}

const split = (key: string): [cluster: string, id: string] => {
  const at = key.indexOf('/');
  return [key.slice(0, at), key.slice(at + 1)];
};

/** By shard, in the order of their records. */
function toBatches(records: readonly Record[]): Batch[] {
  const shards = Map.groupBy(records, ({ source }) => source.split(':', 1)[0]!);
  return [...shards].map(([shard, own]) => {
    const [first, last] = [own[0]!, own.at(-1)!].map(({ source }) => source.slice(shard.length + 1));
    return { name: batchName(shard, first!, last!), records: own };
  });
}

const nothing: { cluster: Cluster; observations: Observation[] } = { cluster: {}, observations: [] };

function decodeOrReject(data: string): DecodedBatch {
  try {
    return decodeBatch(Buffer.from(data, 'base64'));
  } catch (error) {
    if (!(error instanceof PoisonError)) throw error;
    return { ...nothing, poison: { count: 1, reasons: [error.message], payload: data } };
  }
}
