/** The store in memory, which counts what DynamoDB would bill. */
import type { Item, Store } from '../../../functions/correlator/store.ts';
import { createMemoryStore } from '../../../functions/correlator/store-memory.ts';

/** Counts as DynamoDB bills: 4 KB for a consistent read, a call one at least; 1 KB for a write. Keys and fields: 150 bytes. */
export function createCountingStore(now: () => number) {
  const units = { reads: 0, writes: 0, largest: 0 };
  const sizeOf = (item: Item) => 150 + (item.body?.length ?? 0);
  const write = (item: Item) => {
    units.writes += Math.ceil(sizeOf(item) / 1024);
    units.largest = Math.max(units.largest, sizeOf(item));
  };
  const inner = createMemoryStore(now);
  const store: Store = {
    async read(keys) {
      const items = await inner.read(keys);
      units.reads += Math.max(
        keys.length,
        items.reduce((sum, item) => sum + Math.ceil(sizeOf(item) / 4096), 0),
      );
      return items;
    },
    async list(pk, part) {
      const items = await inner.list(pk, part);
      units.reads += Math.max(1, Math.ceil(items.reduce((sum, item) => sum + sizeOf(item), 0) / 4096));
      return items;
    },
    async put(items) {
      items.forEach(write);
      await inner.put(items);
    },
    async remove(keys) {
      units.writes += keys.length;
      await inner.remove(keys);
    },
    async replace(item, seen) {
      write(item);
      return inner.replace(item, seen);
    },
  };
  return { store, units };
}
