/**
 * Rollouts of any number: each a Deployment, a ReplicaSet and three pods, 19 Events and 5 snapshots over 2 to 6 seconds, as
 * a forwarder would ship them; uids, names and times are as random as a cluster's, since what is stored is compressed. The same arguments give the same observations.
 */
import { createSpecReader } from '../../functions/forwarder/read-spec.ts';
import type { EventOccurrence, Observation } from '../../shared/observation.ts';
import {
  type Cluster,
  createCluster,
  type Details,
  eventOf,
  rfc,
  type Saying,
  type Subject,
  snapshotOf,
  wholeSecond,
} from './workloads/observe-cluster.ts';

/** How Events arrive: 20 ms to 0.3 s after they happened; up to 2 s later; each rollout's owners after its pods. */
export const arrivals = ['in order', '2 s jitter', 'pods first'] as const;
export type Arrival = (typeof arrivals)[number];

export interface Rollouts {
  events: number;
  /** Rollouts that begin in a second. */
  rate: number;
  arrival: Arrival;
  /** Pods become ready, and the Deployment says how far it is and that it is complete: 8 snapshots more. */
  withStatus?: boolean;
  /** Whose they are: no two clusters have a uid or an application in common. */
  cluster?: string;
  /** Seconds from the beginning of every workload to that of the first. */
  from?: number;
}

export const eventsOfRollout = 19;
const pods = 3;

interface Arrived {
  at: number;
  observation: Observation;
}

/** In the order of arrival. */
export function generateRollouts({ events, rate, from = 0, ...story }: Rollouts): Observation[] {
  const cluster = createCluster(story.cluster ?? 1);
  const arrived: Arrived[] = [];
  for (let i = 0; i * eventsOfRollout < events; i++) {
    arrived.push(...rollOut(cluster, i, from + (i + cluster.random()) / rate, story));
  }
  return arrived.sort((a, b) => a.at - b.at).map(({ observation }) => observation);
}

interface Happened {
  at: number;
  event: EventOccurrence['event'];
  delay: number;
}

function rollOut(
  cluster: Cluster,
  i: number,
  at: number,
  { arrival, withStatus = false, cluster: whose = '' }: Pick<Rollouts, 'arrival' | 'withStatus' | 'cluster'>,
): Arrived[] {
  const { random, between, digits, uid } = cluster;
  const namespace = `team-${i % 10}`;
  const app = `${whose}app${String(i).padStart(5, '0')}`;
  const image = `${app}:${1 + (i % 7)}.0`;
  const subject = (apiVersion: string, kind: string, name: string, owner?: Subject): Subject => ({
    apiVersion,
    kind,
    namespace,
    name,
    uid: uid(),
    ...(owner !== undefined && { owner }),
  });
  const arrived: Arrived[] = [];
  const happened: Happened[] = [];
  const see = (at: number, { owner, ...object }: Subject, details?: Details) =>
    arrived.push({ at, observation: snapshotOf(at, object, owner, details) });
  const say = (at: number, { owner: _, ...object }: Subject, delay: number, saying: Saying) =>
    happened.push({ at, event: eventOf(uid(), random, at, object, saying), delay });

  const deployment = subject('apps/v1', 'Deployment', app);
  const replicaSet = subject('apps/v1', 'ReplicaSet', `${app}-${digits(9)}`, deployment);
  see(at, deployment, { spec: specOf(app, image) });
  see(at + 0.01, replicaSet);
  let now = at + 0.02;
  say(now, deployment, between(0.005, 0.03), {
    reason: 'ScalingReplicaSet',
    message: `Scaled up replica set ${replicaSet.name} to ${pods}`,
    component: 'deployment-controller',
  });
  const ready: number[] = [];
  for (let p = 0; p < pods; p++) {
    now += between(0.01, 0.03);
    const pod = subject('v1', 'Pod', `${replicaSet.name}-${digits(5)}`, replicaSet);
    const node = `node-${String(Math.floor(random() * 50)).padStart(2, '0')}`;
    see(now, pod);
    say(now + 0.001, replicaSet, between(0.005, 0.03), {
      reason: 'SuccessfulCreate',
      message: `Created pod: ${pod.name}`,
      component: 'replicaset-controller',
    });
    const started = startPod({ cluster, say, image, node }, pod, now + between(0.005, 0.02));
    if (withStatus) see(started + 0.5, pod, { ...createdAt(now), nodeName: node, status: isReady });
    ready.push(started + 0.6);
  }
  if (withStatus)
    reportStatus(at, ready, (when, status) => see(when, deployment, { ...createdAt(at), ...status }));
  return [...arrived, ...inArrival(happened, arrival, between)];
}

interface Starting {
  cluster: Cluster;
  say(at: number, object: Subject, delay: number, saying: Saying): void;
  image: string;
  node: string;
}

/** When its container has started. */
function startPod({ cluster, say, image, node }: Starting, pod: Subject, scheduled: number): number {
  const { between } = cluster;
  say(scheduled, pod, between(0.005, 0.03), {
    reason: 'Scheduled',
    message: `Successfully assigned ${pod.namespace}/${pod.name} to ${node}`,
    component: 'default-scheduler',
  });
  let then = scheduled;
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
  return then;
}

const createdAt = (at: number) => ({ creationTimestamp: wholeSecond(at) });
const isReady = { phase: 'Running', conditions: [{ type: 'Ready', status: 'True' }] };

/** As the Deployment's controller writes it: all pods are there, then one more is ready at a time, then it is complete. */
function reportStatus(
  at: number,
  ready: readonly number[],
  see: (at: number, details: Details) => void,
): void {
  const status = (readyReplicas: number, reason: string) => ({
    replicas: pods,
    status: {
      observedGeneration: 1,
      replicas: pods,
      updatedReplicas: pods,
      readyReplicas,
      availableReplicas: readyReplicas,
      conditions: [
        { type: 'Available', status: readyReplicas === pods ? 'True' : 'False' },
        { type: 'Progressing', status: 'True', reason },
      ],
    },
  });
  see(at + 0.2, status(0, 'ReplicaSetUpdated'));
  for (const [index, when] of ready.toSorted((a, b) => a - b).entries()) {
    see(when, status(index + 1, 'ReplicaSetUpdated'));
  }
  see(Math.max(...ready) + 0.1, status(pods, 'NewReplicaSetAvailable'));
}

function inArrival(
  happened: readonly Happened[],
  arrival: Arrival,
  between: (low: number, high: number) => number,
): Arrived[] {
  const last = Math.max(...happened.map(({ at, delay }) => at + delay));
  return happened.map(({ at, event, delay }) => {
    const late = arrival === '2 s jitter' ? between(0, 2) : 0;
    const seen = arrival === 'pods first' && event.subject.kind !== 'Pod' ? last + 0.2 : at + delay + late;
    return { at: seen, observation: { type: 'event', observedAt: rfc(seen), event } };
  });
}

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
