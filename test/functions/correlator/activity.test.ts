import { describe, expect, it } from 'vitest';
import {
  bytesOf,
  chunksOf,
  hasSeenAll,
  lastBatch,
  lastCommit,
  lastHeard,
  observationsOf,
  readActivity,
  toActivity,
  waitingSince,
  whatWasSent,
} from '../../../functions/correlator/activity.ts';
import {
  acknowledgementItem,
  batchItem,
  checkpointItem,
  chunkItems,
  mergedBatch,
  mergeItem,
  nameChunks,
  recheckItem,
  registrationItem,
  sentItems,
} from '../../../functions/correlator/items.ts';
import { UnreadableBodyError } from '../../../functions/correlator/pack-body.ts';
import type { Item } from '../../../functions/correlator/store.ts';
import { makeRollout } from '../../spans.ts';
import { noon, startContext } from '../../support/start-context.ts';
import { event, thing } from './causality/cluster-story.ts';

const web = 'c1/web';
const later = 10 ** 10;
const spans = makeRollout({ name: 'web', replicas: 1 });
const pulled = event(0, thing('Pod', 'a'), 'Pulled', 'x');
const chunk = (seconds: number, family = 'web') =>
  chunkItems(
    web,
    `b${seconds}`,
    { cluster: { uid: 'c1' }, observations: [pulled] },
    {
      at: noon + seconds * 1000,
      dueAt: 0,
      family,
      expiresAt: later,
    },
  );
const batch = (number: number, seconds: number, some = spans) =>
  batchItem(web, number, some, { at: noon + seconds * 1000, chain: 'chain' }, later);

describe('an activity is its items, each in its place', () => {
  const [one, two] = [
    { from: 1, to: 2 },
    { from: 3, to: 3 },
  ];
  const checkpoint = {
    at: noon,
    batch: 2,
    committedAt: noon,
    since: undefined,
    bytes: 1,
    isJoined: false,
    digests: new Set<string>(),
    acknowledged: two,
  };
  const items: Item[] = [
    ...chunk(0),
    batch(1, 1),
    mergeItem(web, 'web', 'c1/pod', later),
    registrationItem(web, ['Node//n1'], later),
    recheckItem(web, { seen: 'x', next: undefined, acknowledged: one }, undefined, later),
    checkpointItem(web, checkpoint, later)!,
    acknowledgementItem(web, one, later),
    { pk: `activity#${web}`, sk: 'of-a-later-version', expiresAt: later },
  ];

  it('in whatever order they are read', () => {
    const activity = toActivity(web, items);
    expect(activity).toMatchObject({
      key: web,
      family: 'web',
      chunks: [{ at: noon }],
      batches: [{ number: 1 }],
      sent: [],
      merges: [{ from: 'c1/pod' }],
      joinKeys: ['Node//n1'],
      recheck: { seen: 'x' },
      checkpoint: { batch: 2 },
      bytes: bytesOf(items),
    });
    // Said by a recheck, a checkpoint and by itself.
    expect(activity.acknowledged).toEqual([one, two, one]);
    const { acknowledged: _, ...rest } = activity;
    const { acknowledged: __, ...reversed } = toActivity(web, items.toReversed());
    expect(reversed).toEqual(rest);
  });

  it('as the store has them', async () => {
    const { store } = startContext();
    await store.put(items);
    expect(await readActivity(store, web)).toMatchObject({
      merges: [{ from: 'c1/pod' }],
      bytes: bytesOf(items),
    });
  });

  it('of which only what is to be merged is left has the family of that', () =>
    expect(toActivity(web, [mergeItem(web, 'web', 'c1/pod', later)]).family).toBe('web'));
  it('of which its own chunks say the family', () =>
    expect(toActivity(web, [mergeItem(web, 'other', 'c1/pod', later), ...chunk(0)]).family).toBe('web'));
  it('of which nothing is left has none', () =>
    expect(toActivity(web, [batch(1, 0)]).family).toBeUndefined());
});

describe('what follows from them', () => {
  it('observations, of all chunks', () => {
    const chunks = chunksOf(toActivity(web, [...chunk(0), ...chunk(1)]));
    expect(observationsOf(chunks)).toEqual([pulled, pulled]);
    expect(chunks[0]!.cluster).toEqual({ uid: 'c1' });
  });
  it('none, where a later version wrote them', () => {
    const [item] = chunk(0);
    const activity = toActivity(web, [{ ...item!, body: Uint8Array.of(255) }]);
    expect(() => chunksOf(activity)).toThrow(UnreadableBodyError);
  });
  it('the last number of its outbox, a fence’s as well', () => {
    expect(lastBatch(toActivity(web, [batch(1, 0), batch(2, 1), batch(3, 2, [])]))).toBe(3);
    expect(lastBatch(toActivity(web, []))).toBe(0);
  });
  it('when spans were committed last, which a fence does not', () => {
    expect(lastCommit(toActivity(web, [batch(1, 7), batch(2, 9, [])]))).toBe(noon + 7000);
    expect(lastCommit(toActivity(web, [batch(1, 9, [])]))).toBe(0);
  });
  it('when it was heard of last', () => {
    expect(lastHeard(toActivity(web, [...chunk(5), ...chunk(3)]))).toBe(noon + 5000);
    expect(lastHeard(toActivity(web, []))).toBe(0);
  });
  it('what was sent: of its batches, of those merged into it, and of those compacted', () => {
    const parsed = toActivity(web, [batch(1, 0, spans.slice(2, 4))]).batches[0]!;
    const activity = toActivity(web, [
      batch(1, 0, spans.slice(0, 2)),
      mergedBatch(parsed, 'c1/pod', web),
      ...sentItems(web, [parsed], spans.slice(4, 5)),
    ]);
    expect([...whatWasSent([activity]).keys()].sort()).toEqual(
      spans
        .slice(0, 5)
        .map(({ spanId }) => spanId)
        .sort(),
    );
  });
});

describe('since when something waits', () => {
  const since = (heard: readonly number[], committed = 0) => {
    const at = waitingSince(
      toActivity(
        web,
        heard.flatMap((seconds) => chunk(seconds)),
      ),
      committed === 0 ? 0 : noon + committed * 1000,
      21_000,
    );
    return at && (at - noon) / 1000;
  };
  it('since the first of what was heard without a silence', () => expect(since([40, 20, 60])).toBe(20));
  it('a silence is more than 21 s', () => {
    expect(since([20, 41])).toBe(20);
    expect(since([20, 42])).toBe(42);
  });
  it('since the commit', () => expect(since([20, 40, 60], 30)).toBe(40));
  it('what came with the commit waits: it may not have been read', () =>
    expect(since([20, 40], 40)).toBe(40));
  it('nothing', () => {
    expect(since([20, 40], 41)).toBeUndefined();
    expect(since([])).toBeUndefined();
  });
});

describe('whether it has seen all', () => {
  const seenAll = (seen: readonly Item[], there: readonly Item[]) => {
    const said = { seen: nameChunks(seen), next: undefined, acknowledged: undefined };
    return hasSeenAll(toActivity(web, [...there, recheckItem(web, said, undefined, later)]));
  };
  it('of chunks that were there when it settled', () => expect(seenAll(chunk(0), chunk(0))).toBe(true));
  it('not where another came', () => expect(seenAll(chunk(0), [...chunk(0), ...chunk(1)])).toBe(false));
  it('not where it never settled', () => expect(hasSeenAll(toActivity(web, chunk(0)))).toBe(false));
});
