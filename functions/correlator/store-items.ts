/** Items of the table from what they mean, and back. What the store holds was written here, so it is read unchecked. */
import { hash } from 'node:crypto';
import { zstdCompressSync, zstdDecompressSync } from 'node:zlib';
import type { Cluster, Observation } from '../../shared/observation.ts';
import type { Span } from '../../shared/span.ts';
import type { SentSpan } from './causality/assemble.ts';
import {
  activityPartition,
  clusterOf,
  type Head,
  headKey,
  type Item,
  type KnownObject,
  largestBody,
  meetingPartition,
  objectKey,
} from './store.ts';

/** Of one activity and one record. */
export interface Chunk {
  cluster: Cluster;
  observations: Observation[];
}

const pack = (value: unknown): Uint8Array => zstdCompressSync(JSON.stringify(value));
const unpack = (item: Item): unknown => JSON.parse(zstdDecompressSync(item.body!).toString('utf8'));

/** As few parts as fit into items; `make` is asked again with halves where a body is too large. */
function packParts<T>(entries: readonly T[], make: (entries: readonly T[]) => unknown): Uint8Array[] {
  const body = pack(make(entries));
  if (body.length <= largestBody || entries.length <= 1) return [body];
  const half = Math.ceil(entries.length / 2);
  return [...packParts(entries.slice(0, half), make), ...packParts(entries.slice(half), make)];
}

export const objectItem = (cluster: string, id: string, known: KnownObject, expiresAt: number): Item => ({
  ...objectKey(cluster, id),
  expiresAt,
  fields: { ...known },
});
export const knownObject = (item: Item): KnownObject => item.fields as unknown as KnownObject;

/** `source`: shardId:sequenceNumber. */
export function chunkItems(activity: string, source: string, chunk: Chunk, expiresAt: number): Item[] {
  const bodies = packParts(chunk.observations, (observations) => ({ cluster: chunk.cluster, observations }));
  return bodies.map((body, part) => ({
    pk: activityPartition(activity),
    sk: `chunk#${source}${part === 0 ? '' : `#${part}`}`,
    expiresAt,
    body,
  }));
}

export const headItem = (activity: string, head: Head, revision: number, expiresAt: number) => ({
  ...headKey(activity),
  expiresAt,
  revision,
  fields: { ...head } as Record<string, number>,
});

export const expectItem = (activity: string, expected: string, expiresAt: number): Item => ({
  pk: activityPartition(activity),
  sk: `expect#${expected}`,
  expiresAt,
});

export const pointsItem = (activity: string, points: readonly string[], expiresAt: number): Item => ({
  pk: activityPartition(activity),
  sk: 'points',
  expiresAt,
  body: pack(points),
});

export const meetingItem = (activity: string, point: string, expiresAt: number): Item => ({
  pk: meetingPartition(clusterOf(activity), point),
  sk: activity,
  expiresAt,
});

/** The most of `spans` that fits into one item, from the beginning; the rest is for the next cut. */
export function fitCut(spans: readonly Span[]): Span[] {
  let fitting = spans.slice();
  while (fitting.length > 1 && pack(fitting).length > largestBody) {
    fitting = fitting.slice(0, Math.ceil(fitting.length / 2));
  }
  return fitting;
}

/** No spans: nothing is on its way. */
export const cutItem = (activity: string, spans: readonly Span[], revision: number, expiresAt: number) => ({
  pk: activityPartition(activity),
  sk: 'cut',
  expiresAt,
  revision,
  ...(spans.length > 0 && { body: pack(spans) }),
});

const sentKey = (spans: readonly Span[]): string =>
  `sent#${hash('sha256', spans.map(({ spanId }) => spanId).join(), 'hex').slice(0, 16)}`;

/** The same spans give the same item, which says that a cut of them is done. */
export const sentItem = (activity: string, spans: readonly Span[], expiresAt: number): Item => ({
  pk: activityPartition(activity),
  sk: sentKey(spans),
  expiresAt,
  body: pack(
    spans.map(
      ({ spanId, traceId, parentSpanId, startTimeUnixNano, endTimeUnixNano }): SentSpan => ({
        spanId,
        traceId,
        parentSpanId,
        startTimeUnixNano,
        endTimeUnixNano,
      }),
    ),
  ),
});

/** An activity as it was read. */
export interface Activity {
  key: string;
  head: Head | undefined;
  headRevision: number | undefined;
  chunks: Item[];
  sent: Item[];
  /** Keys of activities to be moved into this one. */
  expected: string[];
  cutRevision: number | undefined;
  /** Spans on their way to the queue; what is there already is in `sent`. */
  cut: Span[];
  points: string[];
}

export function readActivity(key: string, items: readonly Item[]): Activity {
  const activity: Activity = {
    key,
    head: undefined,
    headRevision: undefined,
    chunks: [],
    sent: [],
    expected: [],
    cutRevision: undefined,
    cut: [],
    points: [],
  };
  for (const item of items) {
    const kind = item.sk.split('#', 1)[0];
    if (kind === 'head') {
      activity.head = item.fields as unknown as Head;
      activity.headRevision = item.revision;
    } else if (kind === 'chunk') activity.chunks.push(item);
    else if (kind === 'sent') activity.sent.push(item);
    else if (kind === 'expect') activity.expected.push(item.sk.slice('expect#'.length));
    else if (kind === 'points') activity.points = unpack(item) as string[];
    else if (kind === 'cut') {
      activity.cutRevision = item.revision;
      if (item.body !== undefined) activity.cut = unpack(item) as Span[];
    } else throw new Error(`an item of no known kind: ${kind}`);
  }
  const done = sentKey(activity.cut);
  if (activity.sent.some(({ sk }) => sk === done)) activity.cut = [];
  return activity;
}

export const chunkOf = (item: Item): Chunk => unpack(item) as Chunk;
export const sentOf = (item: Item): SentSpan[] => unpack(item) as SentSpan[];
