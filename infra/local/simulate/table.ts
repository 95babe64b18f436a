/**
 * DynamoDB as the store's port sees it: requests of as many items as one takes, each item by itself; what is turned down may be there
 * in part; units as they are billed. What has expired is gone within a day.
 */
import { forEachOf } from '../../../functions/correlator/for-each-of.ts';
import { type Item, type Key, type Store, withoutRepeats } from '../../../functions/correlator/store.ts';
import { sizeOf } from '../../../functions/correlator/store-limits.ts';
import { createMemoryStore } from '../../../functions/correlator/store-memory.ts';
import { RetryableError } from '../../../shared/errors.ts';
import { inGroups } from '../../../shared/in-groups.ts';
import type { Account } from './account.ts';
import type { Take } from './faults.ts';
import type { Instance, World } from './function.ts';
import { computing } from './prices.ts';

/** Of one request. */
const mostReads = 100;
const mostWrites = 25;
const pageBytes = 1_000_000;

/** Milliseconds between two looks for what has expired. */
const sweepPause = 6 * 3_600_000;

export interface Table {
  /** As one function's instance has it. */
  of(instance: Instance): Store;
}

/** What all instances share. */
interface TableState {
  readonly store: Store;
  readonly figures: Account['services']['table'];
  /** Remembers when they expire. */
  keep(items: readonly Item[]): Promise<void>;
}

export function createTable({ time, account }: World): Table {
  const store = createMemoryStore(time.now);
  const table: TableState = { store, figures: account.services.table, keep: createSweeper(store, time.now) };
  return { of: (instance) => storeOf(table, instance) };
}

/** Bodies are what is unpacked, and what is assembled follows from them. */
const computingOf = (items: readonly Item[]): number =>
  computing.kilobyte * (sum(items.map(({ body }) => body?.byteLength ?? 0)) / 1024);

/** Requests go side by side, as the adapter of DynamoDB sends them. */
function storeOf(table: TableState, instance: Instance): Store {
  const call = <T>(name: string, land: (take: Take) => Promise<T>) =>
    instance.call(
      { service: 'table', name, refusal: () => new RetryableError(`DynamoDB turned down ${name}`) },
      land,
    );
  return {
    async read(keys) {
      const items: Item[] = [];
      await forEachOf(inGroups(withoutRepeats(keys), mostReads), async (some) => {
        const found = await call('BatchGetItem', () => table.store.read(some));
        billReads(table, found, some.length - found.length);
        instance.compute(computingOf(found));
        items.push(...found);
      });
      return items;
    },
    async list(pk, part) {
      const found = await call(`Query ${pk}`, () => table.store.list(pk, part));
      billQuery(table, found);
      instance.compute(computingOf(found));
      return found;
    },
    put: (items) =>
      forEachOf(inGroups(withoutRepeats(items), mostWrites), (some) =>
        call(`BatchWriteItem ${some.map(keyText)}`, (take) => write(table, take(some))),
      ),
    remove: (keys) =>
      forEachOf(inGroups(withoutRepeats(keys), mostWrites), (some) =>
        call(`BatchWriteItem remove ${some.map(keyText)}`, (take) => remove(table, take(some))),
      ),
    replace: (item, seen) =>
      call(`PutItem ${keyText(item)}`, async (take) => take([item]).length > 0 && replace(table, item, seen)),
  };
}

async function write(table: TableState, items: readonly Item[]) {
  for (const item of items) billWrite(table, item);
  await table.store.put(items.map(cutOut));
  await table.keep(items);
}

/** A packed body is a view of zlib's 16 kB, all of which it would keep. */
const cutOut = (item: Item): Item =>
  item.body === undefined ? item : { ...item, body: new Uint8Array(item.body) };

async function remove({ store, figures }: TableState, keys: readonly Key[]) {
  for (const item of await store.read(keys)) figures.writeUnits += Math.ceil(sizeOf(item) / 1024);
  await store.remove(keys);
}

/** A write whose condition does not hold is billed as one that is done. */
async function replace(table: TableState, ...[item, seen]: Parameters<Store['replace']>): Promise<boolean> {
  billWrite(table, item);
  const isDone = await table.store.replace(item, seen);
  if (isDone) await table.keep([item]);
  return isDone;
}

function billWrite({ figures }: TableState, item: Item) {
  const bytes = sizeOf(item);
  figures.bytes += bytes;
  figures.writeUnits += Math.ceil(bytes / 1024);
}

/** A consistent read of 4 KB for each item, and of what is not there all the same. */
function billReads({ figures }: TableState, found: readonly Item[], missing: number) {
  const sizes = found.map(sizeOf);
  figures.bytes += sum(sizes);
  figures.readUnits += missing + sum(sizes.map((size) => Math.max(1, Math.ceil(size / 4096))));
}

/** All that is found together is one read, page by page. */
function billQuery({ figures }: TableState, found: readonly Item[]) {
  const bytes = sum(found.map(sizeOf));
  figures.bytes += bytes;
  figures.readUnits += Math.max(1, Math.ceil(bytes / 4096));
  figures.requests += Math.floor(bytes / pageBytes);
}

const sum = (numbers: readonly number[]): number => numbers.reduce((total, number) => total + number, 0);

/** TTL: what has expired takes no memory any more. Readers look at the time themselves. */
function createSweeper(store: Store, now: () => number): (items: readonly Item[]) => Promise<void> {
  const expiries = new Map<string, { key: Key; expiresAt: number }>();
  let sweptAt = now();
  return async (items) => {
    for (const { pk, sk, expiresAt } of items)
      expiries.set(keyText({ pk, sk }), { key: { pk, sk }, expiresAt });
    if (now() < sweptAt + sweepPause) return;
    sweptAt = now();
    const expired = [...expiries].filter(([, { expiresAt }]) => expiresAt * 1000 <= now());
    for (const [text] of expired) expiries.delete(text);
    await store.remove(expired.map(([, { key }]) => key));
  };
}

const keyText = ({ pk, sk }: Key): string => `${pk} ${sk}`;
