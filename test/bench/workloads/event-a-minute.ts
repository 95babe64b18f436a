/** A readiness probe that fails all day: one Event of one pod, patched once a minute. */
import type { Observation } from '../../../shared/observation.ts';
import { createCluster } from './observe-cluster.ts';

export function* eventAMinute(hours: number): Generator<Observation, void> {
  const cluster = createCluster(6);
  const deployment = cluster.object('Deployment', 'web');
  const replicaSet = cluster.object('ReplicaSet', `web-${cluster.digits(9)}`, deployment);
  const pod = cluster.object('Pod', `${replicaSet.name}-${cluster.digits(5)}`, replicaSet);
  const old = { creationTimestamp: '2026-01-01T09:00:00Z' };
  for (const object of [deployment, replicaSet, pod]) yield cluster.see(0, object, old);
  const uid = cluster.uid();
  for (let count = 1; count <= hours * 60; count += 1) {
    yield cluster.say(
      count * 60,
      pod,
      {
        reason: 'Unhealthy',
        type: 'Warning',
        message: 'Readiness probe failed: HTTP probe failed with statuscode: 503',
        component: 'kubelet',
        instance: 'node-1',
        fieldPath: 'spec.containers{main}',
      },
      { uid, first: 60, count },
    );
  }
}
