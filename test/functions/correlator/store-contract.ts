import { afterAll, beforeAll, beforeEach, expect, it } from 'vitest';
import type { Item, Store } from '../../../functions/correlator/store.ts';

const noon = Date.parse('2026-03-01T12:00:00Z');
const later = noon / 1000 + 3600;
const item = (pk: string, sk: string, more: Partial<Item> = {}): Item => ({
  pk,
  sk,
  expiresAt: later,
  ...more,
});

/** Of each implementation: the same examples. `start` once, a store for each test. */
export function keepsTheContract(
  start: () => Promise<{ make(now: () => number): Store; stop(): Promise<void> }>,
) {
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
}
