/** Rules by which an occurrence hangs under the driver of its subject, or belongs to what it acts on. */

import { changeInEffect } from '../find-change.ts';
import { type Occurrence, rowOf } from '../gather-occurrences.ts';
import { named, nameOf } from '../join-key.ts';
import type { KubernetesObject } from '../kubernetes-object.ts';
import { namedPodKeys } from '../named-pods.ts';
import { SECOND } from '../time.ts';
import { disruptedBy, latestOf } from './node-rules.ts';
import { isOverruled } from './owner-rules.ts';
import { below, nothing, type Place, type PlacementRule, within } from './placement-rule.ts';
import { isTearDown, type World } from './world.ts';

/** "Created pod": of one that replaces another it hangs where that one ended. */
export const replacement: PlacementRule = {
  name: 'replacement',
  why: 'its pod was made while a pod of the same controller was missed: it replaces that one',
  place(occurrence, subject, world) {
    const driver = world.driverOf(occurrence);
    const made = driver?.effect === 'creates' ? driver.target : undefined;
    const pod = made ?? (isTearDown(occurrence, subject) ? undefined : subject);
    if (pod === undefined || (made === undefined && subject.creator !== undefined)) return undefined;
    const replaced = world.replacedBy(pod);
    return replaced === undefined ? undefined : afterEnd(replaced, occurrence, world);
  },
};

/** Of a pod that left no word of its end what it replaced itself; undefined where nothing says why it went. */
function afterEnd(pod: KubernetesObject, occurrence: Occurrence, world: World): Place | undefined {
  const cause = world.evictionCauseOf(pod);
  const ends = pod.occurrences.filter((said) => said === cause || rowOf(said).direction === 'tear-down');
  const last = latestOf(ends, occurrence, (said) => said !== cause || ends.length === 1) ?? ends[0];
  if (last !== undefined) return below(last, 'time');
  const before = world.replacedBy(pod);
  return disruptedBy(pod, occurrence, world) ?? (before && afterEnd(before, occurrence, world));
}

/** What a longer-lived owner says of a run is the run's. */
export const run: PlacementRule = {
  name: 'run',
  why: 'its owner says of a run that it began it, or saw it end',
  place(occurrence, subject, world) {
    const driver = world.driverOf(occurrence);
    const target = driver?.target;
    if (target === undefined || target === subject || target.owner !== subject) return undefined;
    if (driver!.effect !== 'creates' && driver!.effect !== 'observes') return undefined;
    if (!world.isRun(target) && driver!.effect === 'creates') return undefined;
    const changes = world.changesOf(target);
    // It was made once; its end is that of what somebody made of it since (a Job that was resumed).
    const change =
      driver!.effect === 'creates'
        ? changes[0]
        : changeInEffect(
            changes.filter(({ type }) => type !== 'deletion'),
            occurrence.latest,
          );
    return change === undefined ? undefined : within(change, 'message');
  },
};

/** An autoscaler's Event belongs to the change that it announces. */
export const rescale: PlacementRule = {
  name: 'rescale',
  why: 'it announces the change of replicas that its target has as a generation',
  place(occurrence, _, world) {
    const change = world.rescaledBy(occurrence);
    if (change === undefined) return undefined;
    return within(change, rowOf(occurrence).effect === 'rescales' ? 'message' : 'time');
  },
  *joins(told) {
    if (told.type === 'event') {
      const { event, match } = told;
      if (match?.row.effect !== 'rescales' || match.kind === undefined || match.name === undefined) return;
      yield named(match.kind, match.namespace ?? event.subject.namespace, match.name);
      return;
    }
    const { object } = told;
    if (object.managers?.some(({ subresource }) => subresource === 'scale')) yield nameOf(object);
    if (object.scaleTargetRef === undefined) return;
    yield named(object.scaleTargetRef.kind, object.namespace, object.scaleTargetRef.name);
  },
};

/**
 * A dump knows of a scaling that it was, and not when (its entry has no time): the Event that asked for that many is what it is
 * about, unless the version in hand says otherwise.
 */
export const rescaled: PlacementRule = {
  name: 'rescaled',
  why: 'an autoscaler asked for this many at that time, and no generation says when it was written',
  place(occurrence, _, world) {
    const asked = world.askedBy(occurrence);
    return asked === undefined ? undefined : below(asked, 'time');
  },
};

/** What an owner removes that is no pod: its own deletion, or the cleaning up of its history. */
export const cleanUp: PlacementRule = {
  name: 'clean-up',
  why: 'its owner removes an object that was over, or whose deletion it asks for',
  place(occurrence, subject, world) {
    const driver = world.driverOf(occurrence);
    const target = driver?.effect === 'removes' ? driver.target : undefined;
    if (target === undefined || target === subject || target.kind === 'Pod') return undefined;
    // What is no root goes as a part of what its root goes through.
    if (world.rootOf(target) !== target) return undefined;
    // What a scaling asked for is no cleaning up: a Machine goes as a pod does.
    if (world.downOf(occurrence) !== undefined) return undefined;
    const observes = (said: Occurrence) => world.driverOf(said)?.effect === 'observes';
    // One that was never seen complete was replaced while it ran: that is its own deletion, no cleaning up.
    const isOver = subject.occurrences.some(
      (said) => observes(said) && world.driverOf(said)?.target === target,
    );
    const removal = world.deletionOf(target);
    if (!isOver && removal !== undefined) return within(removal, 'message');
    // The history is cleaned up in the very pass that sees a job complete, a moment before it says so.
    const seen = subject.occurrences.findLast((said) => observes(said) && said.at <= occurrence.at + SECOND);
    return seen === undefined ? undefined : below(seen, 'time');
  },
};

/** "Created pod", "Deleted pod" of a controller that a scaling asked for it. */
export const scaling: PlacementRule = {
  name: 'scaling',
  why: 'a scaling of its controller that has room for it made or removed this pod',
  place(occurrence, subject, world) {
    const effect = world.driverOf(occurrence)?.effect;
    const isCarriedOut = effect === 'creates' || effect === 'removes';
    const wanted = isCarriedOut ? occurrence : subject;
    const isDown = effect === 'removes' || (!isCarriedOut && isTearDown(occurrence, subject));
    const driver = isDown ? world.downOf(wanted) : world.upOf(wanted);
    const by = isDown ? subject.remover : subject.creator;
    if (driver === undefined || (!isCarriedOut && by !== undefined)) return undefined;
    return below(driver.occurrence, 'time');
  },
};

/** Whoever speaks of a pod around a removal that nothing else explains is its cause; else who speaks of its Node around an eviction. */
export const eviction: PlacementRule = {
  name: 'eviction',
  why: 'whoever spoke of the pod, or of its Node, around its removal, which nothing else explains, took it away',
  place(occurrence, subject, world) {
    const cause = subject.kind === 'Pod' ? world.evictionCauseOf(subject) : undefined;
    if (cause === undefined) return undefined;
    if (cause === occurrence) return nothing('time');
    return isTearDown(occurrence, subject) ? below(cause, 'time') : undefined;
  },
  joins: namedPodKeys,
};

export const remover: PlacementRule = {
  name: 'remover',
  why: 'the Event that it hangs under removed this object',
  place(occurrence, subject) {
    const by = subject.remover?.occurrence;
    if (by === undefined || by === occurrence || !isTearDown(occurrence, subject)) return undefined;
    return below(by, 'message');
  },
};

export const creator: PlacementRule = {
  name: 'creator',
  why: 'the Event that it hangs under created this object',
  place(occurrence, subject, world) {
    const by = subject.creator?.occurrence;
    if (by === undefined || by === occurrence || isTearDown(occurrence, subject)) return undefined;
    // A pod is made once; what lives on acts for what is in effect then.
    const isLater = subject.kind !== 'Pod' && isOverruled(occurrence, subject, by, world);
    return isLater ? undefined : below(by, 'message');
  },
  *joins(told, rules) {
    if (told.type === 'object') return;
    const { event, match } = told;
    const { subject } = event;
    // An Event without a UID, of something that nobody has seen, or of what is made for others, is looked for by its name.
    const own = nameOf(subject);
    const isAlways = subject.uid === undefined || rules.madeForOthers.has(subject.kind);
    yield isAlways ? own : { ...own, unlessKnown: own.name };
    const { row, namespace, kind } = match ?? {};
    if (row?.target === undefined || row.effect === 'applies') return;
    const target = row.target === 'message' ? kind : row.target;
    const name = match?.name ?? (event.related?.kind === target ? event.related?.name : undefined);
    if (target === undefined || name === undefined) return;
    const acted = named(target, namespace ?? subject.namespace, name);
    yield { ...acted, unlessKnown: acted.name };
  },
};

/** What a scaled object says of itself, a quota that it meets say, is because of its scaling. */
export const scaled: PlacementRule = {
  name: 'scaled',
  why: 'the last scaling of this object before it is what it is about',
  place(occurrence, subject, world) {
    if (subject.scalings.length === 0 || isTearDown(occurrence, subject)) return undefined;
    const effect = world.driverOf(occurrence)?.effect;
    // What it made or removed beyond its scalings has another cause.
    if (effect === 'creates' || effect === 'removes') return undefined;
    const last = latestOf(
      subject.scalings.map((driver) => driver.occurrence),
      occurrence,
      () => true,
    );
    return last === undefined ? undefined : below(last, 'time');
  },
};
