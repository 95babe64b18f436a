/**
 * Pods: what the kubelet, the scheduler and the controllers of Nodes say of them. A reason that is not here has no direction
 * and is an instant.
 */
import type { EventRow } from './event-row.ts';

const containerStart = 'pkg/kubelet/kuberuntime/kuberuntime_container.go (startContainer)';
const imageManager = 'pkg/kubelet/images/image_manager.go';
const admission = 'pkg/kubelet/lifecycle/predicate.go';
const evictionManager = 'pkg/kubelet/eviction/helpers.go';
const taintManager = 'pkg/controller/tainteviction/taint_eviction.go';

/** The kubelet would not have the pod, which has failed with it: its controller makes another. */
const refused = (reason: string, example: string): EventRow => ({
  subject: 'Pod',
  reason,
  direction: 'start-up',
  cause: reason,
  example,
  source: admission,
});

/** The kubelet evicts: it runs short of something, or the pod takes more than it may. */
const evicted = (message: RegExp, example: string): EventRow => ({
  subject: 'Pod',
  reason: 'Evicted',
  message,
  effect: 'removes',
  target: 'subject',
  direction: 'tear-down',
  disruption: 'stopped-by-kubelet',
  example,
  source: evictionManager,
});

/** Of what keeps a container from being created the message has no name of its own: the status has, as `waiting.reason`. */
const notCreated = (message: RegExp, cause: string, example: string): EventRow => ({
  subject: 'Pod',
  reason: 'Failed',
  message,
  direction: 'start-up',
  cause,
  example,
  source: containerStart,
});

const scheduling: readonly EventRow[] = [
  {
    subject: 'Pod',
    reason: 'Scheduled',
    direction: 'start-up',
    phase: true,
    example: 'Successfully assigned default/web-869745d599-hrk88 to n1',
    source: 'pkg/scheduler/schedule_one.go',
  },
  {
    subject: 'Pod',
    reason: 'FailedScheduling',
    // It was deleted while it waited: it waits no more.
    message: /^skip schedule deleting pod: /,
    direction: 'none',
    example: 'skip schedule deleting pod: default/web-869745d599-hrk88',
    source: 'pkg/scheduler/schedule_one.go (skipPodSchedule)',
  },
  {
    subject: 'Pod',
    reason: 'FailedScheduling',
    direction: 'start-up',
    phase: true,
    cause: 'FailedScheduling',
    example: '0/3 nodes are available: 3 Insufficient cpu.',
    source: 'pkg/scheduler/schedule_one.go',
  },
  {
    subject: 'Pod',
    reason: 'Preempted',
    message: /^Preempted by (?:a )?pod(?: (?<uid>[0-9a-f-]{36}))? on node /,
    effect: 'removes',
    target: 'subject',
    direction: 'tear-down',
    disruption: 'preempted',
    example: 'Preempted by pod 9a653339-f4db-465f-8c15-d07066559345 on node n1',
    source: 'pkg/scheduler/framework/preemption/executor.go',
  },
  {
    subject: 'Pod',
    reason: 'Preempted',
    effect: 'removes',
    target: 'subject',
    direction: 'tear-down',
    disruption: 'preempted',
    example: 'by kube-system/critical-x2x5z on node n1',
    source: 'pkg/scheduler/framework/plugins/defaultpreemption (before 1.23)',
  },
];

const images: readonly EventRow[] = [
  {
    subject: 'Pod',
    reason: 'Pulling',
    direction: 'start-up',
    phase: true,
    example: 'Pulling image "registry.example/app:1"',
    source: imageManager,
  },
  {
    subject: 'Pod',
    reason: 'Pulled',
    direction: 'start-up',
    phase: true,
    example: 'Successfully pulled image "registry.example/app:1" in 1.2s (1.2s including waiting)',
    source: imageManager,
  },
  {
    subject: 'Pod',
    reason: 'ErrImageNeverPull',
    direction: 'start-up',
    cause: 'ErrImageNeverPull',
    example: 'Container image "app:1" is not present with pull policy of Never',
    source: imageManager,
  },
  {
    subject: 'Pod',
    reason: 'InspectFailed',
    message: /^Failed to apply default image tag /,
    direction: 'start-up',
    cause: 'InvalidImageName',
    example:
      'Failed to apply default image tag "App:1": couldn\'t parse image name "App:1": invalid reference format',
    source: imageManager,
  },
  {
    subject: 'Pod',
    reason: 'InspectFailed',
    direction: 'start-up',
    cause: 'ImageInspectError',
    example: 'Failed to inspect image "app:1": rpc error: code = Unavailable desc = connection refused',
    source: imageManager,
  },
];

const containers: readonly EventRow[] = [
  {
    subject: 'Pod',
    reason: 'Created',
    direction: 'start-up',
    phase: true,
    example: 'Created container: app',
    source: containerStart,
  },
  {
    subject: 'Pod',
    reason: 'Started',
    direction: 'start-up',
    example: 'Started container app',
    source: containerStart,
  },
  notCreated(
    /^Failed to pull image /,
    'ErrImagePull',
    'Failed to pull image "app:404": rpc error: code = NotFound desc = not found',
  ),
  notCreated(/^Error: (?:ErrImagePull|ImagePullBackOff)\b/, 'ErrImagePull', 'Error: ImagePullBackOff'),
  notCreated(/^Error: InvalidImageName\b/, 'InvalidImageName', 'Error: InvalidImageName'),
  notCreated(/^Error: ErrImageNeverPull\b/, 'ErrImageNeverPull', 'Error: ErrImageNeverPull'),
  notCreated(/^Error: ImageInspectError\b/, 'ImageInspectError', 'Error: ImageInspectError'),
  notCreated(
    /^Error: (?:configmap|secret) "[^"]+" not found$/,
    'CreateContainerConfigError',
    'Error: configmap "app-config" not found',
  ),
  notCreated(
    /^Error: couldn't find key \S+ in (?:ConfigMap|Secret) /,
    'CreateContainerConfigError',
    "Error: couldn't find key DATABASE_URL in Secret default/app-secrets",
  ),
  notCreated(
    /^Error: container has runAsNonRoot and image /,
    'CreateContainerConfigError',
    'Error: container has runAsNonRoot and image will run as root (pod: "web-1_default(9a65)", container: app)',
  ),
  notCreated(
    /^Error: failed to prepare subPath for volumeMount /,
    'CreateContainerConfigError',
    'Error: failed to prepare subPath for volumeMount "config" of container "app"',
  ),
  notCreated(
    /^Error: failed to (?:generate container|reserve container name|create containerd container) /,
    'CreateContainerError',
    'Error: failed to reserve container name "app_web-1_default_9a65_0": name is reserved',
  ),
  notCreated(
    /^Error: container create failed: /,
    'CreateContainerError',
    'Error: container create failed: executable file `/app` not found in $PATH',
  ),
  notCreated(
    /^Error: failed to (?:create containerd task|start container)\b/,
    'RunContainerError',
    'Error: failed to create containerd task: failed to create shim task: OCI runtime create failed: runc create failed',
  ),
  {
    subject: 'Pod',
    reason: 'Failed',
    direction: 'start-up',
    example: 'Error: context deadline exceeded',
    source: containerStart,
  },
  {
    subject: 'Pod',
    reason: 'BackOff',
    message: /^Back-off pulling image /,
    direction: 'start-up',
    phase: true,
    cause: 'ErrImagePull',
    example: 'Back-off pulling image "app:404"',
    source: imageManager,
  },
  {
    subject: 'Pod',
    reason: 'BackOff',
    message: /^Back-off restarting failed container\b/,
    direction: 'start-up',
    phase: true,
    cause: 'CrashLoopBackOff',
    example:
      'Back-off restarting failed container app in pod web-1_default(9a653339-f4db-465f-8c15-d07066559345)',
    source: 'pkg/kubelet/kuberuntime/kuberuntime_manager.go (doBackOff)',
  },
  {
    subject: 'Pod',
    reason: 'BackOff',
    direction: 'start-up',
    phase: true,
    example: 'Back-off starting container',
    source: 'pkg/kubelet/events/event.go (BackOffStartContainer)',
  },
  {
    subject: 'Pod',
    reason: 'FailedPostStartHook',
    direction: 'start-up',
    cause: 'FailedPostStartHook',
    example: 'PostStartHook failed',
    source: containerStart,
  },
  {
    subject: 'Pod',
    reason: 'Unhealthy',
    direction: 'none',
    cause: 'Unhealthy',
    example: 'Readiness probe failed: HTTP probe failed with statuscode: 503',
    source: 'pkg/kubelet/prober/prober.go',
  },
  {
    subject: 'Pod',
    reason: 'Killing',
    // The kubelet stops a container only to start it again: a round, not a tear-down.
    message: /, will be restarted$|^FailedPostStartHook$|^Container \S+ resize requires restart$/,
    direction: 'start-up',
    example: 'Container app failed liveness probe, will be restarted',
    source: 'pkg/kubelet/kuberuntime/kuberuntime_manager.go (computePodActions)',
  },
  {
    subject: 'Pod',
    reason: 'Killing',
    direction: 'tear-down',
    example: 'Stopping container app',
    source: 'pkg/kubelet/kuberuntime/kuberuntime_container.go (killContainer)',
  },
  {
    subject: 'Pod',
    reason: 'ExceededGracePeriod',
    direction: 'tear-down',
    example: 'Container runtime did not kill the pod within specified grace period.',
    source: 'pkg/kubelet/pod_workers.go',
  },
  {
    subject: 'Pod',
    reason: 'FailedPreStopHook',
    direction: 'tear-down',
    example: 'PreStopHook failed',
    source: 'pkg/kubelet/kuberuntime/kuberuntime_container.go (executePreStopHook)',
  },
  {
    subject: 'Pod',
    reason: 'FailedKillPod',
    direction: 'tear-down',
    example: 'error killing pod: failed to "KillContainer" for "app" with KillContainerError',
    source: 'pkg/kubelet/kubelet.go (syncTerminatingPod)',
  },
  {
    subject: 'Pod',
    reason: 'DeadlineExceeded',
    direction: 'tear-down',
    cause: 'DeadlineExceeded',
    example: 'Pod was active on the node longer than the specified deadline',
    source: 'pkg/kubelet/active_deadline.go',
  },
];

const sandboxes: readonly EventRow[] = [
  {
    subject: 'Pod',
    reason: 'SandboxChanged',
    direction: 'start-up',
    example: 'Pod sandbox changed, it will be killed and re-created.',
    source: 'pkg/kubelet/kuberuntime/kuberuntime_manager.go (SyncPod)',
  },
  {
    subject: 'Pod',
    reason: 'FailedCreatePodSandBox',
    direction: 'start-up',
    phase: true,
    cause: 'FailedCreatePodSandBox',
    example:
      'Failed to create pod sandbox: rpc error: code = Unknown desc = failed to setup network for sandbox',
    source: 'pkg/kubelet/kuberuntime/kuberuntime_manager.go (SyncPod)',
  },
  {
    subject: 'Pod',
    reason: 'NetworkNotReady',
    direction: 'start-up',
    phase: true,
    cause: 'NetworkNotReady',
    example: 'network is not ready: container runtime network not ready: NetworkReady=false',
    source: 'pkg/kubelet/kubelet.go (SyncPod)',
  },
  {
    subject: 'Pod',
    reason: 'AddedInterface',
    direction: 'start-up',
    example: 'Add eth0 [10.128.0.12/23] from ovn-kubernetes',
    source: 'k8snetworkplumbingwg/multus-cni pkg/multus/multus.go',
  },
  {
    subject: 'Pod',
    reason: 'FailedPrepareDynamicResources',
    direction: 'start-up',
    cause: 'FailedPrepareDynamicResources',
    example: 'Failed to prepare dynamic resources: claim gpu of pod default/train-1 is not allocated',
    source: 'pkg/kubelet/kubelet.go (SyncPod)',
  },
];

const volumes: readonly EventRow[] = [
  {
    subject: 'Pod',
    reason: 'SuccessfulAttachVolume',
    direction: 'start-up',
    phase: true,
    example: 'AttachVolume.Attach succeeded for volume "pvc-0b3b2b1c"',
    source: 'pkg/volume/util/operationexecutor/operation_generator.go',
  },
  {
    subject: 'Pod',
    reason: 'FailedAttachVolume',
    direction: 'start-up',
    phase: true,
    cause: 'FailedAttachVolume',
    example:
      'Multi-Attach error for volume "pvc-0b3b2b1c" Volume is already exclusively attached to one node',
    source: 'pkg/controller/volume/attachdetach/reconciler/reconciler.go',
  },
  {
    subject: 'Pod',
    reason: 'SuccessfulMountVolume',
    direction: 'start-up',
    example: 'MountVolume.SetUp succeeded for volume "config"',
    source: 'pkg/volume/util/operationexecutor/operation_generator.go (before 1.16)',
  },
  // Without direction: a kubelet that comes back tries the volumes of pods that were to go while it was away.
  {
    subject: 'Pod',
    reason: 'FailedMount',
    direction: 'none',
    phase: true,
    cause: 'FailedMount',
    example: 'MountVolume.SetUp failed for volume "config" : configmap "app-config" not found',
    source: 'pkg/volume/util/operationexecutor/operation_generator.go',
  },
  {
    subject: 'Pod',
    reason: 'FailedMapVolume',
    direction: 'none',
    phase: true,
    cause: 'FailedMapVolume',
    example: 'MapVolume.SetUpDevice failed for volume "pvc-0b3b2b1c" : rpc error: code = Internal',
    source: 'pkg/volume/util/operationexecutor/operation_generator.go',
  },
];

const refusals: readonly EventRow[] = [
  refused('OutOfcpu', "Node didn't have enough resource: cpu, requested: 500, used: 1900, capacity: 2000"),
  refused(
    'OutOfmemory',
    "Node didn't have enough resource: memory, requested: 512, used: 900, capacity: 1000",
  ),
  refused('OutOfpods', "Node didn't have enough resource: pods, requested: 1, used: 110, capacity: 110"),
  refused('NodeAffinity', "Predicate NodeAffinity failed: node(s) didn't match Pod's node affinity/selector"),
  refused(
    'UnexpectedAdmissionError',
    'Allocate failed due to no healthy devices present; cannot allocate unhealthy devices, which is unexpected',
  ),
];

const removals: readonly EventRow[] = [
  {
    subject: 'Pod',
    reason: 'TaintManagerEviction',
    message: /^Marking for deletion Pod /,
    effect: 'removes',
    target: 'subject',
    direction: 'tear-down',
    disruption: 'tainted',
    example: 'Marking for deletion Pod default/web-0',
    source: taintManager,
  },
  {
    subject: 'Pod',
    reason: 'TaintManagerEviction',
    message: /^Cancelling deletion of Pod /,
    direction: 'none',
    turn: 'ready',
    example: 'Cancelling deletion of Pod default/web-0',
    source: taintManager,
  },
  {
    subject: 'Pod',
    reason: 'NodeNotReady',
    direction: 'none',
    turn: 'lost',
    example: 'Node is not ready',
    source: 'pkg/controller/util/node/controller_utils.go (MarkPodsNotReady)',
  },
  {
    subject: 'Pod',
    reason: 'Preempting',
    message: /^Preempted in order to admit critical pod$/,
    effect: 'removes',
    target: 'subject',
    direction: 'tear-down',
    disruption: 'stopped-by-kubelet',
    example: 'Preempted in order to admit critical pod',
    source: 'pkg/kubelet/preemption/preemption.go',
  },
  evicted(
    /^The node was low on resource: /,
    'The node was low on resource: memory. Threshold quantity: 100Mi, available: 80Mi.',
  ),
  evicted(
    /^Pod ephemeral local storage usage exceeds /,
    'Pod ephemeral local storage usage exceeds the total limit of containers 1Gi. ',
  ),
  evicted(
    /^Container \S+ exceeded its local ephemeral storage limit /,
    'Container app exceeded its local ephemeral storage limit "1Gi". ',
  ),
  evicted(/^Usage of EmptyDir volume /, 'Usage of EmptyDir volume "cache" exceeds the limit "1Gi". '),
  {
    subject: 'Pod',
    reason: 'Evicted',
    effect: 'removes',
    target: 'subject',
    direction: 'tear-down',
    example: 'The node had condition: [DiskPressure]. ',
    source: 'pkg/kubelet/eviction/eviction_manager.go (Admit), and whoever else evicts under this name',
  },
];

export const kubernetesPodRows: readonly EventRow[] = [
  ...scheduling,
  ...images,
  ...containers,
  ...sandboxes,
  ...volumes,
  ...refusals,
  ...removals,
];
