import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { Item, Store } from '../../../functions/correlator/store.ts';
import { ItemRefusedError } from '../../../shared/errors.ts';

const noon = Date.parse('2026-03-01T12:00:00Z');
const later = noon / 1000 + 3600;
const item = (pk: string, sk: string, more: Partial<Item> = {}): Item => ({
  pk,
  sk,
  expiresAt: later,
  ...more,
});

/**
 * Of each implementation: the same examples. `start` once, a store for each test.
 * @param measures where it takes a character for a byte (dynalite), limits are met with ASCII alone
 */
export function keepsTheContract(
  start: () => Promise<{ make(now: () => number): Store; stop(): Promise<void> }>,
  measures: 'bytes' | 'characters' = 'bytes',
) {
  const wide = measures === 'bytes' ? 'é' : 'xx';
  let started: Awaited<ReturnType<typeof start>>;
  let now = noon;
  let store: Store;
  let test = 0;
  let pk: string;
  beforeAll(async () => {
    started = await start();
  });
  afterAll(() => started.stop());
  beforeEach(() => {
    now = noon;
    store = started.make(() => now);
    test += 1;
    pk = `p${test}`;
  });

  it('gives back what was put: fields, body and all', async () => {
    const full = item(pk, 'head', {
      revision: 3,
      fields: { name: 'web', empty: '', dueAt: 1772366400123 },
      body: Uint8Array.of(0, 1, 255),
    });
    await store.put([full, item(pk, 'bare')]);
    const [bare, head] = await store.list(pk);
    expect(bare).toEqual(item(pk, 'bare'));
    expect({ ...head, body: [...head!.body!] }).toEqual({ ...full, body: [0, 1, 255] });
  });

  it('lists one partition, ascending by sort key', async () => {
    await store.put([item(pk, 'b'), item(pk, 'a'), item(`${pk}x`, 'c'), item(pk, 'a#2')]);
    expect((await store.list(pk)).map(({ sk }) => sk)).toEqual(['a', 'a#2', 'b']);
    expect(await store.list('nothing')).toEqual([]);
  });

  it('lists what is between two sort keys, both included', async () => {
    await store.put(['a#1', 'a#2', 'a#3', 'b', 'c'].map((sk) => item(pk, sk)));
    const within = async (from: string, to: string) =>
      (await store.list(pk, { within: [from, to] })).map(({ sk }) => sk);
    expect(await within('a#2', 'b')).toEqual(['a#2', 'a#3', 'b']);
    expect(await within('a#', 'a#~')).toEqual(['a#1', 'a#2', 'a#3']);
    expect(await within('d', 'e')).toEqual([]);
  });

  it('lists the first of those that have not expired', async () => {
    await store.put(
      ['a', 'b', 'c', 'd', 'e'].map((sk) => item(pk, sk, sk < 'c' ? { expiresAt: noon / 1000 } : {})),
    );
    const first = async (most: number) => (await store.list(pk, { most })).map(({ sk }) => sk);
    expect(await first(2)).toEqual(['c', 'd']);
    expect(await first(4)).toEqual(['c', 'd', 'e']);
  });

  it('lists more than one page of DynamoDB', async () => {
    const large = Array.from({ length: 6 }, (_, n) =>
      item(pk, `${n}`, { body: new Uint8Array(300_000).fill(n) }),
    );
    await store.put(large);
    const listed = await store.list(pk);
    expect(listed.map(({ sk, body }) => [sk, body!.length, body![0]])).toEqual(
      large.map(({ sk }, n) => [sk, 300_000, n]),
    );
  });

  it('puts, reads and removes more than fits into one call', async () => {
    const many = Array.from({ length: 130 }, (_, n) => item(pk, String(n).padStart(3, '0')));
    await store.put(many);
    expect(await store.read([...many, item(pk, 'missing')])).toHaveLength(130);
    await store.remove(many.slice(1));
    expect(await store.list(pk)).toEqual([many[0]]);
  });

  it('takes the same key twice in one call', async () => {
    await store.put([item(pk, 'a', { fields: { n: 1 } }), item(pk, 'a', { fields: { n: 2 } })]);
    expect(await store.read([item(pk, 'a'), item(pk, 'a')])).toEqual([item(pk, 'a', { fields: { n: 2 } })]);
    await store.remove([item(pk, 'a'), item(pk, 'a')]);
    expect(await store.read([item(pk, 'a')])).toEqual([]);
  });

  it('takes nothing for an answer', async () => {
    await store.put([]);
    await store.remove([]);
    expect(await store.read([])).toEqual([]);
  });

  it('hides what has expired, though it may still be there', async () => {
    await store.put([item(pk, 'a', { expiresAt: noon / 1000 + 10 })]);
    now = noon + 9_999;
    expect(await store.read([item(pk, 'a')])).toHaveLength(1);
    now = noon + 10_000;
    expect(await store.read([item(pk, 'a')])).toEqual([]);
    expect(await store.list(pk)).toEqual([]);
  });

  it('replaces only the revision that was seen', async () => {
    const version = (revision: number) => ({ ...item(pk, 'head'), revision });
    expect(await store.replace(version(1), 7)).toBe(false);
    expect(await store.replace(version(1), undefined)).toBe(true);
    expect(await store.replace(version(1), undefined)).toBe(false);
    expect(await store.replace(version(2), 1)).toBe(true);
    expect(await store.replace(version(2), 1)).toBe(false);
    expect(await store.read([item(pk, 'head')])).toEqual([version(2)]);
  });

  it('replaces what has expired as if it were not there', async () => {
    const first = { ...item(pk, 'head', { expiresAt: noon / 1000 + 10 }), revision: 1 };
    await store.replace(first, undefined);
    now = noon + 10_000;
    expect(await store.replace({ ...item(pk, 'head'), revision: 2 }, 1)).toBe(false);
    expect(await store.replace({ ...item(pk, 'head'), revision: 1 }, undefined)).toBe(true);
  });

  describe('what is refused for what it is', () => {
    /** The keys that are refused, once all else is done. */
    const refusedOf = async (call: Promise<unknown>) => {
      const error: unknown = await call.then(
        () => undefined,
        (reason) => reason,
      );
      expect(error).toBeInstanceOf(ItemRefusedError);
      return (error as ItemRefusedError).keys.map(({ sk }) => sk.slice(0, 5));
    };
    const random = (bytes: number) => new Uint8Array(bytes).fill(7);

    it('is an item of more than 400 kB, with all its names', async () => {
      const largest = 400 * 1024;
      // pk and sk, a body, and an expiresAt of ten digits: six bytes.
      const rest = `pk${pk}sklargebodyexpiresAt`.length + 6;
      await store.put([item(pk, 'large', { body: random(largest - rest) })]);
      expect(await store.list(pk)).toHaveLength(1);
      expect(await refusedOf(store.put([item(pk, 'over', { body: random(largest) })]))).toEqual(['over']);
      const fields = { text: wide.repeat(largest / 2) };
      expect(await refusedOf(store.put([item(pk, 'words', { fields })]))).toEqual(['words']);
    });

    it('is a key that is too long, in bytes', async () => {
      const fits = [
        item('p'.repeat(2_048), 'a'),
        item(pk, 's'.repeat(1_024)),
        item(`${pk}w`, wide.repeat(512)),
      ];
      await store.put(fits);
      expect(await store.read(fits)).toHaveLength(3);
      for (const over of [item('p'.repeat(2_049), 'long'), item(pk, `long${wide.repeat(511)}`)]) {
        expect(await refusedOf(store.put([over]))).toEqual([over.sk.slice(0, 5)]);
        expect(await refusedOf(store.remove([over]))).toEqual([over.sk.slice(0, 5)]);
        expect(await refusedOf(store.read([over]))).toEqual([over.sk.slice(0, 5)]);
        expect(await refusedOf(store.replace({ ...over, revision: 1 }, undefined))).toHaveLength(1);
      }
    });

    it('is a number that is none', async () => {
      const none = [Number.NaN, Number.POSITIVE_INFINITY, 1e300];
      const items = none.map((n, i) => item(pk, `n${i}`, { fields: { n } }));
      expect(await refusedOf(store.put(items))).toEqual(['n0', 'n1', 'n2']);
    });

    it('holds nothing else of the call back', async () => {
      const good = Array.from({ length: 40 }, (_, n) => item(pk, `good${n}`));
      const bad = [13, 31].map((n) => item(pk, `bad${n}`, { body: random(500_000) }));
      expect(await refusedOf(store.put([...good.slice(0, 20), bad[0]!, bad[1]!, ...good.slice(20)]))).toEqual(
        ['bad13', 'bad31'],
      );
      expect(await store.list(pk)).toHaveLength(40);
      expect(await refusedOf(store.remove([...good, item(pk, `long${'x'.repeat(1_024)}`)]))).toHaveLength(1);
      expect(await store.list(pk)).toEqual([]);
    });
  });
}
