/** A fleet through the simulated account: what came of it, who was late, what was held and what AWS would ask for it. */
import { type Figures, type Latency, latencies, measure } from '../../../infra/local/simulate/measure.ts';
import { isSound, type Simulated, simulate } from '../../../infra/local/simulate/simulate.ts';
import { type FleetSize, makeFleet } from './make-fleet.ts';

export interface FleetSettings extends FleetSize {
  /** Observations of one cluster that are filed in a second, and at once. */
  clusterRate: { perSecond: number; burst: number };
}

export interface FleetFigures {
  simulated: Simulated;
  isSound: boolean;
  latency: Record<string, Latency>;
  figures: Figures;
  /** Minutes from the end of the flood to the last of it at the backend. */
  floodOverAfter: number;
  /** Observations, each time that they came. */
  held: number;
}

const minute = 60_000;

/** What is held comes back a quarter of an hour after the flood, and every ten minutes, until nothing is left. */
const replayAfter = 15 * minute;
const replayEvery = 10 * minute;

export async function runFleet(settings: FleetSettings): Promise<FleetFigures> {
  const { clusters, lags, flood, isOfFlood, groupOf } = makeFleet(settings);
  const { shards } = settings;
  const simulated = await simulate(clusters, {
    seed: 1,
    faults: 'none',
    shards,
    lags,
    admission: { clusters: [], requireSignatures: false, clusterRate: settings.clusterRate },
    replay: { from: flood.until + replayAfter, every: replayEvery },
  });
  const last = simulated.deliveries.findLast(({ span }) => isOfFlood(span));
  return {
    simulated,
    isSound: isSound(simulated),
    latency: latencies(clusters, simulated.deliveries, groupOf),
    figures: measure(clusters, simulated, { seed: 1, faults: 'none' }),
    floodOverAfter: last === undefined ? 0 : (last.deliveredAt - flood.until) / minute,
    held: simulated.runs.reduce((sum, { account }) => sum + account.held, 0),
  };
}
