/**
 * What an object's status says of its own generation: by its kind's own words, else by conditions as kstatus reads them, else
 * by its phase.
 */
import { kindKey, type TypeOfObject } from '../../../shared/group-kind.ts';
import type { Version } from './gather-objects.ts';
import type { KubernetesObject } from './kubernetes-object.ts';
import { type Meaning, meaningOf, saysFailure } from './verdict-words.ts';

type SnapshotObject = Version['object'];
type Status = NonNullable<SnapshotObject['status']>;
type Condition = NonNullable<Status['conditions']>[number];

/** Undefined where it does not say. */
export type Verdict = 'complete' | 'under way' | { failed: string; reason: string } | undefined;

export function readStatus(object: KubernetesObject, version: Version): Verdict {
  const { status } = version.object;
  const own = ownWords[kindKey(version.object)];
  if (own !== undefined) return own(version.object, status ?? {}, object, version);
  if (status === undefined) return undefined;
  if (!isObserved(version.object, status)) return 'under way';
  // A run's last word is its phase: a Workflow that failed has the condition Completed, too.
  return byPhase(status, finalOnly) ?? byConditions(version.object, status) ?? byPhase(status);
}

/** Kinds whose status will say how a change of them ended, though it does not yet. */
export const tellsOutcome = (object: TypeOfObject): boolean => ownWords[kindKey(object)] !== undefined;

type OwnWords = (object: SnapshotObject, status: Status, of: KubernetesObject, version: Version) => Verdict;

const completeIf = (isComplete: boolean): Verdict => (isComplete ? 'complete' : 'under way');

const isObserved = ({ generation = 0 }: SnapshotObject, { observedGeneration }: Status): boolean =>
  (observedGeneration ?? generation) >= generation;

/**
 * Sources: `kubectl rollout status` (kubectl/pkg/polymorphichelpers/rollout_status.go), the Job API's conditions, OpenShift's
 * apps/v1 (its DeploymentConfig's status reads like a Deployment's), argoproj/argo-rollouts utils/rollout/rolloututil.go.
 * By kind as in group-kind.ts.
 */
const ownWords: Readonly<Record<string, OwnWords>> = {
  'apps/Deployment': readDeployment,
  'apps.openshift.io/DeploymentConfig': readDeployment,
  'argoproj.io/Rollout': readRollout,
  'apps/StatefulSet': readStatefulSet,
  'apps/DaemonSet': readDaemonSet,
  'batch/Job': readJob,
  'apps/ReplicaSet': readReplicas,
  ReplicationController: readReplicas,
};

function readDeployment(
  object: SnapshotObject,
  status: Status,
  of: KubernetesObject,
  { observedAt }: Version,
): Verdict {
  const { generation = 0, replicas = 1 } = object;
  if ((status.observedGeneration ?? 0) < generation) return 'under way';
  const stuck = status.conditions?.find(
    ({ type, status: is, reason }) =>
      type === 'Progressing' && is === 'False' && reason === 'ProgressDeadlineExceeded',
  );
  if (stuck !== undefined) return { failed: stuck.message ?? '', reason: 'ProgressDeadlineExceeded' };
  // A pod of an old ReplicaSet can be the one that is available.
  const existing = status.replicas ?? scaledTo(of, observedAt) ?? replicas;
  const available = status.availableReplicas ?? status.readyReplicas ?? 0;
  return completeIf(
    (status.updatedReplicas ?? 0) === replicas && existing === replicas && available === replicas,
  );
}

function readRollout({ generation = 0 }: SnapshotObject, status: Status): Verdict {
  if ((status.observedGeneration ?? 0) < generation) return 'under way';
  if (status.phase === 'Healthy') return 'complete';
  if (status.phase !== 'Degraded') return 'under way';
  const why = status.conditions?.find(({ type, status: is }) => type === 'Progressing' && is === 'False');
  return { failed: why?.message ?? '', reason: why?.reason ?? 'Degraded' };
}

/** As asked, not more: with a partition only the ordinals from it on are updated, with OnDelete none. */
function readStatefulSet(object: SnapshotObject, status: Status): Verdict {
  const { generation = 0, replicas = 1, updateStrategy, partition = 0 } = object;
  const revised = status.currentRevision === status.updateRevision ? replicas : 0;
  const updated = status.updatedReplicas ?? revised;
  const asked = updateStrategy === 'OnDelete' ? 0 : Math.max(0, replicas - partition);
  const existing = status.replicas ?? replicas;
  return completeIf(
    (status.observedGeneration ?? 0) >= generation &&
      (status.readyReplicas ?? 0) === replicas &&
      updated >= asked &&
      existing === replicas,
  );
}

function readDaemonSet(object: SnapshotObject, status: Status): Verdict {
  const { desiredNumberScheduled: desired, updatedNumberScheduled: updated = 0 } = status;
  if (desired === undefined) return 'under way';
  const asked = object.updateStrategy === 'OnDelete' ? 0 : desired;
  return completeIf(
    (status.observedGeneration ?? 0) >= (object.generation ?? 0) &&
      updated >= asked &&
      (status.numberAvailable ?? 0) === desired,
  );
}

function readJob({ completions }: SnapshotObject, status: Status): Verdict {
  const failure = status.conditions?.find(({ type, status: is }) => type === 'Failed' && is === 'True');
  if (failure !== undefined) return { failed: failure.message ?? '', reason: failure.reason ?? 'Failed' };
  const done = status.conditions?.some(({ type, status: is }) => type === 'Complete' && is === 'True');
  return completeIf(done === true || (status.succeeded ?? 0) >= (completions ?? Infinity));
}

function readReplicas({ generation = 0, replicas = 1 }: SnapshotObject, status: Status): Verdict {
  const ready = status.availableReplicas ?? status.readyReplicas ?? 0;
  return completeIf((status.observedGeneration ?? 0) >= generation && ready === replicas);
}

/** Conditions by which something says that it has run to its end, or got where it was to be. */
const ends: ReadonlySet<string> = new Set(['Complete', 'Completed', 'Succeeded', 'Finished']);

/** https://github.com/kubernetes-sigs/cli-utils/blob/master/pkg/kstatus/README.md, and what runs to completion says. */
function byConditions({ generation = 0 }: SnapshotObject, { conditions = [] }: Status): Verdict {
  const current = conditions.filter(
    ({ observedGeneration }) => (observedGeneration ?? generation) >= generation,
  );
  if (current.length < conditions.length && current.length === 0) return 'under way';
  const is = (type: string, status: string) =>
    current.find((condition) => condition.type === type && condition.status === status);
  const failure = is('Failed', 'True') ?? is('Stalled', 'True') ?? is('Succeeded', 'False');
  if (failure !== undefined) return failedBy(failure);
  const end = current.find(({ type, status }) => ends.has(type) && status === 'True');
  if (end !== undefined) return isFailedEnd(end) ? failedBy(end) : 'complete';
  if (is('Reconciling', 'True') !== undefined || is('Synced', 'False') !== undefined) return 'under way';
  if (is('Ready', 'True') !== undefined || is('Healthy', 'True') !== undefined) return 'complete';
  const isTold = current.some(({ type }) => type === 'Ready' || type === 'Healthy' || ends.has(type));
  return isTold ? 'under way' : undefined;
}

/** That it is over is no success by itself: K8up's Backup is Completed, Kueue's Workload is Finished, however it went. */
const isFailedEnd = ({ type, reason, message }: Condition): boolean =>
  type !== 'Succeeded' && saysFailure(reason, message);

const failedBy = ({ type, reason, message }: Condition): Verdict => ({
  failed: message ?? '',
  reason: reason ?? type,
});

const finalOnly: ReadonlySet<Meaning> = new Set(['complete', 'failed']);

/** Of an Argo CD Application by the words of its operation and its health. */
function byPhase({ phase, operation, health }: Status, which?: ReadonlySet<Meaning>): Verdict {
  const word = which === undefined ? (phase ?? operation ?? health) : phase;
  const meaning = word === undefined ? undefined : meaningOf(word);
  if (word === undefined || meaning === undefined || which?.has(meaning) === false) return undefined;
  if (meaning === 'under way') return 'under way';
  return meaning === 'failed' || meaning === 'broken' ? { failed: '', reason: word } : 'complete';
}

/** How many pods the ReplicaSets of a Deployment were to have, by their snapshots and by the Events that scaled them. */
function scaledTo({ controlled }: KubernetesObject, time: bigint): number | undefined {
  let total: number | undefined;
  for (const { history, scalings } of controlled) {
    const seen = history?.versions.findLast(({ observedAt }) => observedAt <= time);
    const scaled = scalings.findLast(({ occurrence }) => occurrence.at <= time);
    const [snapshot, event] = [seen?.object.replicas, scaled?.to];
    const isEventNewer =
      scaled !== undefined && (seen === undefined || scaled.occurrence.at > seen.observedAt);
    const size = isEventNewer ? (event ?? snapshot) : (snapshot ?? event);
    if (size !== undefined) total = (total ?? 0) + size;
  }
  return total;
}

/** It does not go on by itself. */
export const isPaused = ({ object: { suspended, status } }: Version): boolean =>
  suspended === true || status?.phase === 'Paused';
