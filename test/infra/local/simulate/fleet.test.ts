/** Many clusters of one account: who floods is late himself, and who is calm is not, nor whoever is on a shard that is read. */
import { describe, expect, it } from 'vitest';
import { floodOneCluster } from '../../../bench/fleet/flood-one-cluster.ts';
import { runFleet } from '../../../bench/fleet/run-fleet.ts';

const size = {
  clusters: 12,
  hours: 1,
  shards: 2,
  eventsPerMinute: 6,
  flooding: 1,
  floodPerSecond: 200,
  floodOf: 'rollouts',
  flood: 1,
  lag: 10,
  clusterRate: { perSecond: 20, burst: 10_000 },
} as const;

/** Seconds: quiet (20), its timer (1), the window of the stream (6), the queues and a second of what comes between. */
const onACalmDay = 40;

it('a small fleet: nothing is lost, who is calm is in time, and what was held comes in the end', async () => {
  const { isSound, simulated, latency, held, figures, floodOverAfter } = await runFleet(size);
  expect(isSound).toBe(true);
  expect(simulated.runs.flatMap(({ defects }) => defects)).toEqual([]);
  expect(figures.neverSettled).toEqual([]);
  expect(latency.calm!.max).toBeLessThan(onACalmDay);
  expect(latency['calm, while others flood']!.traces).toBeGreaterThan(4);
  expect(latency['calm, while others flood']!.max).toBeLessThan(onACalmDay);
  // No later than the shard.
  expect(latency['calm, on the shard that lags']!.max).toBeLessThan(size.lag * 60 + 2 * onACalmDay);
  expect(held).toBeGreaterThan(5_000);
  expect(figures.setAside).toBe(0);
  expect(floodOverAfter).toBeGreaterThan(15);
});

describe('one cluster of 4,000 Events a second', () => {
  const one = { eventsPerSecond: 4_000, minutes: 2, memoryGB: 0.5 };

  it('on one key is ever farther behind', async () => {
    const { firstHalf, most } = await floodOneCluster({ ...one, keys: 1 });
    expect(most).toBeGreaterThan(1.5 * firstHalf);
    expect(most).toBeGreaterThan(60);
  });

  it('on four keys is never behind by more than a window of the stream and an invocation', async () => {
    const { most, over, failed } = await floodOneCluster({ ...one, keys: 4 });
    expect(failed).toBe(0);
    expect(most).toBeLessThan(10);
    expect(over).toBeLessThan(10);
  });
});
