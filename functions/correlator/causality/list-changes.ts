/**
 * What somebody did to a root object: its generations, its syncs and its deletion, who did it, how, and when.
 */
import type { FieldManager } from '../../../shared/observation.ts';
import { findSyncs, type Sync } from './find-syncs.ts';
import type { ObjectHistory, Version } from './gather-objects.ts';
import type { Occurrence } from './gather-occurrences.ts';
import type { KubernetesObject } from './kubernetes-object.ts';
import { type Outcome, outcomesOf } from './outcome.ts';
import { type Caller, callerOf, traceparentOf } from './read-traceparent.ts';
import { compare, MINUTE, type Moment, narrow, parseTime, secondOf } from './time.ts';
import { controllersOf, creatorOf, writerOf } from './who-wrote.ts';

export interface Change {
  object: KubernetesObject;
  type: 'generation' | 'sync' | 'deletion';
  /** A generation, `delete`, or a sync's first occurrence. */
  id: string;
  generation: number | undefined;
  /** The highest generation that belongs to it: its own controller may write more. */
  lastGeneration: number | undefined;
  /** Not known where the generation was there before anybody looked and nothing says since when. */
  moment: Moment | undefined;
  /** Its moment was seen: it has a root even where no Event follows. */
  isSeen: boolean;
  verb: string;
  manager: string;
  /** As in managedFields, or `Delete`. */
  operation: string;
  outcome: Outcome;
  /** The version that the change wrote, as far as it was seen. */
  version: Version | undefined;
  /** The Event that is the root of a sync. */
  sync: Sync | undefined;
  /** Whose trace it is a part of, by the annotation that it wrote. */
  caller: Caller | undefined;
  /** What an annotation said that was there before it. */
  earlierCaller: Caller | undefined;
}

/** A change before it is known how it ended. */
export type Begun = Omit<Change, 'outcome'>;

/** kspan's mark, which Flux 1 set on its Events: this one is the root of its change. */
export const isMarked = ({ event }: Occurrence): boolean => event.annotations?.topLevelSpan === 'true';

/**
 * Kinds without a status subresource: each write of their status is a generation, so generations are no changes
 * (argoproj/argo-cd manifests/crds/application-crd.yaml).
 */
const countsStatusAsGeneration: ReadonlySet<string> = new Set(['Application']);

/**
 * In order of time, the deletion last. Empty for what has no generation and no syncs: what such an object does are episodes.
 * @param isRun whether the object is a run of its owner
 */
export function listChanges(object: KubernetesObject, isRun: boolean): Change[] {
  const { history } = object;
  if (history === undefined) return [];
  const generations = countsStatusAsGeneration.has(history.kind)
    ? []
    : listGenerations(object, history, isRun);
  const syncs = findSyncs(object, generations).map((sync) => syncChange(object, sync));
  const begun = inOrderOfTime(generations, syncs);
  const deletion = deletionChange(object, history);
  if (deletion !== undefined && (begun.length > 0 || hasGeneration(history))) begun.push(deletion);
  return outcomesOf(begun, object, history);
}

const hasGeneration = ({ versions }: ObjectHistory): boolean =>
  versions.some(({ object }) => object.generation !== undefined);

/** Generations stay in their own order: of those whose time is not known only that is. */
function inOrderOfTime(generations: readonly Begun[], syncs: readonly Begun[]): Begun[] {
  const merged = [...generations];
  for (const sync of syncs) {
    const at = merged.findLastIndex(({ moment }) => moment === undefined || moment.at <= sync.moment!.at);
    merged.splice(at + 1, 0, sync);
  }
  return merged;
}

function listGenerations(object: KubernetesObject, history: ObjectHistory, isRun: boolean): Begun[] {
  const begun: Begun[] = [];
  const controllers = controllersOf(history, reportersOf(object));
  let previous: Version | undefined;
  for (const version of history.versions) {
    const generation = generationOf(version);
    if (generation === undefined) continue;
    const { deletionTimestamp } = version.object;
    const last = begun.at(-1);
    const isKnown = begun.some(
      (change) => generation <= change.lastGeneration! && generation >= change.generation!,
    );
    // The API server counts a deletion that waits for dependents or for a grace period as a generation: no new spec.
    const isDeletion = deletionTimestamp !== undefined && generation > 1;
    if (isDeletion && previous === undefined && history.created !== undefined)
      begun.push(creationChange(object, version, isRun));
    if (!isKnown && !isDeletion) {
      const writer = writerOf(version, previous);
      if (last !== undefined && previous !== undefined && isOwnWrite(writer, controllers)) {
        last.lastGeneration = generation;
      } else {
        begun.push(...generationChanges(object, generation, version, previous, writer, controllers, isRun));
      }
    }
    previous = version;
  }
  for (const change of begun) change.moment ??= momentOfMark(object);
  return begun;
}

/** A Pod of before 1.33 has none, and one change. */
const generationOf = ({ object }: Version): number | undefined =>
  object.generation ?? (object.kind === 'Pod' ? 1 : undefined);

/** The names under which others than general reporters speak of the object. */
const reportersOf = ({ occurrences }: KubernetesObject): ReadonlySet<string> =>
  new Set(occurrences.flatMap(({ event }) => event.reporter.component ?? []));

const isOwnWrite = (writer: FieldManager | undefined, controllers: ReadonlySet<string>): boolean =>
  writer !== undefined && writer.subresource === undefined && controllers.has(writer.manager);

/**
 * Of a version that is the first one known, later than the creation, the creation is another change: its time is in the
 * object, and its oldest entry says who. Where the newest entry is the creation's own, or the controller's, nothing tells of a
 * later change.
 */
function generationChanges(
  object: KubernetesObject,
  generation: number,
  version: Version,
  previous: Version | undefined,
  writer: FieldManager | undefined,
  controllers: ReadonlySet<string>,
  isRun: boolean,
): Begun[] {
  const own = generationChange(object, generation, version, previous, writer, isRun);
  if (previous !== undefined || generation === 1 || object.history?.created === undefined) return [own];
  const creation = creationChange(object, version, isRun);
  const scaled = lastScaling(object, version);
  if (scaled !== undefined) return [creation, scalingChange(own, scaled)];
  const isCreators = writer?.time !== undefined && writer.time === version.object.creationTimestamp;
  if (isCreators || isOwnWrite(writer, controllers)) return [{ ...creation, lastGeneration: generation }];
  return [creation, own];
}

function generationChange(
  object: KubernetesObject,
  generation: number,
  version: Version,
  previous: Version | undefined,
  writer: FieldManager | undefined,
  isRun: boolean,
): Begun {
  return {
    object,
    type: 'generation',
    id: String(generation),
    generation: version.object.generation,
    lastGeneration: generation,
    moment: momentOf(object, generation, version, previous, writer),
    isSeen: version.isWatched && (previous !== undefined || generation === 1),
    verb: generation === 1 ? firstVerb(isRun) : verbOf(object, version, previous, writer),
    manager: writer?.manager ?? '',
    operation: writer?.operation ?? 'Update',
    version,
    sync: undefined,
    ...callersOf(generation, version, previous),
  };
}

/**
 * A scaling leaves no time in the object, to 0 not even an entry. While there is but one ReplicaSet no rollout scales it: the last
 * time after its first was one, if it is as large as that now.
 */
function lastScaling(
  { controlled, history }: KubernetesObject,
  { object, observedAt }: Version,
): Moment | undefined {
  const sets = controlled.filter(({ kind }) => kind === 'ReplicaSet');
  if (sets.length !== 1) return undefined;
  // A dump's only version is as new as its Events; what came after one that was changed since speaks of those changes.
  const isOnly = history!.versions.length === 1;
  const scalings = sets[0]!.scalings.filter(({ occurrence }) => isOnly || occurrence.at <= observedAt);
  const last = scalings.at(-1);
  return scalings.length > 1 && last!.to === object.replicas ? last!.occurrence : undefined;
}

function scalingChange(own: Begun, { at, latest }: Moment): Begun {
  const entry = own.version?.object.managers?.find(({ subresource }) => subresource === 'scale');
  const { manager = '', operation = 'Update' } = entry ?? {};
  return { ...own, moment: { at, latest }, verb: 'Scale', manager, operation };
}

const firstVerb = (isRun: boolean): string => (isRun ? 'Run' : 'Create');

/** The first generation of an object that was changed since: nobody saw it, the object still says when and who. */
function creationChange(object: KubernetesObject, { object: now }: Version, isRun: boolean): Begun {
  const creator = creatorOf(now.managers);
  return {
    object,
    type: 'generation',
    id: '1',
    generation: 1,
    lastGeneration: 1,
    moment: object.history!.created,
    isSeen: false,
    verb: firstVerb(isRun),
    manager: creator?.manager ?? '',
    operation: creator?.operation ?? 'Update',
    version: undefined,
    sync: undefined,
    caller: undefined,
    earlierCaller: undefined,
  };
}

/** Kinds of which each sync is a change. */
const isSynced = (kind: string): boolean => ['Kustomization', 'HelmRelease', 'Application'].includes(kind);

function syncChange(object: KubernetesObject, sync: Sync): Begun {
  const { at, latest, key, event } = sync.first;
  return {
    object,
    type: 'sync',
    id: key,
    generation: undefined,
    lastGeneration: undefined,
    moment: { at, latest },
    isSeen: false,
    verb: event.reason,
    // Of a change that was not seen as a generation nobody knows who made it.
    manager: isSynced(event.subject.kind) ? (event.reporter.component ?? '') : '',
    operation: isSynced(event.subject.kind) ? 'Sync' : 'Update',
    version: undefined,
    sync,
    caller: undefined,
    earlierCaller: undefined,
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

function deletionChange(object: KubernetesObject, history: ObjectHistory): Begun | undefined {
  const moment = history.deletion;
  if (moment === undefined) return undefined;
  const version = history.versions.at(-1)!;
  const first = history.versions.find(
    ({ object: { deletionTimestamp }, deleted }) => deleted || deletionTimestamp !== undefined,
  )!;
  return {
    object,
    type: 'deletion',
    id: 'delete',
    generation: version.object.generation,
    lastGeneration: undefined,
    moment,
    isSeen: first.isWatched && !isCleanedUp(object),
    verb: 'Delete',
    manager: '',
    operation: 'Delete',
    version,
    sync: undefined,
    caller: undefined,
    earlierCaller: callerOf(version.object.annotations),
  };
}

/** What goes with its owner, or because its owner says so, is no change that somebody made. */
const isCleanedUp = ({ owner, remover }: KubernetesObject): boolean =>
  owner !== undefined && (remover !== undefined || owner.removal !== undefined);

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
  { object: now }: Version,
  previous: Version | undefined,
  writer: FieldManager | undefined,
): string {
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
  const generation = generationOf(version);
  const byGeneration =
    generation === undefined
      ? undefined
      : changes.find(
          ({ type, generation: first = 1, lastGeneration }) =>
            type === 'generation' && generation >= first && generation <= lastGeneration!,
        );
  if (byGeneration !== undefined) return byGeneration;
  return version.object.deletionTimestamp !== undefined
    ? changes.find(({ type }) => type === 'deletion')
    : undefined;
}

/**
 * The latest change at or before a time that may be as late as `latest`. A change is seen a moment after it was made: where none
 * that is recent was seen by then, the first one written in the second before that counts.
 */
export function changeInEffect(changes: readonly Change[], latest: bigint): Change | undefined {
  const seen = changes.findLast(({ moment }) => moment === undefined || moment.at <= latest);
  if (seen?.moment !== undefined && latest - seen.moment.at <= recent) return seen;
  return (
    changes.find(
      ({ moment }) => moment !== undefined && moment.at > latest && secondOf(moment.at) <= latest,
    ) ?? seen
  );
}

/** The gap that ends a trace: what began before that has been over. */
const recent = 15n * MINUTE;

/** Whether `a` began after `b`. */
export const isLaterChange = (a: Change, b: Change): boolean =>
  a.moment !== undefined && (b.moment === undefined || compare(a.moment.at, b.moment.at) > 0);
