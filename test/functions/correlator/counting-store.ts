/** Stores in memory that count what DynamoDB would bill. */
import type { Item, Key, Part, Store } from '../../../functions/correlator/store.ts';
import { createMemoryStore } from '../../../functions/correlator/store-memory.ts';

/** Who wants to know what each call costs, and of what. */
interface Meter {
  /** A key that was read alone has an `sk`; of a partition, `part` says what was asked for. */
  read?(units: number, of: { pk: string; sk?: string; part?: Part | undefined }): void;
  write?(units: number, of: Key, what: 'item' | 'removal'): void;
}

/** Counts as DynamoDB bills: 4 KB for a consistent read, a call one at least; 1 KB for a write. Keys and fields: 150 bytes. */
export function createCountingStore(meter: Meter = {}) {
  const units = { reads: 0, writes: 0 };
  const sizeOf = (item: Item) => 150 + (item.body?.length ?? 0);
  const read = (count: number, of: Parameters<NonNullable<Meter['read']>>[1]) => {
    units.reads += count;
    meter.read?.(count, of);
  };
  const write = (count: number, key: Key, what: 'item' | 'removal') => {
    units.writes += count;
    meter.write?.(count, key, what);
  };
  const writeItem = (item: Item) => write(Math.ceil(sizeOf(item) / 1024), item, 'item');
  const store = (now: () => number): Store => {
    const inner = createMemoryStore(now);
    return {
      async read(keys) {
        const items = await inner.read(keys);
        for (const key of keys) {
          const item = items.find(({ pk, sk }) => pk === key.pk && sk === key.sk);
          read(item === undefined ? 1 : Math.ceil(sizeOf(item) / 4096), key);
        }
        return items;
      },
      async list(pk, part) {
        const items = await inner.list(pk, part);
        const size = items.reduce((sum, item) => sum + sizeOf(item), 0);
        read(Math.max(1, Math.ceil(size / 4096)), { pk, part });
        return items;
      },
      async put(items) {
        items.forEach(writeItem);
        await inner.put(items);
      },
      async remove(keys) {
        for (const key of keys) write(1, key, 'removal');
        await inner.remove(keys);
      },
      async replace(item, seen) {
        writeItem(item);
        return inner.replace(item, seen);
      },
    };
  };
  return { units, store };
}
