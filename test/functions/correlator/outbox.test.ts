import { describe, expect, it } from 'vitest';
import { readActivity, toActivity } from '../../../functions/correlator/activity.ts';
import {
  type Acknowledged,
  archivedBatch,
  batchItem,
  parseItem,
} from '../../../functions/correlator/items.ts';
import {
  commitSpans,
  extend,
  fence,
  OutboxConflictError,
  readArchivedBatches,
  spansOfBatches,
  unsentBatches,
} from '../../../functions/correlator/outbox.ts';
import type { Due } from '../../../functions/correlator/read-timers.ts';
import { largestBody } from '../../../functions/correlator/store.ts';
import { defaultThresholds } from '../../../functions/correlator/thresholds.ts';
import type { Span } from '../../../shared/span.ts';
import { hexId, makeRollout, makeSpan } from '../../spans.ts';
import { dueOf } from '../../support/due.ts';
import { noon, startContext } from '../../support/start-context.ts';

const web = 'c1/web';
const later = 10 ** 10;
const spans = makeRollout({ name: 'web', replicas: 1 });
const [some, more] = [spans.slice(0, 2), spans.slice(2)];

/** So many batches fit into one item twice at most. */
const many = (count: number): Span[] =>
  Array.from({ length: count }, (_, n) =>
    makeSpan({ name: 'Pod.BackOff', object: 'web', at: n, message: hexId(`${n}`, 32) }),
  );

async function conflictOf(promise: Promise<unknown>): Promise<OutboxConflictError> {
  const error = await promise.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  if (!(error instanceof OutboxConflictError)) throw error ?? new Error('nothing was in its way');
  return error;
}

describe('a commit', () => {
  it('takes the next number, and is there before anything is sent', async () => {
    const context = startContext();
    expect(await commitSpans(context, toActivity(web, []), some, { chain: 'chain' })).toEqual({
      from: 1,
      to: 1,
    });
    expect(
      await commitSpans(context, await readActivity(context.store, web), more, { chain: 'next' }),
    ).toEqual({
      from: 2,
      to: 2,
    });
    const { batches } = await readActivity(context.store, web);
    expect(batches.map(({ number, chain, at }) => ({ number, chain, at }))).toEqual([
      { number: 1, chain: 'chain', at: noon },
      { number: 2, chain: 'next', at: noon },
    ]);
    expect(spansOfBatches(batches)).toEqual(spans);
    expect(context.sends).toEqual([]);
  });

  it('of nothing takes none', async () => {
    const context = startContext();
    expect(await commitSpans(context, toActivity(web, []), [], { chain: 'chain' })).toBeUndefined();
    expect(context.calls).toEqual([]);
  });

  it('of more than fits into one item takes several, without a gap, and nothing changes its place', async () => {
    const context = startContext();
    const all = many(9500);
    const taken = await commitSpans(context, toActivity(web, []), all, { chain: 'chain' });
    const { batches } = await readActivity(context.store, web);
    expect(taken).toEqual({ from: 1, to: batches.length });
    expect(batches.map(({ number }) => number)).toEqual(batches.map((_, index) => index + 1));
    expect(batches.length).toBeGreaterThan(2);
    for (const { body } of batches) expect(body!.length).toBeLessThanOrEqual(largestBody);
    expect(spansOfBatches(batches)).toEqual(all);
  });

  it('remembers that it was sent for longer than anything that could tell it again', async () => {
    const context = startContext();
    await commitSpans(context, toActivity(web, []), some, { chain: 'chain' });
    const [batch] = (await readActivity(context.store, web)).batches;
    expect(batch!.expiresAt).toBe(noon / 1000 + defaultThresholds.sentRetention);
  });
});

describe('of two who have read the same', () => {
  it('one commits, and the other is told by whom it was forestalled', async () => {
    const context = startContext();
    const asBothRead = toActivity(web, []);
    await commitSpans(context, asBothRead, some, { chain: 'faster' });
    const conflict = await conflictOf(commitSpans(context, asBothRead, spans, { chain: 'slower' }));
    expect(conflict).toMatchObject({ name: 'OutboxConflictError', activity: web, committed: [] });
    expect(conflict.winner).toMatchObject({ number: 1, chain: 'faster' });
    expect(spansOfBatches((await readActivity(context.store, web)).batches)).toEqual(some);
  });

  it('the one that is forestalled halfway has to send what it had committed by then', async () => {
    const context = startContext();
    const all = many(9000);
    const faster = batchItem(web, 2, some, { at: noon, chain: 'faster' }, later);
    await context.store.replace(faster, undefined);
    const conflict = await conflictOf(commitSpans(context, toActivity(web, []), all, { chain: 'slower' }));
    const [first, second] = (await readActivity(context.store, web)).batches;
    expect(conflict.committed).toEqual(all.slice(0, conflict.committed.length));
    expect(conflict.committed).toEqual(spansOfBatches([first!]));
    expect(conflict.winner).toEqual(second);
  });

  it('of whom the other’s batch has expired meanwhile, one is told that much', async () => {
    const context = startContext();
    context.ports.store.replace = async () => false;
    const error = new OutboxConflictError(web, [], undefined);
    expect(await conflictOf(fence(context, toActivity(web, [])))).toEqual(error);
  });
});

describe('a fence', () => {
  it('takes the number from one that has read what was there before, and sends nothing', async () => {
    const context = startContext();
    const before = toActivity(web, []);
    await fence(context, before);
    const conflict = await conflictOf(commitSpans(context, before, some, { chain: 'chain' }));
    expect(conflict.winner).toMatchObject({ number: 1, chain: '', body: undefined });
    expect(spansOfBatches([conflict.winner!])).toEqual([]);
  });

  it('is refused where somebody commits at the same time', async () => {
    const context = startContext();
    const before = toActivity(web, []);
    await commitSpans(context, before, some, { chain: 'chain' });
    expect((await conflictOf(fence(context, before))).winner).toMatchObject({ number: 1, chain: 'chain' });
  });

  it('after a fence the numbers go on', async () => {
    const context = startContext();
    await fence(context, toActivity(web, []));
    const activity = await readActivity(context.store, web);
    expect(await commitSpans(context, activity, some, { chain: 'chain' })).toEqual({ from: 2, to: 2 });
  });
});

/** A timer that was armed at noon, came 20 s later, and is of another chain than the batch, unless something else is said. */
const due = (told: Partial<Due> = {}): Due => dueOf({ chain: 'mine', dueAt: noon + 20_000, ...told });

describe('which batches whoever comes for a timer has to send', () => {
  interface Batch {
    /** Seconds after noon. */
    at?: number;
    chain?: string;
    isFence?: boolean;
    number?: number;
  }
  /** Whether it has to send this one. */
  const sends = (batch: Batch, timer: Partial<Due> = {}, acknowledged: Acknowledged[] = []): boolean => {
    const { at = 0, chain = 'other', isFence = false, number = 4 } = batch;
    const item = batchItem(web, number, isFence ? [] : some, { at: noon + at * 1000, chain }, later);
    const { batches } = toActivity(web, [item]);
    return unsentBatches({ batches, acknowledged }, due(timer), defaultThresholds).length === 1;
  };
  const hour = 3600;

  describe('those of its own chain', () => {
    it('however long ago they were committed', () => expect(sends({ chain: 'mine', at: -hour })).toBe(true));
    it('not the last one of which it knows that it was sent, and not those before', () => {
      expect(sends({ chain: 'mine', number: 4 }, { sent: 4 })).toBe(false);
      expect(sends({ chain: 'mine', number: 3 }, { sent: 4 })).toBe(false);
      expect(sends({ chain: 'mine', number: 5 }, { sent: 4 })).toBe(true);
    });
    it('also where the first version sent the timer', () =>
      expect(sends({ chain: 'mine', at: -hour }, { armedAt: undefined })).toBe(true));
    it('not a fence, which nobody sends', () => expect(sends({ chain: 'mine', isFence: true })).toBe(false));
  });

  describe('those of others', () => {
    it('committed since it was armed: who was to send them may have died, and left the rest to it', () =>
      expect(sends({ at: 10 })).toBe(true));
    it('committed before it was armed: those of whoever armed it were sent by then', () =>
      expect(sends({ at: -3 })).toBe(false));
    it('committed a moment before it was armed: two functions’ clocks differ', () =>
      expect(sends({ at: -2 })).toBe(true));
    it('committed by one that came for the same message, and lived on', () => {
      expect(sends({ at: 20 + 130 })).toBe(true);
      expect(sends({ at: 20 + 131 })).toBe(false);
    });
    it('none where the first version sent the timer', () =>
      expect(sends({ at: 10 }, { armedAt: undefined })).toBe(false));
    it('not those of which its chain knows that they were sent', () =>
      expect(sends({ at: 10 }, { sent: 4 })).toBe(false));
    it('not a fence', () => expect(sends({ at: 10, isFence: true })).toBe(false));
  });

  describe('those that somebody has acknowledged', () => {
    it('not: they were sent', () => {
      expect(sends({ at: 10 }, {}, [{ from: 4, to: 4 }])).toBe(false);
      expect(sends({ at: 10 }, {}, [{ from: 1, to: 9 }])).toBe(false);
    });
    it('only these, not those before or behind', () =>
      expect(
        sends({ at: 10 }, {}, [
          { from: 1, to: 3 },
          { from: 5, to: 9 },
        ]),
      ).toBe(true));
    it('of its own chain all the same: it is done with them when it says so itself', () =>
      expect(sends({ chain: 'mine' }, {}, [{ from: 4, to: 4 }])).toBe(true));
  });
});

describe('batches in the archive', () => {
  const { outboxRetention, margin } = defaultThresholds;
  /** What is found there by a timer that comes so many seconds after it was armed. */
  const archived = async (seconds: number, timer: Partial<Due> = {}) => {
    const context = startContext();
    const batch = parseItem(batchItem(web, 4, some, { at: noon, chain: 'other' }, later), web);
    if (batch?.kind !== 'batch') throw new Error('no batch');
    await context.store.put([archivedBatch(web, batch)]);
    context.clock.now = noon + seconds * 1000;
    return { found: await readArchivedBatches(context, due(timer)), calls: context.calls };
  };

  it('are looked for where a timer comes so late that what was committed since it was armed may be there', async () => {
    const { found } = await archived(outboxRetention);
    expect(found.map(({ number, chain }) => ({ number, chain }))).toEqual([{ number: 4, chain: 'other' }]);
    expect(spansOfBatches(found)).toEqual(some);
  });

  it('also where it was due only a quarter of an hour after it was armed', async () =>
    expect((await archived(outboxRetention, { dueAt: noon + 900_000 })).found).toHaveLength(1));

  it('cost nothing where it comes in time', async () =>
    expect((await archived(outboxRetention - margin)).calls).toEqual([]));

  it('of a timer of the first version, by when it was due: only its own are its business', async () => {
    const timer = { armedAt: undefined, dueAt: noon + 20_000 };
    expect((await archived(outboxRetention - margin + 20, timer)).calls).toEqual([]);
    expect((await archived(outboxRetention - margin + 21, timer)).found).toHaveLength(1);
  });
});

describe('an acknowledgement goes on', () => {
  const committed = { from: 4, to: 5 };
  it('from nothing', () => expect(extend([], committed)).toEqual({ from: 4, to: 5 }));
  it('from the one before', () =>
    expect(extend([{ from: 2, to: 3 }], committed)).toEqual({ from: 2, to: 5 }));
  it('from the one that goes back farthest', () =>
    expect(
      extend(
        [
          { from: 3, to: 3 },
          { from: 1, to: 3 },
        ],
        committed,
      ),
    ).toEqual({ from: 1, to: 5 }));
  it('not over a gap: what lies in it, nobody has said that it was sent', () =>
    expect(extend([{ from: 1, to: 2 }], committed)).toEqual({ from: 4, to: 5 }));
  it('not back to what comes after it', () =>
    expect(extend([{ from: 6, to: 9 }], committed)).toEqual({ from: 4, to: 5 }));
});
