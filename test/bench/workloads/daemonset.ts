/** A DaemonSet is rolled pod by pod: the old pod of a node goes, its new one comes, then the next node. */
import type { Observation } from '../../../shared/observation.ts';
import { type Cluster, createCluster, type Subject, sorted, wholeSecond } from './observe-cluster.ts';

const old = { creationTimestamp: '2026-01-01T09:00:00Z' };
/** Seconds from one node to the next: the old pod's end, a pull, a start. */
const apart = 10;

/** Eight Events and six snapshots. */
function rollNode(cluster: Cluster, at: number, daemonSet: Subject, node: string): Observation[] {
  const { see, say } = cluster;
  const [gone, fresh] = [0, 1].map(() =>
    cluster.object('Pod', `${daemonSet.name}-${cluster.digits(5)}`, daemonSet),
  ) as [Subject, Subject];
  const controller = { component: 'daemonset-controller' };
  const kubelet = { component: 'kubelet', instance: node, fieldPath: 'spec.containers{agent}' };
  const created = { creationTimestamp: wholeSecond(at + 2), nodeName: node };
  const leaving = {
    ...old,
    nodeName: node,
    deletionTimestamp: wholeSecond(at + 30),
    deletionGracePeriodSeconds: 30,
  };
  const steps = [
    ['Pulling', 3, 'Pulling image "agent:2"'],
    ['Pulled', 5.8, 'Successfully pulled image "agent:2" in 2.8s'],
    ['Created', 6, 'Created container: agent'],
    ['Started', 6.2, 'Started container agent'],
  ] as const;
  return [
    say(at, daemonSet, { ...controller, reason: 'SuccessfulDelete', message: `Deleted pod: ${gone.name}` }),
    see(at, gone, leaving),
    say(at + 0.1, gone, { ...kubelet, reason: 'Killing', message: 'Stopping container agent' }),
    see(at + 2, gone, { ...leaving, deleted: true }),
    see(at + 2, fresh),
    say(at + 2.1, daemonSet, {
      ...controller,
      reason: 'SuccessfulCreate',
      message: `Created pod: ${fresh.name}`,
    }),
    say(at + 2.2, fresh, {
      reason: 'Scheduled',
      message: `Successfully assigned shop/${fresh.name} to ${node}`,
      component: 'default-scheduler',
    }),
    see(at + 2.3, fresh, created),
    ...steps.map(([reason, after, message]) => say(at + after, fresh, { ...kubelet, reason, message })),
    see(at + 8, fresh, {
      ...created,
      status: { phase: 'Running', conditions: [{ type: 'Ready', status: 'True' }] },
    }),
  ];
}

export function* rolledDaemonSet(nodes: number): Generator<Observation, void> {
  const cluster = createCluster(4);
  const daemonSet = cluster.object('DaemonSet', 'node-agent');
  const asSeen = (at: number, generation: number, updatedNumberScheduled: number) =>
    cluster.see(at, daemonSet, {
      ...old,
      generation,
      specDigest: String(generation),
      status: { observedGeneration: generation, updatedNumberScheduled, desiredNumberScheduled: nodes },
    });
  yield asSeen(0, 1, nodes);
  yield asSeen(60, 2, 0);
  for (let i = 0; i < nodes; i += 1) {
    const at = 62 + i * apart;
    yield* sorted([
      ...rollNode(cluster, at, daemonSet, `ip-10-0-${i >> 8}-${i & 255}`),
      asSeen(at + 8.1, 2, i + 1),
    ]);
  }
}
