/**
 * How far each partition key of a cluster was filed. With several of them one may lag: an activity looks quiet, and what it is related to, or
 * the rest of itself, is still in the stream. Each time that a forwarder ships anything it marks all of its keys; the key that is marked as of
 * longer ago than the others is behind, and one of which all are marked alike is quiet.
 */
import type { Mark } from '../../shared/batch-codec.ts';
import type { Item, Store } from './store.ts';
import { usualLag } from './thresholds.ts';

/** Of a cluster. */
export interface Lag {
  /** Seconds by which its slowest key is behind the fastest. */
  seconds: number;
  /** When something was filed last that had waited in the stream, in milliseconds since 1970; 0: nothing was. */
  lateAt: number;
}

const partitionOf = (cluster: string): string => `marks#${cluster}`;
const lateKey = 'late';

export interface Filed {
  mark: Mark;
  /** When the stream took its record, and now; milliseconds since 1970. */
  arrivedAt: number;
  now: number;
  expiresAt: number;
}

/** The mark; and that it came late, where it did. */
export function markItems(cluster: string, { mark, arrivedAt, now, expiresAt }: Filed): Item[] {
  const { key, keys, at } = mark;
  const pk = partitionOf(cluster);
  const marked = { pk, sk: `key#${String(key).padStart(3, '0')}`, expiresAt, fields: { at, keys } };
  const isLate = now - arrivedAt > usualLag * 1000;
  return isLate ? [marked, { pk, sk: lateKey, expiresAt, fields: { at: now } }] : [marked];
}

export async function readLag(store: Pick<Store, 'list'>, cluster: string): Promise<Lag> {
  const items = (await store.list(partitionOf(cluster))).map(({ sk, fields = {} }) => ({
    isMark: sk !== lateKey,
    at: Number(fields.at),
    keys: Number(fields.keys ?? 0),
  }));
  const late = items.filter(({ isMark }) => !isMark);
  return {
    seconds: lagOf(items.filter(({ isMark }) => isMark)),
    lateAt: late.reduce((latest, { at }) => Math.max(latest, at), 0),
  };
}

/** Of a key of which there is no mark yet nobody knows how far it is. */
export function lagOf(marks: readonly Pick<Mark, 'at' | 'keys'>[]): number {
  if (marks.length === 0) return 0;
  const newest = marks.reduce((latest, mark) => (mark.at > latest.at ? mark : latest));
  // Marks of when there were more keys, or fewer, are of the past.
  const current = marks.filter(({ keys }) => keys === newest.keys);
  if (current.length < newest.keys) return Number.POSITIVE_INFINITY;
  return (newest.at - Math.min(...current.map(({ at }) => at))) / 1000;
}
