/** Pods without an owner, each of which cannot be scheduled and says so once: as many activities as Events. */
import type { Observation } from '../../../shared/observation.ts';
import { createCluster } from './observe-cluster.ts';

export interface BarePods {
  cluster: string;
  perSecond: number;
  seconds: number;
  /** Seconds from the beginning of every workload. */
  from: number;
}

export function* barePods({
  cluster: name,
  perSecond,
  seconds,
  from,
}: BarePods): Generator<Observation, void> {
  const cluster = createCluster(name);
  for (let i = 0; i < perSecond * seconds; i += 1) {
    const at = from + i / perSecond;
    const pod = cluster.object('Pod', `${name}-${cluster.digits(10)}`);
    yield cluster.see(at, pod);
    yield cluster.say(at, pod, {
      reason: 'FailedScheduling',
      type: 'Warning',
      message: '0/3 nodes are available: 3 Insufficient cpu.',
      component: 'default-scheduler',
    });
  }
}
