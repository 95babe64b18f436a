/**
 * `npm run bench:fleet [-- --clusters N …]`: a day of many clusters in one simulated account, of which some flood and one shard lags; and
 * one cluster of ten thousand Events a second over its partition keys (`--only fleet` or `one-cluster` leaves one of them). Time is
 * virtual: the same arguments print the same.
 */
import { parseArgs } from 'node:util';
import { leastBurst } from '../../functions/correlator/thresholds.ts';
import { memoryGB, memoryOfCpu } from '../../infra/local/simulate/prices.ts';
import { describeFailures } from '../../infra/local/simulate/verify.ts';
import { floodOneCluster } from './fleet/flood-one-cluster.ts';
import { describeFleet, describeOneCluster, oneClusterHead } from './fleet/print-tables.ts';
import { runFleet } from './fleet/run-fleet.ts';

const { values } = parseArgs({
  options: {
    only: { type: 'string' },
    clusters: { type: 'string', default: '200' },
    hours: { type: 'string', default: '24' },
    shards: { type: 'string', default: '4' },
    // Events a minute of each cluster, on a calm day.
    calm: { type: 'string', default: '1' },
    flooding: { type: 'string', default: '5' },
    // Events a second of each of them, rollouts or pods that say one thing each, and for how many minutes.
    rate: { type: 'string', default: '100' },
    of: { type: 'string', default: 'rollouts' },
    flood: { type: 'string', default: '10' },
    // Minutes for which one shard is not read.
    lag: { type: 'string', default: '20' },
    // The stack's `clusterRate.perSecond`.
    share: { type: 'string', default: '50' },
  },
});
const number = (name: keyof typeof values) => Number(values[name]);

async function benchFleet(): Promise<void> {
  const begun = process.cpuUsage();
  const fleet = await runFleet({
    clusters: number('clusters'),
    hours: number('hours'),
    shards: number('shards'),
    eventsPerMinute: number('calm'),
    flooding: number('flooding'),
    floodPerSecond: number('rate'),
    floodOf: values.of === 'pods' ? 'pods' : 'rollouts',
    flood: number('flood'),
    lag: number('lag'),
    clusterRate: { perSecond: number('share'), burst: Math.max(leastBurst, 60 * number('share')) },
  });
  for (const line of describeFleet(fleet)) console.log(line);
  for (const line of describeFailures(fleet.simulated.verdict)) console.log(line);
  const { user, system } = process.cpuUsage(begun);
  console.error(
    `${((user + system) / 1e6).toFixed(0)} s of CPU, ${(process.resourceUsage().maxRSS / 1e6).toFixed(1)} GB`,
  );
}

async function benchOneCluster(): Promise<void> {
  console.log('\nOne cluster, 10,000 Events a second for five minutes');
  console.log(oneClusterHead);
  for (const [keys, memory] of [
    [1, memoryGB.ingest],
    [1, memoryOfCpu],
    [4, memoryGB.ingest],
    [4, memoryOfCpu],
    [8, memoryGB.ingest],
  ] as const) {
    const one = { eventsPerSecond: 10_000, minutes: 5, keys, memoryGB: memory };
    console.log(describeOneCluster(one, await floodOneCluster(one)));
  }
}

if (values.only !== 'one-cluster') await benchFleet();
if (values.only !== 'fleet') await benchOneCluster();
