/**
 * Many clusters of one account. Each rolls out something now and then; for a while some of them flood, and one shard of the stream is not
 * read. What is at the same time, and where, is told apart, so that one can see who is late for what.
 */
import type { ClusterObservations } from '../../../infra/local/read-clusters.ts';
import { arrivalOf } from '../../../infra/local/simulate/ship-observations.ts';
import { placeOf, type ShardLag } from '../../../infra/local/simulate/stream.ts';
import type { Observation } from '../../../shared/observation.ts';
import type { Span } from '../../../shared/span.ts';
import { eventsOfRollout, generateRollouts } from '../generate-rollouts.ts';
import { barePods } from '../workloads/bare-pods.ts';
import { start } from '../workloads/observe-cluster.ts';

export interface FleetSize {
  clusters: number;
  hours: number;
  shards: number;
  /** Of each cluster, on a calm day. */
  eventsPerMinute: number;
  flooding: number;
  /** Events of each of those. */
  floodPerSecond: number;
  /** Rollouts, of which a trace is some twenty Events; or a pod each, which is as many activities as Events. */
  floodOf: 'rollouts' | 'pods';
  /** Minutes, from the middle of the time on. */
  flood: number;
  /** Minutes for which a shard is not read, after three quarters of the time. */
  lag: number;
}

export interface Fleet {
  clusters: ClusterObservations[];
  lags: ShardLag[];
  /** When the flood begins and ends, in milliseconds since 1970. */
  flood: Period;
  /** What a cluster that floods said in the flood. */
  isOfFlood(span: Span): boolean;
  /** Who is late, and for what. */
  groupOf(root: Span): Group;
}

export type Group = 'calm' | 'calm, while others flood' | 'calm, on the shard that lags' | 'flooding';

interface Period {
  from: number;
  until: number;
}

const minute = 60_000;
const hour = 60 * minute;

/** What came before it waits, too: an activity that was not quiet yet. */
const within = ({ from, until }: Period, time: number): boolean => from - minute <= time && time < until;

export function makeFleet(size: FleetSize): Fleet {
  const middle = start + (size.hours * hour) / 2;
  const lagsFrom = start + (size.hours * hour * 3) / 4;
  const flood = { from: middle, until: middle + size.flood * minute };
  const lag = { from: lagsFrom, until: lagsFrom + size.lag * minute };
  const names = Array.from({ length: size.clusters }, (_, i) => `c${String(i).padStart(3, '0')}`);
  const flooding = new Set(names.slice(0, size.flooding));
  const lagging = placeOf(names.at(-1)!, size.shards);
  return {
    clusters: names.map((name) => ({
      cluster: { uid: name, name },
      observations: observationsOf(name, size, flooding.has(name)),
    })),
    lags: [{ shard: lagging, ...lag }],
    flood,
    isOfFlood({ resource, startTimeUnixNano }) {
      const begun = Number(BigInt(startTimeUnixNano) / 1_000_000n);
      const isFlooding = flooding.has(String(resource['k8s.cluster.uid']));
      return isFlooding && flood.from <= begun && begun < flood.until;
    },
    groupOf({ resource, endTimeUnixNano }) {
      const cluster = String(resource['k8s.cluster.uid']);
      const end = Number(BigInt(endTimeUnixNano) / 1_000_000n);
      if (flooding.has(cluster)) return 'flooding';
      if (within(lag, end) && placeOf(cluster, size.shards) === lagging)
        return 'calm, on the shard that lags';
      return within(flood, end) ? 'calm, while others flood' : 'calm';
    },
  };
}

const rollouts = { arrival: 'in order', withStatus: true } as const;

function observationsOf(
  name: string,
  size: FleetSize,
  isFlooding: boolean,
): ClusterObservations['observations'] {
  const { hours, eventsPerMinute } = size;
  const calm = generateRollouts({
    ...rollouts,
    cluster: name,
    events: hours * 60 * eventsPerMinute,
    rate: eventsPerMinute / 60 / eventsOfRollout,
  });
  if (!isFlooding) return calm;
  return [...calm, ...floodOf(name, size)].sort((a, b) => arrivalOf(a) - arrivalOf(b));
}

function floodOf(name: string, { hours, flood, floodPerSecond, floodOf }: FleetSize): Iterable<Observation> {
  const from = hours * 1800;
  const seconds = flood * 60;
  const cluster = `${name}-flood`;
  if (floodOf === 'pods') return barePods({ cluster, perSecond: floodPerSecond, seconds, from });
  return generateRollouts({
    ...rollouts,
    cluster,
    events: seconds * floodPerSecond,
    rate: floodPerSecond / eventsOfRollout,
    from,
  });
}
