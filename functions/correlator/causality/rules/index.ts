/** All rows that come with the program. Of the rows of one kind and reason the first whose message fits is meant. */
import { argoCdRows } from './argo-cd.ts';
import { argoRolloutsRows } from './argo-rollouts.ts';
import { argoWorkflowsRows } from './argo-workflows.ts';
import { awsNodeTerminationHandlerRows } from './aws-node-termination-handler.ts';
import { certManagerRows } from './cert-manager.ts';
import { clusterApiRows } from './cluster-api.ts';
import { clusterAutoscalerRows } from './cluster-autoscaler.ts';
import type { EventRow } from './event-row.ts';
import { fluxRows } from './flux.ts';
import { k3sRows } from './k3s.ts';
import { karpenterRows } from './karpenter.ts';
import { kedaRows } from './keda.ts';
import { knativeRows } from './knative.ts';
import { kubernetesAutoscalingRows } from './kubernetes-autoscaling.ts';
import { kubernetesNodeRows } from './kubernetes-nodes.ts';
import { kubernetesPodRows } from './kubernetes-pods.ts';
import { kubernetesServiceRows } from './kubernetes-services.ts';
import { kubernetesStorageRows } from './kubernetes-storage.ts';
import { kubernetesWorkloadRows } from './kubernetes-workloads.ts';
import { kueueRows } from './kueue.ts';
import { openshiftRows } from './openshift.ts';
import { sparkRows } from './spark.ts';
import { strimziRows } from './strimzi.ts';
import { tektonRows } from './tekton.ts';
import { trainingOperatorRows } from './training-operator.ts';

/** By what writes the Events. Kubernetes comes last: some of its rows take whatever message a pod's Event has. */
export const rowsByProject: Readonly<Record<string, readonly EventRow[]>> = {
  'Argo CD': argoCdRows,
  'Argo Rollouts': argoRolloutsRows,
  'Argo Workflows': argoWorkflowsRows,
  'AWS Node Termination Handler': awsNodeTerminationHandlerRows,
  'cert-manager': certManagerRows,
  'Cluster API': clusterApiRows,
  'Cluster Autoscaler': clusterAutoscalerRows,
  Flux: fluxRows,
  K3s: k3sRows,
  Karpenter: karpenterRows,
  KEDA: kedaRows,
  Knative: knativeRows,
  Kueue: kueueRows,
  OpenShift: openshiftRows,
  'Spark operator': sparkRows,
  Strimzi: strimziRows,
  Tekton: tektonRows,
  'Training operator': trainingOperatorRows,
  'Kubernetes: pods': kubernetesPodRows,
  'Kubernetes: workloads': kubernetesWorkloadRows,
  'Kubernetes: nodes': kubernetesNodeRows,
  'Kubernetes: autoscaling': kubernetesAutoscalingRows,
  'Kubernetes: storage': kubernetesStorageRows,
  'Kubernetes: services': kubernetesServiceRows,
};

export const builtInRows: readonly EventRow[] = Object.values(rowsByProject).flat();
