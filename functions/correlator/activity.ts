/** An activity as it was read: all items of one root's partition, and what follows from them. Times in milliseconds since 1970. */
import type { Observation } from '../../shared/observation.ts';
import type { SentSpan } from './causality/assemble.ts';
import {
  type Acknowledged,
  type BatchItem,
  type CheckpointItem,
  type Chunk,
  type ChunkItem,
  chunkOf,
  nameChunks,
  parseItem,
  type RecheckItem,
  type SentItem,
  sentIn,
} from './items.ts';
import type { OpenChange, ReleaseChange } from './releases/release-change.ts';
import { activityPartition, type Item, type Store } from './store.ts';

export interface Activity {
  /** `<cluster>/<id of its root>`. */
  key: string;
  /** Of its object; undefined where nothing of it is left but what was sent. */
  family: string | undefined;
  chunks: ChunkItem[];
  /** Of its outbox, ascending by number. */
  batches: BatchItem[];
  sent: SentItem[];
  /** Activities that are to be merged into this one. */
  merges: { from: string; sk: string }[];
  /** Under which it is registered. */
  joinKeys: readonly string[];
  recheck: RecheckItem | undefined;
  checkpoint: CheckpointItem | undefined;
  /** Batches that were acknowledged as sent. */
  acknowledged: Acknowledged[];
  /** Of a release; empty of what is none. */
  releaseChanges: ReleaseChange[];
  openChanges: OpenChange[];
  /** Ids of records of its changes that stalled. */
  told: Set<string>;
  /** Of all bodies. */
  bytes: number;
}

export const bytesOf = (items: readonly Item[]): number =>
  items.reduce((sum, { body }) => sum + (body?.length ?? 0), 0);

/** @throws UnreadableBodyError */
export function toActivity(key: string, items: readonly Item[]): Activity {
  const activity: Activity = {
    key,
    family: undefined,
    chunks: [],
    batches: [],
    sent: [],
    merges: [],
    joinKeys: [],
    recheck: undefined,
    checkpoint: undefined,
    acknowledged: [],
    releaseChanges: [],
    openChanges: [],
    told: new Set(),
    bytes: bytesOf(items),
  };
  for (const item of items) add(activity, item);
  return activity;
}

function add(activity: Activity, stored: Item): void {
  const item = parseItem(stored, activity.key);
  if (item === undefined) return;
  if ('acknowledged' in item && item.acknowledged !== undefined)
    activity.acknowledged.push(item.acknowledged);
  switch (item.kind) {
    case 'chunk':
      activity.chunks.push(item);
      activity.family = item.family;
      return;
    case 'batch':
      activity.batches.push(item);
      return;
    case 'sent':
      activity.sent.push(item);
      return;
    case 'merge':
      activity.merges.push({ from: item.from, sk: item.sk });
      activity.family ??= item.family;
      return;
    case 'registration':
      activity.joinKeys = item.keys;
      return;
    case 'recheck':
      activity.recheck = item;
      return;
    case 'checkpoint':
      activity.checkpoint = item;
      return;
    case 'release-change':
      if (item.change !== undefined) activity.releaseChanges.push(item.change);
      return;
    case 'release-open':
      if (item.open !== undefined) activity.openChanges.push(item.open);
      return;
    case 'told':
      activity.told.add(item.id);
      return;
    case 'acknowledgement':
    case 'release-timer':
      return;
    default:
      item satisfies never;
  }
}

/** @throws UnreadableBodyError */
export const readActivity = async (store: Pick<Store, 'list'>, key: string): Promise<Activity> =>
  toActivity(key, await store.list(activityPartition(key)));

/** @throws UnreadableBodyError */
export const chunksOf = ({ chunks }: Pick<Activity, 'chunks'>): Chunk[] => chunks.map(chunkOf);

export const observationsOf = (chunks: readonly Chunk[]): Observation[] =>
  chunks.flatMap(({ observations }) => observations);

/** Number of the last batch that was committed here; 0 where there was none. */
export const lastBatch = ({ batches }: Pick<Activity, 'batches'>): number =>
  batches.reduce((last, { number }) => Math.max(last, number), 0);

/** 0 where nothing of it is left. */
export const lastHeard = ({ chunks }: Pick<Activity, 'chunks'>): number =>
  chunks.reduce((last, { at }) => Math.max(last, at), 0);

/** When all that could be sent was committed here last; 0 where it never was. */
export const lastCommit = ({ batches }: Pick<Activity, 'batches'>): number =>
  batches
    .filter(({ body, isPartial }) => body !== undefined && !isPartial)
    .reduce((last, { at }) => Math.max(last, at), 0);

/**
 * Since when something of it waits to be settled: since the last commit, or since the end of the last silence of `silence`
 * milliseconds. Undefined: nothing waits.
 */
export function waitingSince(
  { chunks }: Pick<Activity, 'chunks'>,
  committedAt: number,
  silence: number,
): number | undefined {
  let since: number | undefined;
  for (const at of chunks.map((chunk) => chunk.at).sort((a, b) => b - a)) {
    if (at < committedAt || (since !== undefined && since - at > silence)) break;
    since = at;
  }
  return since;
}

/** Nothing came since it settled. */
export const hasSeenAll = ({ recheck, chunks }: Activity): boolean => recheck?.seen === nameChunks(chunks);

/**
 * By span id.
 * @throws UnreadableBodyError
 */
export function whatWasSent(activities: readonly Activity[]): Map<string, SentSpan> {
  const sent = new Map<string, SentSpan>();
  for (const { batches, sent: compacted } of activities)
    for (const item of [...compacted, ...batches])
      for (const span of sentIn(item)) sent.set(span.spanId, span);
  return sent;
}
