/**
 * Which kind is meant. Others have kinds of the same name in API groups of theirs: a Job of Volcano is no Job of Kubernetes, a
 * Service of Knative no Service.
 */

/**
 * By kind that something here knows: the group that is meant where nobody says one, and other groups in which it is the same kind
 * (an older one; OpenKruise's copies, which behave alike).
 */
const groups: Readonly<Record<string, readonly [usual: string, ...same: string[]]>> = {
  Pod: [''],
  Node: [''],
  Namespace: [''],
  Service: [''],
  PersistentVolume: [''],
  PersistentVolumeClaim: [''],
  ReplicationController: [''],
  Deployment: ['apps', 'extensions'],
  ReplicaSet: ['apps', 'extensions'],
  StatefulSet: ['apps', 'apps.kruise.io'],
  DaemonSet: ['apps', 'extensions', 'apps.kruise.io'],
  Job: ['batch', 'extensions'],
  CronJob: ['batch'],
  HorizontalPodAutoscaler: ['autoscaling', 'extensions'],
  Application: ['argoproj.io'],
  Rollout: ['argoproj.io'],
  AnalysisRun: ['argoproj.io'],
  Experiment: ['argoproj.io'],
  Workflow: ['argoproj.io'],
  CronWorkflow: ['argoproj.io'],
  Certificate: ['cert-manager.io'],
  CertificateRequest: ['cert-manager.io'],
  Order: ['acme.cert-manager.io'],
  Challenge: ['acme.cert-manager.io'],
  Machine: ['cluster.x-k8s.io'],
  MachineSet: ['cluster.x-k8s.io'],
  MachineDeployment: ['cluster.x-k8s.io'],
  Kustomization: ['kustomize.toolkit.fluxcd.io'],
  HelmRelease: ['helm.toolkit.fluxcd.io'],
  GitRepository: ['source.toolkit.fluxcd.io'],
  OCIRepository: ['source.toolkit.fluxcd.io'],
  HelmRepository: ['source.toolkit.fluxcd.io'],
  HelmChart: ['source.toolkit.fluxcd.io'],
  Bucket: ['source.toolkit.fluxcd.io'],
  Addon: ['k3s.cattle.io'],
  NodeClaim: ['karpenter.sh'],
  NodePool: ['karpenter.sh'],
  ScaledObject: ['keda.sh'],
  ScaledJob: ['keda.sh'],
  Workload: ['kueue.x-k8s.io'],
  JobSet: ['jobset.x-k8s.io'],
  JAXJob: ['kubeflow.org'],
  MPIJob: ['kubeflow.org'],
  PaddleJob: ['kubeflow.org'],
  PyTorchJob: ['kubeflow.org'],
  TFJob: ['kubeflow.org'],
  XGBoostJob: ['kubeflow.org'],
  ScheduledWorkflow: ['kubeflow.org'],
  TrainJob: ['trainer.kubeflow.org'],
  RayCluster: ['ray.io'],
  RayJob: ['ray.io'],
  Build: ['build.openshift.io'],
  DeploymentConfig: ['apps.openshift.io'],
  SparkApplication: ['sparkoperator.k8s.io'],
  ScheduledSparkApplication: ['sparkoperator.k8s.io'],
  BuildRun: ['shipwright.io'],
  Kafka: ['kafka.strimzi.io'],
  PipelineRun: ['tekton.dev'],
  TaskRun: ['tekton.dev'],
  CustomRun: ['tekton.dev'],
};

export interface TypeOfObject {
  apiVersion?: string | undefined;
  kind: string;
}

/**
 * As `group/Kind`, without the group in the core: what tables of kinds are keyed by. Where nobody says a group, the usual one; the
 * core's, said of a kind that the core does not have, is none.
 */
export function kindKey({ apiVersion, kind }: TypeOfObject): string {
  const group = groupOf(apiVersion);
  const known = Object.hasOwn(groups, kind) ? groups[kind]! : undefined;
  const meant = group === '' || known?.includes(group) === true ? (known?.[0] ?? '') : group;
  return meant === '' ? kind : `${meant}/${kind}`;
}

/** `''`: the core's, or nobody says. Old API servers wrote the group alone into Events. */
function groupOf(apiVersion = ''): string {
  const [group = '', version] = apiVersion.split('/');
  return version === undefined && /^v\d/.test(group) ? '' : group;
}

/** Whether the table says in which group a kind is, where nobody else does. */
export const hasUsualGroup = (kind: string): boolean => Object.hasOwn(groups, kind);

/** Of a kind that nobody here knows, an object that does not say its group may be of any. */
export const isSameKind = (a: TypeOfObject, b: TypeOfObject): boolean =>
  a.kind === b.kind &&
  (kindKey(a) === kindKey(b) ||
    (!hasUsualGroup(a.kind) && (groupOf(a.apiVersion) === '' || groupOf(b.apiVersion) === '')));

/**
 * What a word says of the kind that it begins with, or with the tail of it: Completed, of BackupCompleted and an EtcdBackup. The
 * word itself where it does not.
 */
export function withoutKind(kind: string, word: string): string {
  // Of a longer word some of it is not of the kind's name.
  for (let at = Math.min(word.length - 1, kind.length); at > 0; at--) {
    if (/[A-Z]/.test(word[at]!) && kind.endsWith(word.slice(0, at))) return word.slice(at);
  }
  return word;
}
