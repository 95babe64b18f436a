/**
 * The directory of owners: who owns what, as far as snapshots have told. Ingest and settle ask it for the way from an object to its
 * root.
 *
 * Objects of one family (a controller and its pods) are in one partition. The first ones are written a batch at a time and read
 * familyTogether; a family that grows (a Job with a new pod each 20 s) has its later ones each under a key of their own, so that who
 * looks for one reads one.
 */
import { forEachOf } from './for-each-of.ts';
import { packParts, partKey, shorten } from './items.ts';
import { UnreadableBodyError, unpackBody } from './pack-body.ts';
import {
  clusterOf,
  familyPartition,
  type Item,
  type Key,
  type KnownObject,
  type Place,
  type Store,
  splitKey,
} from './store.ts';
import { familyPage, familyTogether } from './thresholds.ts';

export interface Remembered {
  known: KnownObject;
  /** Seconds since 1970. */
  expiresAt: number;
}

/** Of so many items. */
export const isLargeFamily = (items: number): boolean => items >= familyTogether;

/** Behind all names of batches. */
const ownKey = (id: string): string => `~${shorten(id)}`;
const isOwn = ({ sk }: Pick<Item, 'sk'>): boolean => sk.startsWith('~');
/** What `~` does not begin. */
const beforeOwn = '}';
const earlyPrefix = '~~early#';

/** Marks an activity that has begun without its object. */
export const earlyKey = (cluster: string, { id, family }: Place): Key => ({
  pk: familyPartition(cluster, family),
  sk: `${earlyPrefix}${shorten(id)}`,
});

/** Of objects of one family those under which activities have begun. */
export async function readEarly(
  store: Pick<Store, 'list' | 'read'>,
  cluster: string,
  places: readonly Place[],
): Promise<Place[]> {
  const keys = places.map((place) => earlyKey(cluster, place));
  const some = await store.list(keys[0]!.pk, { within: [earlyPrefix, `${earlyPrefix}~`], most: familyPage });
  const marks = new Set((some.length < familyPage ? some : await store.read(keys)).map(({ sk }) => sk));
  return places.filter((_, index) => marks.has(keys[index]!.sk));
}

/** By id; and how many items of the family were seen. */
export interface Family {
  objects: Map<string, Remembered>;
  items: number;
  /** A later version wrote some of it: an object that is not among these may be known all the same. */
  unreadable?: UnreadableBodyError | undefined;
}

/** What is known of these objects of one family, and maybe of others of it. */
export async function readFamily(
  store: Pick<Store, 'list' | 'read'>,
  cluster: string,
  family: string,
  ids: readonly string[],
): Promise<Family> {
  const pk = familyPartition(cluster, family);
  const first = await store.list(pk, { most: familyPage });
  if (first.length < familyPage) return { ...rememberedIn(first), items: first.length };
  // A version before wrote large families a batch at a time, too.
  const rest = first.some(isOwn) ? [] : await store.list(pk, { within: [`${first.at(-1)!.sk}!`, beforeOwn] });
  const { objects } = rememberedIn([...first, ...rest]);
  const missing = ids.filter((id) => !objects.has(id)).map((id) => ({ pk, sk: ownKey(id) }));
  const own = missing.length === 0 ? [] : await store.read(missing);
  return { ...rememberedIn([...first, ...rest, ...own]), items: first.length + rest.length };
}

/** Of an object that several told of, the owner that was told first. */
function rememberedIn(items: readonly Item[]): Omit<Family, 'items'> {
  const objects = new Map<string, Remembered>();
  let unreadable: UnreadableBodyError | undefined;
  const told = items.filter(({ body }) => body !== undefined);
  told.sort((a, b) => Number(a.fields?.at) - Number(b.fields?.at) || (a.sk < b.sk ? -1 : 1));
  for (const { body, expiresAt } of told) {
    try {
      for (const [id, known] of unpackBody(body!) as [string, KnownObject][]) {
        const before = objects.get(id);
        objects.set(id, {
          known: before?.known ?? known,
          expiresAt: Math.max(before?.expiresAt ?? 0, expiresAt),
        });
      }
    } catch (error) {
      if (!(error instanceof UnreadableBodyError)) throw error;
      unreadable = error;
    }
  }
  return { objects, unreadable };
}

/** @param at the time of writing, in milliseconds since 1970 */
export function familyItems(
  cluster: string,
  family: string,
  { batch, objects, isLarge }: { batch: string; objects: ReadonlyMap<string, KnownObject>; isLarge: boolean },
  at: number,
  expiresAt: number,
): Item[] {
  const toItem = (sk: string, body: Uint8Array): Item => ({
    pk: familyPartition(cluster, family),
    sk,
    expiresAt,
    fields: { at },
    body,
  });
  if (isLarge)
    return [...objects].map((entry) => toItem(ownKey(entry[0]), packParts([entry], (some) => some)[0]!));
  return packParts([...objects], (some) => some).map((body, part) => toItem(partKey(batch, part), body));
}

/** Objects by cluster and id, with their places. */
export type Places = ReadonlyMap<string, Place>;

/** `readFamily`, or what remembers it. */
export type Ask = (cluster: string, family: string, ids: readonly string[]) => Promise<Family>;

/**
 * All objects from the given ones up to their roots, as far as they are known, added to `world` by cluster and id. `recall` is asked
 * before `ask`.
 */
export async function climb(
  places: Places,
  world: Map<string, Remembered>,
  recall: (key: string) => Remembered | undefined,
  ask: Ask,
): Promise<void> {
  const climbed = new Set<string>();
  const readWhole = new Set<string>();
  for (let open = new Map(places); open.size > 0; open = ownersOf(open, world, climbed)) {
    const unknown = new Map<string, { cluster: string; family: string; ids: string[] }>();
    for (const [key, { family }] of open) {
      climbed.add(key);
      const remembered = world.get(key) ?? recall(key);
      if (remembered !== undefined) {
        world.set(key, remembered);
        continue;
      }
      const [cluster, id] = splitKey(key);
      const partition = familyPartition(cluster, family);
      if (readWhole.has(partition)) continue;
      const asked = unknown.get(partition) ?? { cluster, family, ids: [] };
      asked.ids.push(id);
      unknown.set(partition, asked);
    }
    await forEachOf([...unknown], async ([partition, { cluster, family, ids }]) => {
      const { objects, items } = await ask(cluster, family, ids);
      if (!isLargeFamily(items)) readWhole.add(partition);
      for (const [id, found] of objects) world.set(`${cluster}/${id}`, found);
    });
  }
}

/** Of those climbed so far, who is next. */
function ownersOf(places: Places, world: ReadonlyMap<string, Remembered>, climbed: ReadonlySet<string>) {
  const owners = new Map<string, Place>();
  for (const key of places.keys()) {
    const owner = world.get(key)?.known.owner;
    if (owner === undefined) continue;
    const ownerKey = `${clusterOf(key)}/${owner.id}`;
    if (!climbed.has(ownerKey)) owners.set(ownerKey, owner);
  }
  return owners;
}
