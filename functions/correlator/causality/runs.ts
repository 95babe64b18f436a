/**
 * Runs: an object that runs to completion and was made by a longer-lived owner that did not itself just change (a Job of a
 * CronJob or a ScaledJob, a Workflow of a CronWorkflow, a Build of a BuildConfig) is a change of its own, whatever its kind.
 */

import { kindKey } from '../../../shared/group-kind.ts';
import type { KubernetesObject } from './kubernetes-object.ts';
import { hasEnded } from './read-status.ts';
import type { Moment } from './time.ts';
import { recentGap } from './trace.ts';

/** Kinds (group-kind.ts) that run to completion, known before any of their status is. What says so by its status is one as well. */
const runKinds: ReadonlySet<string> = new Set([
  'batch/Job',
  'batch.volcano.sh/Job',
  'jobset.x-k8s.io/JobSet',
  'argoproj.io/Workflow',
  'argoproj.io/AnalysisRun',
  'argoproj.io/Experiment',
  'tekton.dev/PipelineRun',
  'tekton.dev/TaskRun',
  'tekton.dev/CustomRun',
  'build.openshift.io/Build', // Shipwright's Build is what its BuildRuns run
  'kpack.io/Build',
  'shipwright.io/BuildRun',
  'sparkoperator.k8s.io/SparkApplication',
  'spark.apache.org/SparkApplication',
  'kubeflow.org/PyTorchJob',
  'kubeflow.org/TFJob',
  'kubeflow.org/MPIJob',
  'kubeflow.org/XGBoostJob',
  'kubeflow.org/PaddleJob',
  'kubeflow.org/JAXJob',
  'kubeflow.org/Experiment',
  'trainer.kubeflow.org/TrainJob',
  'ray.io/RayJob',
]);

/** Kinds that do nothing but to make runs, by the clock or by a queue: each is a run, even soon after their own change. */
const schedulers: ReadonlySet<string> = new Set([
  'batch/CronJob',
  'batch.volcano.sh/CronJob',
  'argoproj.io/CronWorkflow',
  'keda.sh/ScaledJob',
  'sparkoperator.k8s.io/ScheduledSparkApplication',
  'kubeflow.org/ScheduledWorkflow',
]);

/** Of what runs for ever and is over nonetheless: a pod that ended is replaced by its controller. */
const neverRuns: ReadonlySet<string> = new Set(['Pod', 'apps/ReplicaSet', 'ReplicationController', 'Node']);

/** By kind, or since its status says that it is over. */
export function runsToCompletion(object: KubernetesObject): boolean {
  const kind = kindKey(object);
  if (runKinds.has(kind)) return true;
  if (neverRuns.has(kind)) return false;
  return object.history?.versions.some((version) => hasEnded(version.object)) === true;
}

/** @param changedAt when an object was changed last before a time, as far as that is known */
export function isRun(
  object: KubernetesObject,
  changedAt: (owner: KubernetesObject, time: bigint) => Moment | undefined,
): boolean {
  const { owner, created } = object;
  if (owner === undefined) return false;
  if (schedulers.has(kindKey(owner))) return true;
  if (!runsToCompletion(object) || runsToCompletion(owner)) return false;
  // Of an owner that was never heard of nothing changed that anybody knows.
  if (owner.history === undefined && owner.occurrences.length === 0) return runKinds.has(kindKey(object));
  // Nobody knows what the owner is: what it makes hangs together with it.
  if (owner.history === undefined || created === undefined) return false;
  const change = changedAt(owner, created.latest);
  // A change explains what its object's controller makes within the gap that ends a trace.
  return change !== undefined && created.at - change.latest > recentGap;
}
