/** Rules by which an occurrence hangs where its object's owners were driven, up to the change of their root. */

import { type Change, isLaterChange } from '../change.ts';
import { changeByVersion, changeInEffect } from '../find-change.ts';
import { type Occurrence, rowOf } from '../gather-occurrences.ts';
import type { KubernetesObject } from '../kubernetes-object.ts';
import { HOUR, SECOND } from '../time.ts';
import { below, nothing, type Place, type PlacementRule, within } from './placement-rule.ts';
import { firstTearDown, isTearDown, type World } from './world.ts';

/**
 * When an object acts: a pod is asked at its creation or at its removal request; every other object lives on and acts again and
 * again, each time for what is in effect then.
 */
function actsAt(occurrence: Occurrence, subject: KubernetesObject): bigint {
  if (subject.kind !== 'Pod') return occurrence.latest;
  const moment = isTearDown(occurrence, subject) ? subject.removal : subject.created;
  return moment?.latest ?? occurrence.latest;
}

/** What goes because its owner was deleted. */
export const ownerDeleted: PlacementRule = {
  name: 'owner-deleted',
  why: 'its owner was deleted by then',
  place(occurrence, subject, world) {
    const isRemoving = world.driverOf(occurrence)?.effect === 'removes';
    if (!isRemoving && !isTearDown(occurrence, subject)) return undefined;
    const root = world.rootOf(subject);
    const removal = world.deletionOf(root);
    if (removal?.moment === undefined) return undefined;
    const isByThen =
      (root === subject && !isRemoving) || removal.moment.at <= actsAt(occurrence, subject) + SECOND;
    return isByThen ? within(removal, 'owner') : undefined;
  },
};

/**
 * What drove an owner, up the chain: the Event that created it; else what it did last before the child was made, if it names no
 * other object and is no tear-down (kspan's own heuristic). A change of the root that came after that explains more.
 */
export const ownerOccurrence: PlacementRule = {
  name: 'owner-occurrence',
  why: 'it hangs under what created its owner, or what its owner did last before this object was made',
  place(occurrence, subject, world) {
    if (isTearDown(occurrence, subject)) return undefined;
    const root = world.rootOf(subject);
    if (root === subject) return undefined;
    for (let child = subject; child !== root && child.owner !== undefined; child = child.owner) {
      const last = lastBefore(child.owner, child, world);
      const made = child.owner === root && world.isRun(root) ? undefined : child.owner.creator?.occurrence;
      const above = last ?? made;
      if (above === undefined || above === occurrence || isOverruled(occurrence, subject, above, world))
        continue;
      return below(above, 'owner');
    }
    return undefined;
  },
};

/** What drove an object is overruled by a change of its root that came after it and is in effect when the object acts. */
export function isOverruled(
  occurrence: Occurrence,
  subject: KubernetesObject,
  above: Occurrence,
  world: World,
): boolean {
  const root = world.rootOf(subject);
  const change = startedBy(world, root, actsAt(occurrence, subject));
  // The first one is the beginning of all that is below it, whatever the clocks say.
  if (change?.moment === undefined || change === world.changesOf(root)[0]) return false;
  return change.moment.at > above.latest;
}

function lastBefore(owner: KubernetesObject, child: KubernetesObject, world: World): Occurrence | undefined {
  const { created } = child;
  if (created === undefined) return undefined;
  return owner.occurrences.findLast((said) => {
    if (said.at > created.latest || said.transition !== undefined) return false;
    const row = rowOf(said);
    if (row.direction === 'tear-down' || (row.effect !== undefined && row.target !== 'subject')) return false;
    return world.driverOf(said) === undefined;
  });
}

/** A rescale stands between the change that it announced and what came of it. */
function underChange(
  change: Change,
  occurrence: Occurrence,
  evidence: 'version' | 'time',
  world: World,
): Place {
  const announced = world.rescaleOf(change);
  return announced === undefined || announced === occurrence
    ? within(change, evidence)
    : below(announced, evidence);
}

/** At the root: the change whose version the controller had in hand. A repeat keeps the first one's reference. */
export const changeInHand: PlacementRule = {
  name: 'change-in-hand',
  why: 'the controller had a version of this change in hand',
  place(occurrence, subject, world) {
    const { event } = occurrence;
    if (world.rootOf(subject) !== subject || subject.history === undefined) return undefined;
    if (event.count !== 1 || world.subjectOf(occurrence) !== subject) return undefined;
    const changes = world.changesOf(subject);
    const change = changeByVersion(changes, subject.history, event.subject.resourceVersion);
    if (change === undefined) return undefined;
    // A sync is no version: of the two the one that began later is in effect.
    const sync = changes.findLast(({ type, moment }) => type === 'sync' && moment!.at <= occurrence.at);
    const isSynced = sync !== undefined && isLaterChange(sync, change);
    return isSynced ? within(sync, 'mark') : underChange(change, occurrence, 'version', world);
  },
};

/** Controllers that say of each pod that they remove it, or of how many. */
const sayWhatTheyRemove: ReadonlySet<string> = new Set([
  'ReplicaSet',
  'ReplicationController',
  'StatefulSet',
  'DaemonSet',
]);

/** Who deletes a pod that is wanted leaves no word of it: what had got where it was to be before that did not. */
export const podDeleted: PlacementRule = {
  name: 'pod-deleted',
  why: 'somebody deleted this pod, and the change in effect had ended before that',
  place(occurrence, subject, world) {
    const { kind, owner, removal, remover } = subject;
    if (kind !== 'Pod' || removal === undefined || remover !== undefined) return undefined;
    if (!isTearDown(occurrence, subject) || !sayWhatTheyRemove.has(owner?.kind ?? '')) return undefined;
    const change = startedBy(world, world.rootOf(subject), removal.at, true);
    if (change !== undefined && !isOver(change, removal.at)) return undefined;
    const first = firstTearDown(subject);
    return first === undefined || first === occurrence ? nothing('time') : below(first, 'time');
  },
};

/** It had got where it was to be, or was made so long ago that it explains nothing any more. */
function isOver({ type, moment, outcome: { verdict, at } }: Change, time: bigint): boolean {
  if (moment !== undefined && time - moment.latest > HOUR) return true;
  return type === 'generation' && verdict === 'complete' && at !== undefined && at < time;
}

export const changeInEffectRule: PlacementRule = {
  name: 'change-in-effect',
  why: 'this change of the root was in effect when the object acted',
  place(occurrence, subject, world) {
    const root = world.rootOf(subject);
    const isGone = isTearDown(occurrence, subject) || world.driverOf(occurrence)?.effect === 'removes';
    const change = startedBy(world, root, actsAt(occurrence, subject), isGone || root === subject);
    return change === undefined ? undefined : underChange(change, occurrence, 'time', world);
  },
};

function startedBy(
  world: World,
  root: KubernetesObject,
  time: bigint,
  orDeletion = false,
): Change | undefined {
  const changes = world.changesOf(root);
  return changeInEffect(orDeletion ? changes : changes.filter(({ type }) => type !== 'deletion'), time);
}
