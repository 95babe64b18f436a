/**
 * The store without DynamoDB, for tests that run thousands of stories. It has DynamoDB's limits; the same contract suite runs on
 * both.
 */
import { ItemRefusedError } from '../../shared/errors.ts';
import type { Item, Key, Store } from './store.ts';
import { checkKeys, refusalOf } from './store-limits.ts';

/** `now` in milliseconds since 1970. */
export function createMemoryStore(now: () => number): Store {
  const partitions = new Map<string, Map<string, Item>>();
  const find = ({ pk, sk }: Key): Item | undefined => {
    const item = partitions.get(pk)?.get(sk);
    return item !== undefined && item.expiresAt * 1000 > now() ? item : undefined;
  };
  const set = (item: Item) => {
    const partition = partitions.get(item.pk) ?? new Map<string, Item>();
    partitions.set(item.pk, partition.set(item.sk, copyOf(item)));
  };
  return {
    async read(keys) {
      checkKeys(keys);
      const unique = new Map(keys.map((key) => [`${key.pk}\n${key.sk}`, key]));
      return [...unique.values()].flatMap((key) => find(key) ?? []).map(copyOf);
    },
    async list(pk, { within, most } = {}) {
      checkKeys((within ?? ['any']).map((sk) => ({ pk, sk })));
      const items = [...(partitions.get(pk)?.values() ?? [])].filter(
        (item) =>
          find(item) !== undefined &&
          (within === undefined || (item.sk >= within[0] && item.sk <= within[1])),
      );
      return items
        .sort((a, b) => (a.sk < b.sk ? -1 : 1))
        .slice(0, most)
        .map(copyOf);
    },
    async put(items) {
      const refused = items.filter((item) => refusalOf(item) !== undefined);
      for (const item of items) if (!refused.includes(item)) set(item);
      if (refused.length > 0) throw new ItemRefusedError(refused, refusalOf(refused[0]!)!);
    },
    async remove(keys) {
      for (const { pk, sk } of keys) partitions.get(pk)?.delete(sk);
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

/** Whoever has it may change it, but for its body, which nobody does: most of the time of a long run would be copying bodies. */
const copyOf = (item: Item): Item => ({
  ...item,
  ...(item.fields !== undefined && { fields: { ...item.fields } }),
});
