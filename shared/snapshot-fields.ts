/**
 * The one table of what leaves a cluster: of an object only these fields, and a snapshot is shipped again only when one
 * of them changed. Never anything of a Secret or a ConfigMap.
 */

import { withoutKind } from './group-kind.ts';

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

/** By which whoever applies says which release a change belongs to, in whatever cluster. */
export const releaseAnnotation = 'rootspan.dev/release';

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
  releaseAnnotation,
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
const shippedConditions: ReadonlySet<string> = new Set([
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
  'InvalidSpec',
  'Degraded',
  'NotReady', // Strimzi has it in place of Ready
  'AllReplicasReady', // RabbitMQ, as the next one
  'ReconcileSuccess',
]);
const shippedEnds: ReadonlySet<string> = new Set([
  'Complete',
  'Completed',
  'Succeeded',
  'Failed',
  'Finished',
]);

/** Or an end of which its type says that it is the object's own: BackupCompleted of an EtcdBackup. */
export const isShippedCondition = (kind: string, type: string): boolean =>
  shippedConditions.has(type) || shippedEnds.has(withoutKind(kind, type));

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

/**
 * Where controllers say in a word how far something is, if not as its phase, by path. The first whose word is known is what is meant: of a
 * RayJob how far its cluster is, before what its job says.
 */
export const statusWords = [
  'state', // Longhorn, KubeRay's RayCluster, cert-manager's Order
  'state.phase', // Volcano
  'applicationState.state', // Spark
  'lifecycleState', // Flink
  'jobDeploymentStatus', // KubeRay's RayJob, as the next one
  'jobStatus',
  'jobStatus.state', // Flink
  'readyToUse', // VolumeSnapshot
  'health', // Elastic
] as const;

/**
 * Kinds (`group-kind.ts`) without a status subresource: each write of their status is a generation, so generations are no changes, and what their
 * spec holds is not described (argoproj/argo-cd manifests/crds/application-crd.yaml).
 */
export const countsStatusAsGeneration: ReadonlySet<string> = new Set(['argoproj.io/Application']);

/**
 * Characters of a path, of a value. Smaller: long names of images and the paths of containers with long names are told as changed only.
 * Larger: a spec of 200 sections could weigh more than its snapshot.
 */
export const longestSectionText = 253;

/**
 * Sections of one spec: a Deployment of 3 containers has 40, a custom resource of many fields 100. Fewer: of large specs it is told
 * only that something changed. More: a spec of thousands of keys would weigh as much as all else that is shipped.
 */
export const mostSections = 200;

/** The form that a value must have to ship. What has another one is anybody's text, and ships as a digest. */
const shortText = (pattern: RegExp) => (value: unknown) =>
  typeof value === 'string' && value.length <= longestSectionText && pattern.test(value);
const isCount = (value: unknown) => typeof value === 'number';
const isFlag = (value: unknown) => typeof value === 'boolean';
const isWord = shortText(/^[A-Za-z]{1,40}$/);
const isName = shortText(/^[a-z0-9](?:[a-z0-9.-]{0,61}[a-z0-9])?$/);
const isCountOrShare = (value: unknown) => isCount(value) || shortText(/^\d{1,9}%?$/)(value);
/** https://kubernetes.io/docs/reference/kubernetes-api/common-definitions/quantity/ */
const isQuantity = (value: unknown) =>
  isCount(value) || shortText(/^[+-]?[0-9.]{1,24}(?:[eE][+-]?\d{1,3}|[numkMGTPE]i?|Ki)?$/)(value);
const isSchedule = shortText(/^(?:@[a-z]{1,20}(?: [0-9a-z.]{1,20})?|[0-9A-Za-z*,/?#L -]{9,100})$/);
const isTimeZone = shortText(/^[A-Za-z]+(?:[/_+-][A-Za-z0-9]+){0,5}$/);
const isTime = shortText(/^\d{4}-\d\d-\d\dT[0-9:.]{5,18}(?:Z|[+-]\d\d:\d\d)$/);
/** https://github.com/distribution/reference: registry, path, tag, digest. */
const isImage = shortText(/^[\w.-]+(?::\d+)?(?:\/[\w.-]+)*(?::[\w.-]{1,128})?(?:@sha256:[0-9a-f]{64})?$/);

type Form = (value: unknown) => boolean;

/** One word, at most 40 letters, or whether it is so. What has another form is anybody's text, and does not ship. */
export const shippedStatusWord: Form = (value) =>
  isFlag(value) || shortText(/^(?=.{1,40}$)[A-Za-z]+(?:[_-][A-Za-z]+){0,4}$/)(value);

/**
 * Of a spec, by path: what ships as a value. Every other section (environment, arguments, commands, volumes, probes, scheduling,
 * labels …; of a custom resource each path of the first two levels) ships as a keyed digest, which tells only whether it changed.
 */
export const shippedSpec: Readonly<Record<string, Form>> = {
  'spec.replicas': isCount,
  'spec.paused': isFlag,
  'spec.suspend': isFlag,
  'spec.schedule': isSchedule,
  'spec.timeZone': isTimeZone,
  'spec.concurrencyPolicy': isWord,
  'spec.startingDeadlineSeconds': isCount,
  'spec.successfulJobsHistoryLimit': isCount,
  'spec.failedJobsHistoryLimit': isCount,
  'spec.parallelism': isCount,
  'spec.completions': isCount,
  'spec.completionMode': isWord,
  'spec.backoffLimit': isCount,
  'spec.backoffLimitPerIndex': isCount,
  'spec.activeDeadlineSeconds': isCount,
  'spec.ttlSecondsAfterFinished': isCount,
  'spec.podReplacementPolicy': isWord,
  'spec.minReplicas': isCount,
  'spec.maxReplicas': isCount,
  'spec.minReplicaCount': isCount,
  'spec.maxReplicaCount': isCount,
  'spec.minReadySeconds': isCount,
  'spec.progressDeadlineSeconds': isCount,
  'spec.revisionHistoryLimit': isCount,
  'spec.podManagementPolicy': isWord,
  'spec.strategy.type': isWord,
  'spec.strategy.rollingUpdate.maxSurge': isCountOrShare,
  'spec.strategy.rollingUpdate.maxUnavailable': isCountOrShare,
  'spec.updateStrategy.type': isWord,
  'spec.updateStrategy.rollingUpdate.partition': isCount,
  'spec.updateStrategy.rollingUpdate.maxSurge': isCountOrShare,
  'spec.updateStrategy.rollingUpdate.maxUnavailable': isCountOrShare,
  'spec.jobTemplate.spec.parallelism': isCount,
  'spec.jobTemplate.spec.completions': isCount,
  'spec.jobTemplate.spec.completionMode': isWord,
  'spec.jobTemplate.spec.backoffLimit': isCount,
  'spec.jobTemplate.spec.activeDeadlineSeconds': isCount,
  'spec.jobTemplate.spec.ttlSecondsAfterFinished': isCount,
  'spec.jobTemplate.spec.suspend': isFlag,
};

/** Where a spec holds the template of the pods that it makes (CronJob; KEDA's ScaledJob). */
export const podTemplates = ['spec.template', 'spec.jobTemplate.spec.template', 'spec.jobTargetRef.template'];

/** As above, of a pod's spec. */
export const shippedPodSpec: Readonly<Record<string, Form>> = {
  restartPolicy: isWord,
  dnsPolicy: isWord,
  schedulerName: isName,
  terminationGracePeriodSeconds: isCount,
  activeDeadlineSeconds: isCount,
};

/** As above, of a container. */
export const shippedContainer: Readonly<Record<string, Form>> = {
  image: isImage,
  imagePullPolicy: isWord,
};
/** By the resource's name, of requests and limits. */
export const shippedResource: Form = isQuantity;

/** The annotation of the pod template by which `kubectl rollout restart` restarts it. */
export const restartMark = 'kubectl.kubernetes.io/restartedAt';
export const shippedRestart: Form = isTime;

/** Where a spec says what is synced, by path; a number is the place in a list. */
interface OriginPaths {
  url?: readonly string[];
  /** A branch or a tag: the first that is there. */
  ref?: readonly string[];
  /** What the URL is to be read from: the object that the first of these names. */
  source?: readonly string[];
}

/**
 * Of GitOps tools, by API group and kind: which repository, and what of it. Of several sources the first. What stands in a URL
 * before the host and after the path may be a password, and never ships. Sources: fluxcd/source-controller, kustomize-controller
 * and helm-controller api/, argoproj/argo-cd pkg/apis/application/v1alpha1/types.go.
 */
export const shippedOrigins: Readonly<Record<string, OriginPaths>> = {
  'source.toolkit.fluxcd.io/GitRepository': {
    url: ['spec.url'],
    ref: ['spec.ref.name', 'spec.ref.tag', 'spec.ref.branch'],
  },
  'source.toolkit.fluxcd.io/OCIRepository': { url: ['spec.url'], ref: ['spec.ref.tag'] },
  'source.toolkit.fluxcd.io/HelmRepository': { url: ['spec.url'] },
  'source.toolkit.fluxcd.io/Bucket': { url: ['spec.endpoint', 'spec.bucketName'] },
  'source.toolkit.fluxcd.io/HelmChart': { source: ['spec.sourceRef'] },
  'kustomize.toolkit.fluxcd.io/Kustomization': { source: ['spec.sourceRef'] },
  'helm.toolkit.fluxcd.io/HelmRelease': { source: ['spec.chart.spec.sourceRef', 'spec.chartRef'] },
  'argoproj.io/Application': {
    url: ['spec.source.repoURL', 'spec.sources.0.repoURL'],
    ref: ['spec.source.targetRevision', 'spec.sources.0.targetRevision'],
  },
};

const repositoryUrl = /^(?:https?|ssh|git|oci|s3):\/\/[\w.-]+(?::\d{1,5})?(?:\/[\w.~+%-]+)*\/?$/;
/** `git@github.com:org/app.git`, which is one over SSH. */
const secureCopyUrl = /^(?:[\w.-]+@)?([\w.-]+\.[\w-]+):(?!\/)([\w.~+%/-]+)$/;

/**
 * Scheme, host, port and path, or undefined where it may be anything else. An `@` in the path may be the end of a password that
 * has a slash.
 */
export function shippedUrl(value: unknown): string | undefined {
  if (typeof value !== 'string' || value.length > longestUrl) return undefined;
  const copied = secureCopyUrl.exec(value);
  const text = copied === null ? value : `ssh://${copied[1]}/${copied[2]}`;
  if (!URL.canParse(text)) return undefined;
  const { protocol, host, pathname } = new URL(text);
  const url = `${protocol}//${host}${pathname === '/' ? '' : pathname}`;
  return url.length <= longestSectionText && repositoryUrl.test(url) ? url : undefined;
}

/** Characters. Smaller: a URL with a long token in its query is not told. Larger: whoever writes one has it parsed each time. */
const longestUrl = 2_048;

/** A branch, a tag, or a version (https://git-scm.com/docs/git-check-ref-format, https://semver.org). */
export const shippedRef: Form = shortText(/^[A-Za-z0-9][\w./+-]{0,200}$/);

/** How an object of Kubernetes names another. */
export const shippedReference: Readonly<Record<'kind' | 'namespace' | 'name', Form>> = {
  kind: isWord,
  namespace: isName,
  name: shortText(/^[a-z0-9][a-z0-9.-]{0,251}$/),
};

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
