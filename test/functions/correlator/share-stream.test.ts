import fc from 'fast-check';
import { expect, it } from 'vitest';
import { createShares, type Demand } from '../../../functions/correlator/share-stream.ts';
import { loudShare } from '../../../functions/correlator/thresholds.ts';
import { checkProperty } from '../../check-property.ts';
import { startContext } from '../../support/start-context.ts';

const limit = { burst: 100, perSecond: 10 };
const day = 24 * 3600;

/** Functions that start anew for each batch: what one knows is in the table. */
function startTable() {
  const { ports } = startContext();
  const calls = { read: 0, put: 0 };
  const store = {
    read: (keys: Parameters<typeof ports.store.read>[0]) => {
      calls.read += 1;
      return ports.store.read(keys);
    },
    replace: (...[item, seen]: Parameters<typeof ports.store.replace>) => {
      calls.put += 1;
      return ports.store.replace(item, seen);
    },
  };
  const open = (batch: readonly Demand[]) =>
    createShares(limit, { store: { ...ports.store, ...store }, now: ports.now }, day)(batch);
  return { calls, open };
}

type Open = ReturnType<typeof startTable>['open'];

/** Whether each is within, of a batch that is filed. */
async function file(open: Open, batch: readonly Demand[]): Promise<boolean[]> {
  const shares = await open(batch);
  const verdicts = batch.map((demand) => shares.isWithin(demand));
  await shares.keep();
  return verdicts;
}

const demand = (takes: number, seconds: number, cluster = 'a', shard = 'shard-0'): Demand => ({
  shard,
  cluster,
  takes,
  at: seconds * 1000,
});

/** Batches of a shard, in its order. */
const sendings = fc
  .array(
    fc.array(
      fc.record({
        cluster: fc.constantFrom('calm', 'loud', 'other'),
        takes: fc.integer({ min: 0, max: 100 }),
        pause: fc.integer({ min: 0, max: 20_000 }),
      }),
      { minLength: 1, maxLength: 8 },
    ),
    { maxLength: 12 },
  )
  .map((batches) => {
    let at = 0;
    return batches.map((batch) =>
      batch.map(({ cluster, takes, pause }): Demand => {
        at += pause;
        return { shard: 'shard-0', cluster, takes, at };
      }),
    );
  });

it('no cluster gets more than its burst, its rate and what is too little to be counted, whoever files it', () =>
  checkProperty(
    fc.asyncProperty(sendings, async (batches) => {
      const { open } = startTable();
      const taken = new Map<string, number>();
      for (const [index, batch] of batches.entries()) {
        const verdicts = await file(open, batch);
        for (const [i, { cluster, takes }] of batch.entries())
          if (verdicts[i]) taken.set(cluster, (taken.get(cluster) ?? 0) + takes);
        const seconds = batch.at(-1)!.at / 1000;
        const uncounted = loudShare * limit.perSecond * (seconds + index + 1);
        for (const sum of taken.values())
          expect(sum).toBeLessThanOrEqual(limit.burst + seconds * limit.perSecond + uncounted + 1e-6);
      }
    }),
  ));

it('what the others send changes nothing of what a cluster may', () =>
  checkProperty(
    fc.asyncProperty(sendings, async (batches) => {
      const verdictsOfCalm = async (others: boolean) => {
        const { open } = startTable();
        const verdicts: boolean[] = [];
        for (const batch of batches) {
          const some = batch.filter(({ cluster }) => others || cluster === 'calm');
          const told = await file(open, some);
          verdicts.push(...told.filter((_, i) => some[i]!.cluster === 'calm'));
        }
        return verdicts;
      };
      expect(await verdictsOfCalm(true)).toEqual(await verdictsOfCalm(false));
    }),
  ));

it('an attempt that fails has taken nothing: what comes again is decided as before', () =>
  checkProperty(
    fc.asyncProperty(sendings, fc.integer({ min: 0, max: 3 }), async (batches, failures) => {
      const [once, again] = [startTable(), startTable()];
      for (const batch of batches) {
        const failed: boolean[][] = [];
        for (let attempt = 0; attempt < failures; attempt += 1) {
          const shares = await again.open(batch);
          failed.push(batch.map((one) => shares.isWithin(one)));
        }
        const done = await file(again.open, batch);
        for (const attempt of failed) expect(attempt).toEqual(done);
        expect(done).toEqual(await file(once.open, batch));
      }
    }),
  ));

it('a time before the last one counts as that', async () => {
  const { open } = startTable();
  const batch = [demand(100, 10), demand(10, 0), demand(10, 11), demand(1, 11)];
  expect(await file(open, batch)).toEqual([true, false, true, false]);
});

it('of one shard and several invocations at once: what both take is taken from both', () =>
  checkProperty(
    fc.asyncProperty(
      fc.array(fc.integer({ min: 2, max: 100 }), { minLength: 2, maxLength: 6 }),
      async (takes) => {
        const { open } = startTable();
        const all = takes.map((one) => [demand(one, 0)]);
        const atOnce = await Promise.all(all.map((batch) => open(batch)));
        const taken = atOnce.reduce(
          (sum, shares, i) => (shares.isWithin(all[i]![0]!) ? sum + takes[i]! : sum),
          0,
        );
        await Promise.all(atOnce.map((shares) => shares.keep()));
        // So much has to flow in again before anything may be taken.
        const seconds = Math.max(0, taken + 2 - limit.burst) / limit.perSecond;
        if (seconds > 0) expect(await file(open, [demand(2, seconds - 0.05)])).toEqual([false]);
        expect(await file(open, [demand(2, seconds + 0.05)])).toEqual([true]);
      },
    ),
  ));

it('each shard has a share of its own', async () => {
  const { open } = startTable();
  const batch = [demand(100, 0), demand(100, 0, 'a', 'shard-1'), demand(1, 0)];
  expect(await file(open, batch)).toEqual([true, true, false]);
});

it('who asks for little is not looked up, however long his batch waited', async () => {
  const { open, calls } = startTable();
  const minute = Array.from({ length: 60 }, (_, i) => demand(1, 1.1 * i));
  expect((await file(open, minute)).every(Boolean)).toBe(true);
  expect(await file(open, [demand(1, 70)])).toEqual([true]);
  expect(calls).toEqual({ read: 0, put: 0 });
  await file(open, [demand(2, 71)]);
  expect(calls).toEqual({ read: 1, put: 1 });
});
