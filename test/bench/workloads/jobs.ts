/** Pods that are new each, all day: of one Job that has thousands to complete, and of Jobs that a ScaledJob makes. */
import type { Observation } from '../../../shared/observation.ts';
import { type Cluster, createCluster, type Subject, sorted, wholeSecond } from './observe-cluster.ts';

/** Seconds from one pod to the next. */
const apart = 20;

/** A pod from its creation to its end: five Events and three snapshots in half a minute. */
function runPod(cluster: Cluster, at: number, job: Subject, phase = 'Succeeded'): Observation[] {
  const { see, say } = cluster;
  const pod = cluster.object('Pod', `${job.name}-${cluster.digits(5)}`, job);
  const instance = `node-${Math.floor(cluster.random() * 50)}`;
  const kubelet = { component: 'kubelet', instance, fieldPath: 'spec.containers{main}' };
  const isReady = (status: string) => [{ type: 'Ready', status }];
  const onNode = { nodeName: instance, creationTimestamp: wholeSecond(at) };
  return [
    see(at, pod),
    say(at + 0.01, job, {
      reason: 'SuccessfulCreate',
      message: `Created pod: ${pod.name}`,
      component: 'job-controller',
    }),
    say(at + 0.02, pod, {
      reason: 'Scheduled',
      message: `Successfully assigned shop/${pod.name} to ${instance}`,
      component: 'default-scheduler',
    }),
    say(at + 0.8, pod, {
      ...kubelet,
      reason: 'Pulled',
      message: 'Container image "crawl:1" already present on machine',
    }),
    say(at + 0.9, pod, { ...kubelet, reason: 'Created', message: 'Created container: main' }),
    say(at + 1.1, pod, { ...kubelet, reason: 'Started', message: 'Started container main' }),
    see(at + 1.5, pod, { ...onNode, status: { phase: 'Running', conditions: isReady('True') } }),
    see(at + 16, pod, { ...onNode, status: { phase, conditions: isReady('False') } }),
  ];
}

export function* oneJob(hours: number): Generator<Observation, void> {
  const cluster = createCluster(2);
  const job = cluster.object('Job', 'crawl');
  const pods = (hours * 3600) / apart;
  const creationTimestamp = wholeSecond(0);
  yield cluster.see(0, job, { completions: pods });
  for (let i = 0; i < pods; i += 1) {
    const at = 2 + i * apart;
    const status = { active: 0, succeeded: i + 1 };
    yield* sorted([
      ...runPod(cluster, at, job),
      cluster.see(at + 17, job, { completions: pods, creationTimestamp, status }),
    ]);
  }
}

/**
 * KEDA makes a Job for each message: eight Events, and snapshots of the Job beside the pod's.
 * @param failing one in so many Jobs fails; 0 for none
 */
export function* scaledJob(hours: number, failing = 0): Generator<Observation, void> {
  const cluster = createCluster(3);
  const { see, say } = cluster;
  const scaled = cluster.object('ScaledJob', 'resize');
  yield see(0, scaled);
  for (let i = 0; i < (hours * 3600) / apart; i += 1) {
    const at = 2 + i * apart;
    const job = cluster.object('Job', `resize-${cluster.digits(5)}`, scaled);
    const creationTimestamp = wholeSecond(at);
    const { phase, event, status } = failing > 0 && i % failing === failing - 1 ? fails : succeeds;
    yield* sorted([
      say(at - 0.1, scaled, {
        reason: 'KEDAJobsCreated',
        message: 'Created 1 jobs',
        component: 'scale-handler',
      }),
      see(at - 0.05, job, { completions: 1 }),
      ...runPod(cluster, at, job, phase),
      say(at + 17, job, { ...event, component: 'job-controller' }),
      see(at + 17.1, job, { completions: 1, creationTimestamp, status }),
    ]);
  }
}

const succeeds = {
  phase: 'Succeeded',
  event: { reason: 'Completed', message: 'Job completed' },
  status: { succeeded: 1, conditions: [{ type: 'Complete', status: 'True' }] },
};
const fails = {
  phase: 'Failed',
  event: {
    reason: 'BackoffLimitExceeded',
    message: 'Job has reached the specified backoff limit',
    type: 'Warning' as const,
  },
  status: { failed: 1, conditions: [{ type: 'Failed', status: 'True', reason: 'BackoffLimitExceeded' }] },
};
