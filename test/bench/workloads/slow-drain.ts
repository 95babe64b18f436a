/** A Node is drained one pod after the other, each the only one of a Deployment: all of them are one story of the Node. */
import type { Observation } from '../../../shared/observation.ts';
import { type Cluster, createCluster, type Subject, sorted, wholeSecond } from './observe-cluster.ts';

const old = { creationTimestamp: '2026-01-01T09:00:00Z' };
/** Seconds from one pod to the next. */
const apart = 15;

/** Six Events and seven snapshots. */
function evict(cluster: Cluster, at: number, name: string): Observation[] {
  const { see, say } = cluster;
  const deployment = cluster.object('Deployment', name);
  const replicaSet = cluster.object('ReplicaSet', `${name}-${cluster.digits(9)}`, deployment);
  const [gone, fresh] = [0, 1].map(() =>
    cluster.object('Pod', `${replicaSet.name}-${cluster.digits(5)}`, replicaSet),
  ) as [Subject, Subject];
  const instance = `node-${2 + Math.floor(cluster.random() * 50)}`;
  const kubelet = (on: string) => ({
    component: 'kubelet',
    instance: on,
    fieldPath: 'spec.containers{main}',
  });
  const conditions = [{ type: 'DisruptionTarget', status: 'True', reason: 'EvictionByEvictionAPI' }];
  const leaving = {
    ...old,
    nodeName: 'node-1',
    deletionTimestamp: wholeSecond(at + 30),
    deletionGracePeriodSeconds: 30,
    status: { conditions },
  };
  const created = { creationTimestamp: wholeSecond(at + 0.1), nodeName: instance };
  return [
    see(at, deployment, { replicas: 1, ...old }),
    see(at, replicaSet, { replicas: 1, ...old }),
    see(at, gone, leaving),
    say(at + 0.02, gone, { ...kubelet('node-1'), reason: 'Killing', message: 'Stopping container main' }),
    see(at + 0.1, fresh),
    say(at + 0.12, replicaSet, {
      reason: 'SuccessfulCreate',
      message: `Created pod: ${fresh.name}`,
      component: 'replicaset-controller',
    }),
    say(at + 0.2, fresh, {
      reason: 'Scheduled',
      message: `Successfully assigned shop/${fresh.name} to ${instance}`,
      component: 'default-scheduler',
    }),
    say(at + 1, fresh, {
      ...kubelet(instance),
      reason: 'Pulled',
      message: 'Container image already present',
    }),
    say(at + 1.1, fresh, { ...kubelet(instance), reason: 'Created', message: 'Created container: main' }),
    say(at + 1.3, fresh, { ...kubelet(instance), reason: 'Started', message: 'Started container main' }),
    see(at + 2, gone, { ...leaving, deleted: true }),
    see(at + 4, fresh, {
      ...created,
      status: { phase: 'Running', conditions: [{ type: 'Ready', status: 'True' }] },
    }),
  ];
}

export function* slowDrain(roots: number): Generator<Observation, void> {
  const cluster = createCluster(7);
  const node = cluster.object('Node', 'node-1');
  yield cluster.see(0, node, { ...old, unschedulable: true });
  yield cluster.say(1, node, {
    reason: 'NodeNotSchedulable',
    message: 'Node node-1 status is now: NodeNotSchedulable',
    component: 'kubelet',
    instance: 'node-1',
  });
  for (let i = 0; i < roots; i += 1) yield* sorted(evict(cluster, 2 + i * apart, `app${i}`));
}
