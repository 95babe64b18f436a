/**
 * What somebody did to a root object: its generations, its syncs and its deletion, who did it, how, and when.
 */

import { kindKey } from '../../../shared/group-kind.ts';
import type { FieldManager } from '../../../shared/observation.ts';
import { countsStatusAsGeneration } from '../../../shared/snapshot-fields.ts';
import { type Begun, type Change, generationOf, isMarked } from './change.ts';
import { firstVerb, verbOf } from './change-verb.ts';
import { findRollback } from './find-rollback.ts';
import { findSyncs, type Sync } from './find-syncs.ts';
import { findToldChanges, mayHaveMade, type ToldChange } from './find-told-changes.ts';
import type { ObjectHistory, Version } from './gather-objects.ts';
import type { KubernetesObject } from './kubernetes-object.ts';
import { outcomesOf } from './outcome.ts';
import { callerOf, callersIn, traceparentOf } from './read-traceparent.ts';
import { isSynced } from './sync-kinds.ts';
import { compare, MINUTE, type Moment, narrow, parseTime, secondOf } from './time.ts';
import { controllersOf, creatorOf, writerOf } from './who-wrote.ts';

/**
 * In order of time, the deletion last. Empty for what has no generation and no syncs: what such an object does are episodes.
 * @param isRun whether the object is a run of its owner
 */
export function listChanges(object: KubernetesObject, isRun: boolean): Change[] {
  const { history } = object;
  if (history === undefined) return [];
  const generations = countsStatusAsGeneration.has(kindKey(object))
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
      begun.push(
        creationChange(object, version, isRun),
        ...findToldChanges(object, version, controllers).map((told) => unseenChange(object, told)),
      );
    if (!isKnown && !isDeletion) {
      const writer = writerOf(version, previous);
      if (last !== undefined && previous !== undefined && isOwnWrite(writer, controllers)) {
        last.lastGeneration = generation;
      } else {
        begun.push(...generationChanges(object, generation, version, previous, controllers, isRun));
      }
    }
    previous = version;
  }
  for (const change of begun) change.moment ??= momentOfMark(object);
  return begun;
}

/** The names under which others than general reporters speak of the object. */
const reportersOf = ({ occurrences }: KubernetesObject): ReadonlySet<string> =>
  new Set(occurrences.flatMap(({ event }) => event.reporter.component ?? []));

const isOwnWrite = (writer: FieldManager | undefined, controllers: ReadonlySet<string>): boolean =>
  writer !== undefined && writer.subresource === undefined && controllers.has(writer.manager);

/**
 * Of a version that is the first one known, later than the creation, the creation is another change: its time is in the
 * object, and its oldest entry says who. So is each that has left its time since; the newest of them wrote this version. Where
 * nothing tells when it was changed since, all is the creation's: what has no time explains nothing, and must not take from the
 * creation what came of it.
 */
function generationChanges(
  object: KubernetesObject,
  generation: number,
  version: Version,
  previous: Version | undefined,
  controllers: ReadonlySet<string>,
  isRun: boolean,
): Begun[] {
  const change = (writer: FieldManager | undefined) =>
    generationChange(object, generation, version, previous, writer, isRun);
  if (previous !== undefined || generation === 1 || object.history?.created === undefined)
    return [change(writerOf(version, previous))];
  const creation = creationChange(object, version, isRun);
  const told = toldChanges(object, version, controllers);
  const newest = told.at(-1);
  const moment = newest?.moment ?? momentOfMark(object);
  if (moment === undefined) return [{ ...creation, lastGeneration: generation }];
  const own = change(newest?.writer);
  const verb = newest?.isScaling === true ? 'Scale' : own.verb;
  return [
    creation,
    ...told.slice(0, -1).map((earlier) => unseenChange(object, earlier)),
    { ...own, moment, verb },
  ];
}

/** With its last scaling. One that did not go through the subresource is what somebody who left a time wrote a moment before. */
function toldChanges(
  object: KubernetesObject,
  version: Version,
  controllers: ReadonlySet<string>,
): ToldChange[] {
  const told = findToldChanges(object, version, controllers);
  const scaled = lastScaling(object, version);
  if (scaled === undefined) return told;
  const scaler = version.object.managers?.find(({ subresource }) => subresource === 'scale');
  const written =
    scaler === undefined
      ? told.findLast(({ moment, writer }) => writer !== undefined && mayHaveMade(moment, scaled))
      : undefined;
  const writer = scaler ?? written?.writer;
  const moment = written?.moment ?? { at: scaled.at, latest: scaled.latest };
  const isOther = (other: ToldChange) =>
    other !== written && (other.writer !== undefined || other.moment.at !== secondOf(scaled.at));
  return [...told.filter(isOther), { moment, writer, isScaling: true }].sort((a, b) =>
    compare(a.moment.at, b.moment.at),
  );
}

function generationChange(
  object: KubernetesObject,
  generation: number,
  version: Version,
  previous: Version | undefined,
  writer: FieldManager | undefined,
  isRun: boolean,
): Begun {
  const restores = previous && findRollback(object, version, previous);
  return {
    object,
    type: 'generation',
    id: String(generation),
    generation: version.object.generation,
    lastGeneration: generation,
    moment: momentOf(object, generation, version, previous, writer),
    isSeen: version.isWatched && (previous !== undefined || generation === 1),
    verb: generation === 1 ? firstVerb(isRun) : verbOf(object, version, previous, writer, restores),
    manager: writer?.manager ?? '',
    operation: writer?.operation ?? 'Update',
    version,
    before: previous,
    restores,
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

/** The first generation of an object that was changed since: nobody saw it, the object still says when and who. */
function creationChange(object: KubernetesObject, { object: now }: Version, isRun: boolean): Begun {
  const told = { moment: object.history!.created!, writer: creatorOf(now.managers), isScaling: false };
  return {
    ...unseenChange(object, told),
    id: '1',
    generation: 1,
    lastGeneration: 1,
    verb: firstVerb(isRun),
  };
}

/** Which generation it was nobody knows. */
function unseenChange(object: KubernetesObject, { moment, writer, isScaling }: ToldChange): Begun {
  const { manager = '', operation = 'Update' } = writer ?? {};
  return {
    object,
    type: 'generation',
    // To the second: what narrows it further may come later.
    id: new Date(Number(secondOf(moment.at) / 1_000_000n)).toISOString(),
    generation: undefined,
    lastGeneration: undefined,
    moment,
    isSeen: false,
    verb: isScaling ? 'Scale' : operation,
    manager,
    operation,
    version: undefined,
    before: undefined,
    restores: undefined,
    sync: undefined,
    caller: undefined,
    otherCallers: [],
  };
}

function syncChange(object: KubernetesObject, sync: Sync): Begun {
  const { at, latest, key, event } = sync.first;
  const isByTool = isSynced(event.subject);
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
    manager: isByTool ? (event.reporter.component ?? '') : '',
    operation: isByTool ? 'Sync' : 'Update',
    version: undefined,
    before: undefined,
    restores: undefined,
    sync,
    caller: undefined,
    otherCallers: [],
  };
}

/** An annotation that outlives its change must not pull later changes into its trace. */
function callersOf(
  generation: number,
  { object }: Version,
  previous: Version | undefined,
): Pick<Change, 'caller' | 'otherCallers'> {
  const wrote =
    previous === undefined
      ? generation === 1
      : traceparentOf(object.annotations) !== traceparentOf(previous.object.annotations);
  return {
    caller: wrote ? callerOf(object.annotations) : undefined,
    otherCallers: callersIn(object.annotations),
  };
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
    before: undefined,
    restores: undefined,
    sync: undefined,
    caller: undefined,
    otherCallers: callersIn(version.object.annotations),
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
