/** Items of the table from what they mean, and back. What the store holds was written here, so it is read unchecked. */
import { hash } from 'node:crypto';
import type { Cluster, Observation } from '../../shared/observation.ts';
import type { Span } from '../../shared/span.ts';
import type { SentSpan } from './causality/assemble.ts';
import { packBody, unpackBody } from './pack-body.ts';
import {
  aboutKey,
  activityPartition,
  archivePartition,
  clusterOf,
  expectKey,
  familyPartition,
  type Item,
  type KnownObject,
  largestBody,
  lookKey,
  meetingPartition,
  type Part,
} from './store.ts';

/** Of one activity and one batch. */
export interface Chunk {
  cluster: Cluster;
  observations: Observation[];
}

/** Name of the batch that one invocation reads of one shard. */
export const batchName = (shard: string, first: string, last: string): string =>
  shorten(`${shard}:${first}-${last}`);
/** Keys count as bytes of their items. */
export const shorten = (text: string): string => hash('sha256', text, 'base64url').slice(0, 16);

/** As few parts as fit into items; `make` is asked again with halves where a body is too large. */
function packParts<T>(entries: readonly T[], make: (entries: readonly T[]) => unknown): Uint8Array[] {
  const body = packBody(make(entries));
  if (body.length <= largestBody || entries.length <= 1) return [body];
  const half = Math.ceil(entries.length / 2);
  return [...packParts(entries.slice(0, half), make), ...packParts(entries.slice(half), make)];
}

/** `at`: the time of writing, in milliseconds since 1970. */
export function familyItems(
  cluster: string,
  family: string,
  batch: string,
  objects: ReadonlyMap<string, KnownObject>,
  at: number,
  expiresAt: number,
): Item[] {
  return packParts([...objects], (some) => some).map((body, part) => ({
    pk: familyPartition(cluster, family),
    sk: partKey(batch, part),
    expiresAt,
    fields: { at },
    body,
  }));
}

/** By id. Of an object that several told of, the owner that was told first. */
export function knownObjects(items: readonly Item[]): Map<string, { known: KnownObject; expiresAt: number }> {
  const objects = new Map<string, { known: KnownObject; expiresAt: number }>();
  const told = items.filter(({ body }) => body !== undefined);
  const inOrder = told.sort((a, b) => Number(a.fields!.at) - Number(b.fields!.at) || (a.sk < b.sk ? -1 : 1));
  for (const item of inOrder) {
    for (const [id, known] of unpackBody(item.body!) as [string, KnownObject][]) {
      const before = objects.get(id);
      objects.set(id, {
        known: before?.known ?? known,
        expiresAt: Math.max(before?.expiresAt ?? 0, item.expiresAt),
      });
    }
  }
  return objects;
}

/** Milliseconds since 1970, so that keys are in order of time. */
const timeKey = (at: number): string => String(at).padStart(15, '0');

const partKey = (name: string, part: number): string => (part === 0 ? name : `${name}#${part}`);

/** Times in milliseconds since 1970. */
export interface ChunkFields {
  /** When it was ingested. */
  at: number;
  /** A timer of the activity that comes after this is written; 0: whoever wrote it sees to that. */
  dueAt: number;
  /** Of the activity's object. */
  family: string;
}

export function chunkItems(
  activity: string,
  batch: string,
  chunk: Chunk,
  fields: ChunkFields,
  expiresAt: number,
): Item[] {
  const bodies = packParts(chunk.observations, (observations) => ({ cluster: chunk.cluster, observations }));
  return bodies.map((body, part) => ({
    pk: activityPartition(activity),
    sk: chunkKey(fields.at, partKey(batch, part)),
    expiresAt,
    fields: { ...fields },
    body,
  }));
}

const chunkKey = (at: number, name: string): string => `chunk#${timeKey(at)}#${name}`;
export const chunksSince = (at: number): Part => ({ within: [chunkKey(at, ''), 'chunk#~'] });

/** What stands for `chunks` from now on. Named by what it replaces, so that doing it again writes it again. */
export function foldItems(activity: string, chunks: Activity['chunks'], chunk: Chunk): Item[] {
  const name = shorten(chunks.map(({ sk }) => sk).join());
  const at = lastHeard({ chunks });
  const expiresAt = chunks.reduce((last, chunk) => Math.max(last, chunk.expiresAt), 0);
  const fields: ChunkFields = { at, dueAt: 0, family: chunks[0]!.fields.family };
  return chunkItems(activity, name, chunk, fields, expiresAt).map((item) => ({
    ...item,
    sk: item.sk.replace('chunk', 'fold'),
  }));
}

/** `family`: of the object of `activity`. */
export const expectItem = (activity: string, family: string, expected: string, expiresAt: number): Item => ({
  ...expectKey(activity, expected),
  expiresAt,
  fields: { family },
});

export const pointsItem = (activity: string, points: readonly string[], expiresAt: number): Item => ({
  pk: activityPartition(activity),
  sk: 'points',
  expiresAt,
  body: packBody(points),
});

export const meetingItem = (activity: string, point: string, expiresAt: number): Item => ({
  pk: meetingPartition(clusterOf(activity), point),
  sk: activity,
  expiresAt,
});

/** What is tried first: mostly half of what fits. All of what is left would be packed for each cut again. */
const mostOfCut = 4000;

/** Of `spans` as many as fit into one item, from the beginning; the rest is for the next cut. */
export function fitCut(spans: readonly Span[]): Span[] {
  let fitting = spans.slice(0, mostOfCut);
  while (fitting.length > 1 && packBody(fitting).length > largestBody) {
    fitting = fitting.slice(0, Math.ceil(fitting.length / 2));
  }
  return fitting;
}

export interface CutFields {
  /** Milliseconds since 1970. */
  at: number;
  /** The timer that made it. */
  turn: string;
}

/** No spans: it only takes the number, so that a settle that has read what was there before starts again. */
export const cutItem = (
  activity: string,
  number: number,
  spans: readonly Span[],
  fields: CutFields,
  expiresAt: number,
) => ({
  pk: activityPartition(activity),
  sk: cutKey(number),
  expiresAt,
  revision: 1,
  fields: { ...fields },
  ...(spans.length > 0 && { body: packBody(spans) }),
});

const cutKey = (number: number): string => `cut#${String(number).padStart(6, '0')}`;
export const cutsAndExpectsAfter = (number: number): Part => ({
  within: [cutKey(number + 1), 'expect#~'],
});

/** What a look at all of an activity found. Times in milliseconds since 1970. */
export interface About {
  /** Read after this. */
  at: number;
  /** The last one here, and a time after it; 0 where there was none. */
  cut: number;
  cutAt: number;
  /** Since when something of it waits. */
  since: number | undefined;
  /** Of all bodies. */
  bytes: number;
  /** It has meeting points. */
  meets: boolean;
  /** What they come from. */
  digests: ReadonlySet<string>;
}

/** Undefined where it does not fit into an item. */
export function aboutItem(activity: string, about: About, expiresAt: number): Item | undefined {
  const { at, cut, cutAt, since, bytes, meets, digests } = about;
  const body = packBody([...digests]);
  if (body.length > largestBody) return undefined;
  const fields = { at, cut, cutAt, bytes, meets: Number(meets), ...(since !== undefined && { since }) };
  return { ...aboutKey(activity), expiresAt, fields, body };
}

export function readAbout({ fields, body }: Item): About {
  const { at, cut, cutAt, since, bytes, meets } = fields as unknown as Omit<About, 'digests' | 'meets'> & {
    meets: number;
  };
  return {
    at,
    cut,
    cutAt,
    since,
    bytes,
    meets: meets === 1,
    digests: new Set(unpackBody(body!) as string[]),
  };
}

/** Of an activity that meets others and has settled. Times in milliseconds since 1970. */
export interface LookFields {
  /** Which chunks it had: whatever else there is has a timer of its own. */
  seen: string;
  /** When its next look comes; undefined: it needs none. */
  next?: number;
}

export const lookItem = (
  activity: string,
  fields: LookFields,
  seen: number | undefined,
  expiresAt: number,
) => ({
  ...lookKey(activity),
  expiresAt,
  revision: (seen ?? 0) + 1,
  fields: { ...fields },
});

export const nameChunks = (keys: readonly Pick<Item, 'sk'>[]): string =>
  shorten(
    keys
      .map(({ sk }) => sk)
      .sort()
      .join(),
  );

/** Nothing came since it settled. */
export const hasSeen = ({ look, chunks }: Activity): boolean => look?.fields.seen === nameChunks(chunks);

/** What stands for `cuts` from now on, in order. */
export function sentItems(activity: string, cuts: Activity['cuts']): Item[] {
  const name = shorten(cuts.map(({ sk }) => sk).join());
  const at = cuts.reduce((last, { fields }) => Math.max(last, fields.at), 0);
  const expiresAt = cuts.reduce((last, cut) => Math.max(last, cut.expiresAt), 0);
  return packParts(cuts.flatMap(sentOf), (some) => some).map((body, part) => ({
    pk: activityPartition(activity),
    sk: `sent#${timeKey(at)}#${partKey(name, part)}`,
    expiresAt,
    fields: { at, turn: '' },
    body,
  }));
}

export const archivedCut = (activity: string, { revision: _, ...item }: Activity['cuts'][number]): Item => ({
  ...item,
  pk: archivePartition(activity),
});

/** Of items that hold observations; `chunk` and what it is folded into, later ones later in the order of keys. */
const chunkKinds: ReadonlySet<string> = new Set(['chunk', 'fold']);
export const isChunk = ({ sk }: Pick<Item, 'sk'>): boolean => chunkKinds.has(sk.split('#', 1)[0]!);

/** An activity as it was read. */
export interface Activity {
  key: string;
  /** Undefined where there is nothing but what was cut. */
  family: string | undefined;
  chunks: (Item & { fields: ChunkFields })[];
  /** Cut here or in an activity that was moved in. */
  cuts: (Item & { fields: CutFields })[];
  /** Of the last cut here; 0 where there was none. */
  lastCut: number;
  /** Of all bodies. */
  bytes: number;
  /** Keys of activities to be moved into this one. */
  expected: string[];
  points: string[];
  look: (Item & { fields: LookFields }) | undefined;
}

export const bytesOf = (items: readonly Item[]): number =>
  items.reduce((sum, { body }) => sum + (body?.length ?? 0), 0);

export function readActivity(key: string, items: readonly Item[]): Activity {
  const activity: Activity = {
    key,
    family: undefined,
    chunks: [],
    cuts: [],
    lastCut: 0,
    bytes: bytesOf(items),
    expected: [],
    points: [],
    look: undefined,
  };
  for (const item of items) {
    const kind = item.sk.split('#', 1)[0];
    if (isChunk(item)) {
      activity.chunks.push(item as Activity['chunks'][number]);
      activity.family = String(item.fields!.family);
    } else if (kind === 'cut' || kind === 'sent') {
      activity.cuts.push(item as Activity['cuts'][number]);
      activity.lastCut = Math.max(activity.lastCut, cutNumber(item) ?? 0);
    } else if (kind === 'expect') {
      activity.expected.push(item.sk.slice('expect#'.length));
      activity.family ??= String(item.fields!.family);
    } else if (kind === 'points') activity.points = unpackBody(item.body!) as string[];
    else if (kind === 'look') activity.look = item as NonNullable<Activity['look']>;
    else if (kind !== 'about') throw new Error(`an item of no known kind: ${kind}`);
  }
  return activity;
}

/** Undefined for one that was moved in. */
const cutNumber = ({ sk }: Item): number | undefined =>
  sk.startsWith('cut#') ? Number(sk.slice('cut#'.length)) : undefined;

/**
 * A chunk in the activity `into`, where it is new. Named by all of what it was: the same batch may have filed there as
 * well, and in `from` more than once, one attempt less than another.
 */
export const movedChunk = (
  item: Activity['chunks'][number],
  from: string,
  into: string,
  fields: Pick<ChunkFields, 'at' | 'family'>,
): Item => ({
  ...item,
  pk: activityPartition(into),
  sk: chunkKey(fields.at, shorten(`${from} ${item.sk}`)),
  fields: { ...fields, dueAt: 0 },
});

/** A cut in the activity `into`, whose own have other numbers. */
export const movedCut = (item: Activity['cuts'][number], from: string, into: string): Item => {
  const number = cutNumber(item);
  return {
    ...item,
    pk: activityPartition(into),
    sk: number === undefined ? item.sk : `sent#${from}#${number}`,
  };
};

export const chunkOf = (item: Item): Chunk => unpackBody(item.body!) as Chunk;
/** Of a cut the spans, of one that was folded all that is left of them. */
export const sentOf = (item: Item): SentSpan[] =>
  (item.body === undefined ? [] : (unpackBody(item.body) as SentSpan[])).map(
    ({ spanId, traceId, parentSpanId, startTimeUnixNano, endTimeUnixNano }) => ({
      spanId,
      traceId,
      parentSpanId,
      startTimeUnixNano,
      endTimeUnixNano,
    }),
  );
export const spansOf = (item: Item): Span[] =>
  item.body === undefined ? [] : (unpackBody(item.body) as Span[]);

/** When it was last heard of, in milliseconds since 1970; 0 where nothing of it is left. */
export const lastHeard = ({ chunks }: Pick<Activity, 'chunks'>): number =>
  chunks.reduce((last, { fields }) => Math.max(last, fields.at), 0);

/** In milliseconds since 1970; 0 where there was none. What was cut elsewhere and moved in settled nothing here. */
export const lastCutAt = ({ cuts }: Activity): number =>
  cuts
    .filter((item) => cutNumber(item) !== undefined && item.body !== undefined)
    .reduce((last, { fields }) => Math.max(last, fields.at), 0);

/**
 * Since when something of it waits to be settled, in milliseconds since 1970: since the last cut, or since the end of the
 * last silence of `silence` milliseconds. Undefined: nothing waits.
 */
export function waitingSince(
  { chunks }: Pick<Activity, 'chunks'>,
  lastCut: number,
  silence: number,
): number | undefined {
  let since: number | undefined;
  for (const at of chunks.map(({ fields }) => fields.at).sort((a, b) => b - a)) {
    if (at < lastCut || (since !== undefined && since - at > silence)) break;
    since = at;
  }
  return since;
}
