/**
 * The one table of what leaves a cluster: of an object only these fields, and a snapshot is shipped again only when one
 * of them changed. Never anything of a Secret or a ConfigMap.
 */

/** Kinds that are never read, whoever owns them or speaks of them. */
export const neverShipped: ReadonlySet<string> = new Set(['Secret', 'ConfigMap']);

/**
 * Labels and annotations by which tools mark what is theirs. Sources: helm pkg/action/validate.go and
 * https://helm.sh/docs/chart_best_practices/labels/; fluxcd/kustomize-controller and helm-controller (labels of the
 * GitOps toolkit); https://argo-cd.readthedocs.io/en/stable/user-guide/resource_tracking/
 */
export const ownershipLabels = [
  'app.kubernetes.io/managed-by',
  'app.kubernetes.io/instance',
  'app.kubernetes.io/version',
  'helm.sh/chart',
  'kustomize.toolkit.fluxcd.io/name',
  'kustomize.toolkit.fluxcd.io/namespace',
  'helm.toolkit.fluxcd.io/name',
  'helm.toolkit.fluxcd.io/namespace',
] as const;
export const ownershipAnnotations = [
  'meta.helm.sh/release-name',
  'meta.helm.sh/release-namespace',
  'argocd.argoproj.io/tracking-id',
] as const;

/** What a workload says of itself for telemetry (https://opentelemetry.io/docs/specs/semconv/non-normative/k8s-attributes/). */
export const resourceAnnotationPrefix = 'resource.opentelemetry.io/';

/**
 * Trace context, by key: our own; Kubernetes' proposal (KEP-5915, staging/src/k8s.io/component-base/tracing, which knows no other
 * prefix); Tekton's, written by whoever starts a run and by its reconcilers (tektoncd/pipeline docs/developers/tracing.md);
 * Kueue's (KEP-12997). Those of Tekton's that are named span context, and Kueue's, are JSON, the others plain.
 */
export const traceContextAnnotations = [
  'traceparent',
  'tracing.k8s.io/traceparent',
  'tekton.dev/traceparent',
  'tekton.dev/pipelinerunSpanContext',
  'tekton.dev/taskrunSpanContext',
  'kueue.x-k8s.io/trace-context',
] as const;

const shippedAnnotations: ReadonlySet<string> = new Set([
  ...traceContextAnnotations,
  'topLevelSpan',
  'deployment.kubernetes.io/revision',
  'batch.kubernetes.io/cronjob-scheduled-timestamp',
  ...ownershipAnnotations,
]);

/** Annotations of objects and Events, by key. Flux says on its Events what it synced (`kustomize.toolkit.fluxcd.io/revision`). */
export const isShippedAnnotation = (key: string): boolean =>
  shippedAnnotations.has(key) ||
  key.startsWith(resourceAnnotationPrefix) ||
  key.endsWith('.toolkit.fluxcd.io/revision');

const shippedLabels: ReadonlySet<string> = new Set([...ownershipLabels, 'app.kubernetes.io/name']);

export const isShippedLabel = (key: string): boolean => shippedLabels.has(key);

/**
 * Conditions, by type: why a pod went, whether it and its Node are ready, how a change of a workload or of a custom resource
 * ended (the types that kstatus reads, https://github.com/kubernetes-sigs/cli-utils/blob/master/pkg/kstatus/README.md, and those
 * by which operators say that something has run to its end).
 */
export const shippedConditions: ReadonlySet<string> = new Set([
  'DisruptionTarget',
  'Ready',
  'Progressing',
  'Available',
  'ReplicaFailure',
  'Complete',
  'Completed',
  'Failed',
  'FailureTarget',
  'Succeeded',
  'Stalled',
  'Reconciling',
  'Synced',
  'Healthy',
  'Paused',
  'Suspended',
  'Finished',
]);

/** Counters and words of a workload's status that tell how a change ended. */
export const shippedStatus = [
  'phase',
  'observedGeneration',
  'replicas',
  'updatedReplicas',
  'readyReplicas',
  'availableReplicas',
  'desiredNumberScheduled',
  'updatedNumberScheduled',
  'numberAvailable',
  'succeeded',
  'failed',
  'active',
  'currentRevision',
  'updateRevision',
] as const;

/** Kinds with a pod template, whose spec is worth a digest. */
export const workloads: ReadonlySet<string> = new Set([
  'Deployment',
  'ReplicaSet',
  'StatefulSet',
  'DaemonSet',
  'Job',
  'CronJob',
  'ReplicationController',
  'Rollout',
  'DeploymentConfig',
]);

/** Of a container's state and last state, by `running`, `waiting` and `terminated`. Never messages, images, ids or ports. */
export const shippedContainerState = {
  running: ['startedAt'],
  waiting: ['reason'],
  terminated: ['reason', 'exitCode', 'startedAt', 'finishedAt'],
} as const;
