import { describe, expect, it } from 'vitest';
import { createMemoryStore } from '../../../functions/correlator/store-memory.ts';
import { lagOf, markItems, readLag } from '../../../functions/correlator/stream-marks.ts';

const noon = Date.parse('2026-03-01T12:00:00Z');
const expiresAt = noon / 1000 + 3600;

describe('how far a key is behind', () => {
  it('is told by the others: one of which nothing comes is marked as they are', () => {
    expect(lagOf([])).toBe(0);
    expect(lagOf([0, 1, 2].map(() => ({ at: noon, keys: 3 })))).toBe(0);
    expect(
      lagOf([
        { at: noon, keys: 2 },
        { at: noon + 90_000, keys: 2 },
      ]),
    ).toBe(90);
  });

  it('is unknown while there is no mark of it', () => {
    expect(lagOf([{ at: noon, keys: 2 }])).toBe(Number.POSITIVE_INFINITY);
  });

  it('says nothing of keys that the cluster had once', () => {
    const marks = [
      { at: noon, keys: 4 },
      { at: noon, keys: 4 },
      { at: noon + 60_000, keys: 2 },
      { at: noon + 61_000, keys: 2 },
    ];
    expect(lagOf(marks)).toBe(1);
  });
});

it('what waited in the stream is told, so that those who were waited for have their time', async () => {
  const store = createMemoryStore(() => noon);
  const filed = { arrivedAt: noon, now: noon + 3_000, expiresAt };
  await store.put(markItems('c1', { ...filed, mark: { key: 0, keys: 2, at: noon } }));
  expect(await readLag(store, 'c1')).toEqual({ seconds: Number.POSITIVE_INFINITY, lateAt: 0 });
  const late = { ...filed, now: noon + 240_000 };
  await store.put(markItems('c1', { ...late, mark: { key: 1, keys: 2, at: noon } }));
  expect(await readLag(store, 'c1')).toEqual({ seconds: 0, lateAt: noon + 240_000 });
  expect(await readLag(store, 'c2')).toEqual({ seconds: 0, lateAt: 0 });
});
