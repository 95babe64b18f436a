/**
 * What the controllers' Events mean. Everything that knows a controller's reason or message is in this file: a new
 * controller is a new row here and a test case.
 */

/**
 * What an occurrence does to the object that its message or its `related` names:
 * - `creates`, `removes`: brings the target into being, asks for its removal
 * - `scales`: changes the number of objects that the target controls
 * - `rescales`: writes the replicas of the target, which makes a generation of it
 * - `observes`: reports on the target without acting on it
 * - `awaits`: its subject is held up until the target has come further, and belongs to the target from then on
 */
type Effect = 'creates' | 'removes' | 'scales' | 'rescales' | 'observes' | 'awaits';

/** What made a pod go that its owner still wanted. */
export type Disruption = 'node-cordoned' | 'preempted' | 'tainted' | 'node-removed' | 'evicted';

export interface DriverRule {
  /** Kind of the Event's subject. */
  subject: string;
  reason: string;
  /** Named groups: `name` (the target's name), `namespace`, `uid`, `way` (up or down), `from` and `to` (replicas). */
  message: RegExp;
  effect: Effect;
  /** Kind of the target; `subject` where the Event acts on its own subject; `scaleTargetRef` where the subject's spec names it. */
  target: string;
  /** Whether the subject is the target's controller: it stands in for an ownerReference that no snapshot shows. */
  controls: boolean;
  /** Why its subject goes, where the Event itself says so. */
  disruption?: Disruption;
  /** A message as the controller writes it. */
  example: string;
  /** The file that the format comes from, in kubernetes/kubernetes where no repository is named. */
  source: string;
}

const podControl = 'pkg/controller/controller_utils.go (RealPodControl)';

/** Creating and deleting pods through RealPodControl reads the same for all of its users. */
const podControlRules = (subject: string): DriverRule[] => [
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
];

export const driverRules: readonly DriverRule[] = [
  {
    subject: 'Deployment',
    reason: 'ScalingReplicaSet',
    // Before 1.29 the message has no "from".
    message:
      /^Scaled (?<way>up|down) replica set (?<name>\S+?)(?: from (?<from>\d+))? to (?<to>\d+)(?: from (?<from2>\d+))?$/,
    effect: 'scales',
    target: 'ReplicaSet',
    controls: true,
    example: 'Scaled up replica set web-869745d599 from 0 to 2',
    source: 'pkg/controller/deployment/sync.go (scaleReplicaSet)',
  },
  ...podControlRules('ReplicaSet'),
  ...podControlRules('ReplicationController'),
  ...podControlRules('DaemonSet'),
  ...podControlRules('Job'),
  {
    subject: 'DaemonSet',
    reason: 'FailedDaemonPod',
    message: /^Found failed daemon pod (?<namespace>[^/\s]+)\/(?<name>\S+) on node \S+, will try to kill it$/,
    effect: 'removes',
    target: 'Pod',
    controls: true,
    example: 'Found failed daemon pod kube-system/agent-x2x5z on node n1, will try to kill it',
    source: 'pkg/controller/daemon/daemon_controller.go',
  },
  {
    subject: 'StatefulSet',
    reason: 'SuccessfulCreate',
    message: /^[Cc]reate Pod (?<name>\S+) in StatefulSet \S+ successful$/,
    effect: 'creates',
    target: 'Pod',
    controls: true,
    example: 'Create Pod db-0 in StatefulSet db successful',
    source: 'pkg/controller/statefulset/stateful_pod_control.go (recordPodEvent; lower case before 1.35)',
  },
  {
    subject: 'StatefulSet',
    reason: 'SuccessfulDelete',
    message: /^[Dd]elete Pod (?<name>\S+) in StatefulSet \S+ successful$/,
    effect: 'removes',
    target: 'Pod',
    controls: true,
    example: 'Delete Pod db-2 in StatefulSet db successful',
    source: 'pkg/controller/statefulset/stateful_pod_control.go (recordPodEvent)',
  },
  {
    subject: 'StatefulSet',
    reason: 'RecreatingFailedPod',
    message: /^StatefulSet (?<namespace>[^/\s]+)\/\S+ is recreating failed Pod (?<name>\S+)$/,
    effect: 'removes',
    target: 'Pod',
    controls: true,
    example: 'StatefulSet default/db is recreating failed Pod db-1',
    source: 'pkg/controller/statefulset/stateful_set_control.go',
  },
  {
    subject: 'StatefulSet',
    reason: 'SuccessfulCreate',
    message: /^[Cc]reate Claim (?<name>\S+) Pod \S+ in StatefulSet \S+ success$/,
    effect: 'creates',
    target: 'PersistentVolumeClaim',
    controls: false,
    example: 'Create Claim data-db-0 Pod db-0 in StatefulSet db success',
    source: 'pkg/controller/statefulset/stateful_pod_control.go (recordClaimEvent)',
  },
  {
    subject: 'CronJob',
    reason: 'SuccessfulCreate',
    message: /^Created job (?<name>\S+)$/,
    effect: 'creates',
    target: 'Job',
    controls: true,
    example: 'Created job tick-29923495',
    source: 'pkg/controller/cronjob/cronjob_controllerv2.go',
  },
  {
    subject: 'CronJob',
    reason: 'SuccessfulDelete',
    message: /^Deleted job (?<name>\S+)$/,
    effect: 'removes',
    target: 'Job',
    controls: true,
    example: 'Deleted job tick-29923495',
    source: 'pkg/controller/cronjob/cronjob_controllerv2.go (deleteJob)',
  },
  {
    subject: 'CronJob',
    reason: 'SawCompletedJob',
    message: /^Saw completed job: (?<name>[^\s,]+), (?:condition|status): \S+$/,
    effect: 'observes',
    target: 'Job',
    controls: true,
    example: 'Saw completed job: tick-29923495, condition: Complete',
    source: 'pkg/controller/cronjob/cronjob_controllerv2.go (syncCronJob)',
  },
  {
    subject: 'HorizontalPodAutoscaler',
    reason: 'SuccessfulRescale',
    message: /^New size: (?<to>\d+); reason: /,
    effect: 'rescales',
    target: 'scaleTargetRef',
    controls: false,
    example: 'New size: 1; reason: All metrics below target',
    source: 'pkg/controller/podautoscaler/horizontal.go',
  },
  {
    subject: 'Rollout',
    reason: 'ScalingReplicaSet',
    message:
      /^Scaled (?<way>up|down) ReplicaSet (?<name>\S+)(?: \(revision \d+\))? from (?<from>\d+) to (?<to>\d+)$/,
    effect: 'scales',
    target: 'ReplicaSet',
    controls: true,
    example: 'Scaled up ReplicaSet web-6cf78c66c5 (revision 2) from 0 to 3',
    source: 'argoproj/argo-rollouts utils/conditions/conditions.go (ScalingReplicaSetMessage)',
  },
  {
    subject: 'Certificate',
    reason: 'Requested',
    message: /^Created new CertificateRequest resource "(?<name>[^"]+)"$/,
    effect: 'creates',
    target: 'CertificateRequest',
    controls: true,
    example: 'Created new CertificateRequest resource "shop-tls-1"',
    source: 'cert-manager/cert-manager pkg/controller/certificates/requestmanager',
  },
  {
    subject: 'CertificateRequest',
    reason: 'OrderCreated',
    message: /^Created Order resource (?<namespace>[^/\s]+)\/(?<name>\S+)$/,
    effect: 'creates',
    target: 'Order',
    controls: true,
    example: 'Created Order resource shop/shop-tls-1-2406115214',
    source: 'cert-manager/cert-manager pkg/controller/certificaterequests/acme',
  },
  {
    subject: 'Order',
    reason: 'Created',
    message: /^Created Challenge resource "(?<name>[^"]+)" for domain "/,
    effect: 'creates',
    target: 'Challenge',
    controls: true,
    example: 'Created Challenge resource "shop-tls-1-2406115214-1" for domain "shop.example"',
    source: 'cert-manager/cert-manager pkg/controller/acmeorders/sync.go',
  },
  ...(['Configuration', 'Route'] as const).map((target) => ({
    subject: 'Service',
    reason: 'Created',
    message: new RegExp(`^Created ${target} "(?<name>[^"]+)"$`),
    effect: 'creates' as const,
    target,
    controls: true,
    example: `Created ${target} "hello"`,
    source: 'knative/serving pkg/reconciler/service/service.go',
  })),
  {
    subject: 'PersistentVolumeClaim',
    reason: 'ProvisioningSucceeded',
    message: /^Successfully provisioned volume (?<name>\S+)(?: using \S+)?$/,
    effect: 'creates',
    target: 'PersistentVolume',
    controls: false,
    example: 'Successfully provisioned volume pvc-0b3b2b1c using kubernetes.io/gce-pd',
    source: 'pkg/controller/volume/persistentvolume/pv_controller.go',
  },
  {
    subject: 'PersistentVolumeClaim',
    reason: 'WaitForPodScheduled',
    // Of several pods the first counts: the scheduler looks at one at a time.
    message: /^waiting for pods? (?<name>[^\s,]+)(?:,\S+)? to be scheduled$/,
    effect: 'awaits',
    target: 'Pod',
    controls: false,
    example: 'waiting for pod report-7x2xk to be scheduled',
    source: 'pkg/controller/volume/persistentvolume/pv_controller.go (emitEventForUnboundDelayBindingClaim)',
  },
  {
    subject: 'Pod',
    reason: 'Disrupted',
    message: /^Deleting the pod to accommodate the terminationTime /,
    effect: 'removes',
    target: 'subject',
    controls: false,
    disruption: 'node-cordoned',
    example: 'Deleting the pod to accommodate the terminationTime 2026-11-23 04:52:10 of the node.',
    source: 'kubernetes-sigs/karpenter pkg/controllers/node/termination/terminator/events',
  },
  {
    subject: 'Pod',
    reason: 'Evicted',
    message: /^Evicted pod: /,
    effect: 'removes',
    target: 'subject',
    controls: false,
    disruption: 'node-cordoned',
    example: 'Evicted pod: Underutilized',
    source: 'kubernetes-sigs/karpenter pkg/controllers/node/termination/terminator/events',
  },
  {
    subject: 'Pod',
    reason: 'ScaleDown',
    message: /^deleting pod for node scale down$/,
    effect: 'removes',
    target: 'subject',
    controls: false,
    example: 'deleting pod for node scale down',
    source: 'kubernetes/autoscaler cluster-autoscaler/core/scaledown/actuation/drain.go',
  },
  {
    subject: 'Pod',
    reason: 'Preempted',
    message: /^Preempted by (?:a )?pod(?: (?<uid>[0-9a-f-]{36}))? on node /,
    effect: 'removes',
    target: 'subject',
    controls: false,
    disruption: 'preempted',
    example: 'Preempted by pod 9a653339-f4db-465f-8c15-d07066559345 on node n1',
    source: 'pkg/scheduler/framework/preemption/preemption.go',
  },
  {
    subject: 'Pod',
    reason: 'TaintManagerEviction',
    message: /^Marking for deletion Pod /,
    effect: 'removes',
    target: 'subject',
    controls: false,
    disruption: 'tainted',
    example: 'Marking for deletion Pod default/web-0',
    source: 'pkg/controller/tainteviction/taint_eviction.go',
  },
  {
    subject: 'Pod',
    reason: 'Evicted',
    message: /./,
    effect: 'removes',
    target: 'subject',
    controls: false,
    example: 'The node was low on resource: memory.',
    source: 'pkg/kubelet/eviction/eviction_manager.go',
  },
];

/** Why a pod's condition DisruptionTarget says it went. Source: API reference, Pod disruption conditions. */
export const disruptions: Readonly<Record<string, Disruption>> = {
  EvictionByEvictionAPI: 'node-cordoned',
  PreemptionByScheduler: 'preempted',
  PreemptionByKubeScheduler: 'preempted', // 1.25
  DeletionByTaintManager: 'tainted',
  DeletionByPodGC: 'node-removed',
  TerminationByKubelet: 'evicted',
};

/** Of a pod's conditions the one that says why it goes. */
export const isDisruption = ({ type, reason }: { type: string; reason?: string | undefined }): boolean =>
  type === 'DisruptionTarget' && disruptions[reason ?? ''] !== undefined;

/** The scheduler found no room: what it preempts, it preempts for this pod. */
export const isUnschedulable = (reason: string): boolean => reason === 'FailedScheduling';

/**
 * What a Node's Event says of the Node. Each starts an episode of its own: cordoned and uncordoned, lost and back are
 * two things that happen, however close they are.
 */
export const nodeTurns: Readonly<Record<string, 'cordoned' | 'uncordoned' | 'lost' | 'back' | 'removed'>> = {
  NodeNotSchedulable: 'cordoned',
  NodeSchedulable: 'uncordoned',
  NodeNotReady: 'lost',
  NodeReady: 'back',
  RemovingNode: 'removed',
  // Karpenter taints the Node instead of cordoning it (kubernetes-sigs/karpenter pkg/controllers/disruption/events).
  DisruptionTerminating: 'cordoned',
};

/**
 * Each is the first of an episode of its object: a Node's turn, a sync of an Argo CD Application
 * (argoproj/argo-cd util/argo/audit_logger.go).
 */
export const beginsEpisode = (kind: string, reason: string): boolean =>
  kind === 'Node' ? nodeTurns[reason] !== undefined : kind === 'Application' && reason === 'OperationStarted';

/**
 * Kinds without a status subresource: each write of their status is a generation, so generations are no changes
 * (argoproj/argo-cd manifests/crds/application-crd.yaml).
 */
export const countsStatusAsGeneration: ReadonlySet<string> = new Set(['Application']);

/** Events on a pod that speak of its Node: they hang under the Node's turn of that kind. */
export const nodeEffects: readonly {
  reason: string;
  message: RegExp;
  turn: (typeof nodeTurns)[string];
  example: string;
  source: string;
}[] = [
  {
    reason: 'NodeNotReady',
    message: /./,
    turn: 'lost',
    example: 'Node is not ready',
    source: 'pkg/controller/util/node/controller_utils.go (MarkPodsNotReady)',
  },
  {
    reason: 'TaintManagerEviction',
    message: /^Cancelling deletion of Pod /,
    turn: 'back',
    example: 'Cancelling deletion of Pod default/web-0',
    source: 'pkg/controller/tainteviction/taint_eviction.go',
  },
];

/** The turn of its Node that an Event on a pod speaks of. */
export const nodeEffectOf = (reason: string, message: string): (typeof nodeTurns)[string] | undefined =>
  nodeEffectsByReason.get(reason)?.find((row) => row.message.test(message))?.turn;

const nodeEffectsByReason = Map.groupBy(nodeEffects, ({ reason }) => reason);

/** Kinds whose controlled objects are changes of their own: a CronJob's root object is each of its Jobs. */
export const runOwners: ReadonlySet<string> = new Set(['CronJob']);

/** Events that say how a change of their object ended, by kind and reason. */
export const verdicts: Readonly<Record<string, Readonly<Record<string, 'complete' | 'failed'>>>> = {
  // pkg/controller/job/job_controller.go
  Job: {
    Completed: 'complete',
    BackoffLimitExceeded: 'failed',
    DeadlineExceeded: 'failed',
    PodFailurePolicy: 'failed',
    FailedIndexes: 'failed',
    MaxFailedIndexesExceeded: 'failed',
  },
  // fluxcd/pkg apis/meta/conditions.go, fluxcd/kustomize-controller api/v1/condition_types.go
  Kustomization: {
    ReconciliationSucceeded: 'complete',
    ReconciliationFailed: 'failed',
    BuildFailed: 'failed',
    HealthCheckFailed: 'failed',
    PruneFailed: 'failed',
  },
  // fluxcd/helm-controller api/v2/condition_types.go
  HelmRelease: {
    InstallSucceeded: 'complete',
    UpgradeSucceeded: 'complete',
    InstallFailed: 'failed',
    UpgradeFailed: 'failed',
    TestFailed: 'failed',
  },
};

/** Annotations of Flux's Events: `main@sha1:5d4f…`, or a chart's version. */
const revisionAnnotation = /^(?:kustomize|helm|source)\.toolkit\.fluxcd\.io\/revision$/;

/** Messages that name the commit that is being synced. */
export const revisionMessages: readonly {
  subject: string;
  reason: string;
  message: RegExp;
  example: string;
  source: string;
}[] = [
  {
    subject: 'Application',
    reason: 'OperationStarted',
    message: /nitiated (?:automated |partial )*sync to '?(?:(?<name>\S+) \()?(?<revision>[0-9a-f]{40})\b/,
    example: "Initiated automated sync to '53e28ff20cc530b9ada2173fbbd64d48338583ba'",
    source:
      'argoproj/argo-cd controller/appcontroller.go (autoSync), server/application/application.go (Sync)',
  },
  {
    subject: 'Application',
    reason: 'OperationCompleted',
    message: /ync operation to (?<revision>[0-9a-f]{40}) (?:succeeded|failed)/,
    example: 'Sync operation to 53e28ff20cc530b9ada2173fbbd64d48338583ba succeeded',
    source: 'argoproj/argo-cd controller/appcontroller.go (setOperationState)',
  },
];

const revisionsByReason = Map.groupBy(revisionMessages, ({ reason }) => reason);

export interface Revision {
  /** A branch or a tag. */
  name: string | undefined;
  /** A commit, or a version. */
  revision: string;
}

/** What was synced, where an Event says it. */
export function revisionOf(
  subjectKind: string,
  reason: string,
  message: string,
  annotations: Readonly<Record<string, string>> | undefined,
): Revision | undefined {
  for (const key in annotations) {
    if (!revisionAnnotation.test(key)) continue;
    const [, name, revision] = /^(?:(.+)@)?(?:sha\d+:)?([^@:]+)$/.exec(annotations[key]!) ?? [];
    if (revision !== undefined) return { name, revision };
  }
  for (const row of revisionsByReason.get(reason) ?? []) {
    if (row.subject !== subjectKind) continue;
    const found = row.message.exec(message)?.groups;
    if (found?.revision !== undefined) return { name: found.name, revision: found.revision };
  }
  return undefined;
}

/** Reasons that speak of an object's end. Everything else that is not in `undirected` speaks of its start. */
const tearDown: ReadonlySet<string> = new Set([
  'Killing',
  'Preempted',
  'TaintManagerEviction',
  'Evicted',
  'ScaleDown',
  'Disrupted',
  'ExceededGracePeriod',
  'FailedPreStopHook',
  'FailedKillPod',
]);

/**
 * Reasons that say neither: tear-down once the removal was asked for, else start-up. A kubelet that comes back tries to
 * mount the volumes of pods that were to go while it was away.
 */
const undirected: ReadonlySet<string> = new Set([
  'Unhealthy',
  'ProbeWarning',
  'ProbeError',
  'FailedSync',
  'FailedMount',
]);

/** The kubelet stops a container only to start it again (pkg/kubelet/kuberuntime): a round, not a tear-down. */
const restartMessage = /, will be restarted$|^FailedPostStartHook$/;

export const isRestart = (reason: string, message: string): boolean =>
  reason === 'Killing' && restartMessage.test(message);

export function directionOf(reason: string, message: string): 'start-up' | 'tear-down' | 'none' {
  if (isRestart(reason, message)) return 'start-up';
  if (nodeEffectOf(reason, message) !== undefined) return 'none';
  if (tearDown.has(reason)) return 'tear-down';
  return undirected.has(reason) ? 'none' : 'start-up';
}

/** The probes whose failure makes the kubelet restart a container (pkg/kubelet/prober); a failed readiness probe does not. */
export const failsIntoRestart = (reason: string, message: string): boolean =>
  reason === 'Unhealthy' && /^(?:Liveness|Startup) probe /.test(message);

/** A probe's failure: no error on a pod that is going away. */
export const isProbeFailure = (reason: string): boolean => reason === 'Unhealthy' || reason === 'ProbeError';

/** Reasons that name a phase, which lasts until the next occurrence on the same object and field path. */
export const phases: ReadonlySet<string> = new Set([
  'Scheduled',
  'FailedScheduling',
  'Pulling',
  'Pulled',
  'Created',
  'BackOff',
  'FailedMount',
  'FailedAttachVolume',
  'FailedMapVolume',
  'SuccessfulAttachVolume',
  'FailedCreatePodSandBox',
  'NetworkNotReady',
  'WaitForFirstConsumer',
  'WaitForPodScheduled',
  'ExternalProvisioning',
  'Provisioning',
  'ProvisioningFailed',
  'VolumeResizing',
  'Resizing',
  'Nominated',
  'OperationStarted',
]);

/** A pod that waits for its volumes: it links to what its claims are going through. */
export const waitsForVolumes = (reason: string, message: string): boolean =>
  reason === 'FailedMount' ||
  reason === 'FailedAttachVolume' ||
  (isUnschedulable(reason) && /PersistentVolumeClaim|persistentvolumeclaim/.test(message));

/** What is said of a pod and may have something below it: a round, a replacement. */
export const podCauses: ReadonlySet<string> = new Set(['Killing', 'Unhealthy']);

/** What a container does on its way up: after a restart they belong to the restart's round. */
export const containerStart: ReadonlySet<string> = new Set([
  'Pulling',
  'Pulled',
  'Created',
  'Started',
  'Failed',
  'BackOff',
]);

/** The container runs: a round, or what looked like an end, is over. */
export const isStarted = (reason: string): boolean => reason === 'Started';

/** Client-go's aggregator (tools/record/events_cache.go) puts this before the newest of many similar messages. */
const withoutFolding = (message: string): string =>
  message.startsWith(folded) ? message.slice(folded.length) : message;
const folded = '(combined from similar events): ';

const rulesByReason = Map.groupBy(driverRules, (rule) => rule.reason);

export interface DriverMatch {
  rule: DriverRule;
  name: string | undefined;
  namespace: string | undefined;
  uid: string | undefined;
  up: boolean | undefined;
  from: number | undefined;
  to: number | undefined;
}

/** The row that an Event matches, with what its message says. */
export function matchDriver(subjectKind: string, reason: string, message: string): DriverMatch | undefined {
  const rules = rulesByReason.get(reason);
  if (rules === undefined) return undefined;
  const text = withoutFolding(message);
  for (const rule of rules) {
    if (rule.subject !== subjectKind) continue;
    const found = rule.message.exec(text);
    if (found === null) continue;
    const { name, namespace, uid, way, from, from2, to } = found.groups ?? {};
    return {
      rule,
      name,
      namespace,
      uid,
      up: way === undefined ? undefined : way === 'up',
      from: numberOf(from ?? from2),
      to: numberOf(to),
    };
  }
  return undefined;
}

const numberOf = (digits: string | undefined): number | undefined =>
  digits === undefined ? undefined : Number(digits);
