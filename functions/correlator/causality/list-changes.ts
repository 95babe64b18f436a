/**
 * What somebody did to a root object: its generations and its deletion, who did it, how, when, and how it ended.
 */
import type { FieldManager } from '../../../shared/observation.ts';
import type { ObjectHistory, Version } from './gather-objects.ts';
import type { Occurrence } from './gather-occurrences.ts';
import { type Caller, callerOf, traceparentOf } from './read-traceparent.ts';
import type { Driver, KubernetesObject } from './resolve-objects.ts';
import { countsStatusAsGeneration, runOwners, verdicts } from './rules.ts';
import { compare, MINUTE, type Moment, narrow, parseTime, secondOf } from './time.ts';

export interface Change {
  object: KubernetesObject;
  /** A generation, or `delete`. */
  id: string;
  generation: number | undefined;
  /** Not known where the generation was there before anybody looked and nothing says since when. */
  moment: Moment | undefined;
  verb: string;
  manager: string;
  /** As in managedFields, or `Delete`. */
  operation: string;
  outcome: {
    verdict: 'complete' | 'failed' | 'superseded' | 'unknown';
    at: bigint | undefined;
    message: string;
  };
  /** The autoscaler's Event that announced it. */
  rescale: Driver | undefined;
  /** The version that the change wrote. */
  version: Version;
  /** Whose trace it is a part of, by the annotation that it wrote. */
  caller: Caller | undefined;
  /** What an annotation said that was there before it. */
  earlierCaller: Caller | undefined;
}

/** kspan's mark, which Flux 1 set on its Events: this one is the root of its change. */
export const isMarked = ({ event }: Occurrence): boolean => event.annotations?.topLevelSpan === 'true';

/** In order of generation, the deletion last. Empty for what has no generation: what such an object does are episodes. */
export function listChanges(object: KubernetesObject): Change[] {
  const { history } = object;
  if (history === undefined || countsStatusAsGeneration.has(history.kind)) return [];
  const changes: Change[] = [];
  let previous: Version | undefined;
  for (const version of history.versions) {
    const { generation, deletionTimestamp } = version.object;
    if (generation === undefined) continue;
    const isKnown = changes.some((change) => change.generation === generation);
    // The API server counts a deletion that waits for dependents or for a grace period as a generation: no new spec.
    if (!isKnown && !(deletionTimestamp !== undefined && generation > 1)) {
      changes.push(generationChange(object, generation, version, previous));
    }
    previous = version;
  }
  if (changes.length === 0 && previous === undefined) return [];
  for (const change of changes) change.moment ??= momentOfMark(object);
  const last = history.versions.at(-1)!;
  if (history.deletion !== undefined) changes.push(deletionChange(object, last, history.deletion));
  changes.forEach((change, i) => {
    change.outcome = outcomeOf(change, changes[i + 1], history, object);
  });
  return changes;
}

const unknown: Change['outcome'] = { verdict: 'unknown', at: undefined, message: '' };

function generationChange(
  object: KubernetesObject,
  generation: number,
  version: Version,
  previous: Version | undefined,
): Change {
  const writer = writerOf(version, previous);
  return {
    object,
    id: String(generation),
    generation,
    moment: momentOf(object, generation, version, previous, writer),
    verb: verbOf(object, generation, version, previous, writer),
    manager: writer?.manager ?? '',
    operation: writer?.operation ?? 'Update',
    outcome: unknown,
    rescale: undefined,
    version,
    ...callersOf(generation, version, previous),
  };
}

/** An annotation that outlives its change must not pull later changes into its trace. */
function callersOf(
  generation: number,
  { object }: Version,
  previous: Version | undefined,
): Pick<Change, 'caller' | 'earlierCaller'> {
  const said = callerOf(object.annotations);
  const wrote =
    previous === undefined
      ? generation === 1
      : traceparentOf(object.annotations) !== traceparentOf(previous.object.annotations);
  return wrote ? { caller: said, earlierCaller: undefined } : { caller: undefined, earlierCaller: said };
}

function deletionChange(object: KubernetesObject, version: Version, moment: Moment): Change {
  return {
    object,
    id: 'delete',
    generation: version.object.generation,
    moment,
    verb: 'Delete',
    manager: '',
    operation: 'Delete',
    outcome: unknown,
    rescale: undefined,
    version,
    caller: undefined,
    earlierCaller: callerOf(version.object.annotations),
  };
}

const sameEntry = (a: FieldManager, b: FieldManager): boolean =>
  a.manager === b.manager && a.operation === b.operation && a.subresource === b.subresource;

/**
 * Who wrote a generation, by what differs from the version before it. Not "the newest entry": those of subresource
 * `scale` carry no time (apimachinery's fieldmanager, scalehandler.go).
 */
function writerOf({ object }: Version, previous: Version | undefined): FieldManager | undefined {
  const all = object.managers ?? [];
  const writers = all.some(({ ownsSpec }) => ownsSpec === true)
    ? all.filter(({ ownsSpec }) => ownsSpec !== false)
    : all;
  const before = previous?.object.managers;
  if (before !== undefined) {
    const earlierOf = (entry: FieldManager) => before.find((other) => sameEntry(entry, other));
    const isNew = writers.filter((entry) => earlierOf(entry) === undefined);
    if (isNew.length > 0) return newest(isNew);
    const rewritten = writers.filter((entry) => earlierOf(entry)?.time !== entry.time);
    if (rewritten.length > 0) return newest(rewritten);
    const refielded = writers.filter((entry) => earlierOf(entry)?.fields !== entry.fields);
    if (refielded.length > 0) return newest(refielded);
    const gone = newest(before.filter((entry) => !all.some((other) => sameEntry(entry, other))));
    if (gone !== undefined) {
      // `kubectl rollout resume` takes back all that it once set; the time is that of setting it.
      const { time: _, ...manager } = gone;
      return manager;
    }
    return writers.find(({ subresource }) => subresource === 'scale');
  }
  return newest(writers.filter(({ time }) => time !== undefined)) ?? newest(writers);
}

function newest(entries: readonly FieldManager[]): FieldManager | undefined {
  return [...entries].sort(
    (a, b) =>
      compare(b.time === undefined ? 0n : parseTime(b.time), a.time === undefined ? 0n : parseTime(a.time)) ||
      (a.manager < b.manager ? -1 : a.manager > b.manager ? 1 : 0),
  )[0];
}

function momentOf(
  object: KubernetesObject,
  generation: number,
  version: Version,
  previous: Version | undefined,
  writer: FieldManager | undefined,
): Moment | undefined {
  if (generation === 1)
    return object.history?.created ?? { at: version.observedAt, latest: version.observedAt };
  if (writer?.time !== undefined) return narrow(parseTime(writer.time), version.observedAt);
  return previous === undefined ? undefined : { at: version.observedAt, latest: version.observedAt };
}

/**
 * Of a generation that was there before anybody looked: whoever made it may have marked an Event of its own as its root,
 * a moment after its first effects.
 */
function momentOfMark({ occurrences }: KubernetesObject): Moment | undefined {
  const marked = occurrences.findLast(isMarked);
  return marked && occurrences.find(({ at }) => marked.at - at <= MINUTE);
}

function verbOf(
  object: KubernetesObject,
  generation: number,
  { object: now }: Version,
  previous: Version | undefined,
  writer: FieldManager | undefined,
): string {
  if (generation === 1)
    return object.owner !== undefined && runOwners.has(object.owner.kind) ? 'Run' : 'Create';
  const before = previous?.object;
  if (before !== undefined && writer !== undefined && restarts(now, before, writer)) return 'Restart';
  if (writer?.subresource === 'scale') return 'Scale';
  if (before !== undefined && before.replicas !== now.replicas && keepsTemplate(object, now, before))
    return 'Scale';
  return writer?.operation ?? 'Update';
}

const revision = 'deployment.kubernetes.io/revision';

/** By the spec itself; where that is not known, by the revision that the Deployment controller counts templates with. */
function keepsTemplate(
  { history }: KubernetesObject,
  now: Version['object'],
  before: Version['object'],
): boolean {
  if (before.specDigest !== undefined && now.specDigest !== undefined)
    return before.specDigest === now.specDigest;
  const settled = history?.versions.findLast(
    ({ object: { generation, status } }) =>
      generation === now.generation && (status?.observedGeneration ?? 0) >= now.generation!,
  );
  const counted = settled?.object.annotations?.[revision];
  return counted !== undefined && counted === before.annotations?.[revision];
}

/** `kubectl rollout restart` writes one annotation of the pod template. */
function restarts(now: Version['object'], before: Version['object'], writer: FieldManager): boolean {
  if (now.restartedAt !== undefined) return now.restartedAt !== before.restartedAt;
  return writer.ownsRestartedAt === true && now.replicas === before.replicas;
}

function outcomeOf(
  change: Change,
  next: Change | undefined,
  history: ObjectHistory,
  { occurrences }: KubernetesObject,
): Change['outcome'] {
  if (change.id === 'delete') {
    const gone = history.versions.find(({ deleted }) => deleted);
    return gone === undefined ? unknown : { verdict: 'complete', at: gone.observedAt, message: '' };
  }
  const words = verdicts[history.kind];
  for (const { event, at, latest } of occurrences) {
    const verdict = words?.[event.reason];
    if (verdict === undefined) continue;
    const isBefore = change.moment !== undefined && latest < change.moment.at;
    if (isBefore || (next?.moment !== undefined && at >= next.moment.at)) continue;
    return { verdict, at, message: verdict === 'failed' ? event.message : '' };
  }
  let isTold = false;
  for (const version of history.versions) {
    if (version.object.generation !== change.generation) continue;
    const verdict = verdictOf(change.object, version);
    // What nobody saw under way may have ended long before it was looked at.
    const at = isTold ? version.observedAt : undefined;
    if (verdict === 'complete') return { verdict, at, message: '' };
    if (verdict !== undefined && verdict !== 'under way') {
      return { verdict: 'failed', at, message: verdict.failed };
    }
    isTold ||= verdict === 'under way';
  }
  // Where the status does not say how far it is, nobody knows whether it was through when the next one came.
  return next === undefined || !isTold
    ? unknown
    : { verdict: 'superseded', at: next.moment?.at, message: '' };
}

type Verdict = 'complete' | 'under way' | { failed: string } | undefined;

/**
 * What a workload's status says of its own generation; undefined where it does not say. Sources: `kubectl rollout
 * status` (kubectl/pkg/polymorphichelpers/rollout_status.go), the Job API's conditions.
 */
function verdictOf(workload: KubernetesObject, version: Version): Verdict {
  const { object } = version;
  const { status, replicas = 1, generation = 0 } = object;
  if (status === undefined) return undefined;
  const failure = status.conditions?.find(
    ({ type, status: is, reason }) =>
      (type === 'Failed' && is === 'True') ||
      (type === 'Progressing' && is === 'False' && reason === 'ProgressDeadlineExceeded'),
  );
  const observed = (status.observedGeneration ?? 0) >= generation;
  const completeIf = (isComplete: boolean): Verdict => (isComplete ? 'complete' : 'under way');
  switch (object.kind) {
    case 'Deployment': {
      if (!observed) return 'under way';
      if (failure !== undefined) return { failed: failure.message ?? '' };
      // A pod of an old ReplicaSet can be the one that is available.
      const existing = status.replicas ?? scaledTo(workload, version.observedAt) ?? replicas;
      const available = status.availableReplicas ?? status.readyReplicas ?? 0;
      return completeIf(
        (status.updatedReplicas ?? 0) === replicas && existing === replicas && available === replicas,
      );
    }
    case 'StatefulSet': {
      const updated =
        status.updatedReplicas ?? (status.currentRevision === status.updateRevision ? replicas : 0);
      const existing = status.replicas ?? replicas;
      const ready = status.readyReplicas ?? 0;
      return completeIf(observed && ready === replicas && updated === replicas && existing === replicas);
    }
    case 'DaemonSet': {
      const { desiredNumberScheduled: desired, updatedNumberScheduled: updated = 0 } = status;
      if (desired === undefined) return undefined;
      return completeIf(observed && updated === desired && (status.numberAvailable ?? 0) === desired);
    }
    case 'Job': {
      if (failure !== undefined) return { failed: failure.message ?? '' };
      const done = status.conditions?.some(({ type, status: is }) => type === 'Complete' && is === 'True');
      return completeIf(done === true || (status.succeeded ?? 0) >= (object.completions ?? Infinity));
    }
    default:
      return undefined;
  }
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

/**
 * The change that an Event about its object speaks of, by the version that the controller had in hand. Undefined where
 * the reference says nothing: it is absent, or older than every snapshot.
 */
export function changeByVersion(
  changes: readonly Change[],
  { versions }: ObjectHistory,
  resourceVersion: string | undefined,
): Change | undefined {
  const inHand = Number(resourceVersion ?? Number.NaN);
  if (Number.isNaN(inHand)) return undefined;
  const version = versions.findLast((candidate) => candidate.version <= inHand && candidate.version > 0);
  if (version === undefined) return undefined;
  const generation = version.object.generation;
  const byGeneration = changes.find((change) => change.id !== 'delete' && change.generation === generation);
  if (byGeneration !== undefined) return byGeneration;
  return version.object.deletionTimestamp !== undefined
    ? changes.find(({ id }) => id === 'delete')
    : undefined;
}

/**
 * The latest change at or before a time that may be as late as `latest`. A change is seen a moment after it was made:
 * where none was seen by then, the first one written in the second before that counts.
 */
export function changeInEffect(changes: readonly Change[], latest: bigint): Change | undefined {
  return (
    changes.findLast(({ moment }) => moment === undefined || moment.at <= latest) ??
    changes.find(({ moment }) => moment !== undefined && secondOf(moment.at) <= latest)
  );
}
