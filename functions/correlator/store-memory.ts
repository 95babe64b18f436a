/**
 * The store without DynamoDB, for tests that run thousands of stories. It has DynamoDB's limits; the same contract suite runs on
 * both.
 */
import { ItemRefusedError } from '../../shared/errors.ts';
import { type Item, type Key, type Store, withoutRepeats } from './store.ts';
import { checkKeys, refusalOf } from './store-limits.ts';

/** `now` in milliseconds since 1970. */
export function createMemoryStore(now: () => number): Store {
  /** Each in order of sort keys: who lists a part of a large one does not pay for all of it. */
  const partitions = new Map<string, Item[]>();
  const isThere = ({ expiresAt }: Item) => expiresAt * 1000 > now();
  const find = ({ pk, sk }: Key): Item | undefined => {
    const partition = partitions.get(pk) ?? [];
    const item = partition[placeOf(partition, sk)];
    return item?.sk === sk && isThere(item) ? item : undefined;
  };
  const set = (item: Item) => {
    const partition = partitions.get(item.pk) ?? [];
    partitions.set(item.pk, partition);
    const place = placeOf(partition, item.sk);
    partition.splice(place, partition[place]?.sk === item.sk ? 1 : 0, copyOf(item));
  };
  const remove = ({ pk, sk }: Key) => {
    const partition = partitions.get(pk) ?? [];
    const place = placeOf(partition, sk);
    if (partition[place]?.sk === sk) partition.splice(place, 1);
  };
  return {
    async read(keys) {
      checkKeys(keys);
      return withoutRepeats(keys)
        .flatMap((key) => find(key) ?? [])
        .map(copyOf);
    },
    async list(pk, { within, most } = {}) {
      checkKeys((within ?? ['any']).map((sk) => ({ pk, sk })));
      const partition = partitions.get(pk) ?? [];
      const from = within === undefined ? 0 : placeOf(partition, within[0]);
      const last = within === undefined ? partition.length : placeOf(partition, within[1]);
      const to = within !== undefined && partition[last]?.sk === within[1] ? last + 1 : last;
      return partition.slice(from, to).filter(isThere).slice(0, most).map(copyOf);
    },
    async put(items) {
      const refused = items.filter((item) => refusalOf(item) !== undefined);
      for (const item of items) if (!refused.includes(item)) set(item);
      if (refused.length > 0) throw new ItemRefusedError(refused, refusalOf(refused[0]!)!);
    },
    async remove(keys) {
      for (const key of keys) remove(key);
      checkKeys(keys);
    },
    async replace(item, seen) {
      const refusal = refusalOf(item);
      if (refusal !== undefined) throw new ItemRefusedError([item], refusal);
      if (find(item)?.revision !== seen) return false;
      set(item);
      return true;
    },
  };
}

/** Of the first that comes not before `sk`. */
function placeOf(partition: readonly Item[], sk: string): number {
  let [from, to] = [0, partition.length];
  while (from < to) {
    const middle = (from + to) >> 1;
    if (partition[middle]!.sk < sk) from = middle + 1;
    else to = middle;
  }
  return from;
}

/** Whoever has it may change it, but for its body, which nobody does: most of the time of a long run would be copying bodies. */
const copyOf = (item: Item): Item => ({
  ...item,
  ...(item.fields !== undefined && { fields: { ...item.fields } }),
});
