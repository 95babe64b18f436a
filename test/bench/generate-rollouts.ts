/**
 * Rollouts of any number: each a Deployment, a ReplicaSet and three pods, 19 Events and 5 snapshots over 2 to 6 seconds, as
 * a forwarder would ship them; uids, names and times are as random as a cluster's, since what is stored is compressed. The same arguments give the same observations.
 */
import { createSpecReader } from '../../functions/forwarder/read-spec.ts';
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
  const digits = (length: number, alphabet: string) =>
    Array.from({ length }, () => alphabet[Math.floor(random() * alphabet.length)]).join('');
  const uid = () => [8, 4, 4, 4, 12].map((length) => digits(length, '0123456789abcdef')).join('-');
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
    const replicaSet = subject('apps/v1', 'ReplicaSet', namespace, `${app}-${digits(9, nameDigits)}`);
    see(at, deployment);
    (arrived.at(-1)!.observation as ObjectSnapshot).object.spec = specOf(app, image);
    see(at + 0.01, replicaSet, deployment);
    let now = at + 0.02;
    say(now, deployment, between(0.005, 0.03), {
      reason: 'ScalingReplicaSet',
      message: `Scaled up replica set ${replicaSet.name} to ${pods}`,
      component: 'deployment-controller',
    });
    for (let p = 0; p < pods; p++) {
      now += between(0.01, 0.03);
      const pod = subject('v1', 'Pod', namespace, `${replicaSet.name}-${digits(5, nameDigits)}`);
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

/** What Kubernetes makes suffixes of names from. */
const nameDigits = 'bcdfghjklmnpqrstvwxz2456789';

const specs = createSpecReader('bench');

/** What the forwarder tells of a Deployment as an application's chart writes it. */
const specOf = (app: string, image: string) =>
  specs.read(
    {
      kind: 'Deployment',
      metadata: { generation: 1 },
      spec: {
        replicas: pods,
        selector: { matchLabels: { app } },
        strategy: { type: 'RollingUpdate', rollingUpdate: { maxSurge: '25%', maxUnavailable: '25%' } },
        revisionHistoryLimit: 10,
        progressDeadlineSeconds: 600,
        template: {
          metadata: { labels: { app }, annotations: { 'prometheus.io/scrape': 'true', app } },
          spec: {
            serviceAccountName: app,
            restartPolicy: 'Always',
            dnsPolicy: 'ClusterFirst',
            schedulerName: 'default-scheduler',
            terminationGracePeriodSeconds: 30,
            securityContext: { runAsNonRoot: true },
            volumes: [{ name: 'config', configMap: { name: app } }],
            containers: [
              {
                name: 'main',
                image,
                imagePullPolicy: 'IfNotPresent',
                args: ['--serve', app],
                env: [{ name: 'APP', value: app }],
                ports: [{ containerPort: 8080 }],
                resources: { limits: { memory: '256Mi' }, requests: { memory: '128Mi', cpu: '100m' } },
                livenessProbe: { httpGet: { path: `/${app}/live` } },
                readinessProbe: { httpGet: { path: `/${app}/ready` } },
                volumeMounts: [{ name: 'config', mountPath: '/config' }],
              },
            ],
          },
        },
      },
    },
    false,
  ).description;

/** What a container does on its way up, the seconds until then, and what the kubelet says of it. */
const steps = [
  ['Pulling', [0.4, 1], 'Pulling image "IMAGE"'],
  ['Pulled', [0.8, 4], 'Successfully pulled image "IMAGE"'],
  ['Created', [0.05, 0.2], 'Created container main'],
  ['Started', [0.05, 0.2], 'Started container main'],
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
      managers: [
        {
          manager: owner === undefined ? 'kubectl-client-side-apply' : 'kube-controller-manager',
          operation: 'Update',
          time: wholeSecond(at),
          ownsSpec: true,
        },
      ],
    },
  };
}

/** The scheduler's are of the new kind: microseconds, and no count. */
function eventOf(
  uid: string,
  random: () => number,
  at: number,
  about: Subject,
  said: Saying,
): EventOccurrence['event'] {
  const { reason, message, component, instance, fieldPath } = said;
  const nanoseconds = BigInt(start + Math.round(at * 1000)) * 1_000_000n + BigInt(Math.floor(random() * 1e6));
  const isNew = component === 'default-scheduler';
  return {
    uid,
    name: `${about.name}.${nanoseconds.toString(16).padStart(16, '0')}`,
    namespace: about.namespace,
    resourceVersion: versionAt(at),
    count: 1,
    reason,
    message,
    type: 'Normal',
    ...(isNew && { action: 'Binding' }),
    subject: {
      ...about,
      resourceVersion: versionAt(at - 0.01),
      ...(fieldPath !== undefined && { fieldPath }),
    },
    reporter: {
      component,
      ...(isNew && { instance: `${component}-kind-control-plane` }),
      ...(instance !== undefined && { instance }),
    },
    ...(isNew
      ? {
          eventTime: `${rfc(at).slice(0, -1)}${String(nanoseconds % 1_000_000n)
            .padStart(6, '0')
            .slice(0, 3)}Z`,
        }
      : { firstTimestamp: wholeSecond(at), lastTimestamp: wholeSecond(at) }),
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
