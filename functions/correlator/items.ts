/**
 * Items of an activity's partition, from what they mean and back: a union that is parsed and printed here and nowhere else. The
 * table of items is in docs/ARCHITECTURE.md.
 *
 * Readers take what a version before or after has written as far as they understand it: unknown fields and kinds do no harm, and
 * a body is unpacked only by who needs it.
 */
import { hash } from 'node:crypto';
import { occurrenceSpanId } from '../../shared/ids.ts';
import type { Cluster, Observation } from '../../shared/observation.ts';
import type { Attributes, Span } from '../../shared/span.ts';
import type { SentSpan } from './causality/assemble.ts';
import { packBody, unpackBody } from './pack-body.ts';
import {
  identityOf,
  type OpenChange,
  type ReleaseChange,
  readReleaseChange,
} from './releases/release-change.ts';
import {
  activityPartition,
  archivePartition,
  clusterOf,
  type Item,
  joinPartition,
  type Key,
  largestBody,
  type Part,
} from './store.ts';

/** Of one activity, and one batch of the stream or what was compacted. */
export interface Chunk {
  cluster: Cluster;
  observations: Observation[];
  /** Where older observations were left out: of what snapshots tell of that time, only these spans are still to be sent. */
  unsent?: string[];
}

/** Times in milliseconds since 1970. */
export type ActivityItem =
  | ChunkItem
  | BatchItem
  | SentItem
  | { kind: 'merge'; sk: string; from: string; family: string }
  | { kind: 'registration'; sk: string; keys: readonly string[] }
  | RecheckItem
  | CheckpointItem
  | { kind: 'acknowledgement'; sk: string; acknowledged: Acknowledged | undefined }
  | { kind: 'release-change'; sk: string; change: ReleaseChange | undefined }
  | { kind: 'release-open'; sk: string; open: OpenChange | undefined }
  | { kind: 'release-timer'; sk: string; dueAt: number }
  | { kind: 'told'; sk: string; id: string };

/** Batches of the outbox, both included, that whoever wrote this has sent. */
export interface Acknowledged {
  from: number;
  to: number;
}

export interface ChunkItem {
  kind: 'chunk';
  sk: string;
  expiresAt: number;
  /** When it was ingested. */
  at: number;
  /** A timer of the activity that comes after this is written; 0: whoever wrote it sees to that. */
  dueAt: number;
  /** Of the activity's object. */
  family: string;
  /** Of what was compacted; undefined where it is as it was ingested. */
  compacted: { /** Older observations than this were left out; 0: none. */ until: number } | undefined;
  /** Its cluster has several partition keys, of which one may be behind (stream-marks.ts). */
  isPartitioned?: boolean;
  body: Uint8Array;
}

/** A batch of the outbox: written before its spans are sent, and sent again from here. */
export interface BatchItem {
  kind: 'batch';
  sk: string;
  expiresAt: number;
  /** Counted up without gaps: of two settles that commit the same number one is refused. */
  number: number;
  at: number;
  /** The chain of timers whose business it is: until one of them has acknowledged it, it is sent again. */
  chain: string;
  /** Only of traces that were over: all else still waits. */
  isPartial: boolean;
  /** Undefined: a fence, which only takes the number. */
  body: Uint8Array | undefined;
}

/** What was sent, of batches that were compacted or committed in an activity that was merged into this one. */
export interface SentItem {
  kind: 'sent';
  sk: string;
  expiresAt: number;
  at: number;
  body: Uint8Array | undefined;
}

/** Of one that is related to others and has settled. */
export interface RecheckItem {
  kind: 'recheck';
  sk: string;
  revision: number;
  /** Which chunks it had: whatever else there is has a timer of its own. */
  seen: string;
  /** When it is checked again; undefined: it need not be. */
  next: number | undefined;
  acknowledged: Acknowledged | undefined;
}

/** What one who had read all of it found: others read what is newer. */
export interface CheckpointItem extends Checkpoint {
  kind: 'checkpoint';
  sk: string;
}

export interface Checkpoint {
  /** Read after this. */
  at: number;
  /** The last batch of the outbox and a time after it; 0 where there was none. */
  batch: number;
  committedAt: number;
  /** Since when something of it waits. */
  since: number | undefined;
  /** Of all bodies. */
  bytes: number;
  /** It is registered under join keys. */
  isJoined: boolean;
  /** What its join keys come from. */
  digests: ReadonlySet<string>;
  acknowledged: Acknowledged | undefined;
}

/** Keys count as bytes of their items. */
export const shorten = (text: string): string => hash('sha256', text, 'base64url').slice(0, 16);

/** Name of the batch that one invocation reads of one shard. */
export const streamBatchName = (shard: string, first: string, last: string): string =>
  shorten(`${shard}:${first}-${last}`);

/** Milliseconds since 1970, so that keys are in order of time. */
const timeKey = (at: number): string => String(at).padStart(15, '0');
export const partKey = (name: string, part: number): string => (part === 0 ? name : `${name}#${part}`);

/** As few parts as fit into items; `make` is asked again with halves where a body is too large. */
export function packParts<T>(entries: readonly T[], make: (entries: readonly T[]) => unknown): Uint8Array[] {
  const body = packBody(make(entries));
  if (body.length <= largestBody || entries.length <= 1) return [body];
  const half = Math.ceil(entries.length / 2);
  return [...packParts(entries.slice(0, half), make), ...packParts(entries.slice(half), make)];
}

// Chunks

const chunkKey = (at: number, name: string): string => `chunk#${timeKey(at)}#${name}`;
export const chunksSince = (at: number): Part => ({ within: [chunkKey(at, ''), 'chunk#~'] });

export interface NewChunk {
  at: number;
  dueAt: number;
  family: string;
  expiresAt: number;
  isPartitioned?: boolean;
}

export function chunkItems(activity: string, name: string, chunk: Chunk, fields: NewChunk): Item[] {
  const { at, dueAt, family, expiresAt, isPartitioned = false } = fields;
  const make = (observations: readonly Observation[]) => ({ cluster: chunk.cluster, observations });
  return packParts(chunk.observations, make).map((body, part) => ({
    pk: activityPartition(activity),
    sk: chunkKey(at, partKey(name, part)),
    expiresAt,
    fields: { at, dueAt, family, ...(isPartitioned && { partitioned: 1 }) },
    body,
  }));
}

/** What stands for `replaced` from now on. Named by what it replaces, so that doing it again writes it again. */
export function compactedItems(
  activity: string,
  replaced: readonly ChunkItem[],
  chunk: Chunk,
  until: number,
): Item[] {
  const name = shorten(replaced.map(({ sk }) => sk).join());
  const at = Math.max(...replaced.map((item) => item.at));
  const { family } = replaced[0]!;
  const make = (observations: readonly Observation[]) => ({ ...chunk, observations });
  return packParts(chunk.observations, make).map((body, part) => ({
    pk: activityPartition(activity),
    sk: `fold#${timeKey(at)}#${partKey(name, part)}`,
    expiresAt: Math.max(...replaced.map((item) => item.expiresAt)),
    fields: { at, dueAt: 0, family, ...(until > 0 && { until }) },
    body,
  }));
}

/**
 * A chunk in the activity `into`, where it is new. Named by all of what it was: the same batch may have filed there as well,
 * and in `from` more than once, one attempt less than another.
 */
export const mergedChunk = (
  { sk, expiresAt, compacted, isPartitioned, body }: ChunkItem,
  from: string,
  into: string,
  { at, family }: { at: number; family: string },
): Item => ({
  pk: activityPartition(into),
  sk: chunkKey(at, shorten(`${from} ${sk}`)),
  expiresAt,
  fields: {
    at,
    dueAt: 0,
    family,
    ...(compacted !== undefined && { until: compacted.until }),
    ...(isPartitioned === true && { partitioned: 1 }),
  },
  body,
});

/** @throws UnreadableBodyError */
export const chunkOf = ({ body }: ChunkItem): Chunk => unpackBody(body) as Chunk;

export const nameChunks = (items: readonly Pick<Item, 'sk'>[]): string =>
  shorten(
    items
      .map(({ sk }) => sk)
      .sort()
      .join(),
  );

// Outbox

const batchKey = (number: number): string => `cut#${String(number).padStart(6, '0')}`;
/** And the merges that wait, whose keys come after them. */
export const batchesAndMergesAfter = (number: number): Part => ({
  within: [batchKey(number + 1), 'expect#~'],
});

export const batchItem = (
  activity: string,
  number: number,
  spans: readonly Span[],
  { at, chain, isPartial = false }: { at: number; chain: string; isPartial?: boolean },
  expiresAt: number,
) => ({
  pk: activityPartition(activity),
  sk: batchKey(number),
  expiresAt,
  revision: 1,
  fields: { at, turn: chain, ...(isPartial && { partial: 1 }) },
  ...(spans.length > 0 && { body: packSpans(spans) }),
});

/** Of all numbers. */
export const archivedBatches: Part = { within: ['cut#', 'cut#~'] };

/** As it was, where it is out of the way of who reads the activity. */
export const archivedBatch = (activity: string, { sk, expiresAt, at, chain, body }: BatchItem): Item => ({
  pk: archivePartition(activity),
  sk,
  expiresAt,
  fields: { at, turn: chain },
  ...(body !== undefined && { body }),
});

/** A batch in the activity `into`, whose own have other numbers. */
export const mergedBatch = (item: BatchItem | SentItem, from: string, into: string): Item => ({
  pk: activityPartition(into),
  sk: item.kind === 'sent' ? item.sk : `sent#${from}#${item.number}`,
  expiresAt: item.expiresAt,
  fields: { at: item.at, turn: '' },
  ...(item.body !== undefined && { body: item.body }),
});

/** Ids that follow from the Event are left out: they do not compress, and would make a rollout's batch a write unit larger. */
export const packSpans = (spans: readonly Span[]): Uint8Array =>
  packBody(
    spans.map((span) => {
      const { spanId, ...rest } = span;
      return spanId === occurrenceIdOf(span) ? rest : span;
    }),
  );

/** The same bytes as those that were packed. */
const restoreId = <T extends Packed>(span: T): T & { spanId: string } => {
  const { traceId, ...rest } = span;
  return { traceId, spanId: span.spanId ?? occurrenceIdOf(span)!, ...rest } as T & { spanId: string };
};

type Packed = Omit<SentSpan, 'spanId'> & { spanId?: string; attributes?: Attributes };

function occurrenceIdOf({ attributes }: Pick<Packed, 'attributes'>): string | undefined {
  const { 'k8s.event.uid': uid, 'k8s.event.count': count } = attributes ?? {};
  return typeof uid === 'string' && typeof count === 'number' ? occurrenceSpanId(uid, count) : undefined;
}

/** @throws UnreadableBodyError */
export const spansOf = ({ body }: BatchItem): Span[] =>
  body === undefined ? [] : (unpackBody(body) as (Packed & Span)[]).map(restoreId);

// What was sent

/** @throws UnreadableBodyError */
export const sentIn = ({ body }: BatchItem | SentItem): SentSpan[] =>
  body === undefined ? [] : (unpackBody(body) as Packed[]).map((span) => toSent(restoreId(span)));

const toSent = (span: SentSpan): SentSpan => ({
  spanId: span.spanId,
  traceId: span.traceId,
  parentSpanId: span.parentSpanId,
  startTimeUnixNano: span.startTimeUnixNano,
  endTimeUnixNano: span.endTimeUnixNano,
});

/** What stands for `replaced` from now on, in order. */
export function sentItems(
  activity: string,
  replaced: readonly (BatchItem | SentItem)[],
  sent: readonly SentSpan[],
): Item[] {
  const name = shorten(replaced.map(({ sk }) => sk).join());
  const at = Math.max(...replaced.map((item) => item.at));
  const expiresAt = Math.max(...replaced.map((item) => item.expiresAt));
  return packParts(sent, (some) => some).map((body, part) => ({
    pk: activityPartition(activity),
    sk: `sent#${timeKey(at)}#${partKey(name, part)}`,
    expiresAt,
    fields: { at, turn: '' },
    body,
  }));
}

/** What says of spans that fit into no batch that nobody is to send them. */
export const refusedItems = (
  activity: string,
  { sk, expiresAt, fields }: ReturnType<typeof batchItem>,
  spans: readonly SentSpan[],
): Item[] =>
  sentItems(activity, [{ kind: 'sent', sk, expiresAt, at: fields.at, body: undefined }], spans.map(toSent));

const hourMs = 3_600_000;
/** The hour in which a span starts: under it the archive says that it was sent. */
export const hourOf = ({ startTimeUnixNano }: Pick<SentSpan, 'startTimeUnixNano'>): number =>
  Math.floor(Number(BigInt(startTimeUnixNano) / 1_000_000n) / hourMs);
const hourKey = (hour: number): string => `sent#${timeKey(hour * hourMs)}#`;
export const archivedSince = (hour: number): Part => ({ within: [hourKey(hour), `${hourKey(hour)}~`] });

/** By hour, in the archive. Named by what is in it. */
export function archivedSentItems(activity: string, sent: readonly SentSpan[], expiresAt: number): Item[] {
  return [...Map.groupBy(sent, hourOf)].flatMap(([hour, some]) => {
    const name = shorten(some.map(({ spanId }) => spanId).join());
    return packParts(some, (part) => part).map((body, part) => ({
      pk: archivePartition(activity),
      sk: `${hourKey(hour)}${partKey(name, part)}`,
      expiresAt,
      fields: { at: hour * hourMs, turn: '' },
      body,
    }));
  });
}

/** Of all hours. */
export const archivedSent: Part = { within: ['sent#', 'sent#~'] };

/** What the archive of another activity says, in the one of `into`. */
export const mergedArchive = (item: Item, into: string): Item => ({ ...item, pk: archivePartition(into) });

// Relations

const mergeKey = (activity: string, from: string): Key => ({
  pk: activityPartition(activity),
  sk: `expect#${shorten(from)}`,
});

/** `from` turned out to be a part of `activity`, whose object is of `family`. */
export const mergeItem = (activity: string, family: string, from: string, expiresAt: number): Item => ({
  ...mergeKey(activity, from),
  expiresAt,
  fields: { family, from },
});

export const registrationKey = (activity: string): Key => ({ pk: activityPartition(activity), sk: 'points' });
export const registrationItem = (activity: string, keys: readonly string[], expiresAt: number): Item => ({
  ...registrationKey(activity),
  expiresAt,
  body: packBody(keys),
});

/** Where others find it under this join key, in order of hours: who looks for what was there lately reads no more than that. */
export const joinItem = (activity: string, joinKey: string, at: number, expiresAt: number): Item => ({
  pk: joinPartition(clusterOf(activity), joinKey),
  sk: `${joinHour(at)}${activity}`,
  expiresAt,
});

const joinHour = (at: number): string => `${timeKey(Math.floor(at / hourMs) * hourMs)}#`;
export const joinedSince = (at: number): Part => ({ within: [joinHour(at), '~'] });
/** The first version has no hour in it. */
export const activityOfJoin = ({ sk }: Pick<Item, 'sk'>): string => sk.replace(/^\d{15}#/, '');

export const recheckKey = (activity: string): Key => ({ pk: activityPartition(activity), sk: 'look' });
export const recheckItem = (
  activity: string,
  { seen, next, acknowledged }: Pick<RecheckItem, 'seen' | 'next' | 'acknowledged'>,
  replaces: number | undefined,
  expiresAt: number,
) => ({
  ...recheckKey(activity),
  expiresAt,
  revision: (replaces ?? 0) + 1,
  fields: { seen, ...(next !== undefined && { next }), ...acknowledgedFields(acknowledged) },
});

const checkpointKey = (activity: string): Key => ({ pk: activityPartition(activity), sk: 'about' });
/** Undefined where it does not fit into an item. */
export function checkpointItem(
  activity: string,
  checkpoint: Checkpoint,
  expiresAt: number,
): Item | undefined {
  const { at, batch, committedAt, since, bytes, isJoined, digests, acknowledged } = checkpoint;
  const body = packBody([...digests]);
  if (body.length > largestBody) return undefined;
  const fields = { at, cut: batch, cutAt: committedAt, bytes, meets: Number(isJoined) };
  return {
    ...checkpointKey(activity),
    expiresAt,
    fields: { ...fields, ...(since !== undefined && { since }), ...acknowledgedFields(acknowledged) },
    body,
  };
}

export const acknowledgementItem = (
  activity: string,
  acknowledged: Acknowledged,
  expiresAt: number,
): Item => ({
  pk: activityPartition(activity),
  sk: 'acknowledged',
  expiresAt,
  fields: acknowledgedFields(acknowledged),
});

const acknowledgedFields = (acknowledged: Acknowledged | undefined): Record<string, number> =>
  acknowledged === undefined ? {} : { sentFrom: acknowledged.from, sentTo: acknowledged.to };

// Releases

/** In order of their starts. The same change has the same key, whoever files it. */
export const releaseChangeItem = (activity: string, change: ReleaseChange, expiresAt: number): Item => ({
  pk: activityPartition(activity),
  sk: `of#${timeKey(Number(BigInt(change.root.startTimeUnixNano) / 1_000_000n))}#${shorten(identityOf(change))}`,
  expiresAt,
  body: packBody(change.root),
});

/** That it was under way at that time; once it has ended, the item above says so. Each time that it is heard of the same key. */
export const releaseOpenItem = (
  activity: string,
  { change, heardAt }: OpenChange,
  expiresAt: number,
): Item => ({
  pk: activityPartition(activity),
  sk: `open#${shorten(identityOf(change))}`,
  expiresAt,
  fields: { at: Number(heardAt / 1_000_000n) },
  body: packBody(change.root),
});

export const releaseTimerKey = (activity: string): Key => ({ pk: activityPartition(activity), sk: 'due' });
/** A timer of the release comes then: who files a change before needs no other. */
export const releaseTimerItem = (activity: string, dueAt: number, expiresAt: number): Item => ({
  ...releaseTimerKey(activity),
  expiresAt,
  fields: { dueAt },
});

/** A change was told to have stalled, by the id of the record. */
export const toldItem = (activity: string, id: string, expiresAt: number): Item => ({
  pk: activityPartition(activity),
  sk: `told#${id}`,
  expiresAt,
});

// Parsing

const numberOf = ({ fields }: Item, name: string): number => Number(fields?.[name] ?? 0);
const textOf = ({ fields }: Item, name: string): string => String(fields?.[name] ?? '');
const optional = ({ fields }: Item, name: string): number | undefined =>
  fields?.[name] === undefined ? undefined : Number(fields[name]);

const acknowledgedIn = (item: Item): Acknowledged | undefined => {
  const [from, to] = [optional(item, 'sentFrom'), optional(item, 'sentTo')];
  return from === undefined || to === undefined ? undefined : { from, to };
};

const parseChunk = (item: Item, isCompacted: boolean): ChunkItem => ({
  kind: 'chunk',
  sk: item.sk,
  expiresAt: item.expiresAt,
  at: numberOf(item, 'at'),
  dueAt: numberOf(item, 'dueAt'),
  family: textOf(item, 'family'),
  compacted: isCompacted || item.fields?.until !== undefined ? { until: numberOf(item, 'until') } : undefined,
  ...(item.fields?.partitioned !== undefined && { isPartitioned: true }),
  body: item.body!,
});

/** By what a sort key begins with. The words are those of the first version, whose items are still read. */
const parsers: Readonly<Record<string, (item: Item, activity: string) => ActivityItem>> = {
  chunk: (item) => parseChunk(item, false),
  fold: (item) => parseChunk(item, true),
  cut: (item) => ({
    kind: 'batch',
    sk: item.sk,
    expiresAt: item.expiresAt,
    number: Number(item.sk.slice('cut#'.length)),
    at: numberOf(item, 'at'),
    chain: textOf(item, 'turn'),
    isPartial: numberOf(item, 'partial') === 1,
    body: item.body,
  }),
  sent: (item) => ({
    kind: 'sent',
    sk: item.sk,
    expiresAt: item.expiresAt,
    at: numberOf(item, 'at'),
    body: item.body,
  }),
  expect: (item) => ({
    kind: 'merge',
    sk: item.sk,
    // The first version has it in the key only.
    from: textOf(item, 'from') || item.sk.slice('expect#'.length),
    family: textOf(item, 'family'),
  }),
  points: (item) => ({
    kind: 'registration',
    sk: item.sk,
    keys: unpackBody(item.body!) as string[],
  }),
  look: (item) => ({
    kind: 'recheck',
    sk: item.sk,
    revision: item.revision!,
    seen: textOf(item, 'seen'),
    next: optional(item, 'next'),
    acknowledged: acknowledgedIn(item),
  }),
  about: (item) => ({
    kind: 'checkpoint',
    sk: item.sk,
    at: numberOf(item, 'at'),
    batch: numberOf(item, 'cut'),
    committedAt: numberOf(item, 'cutAt'),
    since: optional(item, 'since'),
    bytes: numberOf(item, 'bytes'),
    isJoined: numberOf(item, 'meets') === 1,
    digests: new Set(unpackBody(item.body!) as string[]),
    acknowledged: acknowledgedIn(item),
  }),
  of: (item) => ({
    kind: 'release-change',
    sk: item.sk,
    change: readReleaseChange(unpackBody(item.body!) as Span),
  }),
  open: (item) => {
    const change = readReleaseChange(unpackBody(item.body!) as Span);
    const heardAt = BigInt(numberOf(item, 'at')) * 1_000_000n;
    return { kind: 'release-open', sk: item.sk, open: change && { change, heardAt } };
  },
  told: (item) => ({ kind: 'told', sk: item.sk, id: item.sk.slice('told#'.length) }),
  due: (item) => ({ kind: 'release-timer', sk: item.sk, dueAt: numberOf(item, 'dueAt') }),
  acknowledged: (item) => ({
    kind: 'acknowledgement',
    sk: item.sk,
    acknowledged: acknowledgedIn(item),
  }),
};

/** Undefined: of a kind that a later version writes. */
export const parseItem = (item: Item, activity: string): ActivityItem | undefined =>
  parsers[item.sk.split('#', 1)[0]!]?.(item, activity);
