/**
 * What an object's status says of its own generation: by its kind's own words, else by conditions as kstatus reads them, else
 * by its phase, or a word that stands elsewhere (verdict-words.ts).
 */
import { kindKey, type TypeOfObject, withoutKind } from '../../../shared/group-kind.ts';
import { statusWords } from '../../../shared/snapshot-fields.ts';
import type { Version } from './gather-objects.ts';
import type { KubernetesObject } from './kubernetes-object.ts';
import { type Meaning, meaningOf, saysFailure } from './verdict-words.ts';

type SnapshotObject = Version['object'];
type Status = NonNullable<SnapshotObject['status']>;
type Condition = NonNullable<Status['conditions']>[number];

/**
 * Undefined where it does not say. `since`: from then on, where it stays until another template is tried: a scaling of what failed
 * before it did not fail.
 */
export type Verdict =
  | 'complete'
  | 'under way'
  | { failed: string; reason: string; since?: string | undefined }
  | undefined;

export function readStatus(object: KubernetesObject, version: Version): Verdict {
  const { status } = version.object;
  const own = ownWords[kindKey(version.object)];
  if (own !== undefined) return own(version.object, status ?? {}, object, version);
  if (status === undefined) return undefined;
  if (!isObserved(version.object, status)) return 'under way';
  // A run's last word is its phase: a Workflow that failed has the condition Completed, too.
  return byWords(status, finalOnly) ?? byConditions(version.object, status) ?? byWords(status);
}

/** It ran, and is over, however it went: what is Ready is not, nor what has stopped on its way there. */
export function hasEnded(object: SnapshotObject): boolean {
  const { status } = object;
  if (status === undefined) return false;
  return (byWords(status, finalOnly) ?? endByConditions(currentConditions(object, status))) !== undefined;
}

/** Kinds whose status will say how a change of them ended, though it does not yet. */
export const tellsOutcome = (object: TypeOfObject): boolean => ownWords[kindKey(object)] !== undefined;

type OwnWords = (object: SnapshotObject, status: Status, of: KubernetesObject, version: Version) => Verdict;

const completeIf = (isComplete: boolean): Verdict => (isComplete ? 'complete' : 'under way');

const isObserved = ({ generation = 0 }: SnapshotObject, { observedGeneration }: Status): boolean =>
  (observedGeneration ?? generation) >= generation;

/**
 * Sources: `kubectl rollout status` (kubectl/pkg/polymorphichelpers/rollout_status.go), the Job API's conditions, OpenShift's
 * apps/v1 (its DeploymentConfig's status reads like a Deployment's), argoproj/argo-rollouts utils/rollout/rolloututil.go,
 * cert-manager pkg/apis/acme/v1/types_order.go.
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
  'acme.cert-manager.io/Order': readOrder,
  'acme.cert-manager.io/Challenge': readOrder,
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
  if (stuck !== undefined)
    return {
      failed: stuck.message ?? '',
      reason: 'ProgressDeadlineExceeded',
      since: stuck.lastTransitionTime,
    };
  // A pod of an old ReplicaSet can be the one that is available.
  const existing = status.replicas ?? scaledTo(of, observedAt) ?? replicas;
  const available = status.availableReplicas ?? status.readyReplicas ?? 0;
  return completeIf(
    (status.updatedReplicas ?? 0) === replicas && existing === replicas && available === replicas,
  );
}

/**
 * The controller tells its phase of the generation that it has observed (GetRolloutPhase). Where that is no number, a controller of
 * before 0.10 wrote a hash of the spec: then it counts as observed there, too.
 */
function readRollout(
  { generation = 0 }: SnapshotObject,
  { phase, observedGeneration, conditions }: Status,
): Verdict {
  if (phase === undefined || (observedGeneration ?? generation) < generation) return 'under way';
  if (phase === 'Healthy') return 'complete';
  if (phase !== 'Degraded') return 'under way';
  const invalid = conditions?.find(({ type }) => type === 'InvalidSpec');
  if (invalid !== undefined) return { failed: invalid.message ?? '', reason: invalid.type };
  const why = conditions?.find(({ type, status: is }) => type === 'Progressing' && is === 'False');
  return { failed: why?.message ?? '', reason: why?.reason ?? 'Degraded', since: why?.lastTransitionTime };
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

/** `ready` is an Order that may be finalized: it is not over. */
function readOrder(_: SnapshotObject, { words }: Status): Verdict {
  const { state = '' } = words ?? {};
  if (state === 'valid') return 'complete';
  return ['invalid', 'expired', 'errored'].includes(state) ? { failed: '', reason: state } : 'under way';
}

/** Conditions by which something says that it has run to its end, or got where it was to be. */
const ends: ReadonlySet<string> = new Set(['Complete', 'Completed', 'Succeeded', 'Finished']);

/** Those that speak of the generation; one that is named after its kind (BackupCompleted of an EtcdBackup) by the rest of its name. */
const currentConditions = (
  { generation = 0, kind }: SnapshotObject,
  { conditions = [] }: Status,
): Condition[] =>
  conditions
    .filter(({ observedGeneration }) => (observedGeneration ?? generation) >= generation)
    .map((condition) => ({ ...condition, type: withoutKind(kind, condition.type) }));

/** That it has run to its end, and how. */
function endByConditions(current: readonly Condition[]): Verdict {
  const failure =
    current.find(({ type, status }) => type === 'Failed' && status === 'True') ??
    current.find(({ type, status }) => type === 'Succeeded' && status === 'False');
  if (failure !== undefined) return failedBy(failure);
  const end = current.find(({ type, status }) => ends.has(type) && status === 'True');
  if (end === undefined) return undefined;
  return isFailedEnd(end) ? failedBy(end) : 'complete';
}

/** Conditions by which something says that all of it is there. */
const readyTypes: ReadonlySet<string> = new Set(['Ready', 'Healthy', 'AllReplicasReady']);
/** By which, as long as they are so, it says that it works on it. */
const workTypes: readonly (readonly [type: string, status: string])[] = [
  ['Reconciling', 'True'],
  ['Synced', 'False'],
  ['ReconcileSuccess', 'False'],
  ['NotReady', 'True'],
];

/** https://github.com/kubernetes-sigs/cli-utils/blob/master/pkg/kstatus/README.md, and what runs to completion says. */
function byConditions(object: SnapshotObject, status: Status): Verdict {
  const current = currentConditions(object, status);
  if (current.length === 0) return (status.conditions ?? []).length === 0 ? undefined : 'under way';
  const end = endByConditions(current);
  if (end !== undefined) return end;
  const is = (type: string, as: string) => current.some((one) => one.type === type && one.status === as);
  const stop = current.find(isStop);
  if (stop !== undefined) return failedBy(stop);
  if (workTypes.some(([type, as]) => is(type, as))) return 'under way';
  const ready = current.filter(({ type }) => readyTypes.has(type));
  if (ready.some(({ status: as }) => as === 'True')) return 'complete';
  if (ready.length > 0 || current.some(({ type }) => ends.has(type))) return 'under way';
  // While it is rolled over, what was there before is available.
  if (is('Available', 'True') && !is('Progressing', 'True') && !is('Degraded', 'True')) return 'complete';
  return current.some(({ type }) => type === 'Available') ? 'under way' : undefined;
}

/** It goes no further by itself. Ready has many reasons for not yet; these two are cert-manager's for never. */
const isStop = ({ type, status, reason }: Condition): boolean =>
  (type === 'Stalled' && status === 'True') ||
  (type === 'Ready' && status === 'False' && (reason === 'Failed' || reason === 'Denied'));

/** That it is over is no success by itself: K8up's Backup is Completed, Kueue's Workload is Finished, however it went. */
const isFailedEnd = ({ type, reason, message }: Condition): boolean =>
  type !== 'Succeeded' && saysFailure(reason, message);

const failedBy = ({ type, reason, message }: Condition): Verdict => ({
  failed: message ?? '',
  reason: reason ?? type,
});

const finalOnly: ReadonlySet<Meaning> = new Set(['complete', 'failed']);

/**
 * By the first word that is known; of one that says that all is well, what another says that failed. Else, of an Argo CD
 * Application, by the words of its operation and its health.
 */
function byWords({ phase, words, operation, health }: Status, which?: ReadonlySet<Meaning>): Verdict {
  const said = [phase, ...statusWords.map((path) => words?.[path])];
  const known = said.flatMap((word = '') => {
    const meaning = meaningOf(word);
    return meaning === undefined ? [] : [{ word, meaning }];
  });
  const failed = known.find(({ meaning }) => meaning === 'failed');
  const other = operation ?? health ?? '';
  const first = known[0] ?? (which === undefined ? { word: other, meaning: meaningOf(other) } : undefined);
  if (first?.meaning === undefined || which?.has(first.meaning) === false) return undefined;
  if (first.meaning === 'under way') return 'under way';
  const broken = failed ?? (first.meaning === 'broken' ? first : undefined);
  return broken === undefined ? 'complete' : { failed: '', reason: broken.word };
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
