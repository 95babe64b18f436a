/** The workloads of Kubernetes itself, and what they do to their pods, ReplicaSets and Jobs. */
import type { EventRow } from './event-row.ts';

const podControl = 'pkg/controller/controller_utils.go (RealPodControl)';
const cronJob = 'pkg/controller/cronjob/cronjob_controllerv2.go';
const daemonSet = 'pkg/controller/daemon/daemon_controller.go';
const statefulSetControl = 'pkg/controller/statefulset/stateful_set_control.go';
const statefulPodControl = 'pkg/controller/statefulset/stateful_pod_control.go';

/** Creating and deleting pods through RealPodControl reads the same for all of its users. */
const podControlRows = (subject: string): EventRow[] => [
  {
    subject,
    reason: 'SuccessfulCreate',
    message: /^Created pod: (?<name>\S+)$/,
    effect: 'creates',
    target: 'Pod',
    controls: true,
    example: 'Created pod: web-869745d599-hrk88',
    source: podControl,
  },
  {
    subject,
    reason: 'SuccessfulDelete',
    message: /^Deleted pod: (?<name>\S+)$/,
    effect: 'removes',
    target: 'Pod',
    controls: true,
    example: 'Deleted pod: web-869745d599-hrk88',
    source: podControl,
  },
  failedCreate(subject, 'Error creating: pods "web-1" is forbidden: exceeded quota: compute', podControl),
];

/** The API server would not have what the controller asked for: a quota, an admission webhook, a name that is taken. */
const failedCreate = (subject: string, example: string, source: string): EventRow => ({
  subject,
  reason: 'FailedCreate',
  cause: 'FailedCreate',
  example,
  source,
});

/** A Job's end, under the name that its condition has. */
const jobFailed = (reason: string, example: string): EventRow => ({
  subject: 'Job',
  reason,
  outcome: 'failed',
  cause: reason,
  example,
  source: 'pkg/controller/job/job_controller.go',
});

const deployments: readonly EventRow[] = [
  {
    subject: 'Deployment',
    reason: 'ScalingReplicaSet',
    // Before 1.29 the message has no "from".
    message: /^Scaled (?<way>up|down) replica set (?<name>\S+) from (?<from>\d+) to (?<to>\d+)$/,
    effect: 'scales',
    target: 'ReplicaSet',
    controls: true,
    example: 'Scaled up replica set web-869745d599 from 0 to 2',
    source: 'pkg/controller/deployment/sync.go (scaleReplicaSet)',
  },
  {
    subject: 'Deployment',
    reason: 'ScalingReplicaSet',
    message: /^Scaled (?<way>up|down) replica set (?<name>\S+) to (?<to>\d+) from (?<from>\d+)$/,
    effect: 'scales',
    target: 'ReplicaSet',
    controls: true,
    example: 'Scaled down replica set web-869745d599 to 2 from 3',
    source: 'pkg/controller/deployment/sync.go (scaleReplicaSet; 1.25 to 1.28)',
  },
  {
    subject: 'Deployment',
    reason: 'ScalingReplicaSet',
    message: /^Scaled (?<way>up|down) replica set (?<name>\S+) to (?<to>\d+)$/,
    effect: 'scales',
    target: 'ReplicaSet',
    controls: true,
    example: 'Scaled up replica set web-869745d599 to 2',
    source: 'pkg/controller/deployment/sync.go (scaleReplicaSet; before 1.29)',
  },
  {
    subject: 'Deployment',
    reason: 'ReplicaSetCreateError',
    cause: 'ReplicaSetCreateError',
    example:
      'Failed to create new replica set "web-869745d599": replicasets.apps is forbidden: exceeded quota',
    source: 'pkg/controller/deployment/sync.go (getNewReplicaSet)',
  },
];

const daemonSets: readonly EventRow[] = [
  ...podControlRows('DaemonSet'),
  {
    subject: 'DaemonSet',
    reason: 'FailedDaemonPod',
    message: /^Found failed daemon pod (?<namespace>[^/\s]+)\/(?<name>\S+) on node \S+, will try to kill it$/,
    effect: 'removes',
    target: 'Pod',
    controls: true,
    example: 'Found failed daemon pod kube-system/agent-x2x5z on node n1, will try to kill it',
    source: daemonSet,
  },
  {
    subject: 'DaemonSet',
    reason: 'SucceededDaemonPod',
    message:
      /^Found succeeded daemon pod (?<namespace>[^/\s]+)\/(?<name>\S+) on node \S+, will try to delete it$/,
    effect: 'removes',
    target: 'Pod',
    controls: true,
    example: 'Found succeeded daemon pod kube-system/agent-x2x5z on node n1, will try to delete it',
    source: daemonSet,
  },
];

const statefulSets: readonly EventRow[] = [
  {
    subject: 'StatefulSet',
    reason: 'SuccessfulCreate',
    message: /^[Cc]reate Pod (?<name>\S+) in StatefulSet \S+ successful$/,
    effect: 'creates',
    target: 'Pod',
    controls: true,
    example: 'Create Pod db-0 in StatefulSet db successful',
    source: `${statefulPodControl} (recordPodEvent; lower case before 1.35)`,
  },
  {
    subject: 'StatefulSet',
    reason: 'SuccessfulCreate',
    message: /^[Cc]reate Claim (?<name>\S+) Pod \S+ in StatefulSet \S+ success$/,
    effect: 'creates',
    target: 'PersistentVolumeClaim',
    controls: false,
    example: 'Create Claim data-db-0 Pod db-0 in StatefulSet db success',
    source: `${statefulPodControl} (recordClaimEvent)`,
  },
  {
    subject: 'StatefulSet',
    reason: 'SuccessfulDelete',
    message: /^[Dd]elete Pod (?<name>\S+) in StatefulSet \S+ successful$/,
    effect: 'removes',
    target: 'Pod',
    controls: true,
    example: 'Delete Pod db-2 in StatefulSet db successful',
    source: `${statefulPodControl} (recordPodEvent)`,
  },
  {
    subject: 'StatefulSet',
    reason: 'RecreatingFailedPod',
    message: /^StatefulSet (?<namespace>[^/\s]+)\/\S+ is recreating failed Pod (?<name>\S+)$/,
    effect: 'removes',
    target: 'Pod',
    controls: true,
    example: 'StatefulSet default/db is recreating failed Pod db-1',
    source: statefulSetControl,
  },
  {
    subject: 'StatefulSet',
    reason: 'RecreatingTerminatedPod',
    message: /^StatefulSet (?<namespace>[^/\s]+)\/\S+ is recreating terminated Pod (?<name>\S+)$/,
    effect: 'removes',
    target: 'Pod',
    controls: true,
    example: 'StatefulSet default/db is recreating terminated Pod db-1',
    source: statefulSetControl,
  },
  failedCreate(
    'StatefulSet',
    'create Pod db-0 in StatefulSet db failed error: pods "db-0" is forbidden: exceeded quota: compute',
    `${statefulPodControl} (recordPodEvent)`,
  ),
];

const jobs: readonly EventRow[] = [
  ...podControlRows('Job'),
  {
    subject: 'Job',
    reason: 'Completed',
    outcome: 'complete',
    example: 'Job completed',
    source: 'pkg/controller/job/job_controller.go',
  },
  jobFailed('BackoffLimitExceeded', 'Job has reached the specified backoff limit'),
  jobFailed('DeadlineExceeded', 'Job was active longer than specified deadline'),
  jobFailed(
    'PodFailurePolicy',
    'Container main for pod default/job-x2x5z failed with exit code 42 matching FailJob rule at index 0',
  ),
  jobFailed('FailedIndexes', 'Job has failed indexes'),
  jobFailed('MaxFailedIndexesExceeded', 'Job has exceeded the specified maximal number of failed indexes'),
];

const cronJobs: readonly EventRow[] = [
  {
    subject: 'CronJob',
    reason: 'SuccessfulCreate',
    message: /^Created job (?<name>\S+)$/,
    effect: 'creates',
    target: 'Job',
    controls: true,
    example: 'Created job tick-29923495',
    source: cronJob,
  },
  {
    subject: 'CronJob',
    reason: 'SuccessfulDelete',
    message: /^Deleted job (?<name>\S+)$/,
    effect: 'removes',
    target: 'Job',
    controls: true,
    example: 'Deleted job tick-29923495',
    source: `${cronJob} (deleteJob)`,
  },
  {
    subject: 'CronJob',
    reason: 'SawCompletedJob',
    message: /^Saw completed job: (?<name>[^\s,]+), (?:condition|status): \S+$/,
    effect: 'observes',
    target: 'Job',
    controls: true,
    example: 'Saw completed job: tick-29923495, condition: Complete',
    source: `${cronJob} (syncCronJob)`,
  },
  failedCreate(
    'CronJob',
    'Error creating job: jobs.batch "tick-29923495" is forbidden: exceeded quota',
    cronJob,
  ),
];

export const kubernetesWorkloadRows: readonly EventRow[] = [
  ...deployments,
  ...podControlRows('ReplicaSet'),
  ...podControlRows('ReplicationController'),
  ...daemonSets,
  ...statefulSets,
  ...jobs,
  ...cronJobs,
];
