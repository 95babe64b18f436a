/** Each kind of item as its function prints it, and what it is when it is read back: by this version, of the first and of a later one. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { assemble } from '../../../functions/correlator/causality/assemble.ts';
import {
  type ActivityItem,
  acknowledgementItem,
  archivedBatch,
  archivedSentItems,
  archivedSince,
  type BatchItem,
  batchesAndMergesAfter,
  batchItem,
  type Checkpoint,
  type ChunkItem,
  checkpointItem,
  chunkItems,
  chunkOf,
  chunksSince,
  compactedItems,
  hourOf,
  joinItem,
  mergedBatch,
  mergedChunk,
  mergeItem,
  nameChunks,
  packParts,
  parseItem,
  recheckItem,
  registrationItem,
  sentIn,
  sentItems,
  shorten,
  spansOf,
  streamBatchName,
} from '../../../functions/correlator/items.ts';
import { packBody, unpackBody } from '../../../functions/correlator/pack-body.ts';
import { activityPartition, type Item, largestBody, type Part } from '../../../functions/correlator/store.ts';
import type { Span } from '../../../shared/span.ts';
import { checkProperty } from '../../check-property.ts';
import { makeRollout, makeSpan } from '../../spans.ts';
import { atTheEnd, event, rollout, thing } from './causality/cluster-story.ts';

const noon = Date.parse('2026-03-01T12:00:00Z');
const web = 'c1/web';
const cluster = { uid: 'c1', name: 'test' };
const { observations } = rollout(0);
const spans = makeRollout({ name: 'web', replicas: 1 });

const parsed = (item: Item): ActivityItem | undefined => parseItem(item, web);
function asKind<K extends ActivityItem['kind']>(kind: K, item: Item): Extract<ActivityItem, { kind: K }> {
  const found = parsed(item);
  if (found?.kind !== kind) throw new Error(`${item.sk} is a ${found?.kind}`);
  return found as Extract<ActivityItem, { kind: K }>;
}
const chunk = (item: Item): ChunkItem => asKind('chunk', item);

const filed = { at: noon, dueAt: noon + 21_000, family: 'web', expiresAt: 1000 };
const [chunkItem] = chunkItems(web, 'batch', { cluster, observations }, filed) as [Item];
const batch = batchItem(web, 7, spans, { at: noon, chain: 'chain' }, 2000);
const sentOf = (some: typeof spans) =>
  some.map(({ spanId, traceId, parentSpanId, startTimeUnixNano, endTimeUnixNano }) => ({
    spanId,
    traceId,
    parentSpanId,
    startTimeUnixNano,
    endTimeUnixNano,
  }));

describe('read back, it is what was written:', () => {
  it('a chunk', () => {
    expect(chunkItem.sk).toBe(`chunk#00${noon}#batch`);
    expect(parsed(chunkItem)).toEqual({
      kind: 'chunk',
      sk: chunkItem.sk,
      ...filed,
      compacted: undefined,
      body: chunkItem.body,
    });
    expect(chunkOf(chunk(chunkItem))).toEqual({ cluster, observations });
  });

  it('a chunk of what was compacted', () => {
    const unsent = ['00000000000000aa'];
    const [item] = compactedItems(web, [chunk(chunkItem)], { cluster, observations, unsent }, noon - 5);
    expect(chunk(item!)).toMatchObject({
      at: noon,
      // Whoever wrote it needs no timer for it.
      dueAt: 0,
      family: 'web',
      expiresAt: 1000,
      compacted: { until: noon - 5 },
    });
    expect(chunkOf(chunk(item!))).toEqual({ cluster, observations, unsent });
  });

  it('a chunk of what was compacted, of which nothing was left out', () => {
    const [item] = compactedItems(web, [chunk(chunkItem)], { cluster, observations }, 0);
    expect(chunk(item!).compacted).toEqual({ until: 0 });
  });

  it('a chunk that was merged into another activity', () => {
    const item = mergedChunk(chunk(chunkItem), 'c1/pod', web, { at: noon + 9, family: 'app' });
    expect(chunk(item)).toMatchObject({ at: noon + 9, dueAt: 0, family: 'app', compacted: undefined });
    expect(chunkOf(chunk(item))).toEqual({ cluster, observations });
  });

  it('a compacted chunk that was merged: still compacted, until the same time', () => {
    const [compacted] = compactedItems('c1/pod', [chunk(chunkItem)], { cluster, observations }, noon - 5);
    const item = mergedChunk(chunk(compacted!), 'c1/pod', web, { at: noon, family: 'app' });
    expect(chunk(item).compacted).toEqual({ until: noon - 5 });
  });

  it('a batch of the outbox', () => {
    expect(batch).toMatchObject({ sk: 'cut#000007', revision: 1 });
    expect(parsed(batch)).toEqual({
      kind: 'batch',
      sk: batch.sk,
      expiresAt: 2000,
      number: 7,
      at: noon,
      chain: 'chain',
      isPartial: false,
      body: batch.body,
    });
    expect(spansOf(asKind('batch', batch))).toEqual(spans);
    expect(sentIn(asKind('batch', batch))).toEqual(sentOf(spans));
  });

  it('a fence: a batch of nothing', () => {
    const fence = asKind('batch', batchItem(web, 7, [], { at: noon, chain: '' }, 2000));
    expect(fence.body).toBeUndefined();
    expect([spansOf(fence), sentIn(fence)]).toEqual([[], []]);
  });

  it('a batch in the archive', () => {
    const item = archivedBatch(web, asKind('batch', batch));
    expect(item.pk).toBe('archive#c1/web');
    expect(parsed(item)).toEqual(parsed(batch));
  });

  it('a batch that was merged: what was sent', () => {
    const item = mergedBatch(asKind('batch', batch), 'c1/pod', web);
    expect(parsed(item)).toMatchObject({ kind: 'sent', sk: 'sent#c1/pod#7', at: noon, expiresAt: 2000 });
    expect(sentIn(asKind('sent', item))).toEqual(sentOf(spans));
  });

  it('what was sent, and merged: as it was', () => {
    const [item] = sentItems('c1/pod', [asKind('batch', batch)], sentOf(spans));
    const sent = asKind('sent', item!);
    expect(parsed(mergedBatch(sent, 'c1/pod', web))).toEqual(sent);
  });

  it('what was sent, of batches that were compacted', () => {
    const later = asKind('batch', batchItem(web, 8, spans, { at: noon + 5, chain: '' }, 3000));
    const [item] = sentItems(web, [asKind('batch', batch), later], sentOf(spans));
    expect(parsed(item!)).toMatchObject({ kind: 'sent', at: noon + 5, expiresAt: 3000 });
    expect(sentIn(asKind('sent', item!))).toEqual(sentOf(spans));
  });

  it('what is to be merged', () => {
    const item = mergeItem(web, 'web', 'c1/pod', 1000);
    expect(parsed(item)).toEqual({ kind: 'merge', sk: item.sk, from: 'c1/pod', family: 'web' });
  });

  it('a registration', () => {
    const item = registrationItem(web, ['Node//n1', 'uid:x'], 1000);
    expect(parsed(item)).toEqual({ kind: 'registration', sk: item.sk, keys: ['Node//n1', 'uid:x'] });
  });

  it('a join key: the activity under the key, in its cluster', () =>
    expect(joinItem(web, 'Node//n1', noon + 1_800_000, 1000)).toEqual({
      pk: 'meet#c1#Node//n1',
      sk: `00${noon}#${web}`,
      expiresAt: 1000,
    }));

  it('a recheck', () => {
    const said = { seen: 'chunks', next: noon, acknowledged: { from: 2, to: 7 } };
    const item = recheckItem(web, said, 4, 1000);
    expect(parsed(item)).toEqual({ kind: 'recheck', sk: item.sk, revision: 5, ...said });
  });

  it('the first recheck, of one that need not be checked again', () => {
    const said = { seen: 'chunks', next: undefined, acknowledged: undefined };
    const item = recheckItem(web, said, undefined, 1000);
    expect(parsed(item)).toEqual({ kind: 'recheck', sk: item.sk, revision: 1, ...said });
  });

  const checkpoint: Checkpoint = {
    at: noon,
    batch: 7,
    committedAt: noon - 9,
    since: noon - 5,
    bytes: 25_000,
    isJoined: true,
    digests: new Set(['a', 'b']),
    acknowledged: { from: 1, to: 7 },
  };
  it('a checkpoint', () => {
    const item = checkpointItem(web, checkpoint, 1000)!;
    expect(parsed(item)).toEqual({ kind: 'checkpoint', sk: item.sk, ...checkpoint });
  });

  it('a checkpoint of which nothing waits, is joined or acknowledged', () => {
    const bare = { ...checkpoint, since: undefined, isJoined: false, acknowledged: undefined };
    const item = checkpointItem(web, bare, 1000)!;
    expect(parsed(item)).toEqual({ kind: 'checkpoint', sk: item.sk, ...bare });
  });

  it('a checkpoint that does not fit into an item is none', () => {
    const digests = new Set(Array.from({ length: 30_000 }, (_, n) => shorten(`${n}`)));
    expect(checkpointItem(web, { ...checkpoint, digests }, 1000)).toBeUndefined();
  });

  it('an acknowledgement', () => {
    const item = acknowledgementItem(web, { from: 2, to: 7 }, 1000);
    expect(parsed(item)).toEqual({
      kind: 'acknowledgement',
      sk: item.sk,
      acknowledged: { from: 2, to: 7 },
    });
  });
});

describe('written by the first version:', () => {
  const pk = activityPartition(web);
  const read = (sk: string, more: Partial<Item>): ActivityItem | undefined =>
    parsed({ pk, sk, expiresAt: 1000, ...more });

  it('who is to be merged stands in the key only', () =>
    expect(read('expect#c1/pod', { fields: { family: 'web' } })).toMatchObject({ from: 'c1/pod' }));
  it('also one of an object without a UID', () =>
    expect(read('expect#c1/Node//n1', { fields: { family: 'n1' } })).toMatchObject({ from: 'c1/Node//n1' }));
  it('a recheck acknowledges nothing', () =>
    expect(read('look', { revision: 2, fields: { seen: 'x', next: noon } })).toEqual({
      kind: 'recheck',
      sk: 'look',
      revision: 2,
      seen: 'x',
      next: noon,
      acknowledged: undefined,
    }));
  it('a checkpoint acknowledges nothing', () => {
    const fields = { at: noon, cut: 3, cutAt: noon, bytes: 1, meets: 0 };
    const item = read('about', { fields, body: packBody([]) });
    expect(item).toMatchObject({ kind: 'checkpoint', batch: 3, acknowledged: undefined });
  });
  it('half an acknowledgement is none', () =>
    expect(read('acknowledged', { fields: { sentTo: 3 } })).toMatchObject({ acknowledged: undefined }));
  it('a fold of which nothing was left out is compacted all the same', () =>
    expect(read('fold#1#x', { fields: { at: 1 }, body: packBody({}) })).toMatchObject({
      compacted: { until: 0 },
      dueAt: 0,
    }));
});

describe('written by a later version:', () => {
  const body = Uint8Array.of(255, 1);
  const item = (sk: string): Item => ({ pk: activityPartition(web), sk, expiresAt: 1000, body });
  it('a kind that nobody here has heard of is skipped', () =>
    expect([item('a-kind'), item('zebra#1'), item('#'), item('chunky#1')].map(parsed)).toEqual(
      [1, 2, 3, 4].map(() => undefined),
    ));
  it('a field that nobody here has heard of does no harm', () => {
    const fields = { ...chunkItem.fields!, version: 7 };
    expect(parsed({ ...chunkItem, fields })).toEqual(parsed(chunkItem));
  });
  it('a chunk, a batch, what was sent: unpacked only by who needs it', () => {
    for (const sk of ['chunk#1#x', 'fold#1#x', 'cut#000001', 'sent#1#x'])
      expect(parsed(item(sk))).toMatchObject({ sk, body });
  });
});

describe('the order of keys', () => {
  const isWithin = (sk: string, { within }: Part) => within![0] <= sk && sk <= within![1];
  const chunkAt = (at: number) => chunkItems(web, 'b', { cluster, observations }, { ...filed, at })[0]!.sk;

  it('chunks since a time, whatever their names are', () => {
    expect(isWithin(chunkAt(noon - 1), chunksSince(noon))).toBe(false);
    expect(isWithin(chunkAt(noon), chunksSince(noon))).toBe(true);
    expect(isWithin(chunkAt(noon * 100), chunksSince(noon))).toBe(true);
  });

  it('batches after a number, and all that is to be merged; no other kind', () => {
    const after = batchesAndMergesAfter(7);
    const batchOf = (number: number) => batchItem(web, number, [], { at: 0, chain: '' }, 0).sk;
    expect([7, 8, 9999, 999_999].map((number) => isWithin(batchOf(number), after))).toEqual([
      false,
      true,
      true,
      true,
    ]);
    expect(isWithin(mergeItem(web, 'web', 'c1/pod', 0).sk, after)).toBe(true);
    for (const sk of ['about', 'acknowledged', 'fold#1#x', 'look', 'points', 'sent#1#x', chunkAt(noon)])
      expect(isWithin(sk, after)).toBe(false);
  });

  it('what stands for others comes behind them: a fold behind chunks, what was sent behind batches', () => {
    const [fold] = compactedItems(web, [chunk(chunkItem)], { cluster, observations }, 0);
    expect(fold!.sk > chunkItem.sk).toBe(true);
    const [sent] = sentItems(web, [asKind('batch', batch)], sentOf(spans));
    expect(sent!.sk > batch.sk).toBe(true);
  });
});

describe('the archive of what was sent', () => {
  const at = (time: string) => {
    const startTimeUnixNano = String(BigInt(Date.parse(time)) * 1_000_000n);
    return { ...makeSpan({ name: 'Pod.Pulled', object: time }), startTimeUnixNano };
  };
  const some = ['2026-03-01T11:00:00Z', '2026-03-01T11:59:59.999Z', '2026-03-01T12:00:00Z'].map(at);

  it('is by the hour in which a span starts', () => {
    const items = archivedSentItems(web, some, 1000);
    const found = (hour: number) =>
      items
        .filter(({ sk }) => archivedSince(hour).within![0] <= sk && sk <= archivedSince(hour).within![1])
        .flatMap((item) => sentIn(asKind('sent', item)).map(({ spanId }) => spanId));
    const eleven = hourOf(some[0]!);
    const ids = some.map(({ spanId }) => spanId);
    expect([eleven - 1, eleven, eleven + 1, eleven + 2].map(found)).toEqual([
      [],
      ids.slice(0, 2),
      ids.slice(2),
      [],
    ]);
  });

  it('is named by what is in it: written again, it is the same; others stand beside it', () => {
    const keys = (...args: Parameters<typeof archivedSentItems>) =>
      archivedSentItems(...args).map(({ sk }) => sk);
    expect(keys(web, some.slice(0, 1), 1000)).toEqual(keys(web, some.slice(0, 1), 2000));
    expect(keys(web, some.slice(0, 1), 1000)).not.toEqual(keys(web, some.slice(1, 2), 1000));
  });
});

describe('names', () => {
  it('of a batch of the stream: by shard and sequence numbers', () => {
    const names = [
      streamBatchName('s0', '1', '5'),
      streamBatchName('s1', '1', '5'),
      streamBatchName('s0', '1', '4'),
    ];
    expect(new Set(names).size).toBe(3);
    expect(streamBatchName('s0', '1', '5')).toBe(names[0]);
  });

  it('of chunks together: in whatever order they are read', () => {
    const [a, b] = [{ sk: 'chunk#1#a' }, { sk: 'chunk#1#b' }];
    expect(nameChunks([a, b])).toBe(nameChunks([b, a]));
    expect(nameChunks([a, b])).not.toBe(nameChunks([a]));
  });

  it('of merged chunks: the same batch, filed by two and merged from two, is several', () => {
    const others = chunkItems(web, 'other', { cluster, observations }, filed)[0]!;
    const merge = (item: Item, from: string) => mergedChunk(chunk(item), from, web, filed).sk;
    const keys = [
      chunkItem.sk,
      merge(chunkItem, 'c1/pod'),
      merge(chunkItem, 'c1/rs'),
      merge(others, 'c1/pod'),
    ];
    expect(new Set(keys).size).toBe(4);
    expect(merge(chunkItem, 'c1/pod')).toBe(keys[1]);
  });

  it('of what stands for others: by what it stands for', () => {
    const make = (...items: Item[]) =>
      compactedItems(web, items.map(chunk), { cluster, observations }, 0)[0]!.sk;
    const other = chunkItems(web, 'other', { cluster, observations }, filed)[0]!;
    expect(make(chunkItem)).toBe(make(chunkItem));
    expect(new Set([make(chunkItem), make(other), make(chunkItem, other)]).size).toBe(3);
  });
});

describe('what does not fit into one item', () => {
  /** Hardly to be packed. */
  const noise = (n: number) => Array.from({ length: 40 }, (_, i) => shorten(`${n} ${i}`)).join('');
  const pod = thing('Pod', 'a');

  it('is in several, in order, each small enough', () => {
    const many = Array.from({ length: 2000 }, (_, n) => event(n, pod, 'BackOff', noise(n)));
    const items = chunkItems(web, 'batch', { cluster, observations: many }, filed);
    const key = `chunk#00${noon}#batch`;
    expect(items.map(({ sk }) => sk)).toEqual([key, `${key}#1`, `${key}#2`, `${key}#3`]);
    for (const { body } of items) expect(body!.length).toBeLessThanOrEqual(largestBody);
    expect(items.flatMap((item) => chunkOf(chunk(item)).observations)).toEqual(many);
  });

  it('of what was compacted, each part knows what is still to be sent', () => {
    const many = Array.from({ length: 900 }, (_, n) => event(n, pod, 'BackOff', noise(n)));
    const unsent = ['00000000000000aa'];
    const parts = compactedItems(web, [chunk(chunkItem)], { cluster, observations: many, unsent }, noon);
    expect(parts.length).toBeGreaterThan(1);
    for (const part of parts) expect(chunkOf(chunk(part)).unsent).toEqual(unsent);
  });

  it('is cut into halves, and nothing is lost or changes its place', () => {
    const all = Array.from({ length: 1200 }, (_, n) => noise(n)).join('');
    const lengths = fc.array(fc.integer({ min: 0, max: 200_000 }), { maxLength: 8, size: 'max' });
    checkProperty(
      fc.property(lengths, (entries) => {
        const texts = entries.map((length, n) => all.slice(n * 50_000, n * 50_000 + length));
        const bodies = packParts(texts, (some) => some);
        expect(bodies.flatMap((body) => unpackBody(body) as string[])).toEqual(texts);
        for (const body of bodies) expect(body.length).toBeLessThanOrEqual(largestBody);
      }),
      20,
    );
  });

  it('is one too large where it cannot be cut: the store says so', () =>
    expect(packParts([Array.from({ length: 700 }, (_, n) => noise(n))], (some) => some)).toHaveLength(1));
});

it('a batch of the outbox leaves out the ids that follow from the Events, and gives back the same bytes', () => {
  const { observations } = rollout(0);
  const spans = assemble({ cluster, observations, now: atTheEnd }).map(({ span }) => span);
  const item = batchItem(web, 1, spans, { at: noon, chain: 'chain' }, 1000);
  const packed = unpackBody(item.body!) as Partial<Span>[];
  // That of the change's root follows from no Event.
  expect(packed.filter(({ spanId }) => spanId !== undefined)).toHaveLength(1);
  const read = parsed(item) as BatchItem;
  expect(JSON.stringify(spansOf(read))).toBe(JSON.stringify(spans));
  expect(sentIn(read).map(({ spanId }) => spanId)).toEqual(spans.map(({ spanId }) => spanId));
});
