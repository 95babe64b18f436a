/**
 * Which cause counts where several are known of one change: the deepest, that is the one that would be left if the others were
 * put right first. `error.type` of its root is that name.
 */

/** Deepest first. */
export const causeOrder: readonly string[] = [
  // The image: nothing of the container has run, and none of the others can come of it.
  'InvalidImageName', // before any registry is asked
  'ErrImageNeverPull',
  'ImageInspectError',
  'ErrImagePull', // ImagePullBackOff is the wait after it

  // The container is not made: what it refers to is missing, or the runtime would not have it.
  'CreateContainerConfigError',
  'CreateContainerError',
  'RunContainerError',

  // It ran, and ended. OOMKilled and Error come of container statuses, not of rows; a CrashLoopBackOff is the wait after either.
  'OOMKilled',
  'FailedPostStartHook', // the kubelet kills the container for it: deeper than the restarts
  'Error',
  'CrashLoopBackOff',

  // The pod does not get as far as its containers.
  'FailedPrepareDynamicResources',
  'NetworkNotReady', // no sandbox can be made on such a Node
  'FailedCreatePodSandBox',
  // A claim that gets no volume holds up the attaching, that the mounting, and the scheduler waits for all of them.
  'ProvisioningFailed',
  'FailedBinding',
  'FailedAttachVolume',
  'FailedMapVolume',
  'FailedMount',
  'UnexpectedAdmissionError',
  'NodeAffinity',
  'OutOfcpu',
  'OutOfmemory',
  'OutOfpods',
  'FailedScheduling',

  // There is no pod.
  'FailedCreate',
  'ReplicaSetCreateError',

  // It runs and does not get ready: a container that crashes fails its probes too.
  'Unhealthy',
  'SyncLoadBalancerFailed',

  // A controller gives up, because of one of those above.
  'AnalysisRunFailed',
  'AnalysisRunError',
  'SparkApplicationSubmissionFailed',
  'PodFailurePolicy',
  'MaxFailedIndexesExceeded',
  'FailedIndexes',
  'BackoffLimitExceeded',
  'DeadlineExceeded',
  'RolloutAborted',
  'BuildFailed', // also Flux's: the manifests could not be built
  'WorkflowTimedOut',
  'WorkflowFailed',
  'SparkApplicationFailed',
  'TestFailed',
  'HealthCheckFailed',
  'PruneFailed',
  'InstallFailed',
  'UpgradeFailed',
  'ReconciliationFailed',
  'ApplyManifestFailed',
  'SyncFailed',

  // Only that time is up.
  'ProgressDeadlineExceeded',
];
