import { describe, expect, it } from 'vitest';
import {
  type Activity,
  chunksOf,
  observationsOf,
  readActivity,
  whatWasSent,
} from '../../../functions/correlator/activity.ts';
import {
  archivedSent,
  archivedSentItems,
  batchItem,
  chunkItems,
  compactedItems,
  mergeItem,
  parseItem,
  registrationItem,
  sentIn,
} from '../../../functions/correlator/items.ts';
import { type Merge, mergeChain, mergeInto } from '../../../functions/correlator/merge-activities.ts';
import { commitSpans, OutboxConflictError } from '../../../functions/correlator/outbox.ts';
import { archivePartition, type Store } from '../../../functions/correlator/store.ts';
import { makeRollout } from '../../spans.ts';
import { Crash, type CrashAt, noon, type StartedContext, startContext } from '../../support/start-context.ts';
import { event, snapshot, thing } from './causality/cluster-story.ts';

const later = 10 ** 10;
const [pod, web] = ['c1/pod', 'c1/web'];
const merge: Merge = { from: pod, into: web, family: 'web' };
const cluster = { uid: 'c1' };
const subject = thing('Pod', 'web-1-a');
const spans = makeRollout({ name: 'web', replicas: 1 });
const observations = [
  snapshot(0, subject),
  event(1, subject, 'Pulled', 'x'),
  event(2, subject, 'Started', 'x'),
];
const filed = { at: noon, dueAt: noon + 21_000, family: 'web-1', expiresAt: later };

/** A pod's activity, as two functions filed it, of which something was sent and something else is to be merged into it. */
async function fill(store: Store) {
  const chunk = (name: string, some: typeof observations) =>
    chunkItems(pod, name, { cluster, observations: some }, filed);
  await store.put([
    ...chunk('a', observations.slice(0, 1)),
    ...chunk('b', observations.slice(1)),
    batchItem(pod, 1, spans.slice(0, 2), { at: noon, chain: 'chain' }, later),
    mergeItem(pod, 'web-1', 'c1/other', later),
    registrationItem(pod, ['Node//n1'], later),
    ...chunkItems(web, 'a', { cluster, observations: observations.slice(0, 1) }, filed),
    mergeItem(web, 'web', pod, later),
  ]);
}

async function started(crash?: CrashAt) {
  const context = startContext(crash);
  await fill(context.store);
  return context;
}
const told = (activity: Activity) =>
  new Set(observationsOf(chunksOf(activity)).map((observation) => JSON.stringify(observation)));
const all = new Set(observations.map((observation) => JSON.stringify(observation)));
const follow = async () => {};

describe('an activity that is merged into another', () => {
  it('is in it with all of its observations, what was sent of it, and what was to be merged into it', async () => {
    const context = await started();
    context.clock.now += 5000;
    await mergeInto(context, merge, follow);
    const into = await readActivity(context.store, web);
    expect(told(into)).toEqual(all);
    expect(into.family).toBe('web');
    expect([...whatWasSent([into]).keys()]).toEqual(spans.slice(0, 2).map(({ spanId }) => spanId));
    expect(into.merges.map(({ from }) => from)).toEqual(['c1/other']);
    expect(context.remarks).toEqual([{ kind: 'merged', activity: pod, into: web, chunks: 2 }]);
  });

  it('is new there: it has to be quiet once more, and whoever merged it sees to a timer', async () => {
    const context = await started();
    context.clock.now += 5000;
    await mergeInto(context, merge, follow);
    const { chunks } = await readActivity(context.store, web);
    expect(chunks.map(({ at, dueAt, family }) => ({ at, dueAt, family }))).toEqual([
      { at: noon, dueAt: noon + 21_000, family: 'web-1' },
      { at: noon + 5000, dueAt: 0, family: 'web' },
      { at: noon + 5000, dueAt: 0, family: 'web' },
    ]);
  });

  it('is gone, but for its batches: the chain that committed one may still have to send it', async () => {
    const context = await started();
    await mergeInto(context, merge, follow);
    const from = await readActivity(context.store, pod);
    expect(from).toMatchObject({ chunks: [], merges: [], joinKeys: [] });
    expect(from.batches.map(({ number, chain }) => ({ number, chain }))).toEqual([
      { number: 1, chain: 'chain' },
      { number: 2, chain: '' },
    ]);
  });

  it('is followed by a timer before anything is gone that would bring the merge about again', async () => {
    const context = await started();
    let left = 0;
    await mergeInto(context, merge, async () => {
      left = (await readActivity(context.store, pod)).chunks.length;
      expect(told(await readActivity(context.store, web))).toEqual(all);
    });
    expect(left).toBe(2);
  });

  it('takes with it what its archive says was sent: who settles the other asks there alone', async () => {
    const context = await started();
    await context.store.put([
      batchItem(pod, 9, [], { at: noon, chain: 'chain' }, later),
      ...archivedSentItems(pod, spans.slice(2), later),
    ]);
    await context.store.remove([batchItem(pod, 1, [], { at: noon, chain: 'chain' }, later)]);
    await mergeInto(context, merge, follow);
    const archived = await context.store.list(archivePartition(web), archivedSent);
    const items = archived.map((item) => parseItem(item, web));
    expect(
      items.flatMap((item) => (item?.kind === 'sent' ? sentIn(item) : [])).map(({ spanId }) => spanId),
    ).toEqual(spans.slice(2).map(({ spanId }) => spanId));
  });

  it('that was named in the first version’s way is no longer asked for', async () => {
    const context = await started();
    const asked = `expect#${pod}`;
    await context.store.put([
      { pk: `activity#${web}`, sk: asked, expiresAt: later, fields: { family: 'web' } },
    ]);
    await mergeInto(context, { ...merge, asked }, follow);
    expect((await readActivity(context.store, web)).merges.map(({ sk }) => sk)).not.toContain(asked);
  });

  it('of which something was compacted stays that', async () => {
    const context = await started();
    const { chunks } = await readActivity(context.store, pod);
    await context.store.put(
      compactedItems(pod, chunks, { cluster, observations: [], unsent: ['aa'] }, noon - 9),
    );
    await mergeInto(context, merge, follow);
    const into = await readActivity(context.store, web);
    expect(into.chunks.flatMap(({ compacted }) => compacted ?? [])).toEqual([{ until: noon - 9 }]);
    expect(chunksOf(into).flatMap(({ unsent = [] }) => unsent)).toEqual(['aa']);
  });
});

describe('somebody else', () => {
  it('settles it at the same time: nothing is merged', async () => {
    const context = await started();
    const early = await readActivity(context.store, pod);
    const list: Store['list'] = async (...args) => {
      const read = await context.store.list(...args);
      // Between its reading and its fence.
      await commitSpans(context, early, spans.slice(2), { chain: 'other' });
      return read;
    };
    const ports = { ...context.ports, store: { ...context.store, list } };
    await expect(mergeInto({ ...context, ports }, merge, follow)).rejects.toThrow(OutboxConflictError);
    expect(told(await readActivity(context.store, pod))).toEqual(all);
    expect((await readActivity(context.store, web)).sent).toEqual([]);
  });

  it('that has read it before it was merged commits nothing any more', async () => {
    const context = await started();
    const early = await readActivity(context.store, pod);
    await mergeInto(context, merge, follow);
    await expect(commitSpans(context, early, spans, { chain: 'slow' })).rejects.toThrow(OutboxConflictError);
  });

  it('files more under it afterwards: that is merged as well, and not in the place of what was', async () => {
    const context = await started();
    await mergeInto(context, merge, follow);
    const more = event(9, subject, 'Killing', 'x');
    await context.store.put(
      chunkItems(pod, 'b', { cluster, observations: [more] }, { ...filed, at: noon + 1 }),
    );
    await mergeInto(context, merge, follow);
    expect(told(await readActivity(context.store, web))).toEqual(new Set([...all, JSON.stringify(more)]));
  });
});

/** What is put or removed together may be done in part: here each item is a call of its own, the last one first. */
function itemByItem({ ports: { store, ...ports }, ...context }: StartedContext): StartedContext {
  const inParts: Store = {
    read: (keys) => store.read(keys),
    list: (pk, part) => store.list(pk, part),
    replace: (item, seen) => store.replace(item, seen),
    async put(items) {
      for (const item of items.toReversed()) await store.put([item]);
    },
    async remove(keys) {
      for (const key of keys.toReversed()) await store.remove([key]);
    },
  };
  return { ...context, ports: { ...ports, store: inParts } };
}

describe('a crash at any item', () => {
  it.each(['before', 'after'] as const)(
    '%s it took effect: nothing is lost, and doing it again merges all of it',
    async (when) => {
      const calm = itemByItem(await started());
      await mergeInto(calm, merge, follow);
      expect(calm.calls.length).toBeGreaterThan(10);
      for (let at = 1; at <= calm.calls.length; at += 1) {
        const context = itemByItem(await started((call) => (call === at ? when : undefined)));
        await expect(mergeInto(context, merge, follow), `call ${at}`).rejects.toThrow(Crash);
        const [from, into] = [await readActivity(context.store, pod), await readActivity(context.store, web)];
        expect(told(from).union(told(into)), `call ${at}`).toEqual(all);
        // Whoever settles `into` with an observation of it knows what was sent of it.
        if (told(into).size > 1) expect(into.sent.length, `call ${at}`).toBeGreaterThan(0);
        // Something is left that brings the merge about again, until all of it is done.
        const isLeft = from.chunks.length > 0 || into.merges.some((asked) => asked.from === pod);
        expect(isLeft, `call ${at}`).toBe(at < calm.calls.length || when === 'before');

        await mergeInto(context, merge, follow);
        const after = await readActivity(context.store, web);
        expect(told(after), `call ${at}`).toEqual(all);
        expect([...whatWasSent([after]).keys()]).toEqual(spans.slice(0, 2).map(({ spanId }) => spanId));
        expect(after.merges.map((asked) => asked.from)).toEqual(['c1/other']);
      }
    },
  );
});

describe('the names of what is merged', () => {
  it('of a batch that was filed in both are two', async () => {
    const context = await started();
    await mergeInto(context, merge, follow);
    const { chunks } = await readActivity(context.store, web);
    expect(new Set(chunks.map(({ sk }) => sk)).size).toBe(3);
  });

  it('of batches with the same number, merged from two, are two', async () => {
    const context = await started();
    await context.store.put([batchItem('c1/rs', 1, spans.slice(2, 4), { at: noon, chain: 'x' }, later)]);
    await mergeInto(context, merge, follow);
    await mergeInto(context, { from: 'c1/rs', into: web, family: 'web' }, follow);
    const sent = whatWasSent([await readActivity(context.store, web)]);
    expect([...sent.keys()].sort()).toEqual(
      spans
        .slice(0, 4)
        .map(({ spanId }) => spanId)
        .sort(),
    );
  });

  it('of the chain that follows: another for each that is merged, the same again', () => {
    expect(mergeChain('chain', pod)).toBe(mergeChain('chain', pod));
    expect(new Set([mergeChain('chain', pod), mergeChain('chain', web), mergeChain('x', pod)]).size).toBe(3);
  });
});

it('what is to be merged into it by the one that it goes into is done with that', async () => {
  const context = await started();
  const back = mergeItem(pod, 'web-1', web, later);
  expect(parseItem(back, pod)).toMatchObject({ from: web });
  await context.store.put([back]);
  await mergeInto(context, merge, follow);
  expect((await readActivity(context.store, web)).merges.map(({ from }) => from)).toEqual(['c1/other']);
});
