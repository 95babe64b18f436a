/**
 * Rollouts of any number: each a Deployment, a ReplicaSet and three pods, 19 Events and 5 snapshots over 2 to 6 seconds, as
 * a forwarder would ship them; uids, names and times are as random as a cluster's, since what is stored is compressed. The same arguments give the same observations.
 */
import type { EventOccurrence, Observation } from '../../shared/observation.ts';
import {
  createCluster,
  eventOf,
  rfc,
  type Saying,
  type Subject,
  snapshotOf,
} from './workloads/observe-cluster.ts';

/** How Events arrive: 20 ms to 0.3 s after they happened; up to 2 s later; each rollout's owners after its pods. */
export const arrivals = ['in order', '2 s jitter', 'pods first'] as const;
export type Arrival = (typeof arrivals)[number];

export interface Rollouts {
  events: number;
  /** Rollouts that begin in a second. */
  rate: number;
  arrival: Arrival;
}

const eventsOfRollout = 19;
const pods = 3;

/** In the order of arrival. */
export function generateRollouts({ events, rate, arrival }: Rollouts): Observation[] {
  const { random, between, digits, uid } = createCluster(1);
  const subject = (apiVersion: string, kind: string, namespace: string, name: string): Subject => ({
    apiVersion,
    kind,
    namespace,
    name,
    uid: uid(),
  });
  const arrived: { at: number; observation: Observation }[] = [];

  for (let i = 0; i * eventsOfRollout < events; i++) {
    const namespace = `team-${i % 10}`;
    const app = `app${String(i).padStart(5, '0')}`;
    const image = `${app}:${1 + (i % 7)}.0`;
    const at = (i + random()) / rate;
    const happened: { at: number; event: EventOccurrence['event']; delay: number }[] = [];
    const see = (at: number, object: Subject, owner?: Subject) =>
      arrived.push({ at, observation: snapshotOf(at, object, owner) });
    const say = (at: number, object: Subject, delay: number, saying: Saying) =>
      happened.push({ at, event: eventOf(uid(), random, at, object, saying), delay });

    const deployment = subject('apps/v1', 'Deployment', namespace, app);
    const replicaSet = subject('apps/v1', 'ReplicaSet', namespace, `${app}-${digits(9)}`);
    see(at, deployment);
    see(at + 0.01, replicaSet, deployment);
    let now = at + 0.02;
    say(now, deployment, between(0.005, 0.03), {
      reason: 'ScalingReplicaSet',
      message: `Scaled up replica set ${replicaSet.name} to ${pods}`,
      component: 'deployment-controller',
    });
    for (let p = 0; p < pods; p++) {
      now += between(0.01, 0.03);
      const pod = subject('v1', 'Pod', namespace, `${replicaSet.name}-${digits(5)}`);
      const node = `node-${String(Math.floor(random() * 50)).padStart(2, '0')}`;
      see(now, pod, replicaSet);
      say(now + 0.001, replicaSet, between(0.005, 0.03), {
        reason: 'SuccessfulCreate',
        message: `Created pod: ${pod.name}`,
        component: 'replicaset-controller',
      });
      let then = now + between(0.005, 0.02);
      say(then, pod, between(0.005, 0.03), {
        reason: 'Scheduled',
        message: `Successfully assigned ${namespace}/${pod.name} to ${node}`,
        component: 'default-scheduler',
      });
      for (const [reason, [least, most], message] of steps) {
        then += between(least, most);
        say(then, pod, between(0.01, 0.3), {
          reason,
          message: message.replace('IMAGE', image),
          component: 'kubelet',
          instance: node,
          fieldPath: 'spec.containers{main}',
        });
      }
    }

    const last = Math.max(...happened.map(({ at, delay }) => at + delay));
    for (const { at, event, delay } of happened) {
      const late = arrival === '2 s jitter' ? between(0, 2) : 0;
      const seen = arrival === 'pods first' && event.subject.kind !== 'Pod' ? last + 0.2 : at + delay + late;
      arrived.push({ at: seen, observation: { type: 'event', observedAt: rfc(seen), event } });
    }
  }
  return arrived.sort((a, b) => a.at - b.at).map(({ observation }) => observation);
}

/** What a container does on its way up, the seconds until then, and what the kubelet says of it. */
const steps = [
  ['Pulling', [0.4, 1], 'Pulling image "IMAGE"'],
  ['Pulled', [0.8, 4], 'Successfully pulled image "IMAGE"'],
  ['Created', [0.05, 0.2], 'Created container main'],
  ['Started', [0.05, 0.2], 'Started container main'],
] as const;
