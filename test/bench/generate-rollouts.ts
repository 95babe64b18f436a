/**
 * Rollouts of any number: each a Deployment, a ReplicaSet and three pods, 19 Events and 5 snapshots, as a forwarder
 * would ship them. The same arguments give the same observations.
 */
import type { EventOccurrence, ObjectSnapshot, Observation } from '../../shared/observation.ts';

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
const start = Date.parse('2026-01-05T08:00:00Z');

/** In the order of arrival. */
export function generateRollouts({ events, rate, arrival }: Rollouts): Observation[] {
  const random = mulberry32(1);
  const between = (low: number, high: number) => low + random() * (high - low);
  const arrived: { at: number; observation: Observation }[] = [];

  for (let i = 0; i * eventsOfRollout < events; i++) {
    const namespace = `team-${i % 10}`;
    const at = (i + random()) / rate;
    const happened: { at: number; event: EventOccurrence['event']; delay: number }[] = [];
    const see = (at: number, object: Subject, owner?: Subject) =>
      arrived.push({ at, observation: snapshotOf(at, object, owner) });
    const say = (at: number, object: Subject, saying: Saying) =>
      happened.push({ at, event: eventOf(at, object, saying), delay: between(0.02, 0.3) });

    const deployment = subject('apps/v1', 'Deployment', namespace, `app-${i}`);
    const replicaSet = subject('apps/v1', 'ReplicaSet', namespace, `app-${i}-5d4f8c7b9`);
    see(at, deployment);
    see(at + 0.01, replicaSet, deployment);
    say(at + 0.02, deployment, {
      reason: 'ScalingReplicaSet',
      message: `Scaled up replica set ${replicaSet.name} from 0 to ${pods}`,
      component: 'deployment-controller',
    });
    for (let p = 0; p < pods; p++) {
      const pod = subject('v1', 'Pod', namespace, `${replicaSet.name}-${p}${i.toString(36)}`);
      let now = at + 0.03 + p * between(0.01, 0.03);
      see(now, pod, replicaSet);
      say(now + 0.001, replicaSet, {
        reason: 'SuccessfulCreate',
        message: `Created pod: ${pod.name}`,
        component: 'replicaset-controller',
      });
      const kubelet = {
        component: 'kubelet',
        instance: `node-${(i + p) % 50}`,
        fieldPath: 'spec.containers{app}',
      };
      now += between(0.005, 0.02);
      say(now, pod, {
        reason: 'Scheduled',
        message: 'Successfully assigned',
        component: 'default-scheduler',
      });
      for (const [reason, wait] of steps) {
        now += between(wait / 2, wait);
        say(now, pod, { reason, message: `${reason} app:1.0`, ...kubelet });
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

/** What a container does on its way up, and the most seconds until then. */
const steps = [
  ['Pulling', 1],
  ['Pulled', 4],
  ['Created', 0.2],
  ['Started', 0.2],
] as const;

interface Subject {
  apiVersion: string;
  kind: string;
  namespace: string;
  name: string;
  uid: string;
}

interface Saying {
  reason: string;
  message: string;
  component: string;
  instance?: string;
  fieldPath?: string;
}

const subject = (apiVersion: string, kind: string, namespace: string, name: string): Subject => ({
  apiVersion,
  kind,
  namespace,
  name,
  uid: `${kind}-${namespace}-${name}`.padEnd(36, '0'),
});

const rfc = (seconds: number) => new Date(start + seconds * 1000).toISOString();
const wholeSecond = (seconds: number) => `${rfc(seconds).slice(0, 19)}Z`;
const versionAt = (seconds: number) => String(1000 + Math.round(seconds * 1000));

function snapshotOf(at: number, { apiVersion, kind, ...rest }: Subject, owner?: Subject): ObjectSnapshot {
  return {
    type: 'object',
    observedAt: rfc(at),
    deleted: false,
    object: {
      apiVersion,
      kind,
      ...rest,
      resourceVersion: versionAt(at),
      generation: 1,
      creationTimestamp: wholeSecond(at),
      ...(owner !== undefined && { owner: { kind: owner.kind, name: owner.name, uid: owner.uid } }),
      managers: [{ manager: 'kubectl', operation: 'Update', time: wholeSecond(at), ownsSpec: true }],
    },
  };
}

function eventOf(at: number, about: Subject, said: Saying): EventOccurrence['event'] {
  const { reason, message, component, instance, fieldPath } = said;
  const nanoseconds = BigInt(start + Math.round(at * 1000)) * 1_000_000n;
  return {
    uid: `${about.uid}-${reason}-${Math.round(at * 1000)}`,
    name: `${about.name}.${nanoseconds.toString(16).padStart(16, '0')}`,
    namespace: about.namespace,
    resourceVersion: versionAt(at),
    count: 1,
    reason,
    message,
    type: 'Normal',
    subject: {
      ...about,
      resourceVersion: versionAt(at - 0.01),
      ...(fieldPath !== undefined && { fieldPath }),
    },
    reporter: { component, ...(instance !== undefined && { instance }) },
    firstTimestamp: wholeSecond(at),
    lastTimestamp: wholeSecond(at),
  };
}

/** A small generator of random numbers from a seed (https://gist.github.com/tommyettinger/46a874533244883189143505d203312c). */
function mulberry32(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4294967296;
  };
}
