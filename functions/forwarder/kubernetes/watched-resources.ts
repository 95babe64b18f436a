/** What the forwarder lists and watches; the chart's ClusterRole allows just this. */

export interface WatchedResource {
  apiVersion: string;
  kind: string;
  /** Plural, as in paths. */
  resource: string;
  /**
   * Not of Kubernetes itself, but found in the cluster (`discover-kinds.ts`): it may be large, forbidden, or go away, and then
   * its watch ends.
   */
  isCustom?: true;
}

export const events: WatchedResource = { apiVersion: 'v1', kind: 'Event', resource: 'events' };

/** Objects that say what no Event tells: generations, deletions, evictions, readiness. */
export const watchedObjects: readonly WatchedResource[] = [
  { apiVersion: 'v1', kind: 'Pod', resource: 'pods' },
  { apiVersion: 'v1', kind: 'Node', resource: 'nodes' },
  { apiVersion: 'apps/v1', kind: 'Deployment', resource: 'deployments' },
  { apiVersion: 'apps/v1', kind: 'ReplicaSet', resource: 'replicasets' },
  { apiVersion: 'apps/v1', kind: 'StatefulSet', resource: 'statefulsets' },
  { apiVersion: 'apps/v1', kind: 'DaemonSet', resource: 'daemonsets' },
  { apiVersion: 'batch/v1', kind: 'Job', resource: 'jobs' },
  { apiVersion: 'batch/v1', kind: 'CronJob', resource: 'cronjobs' },
];

/**
 * What owns workloads or acts for them, by API group (`core` has none): watched where it is installed, in the version that the
 * API server prefers. The chart's value `watch` is this table. A kind that is looked up once a minute instead has changes that
 * nobody saw, and Events under the change before. Autoscalers are not here: each is written every 15 seconds, and has no
 * generation that could change unseen.
 */
export const customKinds: Readonly<Record<string, readonly string[]>> = {
  core: ['replicationcontrollers'],
  // Argo CD, Argo Rollouts, Argo Workflows
  'argoproj.io': [
    'analysisruns',
    'applications',
    'applicationsets',
    'cronworkflows',
    'experiments',
    'rollouts',
    'workflows',
  ],
  // Flux
  'helm.toolkit.fluxcd.io': ['helmreleases'],
  'kustomize.toolkit.fluxcd.io': ['kustomizations'],
  'source.toolkit.fluxcd.io': [
    'buckets',
    'gitrepositories',
    'helmcharts',
    'helmrepositories',
    'ocirepositories',
  ],
  // Flagger
  'flagger.app': ['canaries'],
  // cert-manager
  'acme.cert-manager.io': ['challenges', 'orders'],
  'cert-manager.io': ['certificaterequests', 'certificates'],
  // Tekton
  'tekton.dev': ['customruns', 'pipelineruns', 'taskruns'],
  // KEDA
  'keda.sh': ['scaledjobs', 'scaledobjects'],
  // Knative
  'serving.knative.dev': ['configurations', 'revisions', 'routes', 'services'],
  // Kueue, JobSet, LeaderWorkerSet
  'jobset.x-k8s.io': ['jobsets'],
  'kueue.x-k8s.io': ['workloads'],
  'leaderworkerset.x-k8s.io': ['leaderworkersets'],
  // Karpenter
  'karpenter.sh': ['nodeclaims', 'nodepools'],
  // Cluster API
  'cluster.x-k8s.io': ['clusters', 'machinedeployments', 'machinepools', 'machines', 'machinesets'],
  'controlplane.cluster.x-k8s.io': ['kubeadmcontrolplanes'],
  // Kubeflow
  'kubeflow.org': ['jaxjobs', 'mpijobs', 'paddlejobs', 'pytorchjobs', 'tfjobs', 'xgboostjobs'],
  'trainer.kubeflow.org': ['trainjobs'],
  // Ray
  'ray.io': ['rayclusters', 'rayjobs', 'rayservices'],
  // Spark
  'sparkoperator.k8s.io': ['scheduledsparkapplications', 'sparkapplications'],
  // Strimzi
  'core.strimzi.io': ['strimzipodsets'],
  'kafka.strimzi.io': ['kafkaconnects', 'kafkanodepools', 'kafkas'],
  // OpenShift
  'apps.openshift.io': ['deploymentconfigs'],
  'build.openshift.io': ['buildconfigs', 'builds'],
  // K3s
  'k3s.cattle.io': ['addons'],
};

/** A kind to watch wherever it is installed. */
export interface KindToWatch {
  /** Empty: Kubernetes' core. */
  group: string;
  resource: string;
  /** Where it is served; else whichever the API server prefers. */
  version?: string | undefined;
}

/** The entries of a table like the one above. */
export const kindsOf = (table: Readonly<Record<string, readonly string[]>>): KindToWatch[] =>
  Object.entries(table).flatMap(([group, resources]) =>
    resources.map((resource) => ({ group: group === 'core' ? '' : group, resource })),
  );

/** `/api/v1/pods` or `/apis/apps/v1/deployments`: of all namespaces. */
export const collectionPath = ({ apiVersion, resource }: WatchedResource): string =>
  `/${apiVersion.includes('/') ? 'apis' : 'api'}/${apiVersion}/${resource}`;

/** How a resource is called in checkpoints, figures and logs: `pods`, `deployments.apps`. */
export const resourceName = ({ apiVersion, resource }: WatchedResource): string =>
  nameIn(groupOf(apiVersion), resource);

export const nameIn = (group: string, resource: string): string =>
  group === '' ? resource : `${resource}.${group}`;

/** Empty for Kubernetes' core. */
export const groupOf = (apiVersion: string): string => apiVersion.split('/').at(-2) ?? '';
