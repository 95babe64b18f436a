/**
 * Pods of one Deployment that crash all day. The kubelet patches its Events, Started and BackOff, with each round; its back-off
 * doubles from 10 s to 5 minutes; its spam filter lets each pod have one Event in five minutes after the first 25, so that
 * the many patches of BackOff between two rounds are seen as one.
 */
import type { Observation } from '../../../shared/observation.ts';
import { type Cluster, createCluster, inOrder, type Subject, wholeSecond } from './observe-cluster.ts';

function* crash(cluster: Cluster, begin: number, hours: number, pod: Subject): Generator<Observation, void> {
  const { see, say } = cluster;
  const nodeName = `node-${Math.floor(cluster.random() * 50)}`;
  const kubelet = { component: 'kubelet', instance: nodeName, fieldPath: 'spec.containers{main}' };
  const creationTimestamp = wholeSecond(begin);
  const [started, backOff] = [cluster.uid(), cluster.uid()];
  yield see(begin, pod);
  yield say(begin + 0.02, pod, {
    reason: 'Scheduled',
    message: `Successfully assigned shop/${pod.name} to ${nodeName}`,
    component: 'default-scheduler',
  });
  yield say(begin + 1, pod, {
    ...kubelet,
    reason: 'Pulled',
    message: 'Container image "web:2" already present',
  });
  yield say(begin + 1.1, pod, { ...kubelet, reason: 'Created', message: 'Created container: main' });
  let at = begin + 1.2;
  for (let count = 1; at < hours * 3600; count += 1) {
    const container = { name: 'main', restarts: count - 1 };
    const asSeen = (when: number, state: object) =>
      see(when, pod, {
        nodeName,
        creationTimestamp,
        status: {
          phase: 'Running',
          conditions: [{ type: 'Ready', status: 'False', reason: 'ContainersNotReady' }],
          containers: [{ ...container, ...state }],
        },
      });
    const runningSince = wholeSecond(at);
    const lastTerminated = {
      reason: 'Error',
      exitCode: 1,
      startedAt: runningSince,
      finishedAt: wholeSecond(at + 2),
    };
    yield say(
      at,
      pod,
      { ...kubelet, reason: 'Started', message: 'Started container main' },
      { uid: started, first: begin + 1.2, count },
    );
    yield asSeen(at + 0.4, { runningSince });
    yield asSeen(at + 2.5, { waiting: 'CrashLoopBackOff', lastTerminated });
    yield say(
      at + 3,
      pod,
      {
        ...kubelet,
        reason: 'BackOff',
        type: 'Warning',
        message: 'Back-off restarting failed container main',
      },
      { uid: backOff, first: begin + 4.2, count },
    );
    at += Math.min(10 * 2 ** (count - 1), 300) + cluster.between(3, 12);
  }
}

export function* crashLoops(pods: number, hours: number): Generator<Observation, void> {
  const cluster = createCluster(5);
  const { see, say } = cluster;
  const deployment = cluster.object('Deployment', 'web');
  const replicaSet = cluster.object('ReplicaSet', `web-${cluster.digits(9)}`, deployment);
  yield see(0, deployment, { replicas: pods });
  yield see(0.01, replicaSet, { replicas: pods });
  yield say(0.02, deployment, {
    reason: 'ScalingReplicaSet',
    message: `Scaled up replica set ${replicaSet.name} to ${pods}`,
    component: 'deployment-controller',
  });
  const stories = Array.from({ length: pods }, () => {
    // They start as nodes have room, and so do not crash all in the same second.
    const begin = cluster.between(0.1, 240);
    return crash(
      cluster,
      begin,
      hours,
      cluster.object('Pod', `${replicaSet.name}-${cluster.digits(5)}`, replicaSet),
    );
  });
  yield* inOrder(stories);
}
