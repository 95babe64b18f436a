/** What the cost is measured of. */
import type { Observation } from '../../../shared/observation.ts';
import { generateRollouts } from '../generate-rollouts.ts';
import { crashLoops } from './crash-loops.ts';
import { rolledDaemonSet } from './daemonset.ts';
import { eventAMinute } from './event-a-minute.ts';
import { oneJob, scaledJob } from './jobs.ts';
import { slowDrain } from './slow-drain.ts';

export interface Workload {
  name: string;
  what: string;
  /** In order of arrival. */
  observations(): Iterable<Observation>;
  /** It is short enough for Amazon's DynamoDB Local, which counts by itself what we count in memory. */
  isShort?: boolean;
}

const day = 24;
const alone = { events: 1_900, rate: 0.02, arrival: 'in order' } as const;
const many = { events: 7_600, rate: 3, arrival: 'in order' } as const;

export const workloads: readonly Workload[] = [
  {
    name: 'rollout-alone',
    what: '0.02 rollouts a second: each is alone',
    observations: () => generateRollouts(alone),
    isShort: true,
  },
  {
    name: 'rollouts',
    what: '3 rollouts a second',
    observations: () => generateRollouts(many),
    isShort: true,
  },
  {
    name: 'complete-alone',
    what: '0.02 rollouts a second, whose status says that they are complete',
    observations: () => generateRollouts({ ...alone, withStatus: true }),
    isShort: true,
  },
  {
    name: 'complete-rollouts',
    what: '3 rollouts a second, whose status says that they are complete',
    observations: () => generateRollouts({ ...many, withStatus: true }),
    isShort: true,
  },
  { name: 'job', what: 'a Job with a new pod each 20 s', observations: () => oneJob(day) },
  {
    name: 'scaled-job',
    what: 'a ScaledJob with a new Job and pod each 20 s',
    observations: () => scaledJob(day),
  },
  {
    name: 'failing-jobs',
    what: 'a ScaledJob with a new Job and pod each 20 s, of which every twentieth fails',
    observations: () => scaledJob(day, 20),
  },
  {
    name: 'daemonset',
    what: 'a DaemonSet rolled over 1,000 nodes',
    observations: () => rolledDaemonSet(1_000),
  },
  { name: 'crash-20', what: '20 pods of one root that crash', observations: () => crashLoops(20, day) },
  {
    name: 'crash-1000',
    what: '1,000 pods of one root that crash',
    observations: () => crashLoops(1_000, day),
  },
  { name: 'event-a-minute', what: 'an Event a minute of one pod', observations: () => eventAMinute(day) },
  {
    name: 'slow-drain',
    what: 'a Node with pods of 200 roots is drained',
    observations: () => slowDrain(200),
  },
];
