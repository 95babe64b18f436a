/** The directory of owners as ingest uses it: what a warm function remembers is not asked for again, what snapshots tell is written. */
import type { Observation } from '../../shared/observation.ts';
import { clusterKey, isOrphan, placeOf, subjectPlace } from './file-observations.ts';
import { forEachOf } from './for-each-of.ts';
import { shorten } from './items.ts';
import {
  climb,
  earlyKey,
  type Family,
  familyItems,
  isLargeFamily,
  type Places,
  type Remembered,
  readEarly,
  readFamily,
} from './owners.ts';
import type { StreamBatch, StreamRecord } from './read-records.ts';
import {
  clusterOf,
  expiryAfter,
  familyPartition,
  type Item,
  type KnownObject,
  keyPart,
  type Place,
  type Store,
  splitKey,
} from './store.ts';
import { mostRemembered, newbornFor } from './thresholds.ts';
import { createWarmMemory, type WarmMemory } from './warm-memory.ts';

export interface OwnerDirectory {
  store: Store;
  now: () => number;
  /** Seconds. */
  retention: number;
  /** By cluster and id. */
  objects: WarmMemory<Remembered>;
  /** Families that this function has read, by partition, and how many items of theirs it has seen or written. */
  families: WarmMemory<{ items: number; expiresAt: number }>;
  /** Activities that are marked as begun without their object. */
  marked: WarmMemory<{ expiresAt: number }>;
}

/** @param now milliseconds since 1970 */
export const createOwnerDirectory = (store: Store, now: () => number, retention: number): OwnerDirectory => ({
  store,
  now,
  retention,
  objects: createWarmMemory(mostRemembered, now),
  families: createWarmMemory(mostRemembered, now),
  marked: createWarmMemory(mostRemembered, now),
});

/** What is known by cluster and id. */
export type World = Map<string, Remembered>;

const expiryOf = ({ now, retention }: OwnerDirectory): number => expiryAfter(now(), retention);

/** Adds all objects from the given ones up to their roots to `world`, as far as they are known. */
export const resolveOwners = (directory: OwnerDirectory, places: Places, world: World): Promise<void> =>
  climb(
    places,
    world,
    (key) => directory.objects.recall(key),
    async (cluster, family, ids): Promise<Family> => {
      const read = await readFamily(directory.store, cluster, family, ids);
      for (const [id, found] of read.objects) directory.objects.remember(`${cluster}/${id}`, found);
      const seen = { items: read.items, expiresAt: expiryOf(directory) };
      directory.families.remember(familyPartition(cluster, family), seen);
      return read;
    },
  );

/**
 * Objects of which nobody can have told before these snapshots: they need not be asked for. Of families that this function knows, so
 * that it knows how to write them down. A family is known, and empty, where the object that it is named after is newborn. Another one of that
 * name may have been there before: then there are a few more batches in the family, until this function has counted them.
 */
export function newbornIn(directory: OwnerDirectory, batches: readonly StreamBatch[]): Set<string> {
  const newborn = batches.flatMap(({ records }) => records).flatMap((record) => newbornOf(directory, record));
  const expiresAt = expiryOf(directory);
  for (const { family, isNamesake } of newborn) {
    if (isNamesake && directory.families.recall(family) === undefined)
      directory.families.remember(family, { items: 0, expiresAt });
  }
  const known = newborn.filter(({ family }) => directory.families.recall(family) !== undefined);
  return new Set(known.map(({ key }) => key));
}

interface Newborn {
  /** By cluster and id. */
  key: string;
  /** Its partition. */
  family: string;
  /** The family is named after it. */
  isNamesake: boolean;
}

function newbornOf(directory: OwnerDirectory, { cluster, observations }: StreamRecord): Newborn[] {
  return observations.flatMap((observation) => {
    const place = placeOf(observation);
    // Of an orphan an older version may come again: by then somebody may have told who adopted it.
    if (place === undefined || isOrphan(observation) || !isNewborn(observation)) return [];
    const key = `${clusterKey(cluster)}/${place.id}`;
    if (directory.objects.recall(key) !== undefined) return [];
    const family = familyPartition(clusterKey(cluster), place.family);
    return { key, family, isNamesake: isNamesake(observation, place) };
  });
}

const isNamesake = (observation: Observation, { family }: Place): boolean =>
  observation.type === 'object' && keyPart(observation.object.name) === family;

const isNewborn = (observation: Observation): boolean =>
  observation.type === 'object' &&
  Date.parse(observation.observedAt) - Date.parse(observation.object.creationTimestamp ?? '') <
    newbornFor * 1000;

/**
 * Writes down whose the objects are that snapshots tell of for the first time, or of whose owner. The places of those whose owner was
 * not known before: there may be activities that have begun without it.
 */
export async function learnOwners(
  directory: OwnerDirectory,
  batches: readonly StreamBatch[],
  world: World,
): Promise<Map<string, Place>> {
  const learned: Learned = { changed: new Map(), newlyOwned: new Map() };
  const items = batches.flatMap((batch) => learnFrom(directory, batch, world, learned));
  await directory.store.put(items);
  for (const [key, entry] of learned.changed) directory.objects.remember(key, entry);
  return learned.newlyOwned;
}

interface Learned {
  changed: World;
  newlyOwned: Map<string, Place>;
}

function learnFrom(
  directory: OwnerDirectory,
  { name, records }: StreamBatch,
  world: World,
  learned: Learned,
): Item[] {
  const expiresAt = expiryOf(directory);
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
      if (owner !== undefined && (isNew || before.known.by === by)) learned.newlyOwned.set(key, place);
      // Forwarders tell it again after half of that time.
      if (!isNew && before.expiresAt >= expiresAt - directory.retention / 3) continue;
      const known = isNew ? { ...(owner !== undefined && { owner }), by } : before.known;
      learned.changed.set(key, { known, expiresAt });
      world.set(key, { known, expiresAt });
      // What has none is a root whether that is written down or not.
      if (known.owner === undefined) continue;
      const family = `${clusterKey(cluster)}/${place.family}`;
      families.set(family, (families.get(family) ?? new Map()).set(place.id, known));
    }
  }
  return [...families].flatMap(([key, objects]) => {
    const [cluster, family] = splitKey(key);
    const partition = familyPartition(cluster, family);
    const seen = directory.families.recall(partition);
    const isLarge = isLargeFamily(seen?.items ?? 0);
    const items = familyItems(cluster, family, { batch: name, objects, isLarge }, directory.now(), expiresAt);
    if (seen !== undefined)
      directory.families.remember(partition, { ...seen, items: seen.items + items.length });
    return items;
  });
}

/** Of the objects those under which activities have begun already: by cluster and id. */
export async function findEarly(
  { store }: OwnerDirectory,
  places: Places,
): Promise<[activity: string, place: Place][]> {
  const families = Map.groupBy(places, ([key, { family }]) => familyPartition(clusterOf(key), family));
  const early: [string, Place][] = [];
  await forEachOf([...families.values()], async (own) => {
    const cluster = clusterOf(own[0]![0]);
    const there = await readEarly(
      store,
      cluster,
      own.map(([, place]) => place),
    );
    for (const place of there) early.push([`${cluster}/${place.id}`, place]);
  });
  return early;
}

/** Marks of activities that begin without their object: who learns of its owner finds what has begun without it. */
export function earlyMarks(
  directory: OwnerDirectory,
  batches: readonly StreamBatch[],
  touched: ReadonlyMap<string, string>,
  world: World,
): { items: Item[]; done(): void } {
  const expiresAt = expiryOf(directory);
  const orphans = new Set(
    batches
      .flatMap(({ records }) => records)
      .flatMap(({ cluster, observations }) =>
        observations.filter(isOrphan).map((orphan) => `${clusterKey(cluster)}/${subjectPlace(orphan).id}`),
      ),
  );
  const isMarked = (key: string) =>
    (directory.marked.recall(key)?.expiresAt ?? 0) >= expiresAt - directory.retention / 3;
  const early = [...touched].filter(([key]) => (!world.has(key) || orphans.has(key)) && !isMarked(key));
  return {
    items: early.map(([key, family]) => {
      const [cluster, id] = splitKey(key);
      return { ...earlyKey(cluster, { id, family }), expiresAt };
    }),
    done() {
      for (const [key] of early) directory.marked.remember(key, { expiresAt });
    },
  };
}
