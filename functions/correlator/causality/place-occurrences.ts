/**
 * Under what each occurrence hangs: another occurrence, a change of its root, or nothing that is known.
 */
import { inOrder, type Occurrence, OccurrenceTable } from './gather-occurrences.ts';
import { type Change, changeByVersion, changeInEffect, listChanges } from './list-changes.ts';
import { matchReplacements } from './match-replacements.ts';
import { matchScalings } from './match-scalings.ts';
import { type Driver, type KubernetesObject, nodeNameOf, type Resolved, rootOf } from './resolve-objects.ts';
import {
  containerStart,
  directionOf,
  failsIntoRestart,
  isRestart,
  isStarted,
  isUnschedulable,
  nodeEffectOf,
  nodeTurns,
} from './rules.ts';
import { compare, distance, MINUTE, SECOND } from './time.ts';

export type Placement =
  | { under: 'occurrence'; occurrence: Occurrence }
  | { under: 'change'; change: Change }
  | { under: 'nothing' };

export interface Placed {
  placementOf(occurrence: Occurrence): Placement;
  changesOf(root: KubernetesObject): readonly Change[];
  /** The pod that this one replaces after a disruption. */
  replacedBy(pod: KubernetesObject): KubernetesObject | undefined;
}

const nothing: Placement = { under: 'nothing' };
const below = (occurrence: Occurrence): Placement => ({ under: 'occurrence', occurrence });
const within = (change: Change | undefined): Placement =>
  change === undefined ? nothing : { under: 'change', change };

/** The kubelet reports a cordon with its next status update, some seconds after the first effects of a drain. */
const reportedWithin = MINUTE;

export function placeOccurrences(resolved: Resolved): Placed {
  const { subjectOf, driverOf } = resolved;
  const changes = new Map<KubernetesObject, readonly Change[]>();
  const downOf = matchScalings(resolved, 'down', (pod) => pod.disruption !== undefined);
  const replacements = matchReplacements(resolved.objects.values(), (pod) => downOf(pod) !== undefined);
  const upOf = matchScalings(resolved, 'up', (pod) => replacements.has(pod));
  const rounds = matchRounds(resolved);
  const turns = nodeTurnsByName(resolved);
  matchRescales();

  function changesOf(root: KubernetesObject): readonly Change[] {
    const known = changes.get(root) ?? listChanges(root);
    changes.set(root, known);
    return known;
  }

  const deletionOf = (object: KubernetesObject) => changesOf(object).find(({ id }) => id === 'delete');

  function matchRescales(): void {
    for (const occurrence of resolved.occurrences) {
      const driver = driverOf(occurrence);
      if (driver?.rule.effect !== 'rescales' || driver.target === undefined) continue;
      const written = changesOf(driver.target)
        .filter(({ verb, version, moment }) => {
          if (verb !== 'Scale' || moment === undefined || version.object.replicas !== driver.to) return false;
          return distance(moment.at, occurrence.at) <= MINUTE;
        })
        .sort((a, b) =>
          compare(distance(a.moment!.at, occurrence.at), distance(b.moment!.at, occurrence.at)),
        )[0];
      if (written === undefined) continue;
      const known = written.rescale?.occurrence;
      if (known === undefined || closer(occurrence, known, written.moment!.at)) written.rescale = driver;
    }
  }

  function placementOf(occurrence: Occurrence): Placement {
    const subject = concerning(occurrence);
    return (
      rounds.get(occurrence) ??
      byItsEffect(occurrence, driverOf(occurrence), subject) ??
      (rootOf(subject) === subject && subject.creator === undefined && subject.kind !== 'Pod'
        ? atRoot(occurrence, subject)
        : bySubject(occurrence, subject))
    );
  }

  /** Its subject; of one that another waits for, made by nobody who is known, the other. */
  function concerning(occurrence: Occurrence): KubernetesObject {
    const subject = subjectOf(occurrence);
    const { awaits, creator } = subject;
    const isHeldUp =
      awaits?.created !== undefined && creator === undefined && occurrence.latest >= awaits.created.at;
    return isHeldUp && !isTearDown(occurrence, subject) ? awaits : subject;
  }

  /** What an occurrence does can say more than what it is about. */
  function byItsEffect(
    occurrence: Occurrence,
    driver: Driver | undefined,
    subject: KubernetesObject,
  ): Placement | undefined {
    const turn =
      subject.kind === 'Pod' ? nodeEffectOf(occurrence.event.reason, occurrence.event.message) : undefined;
    if (turn !== undefined) return underNode(subject, occurrence, turn, occurrence.latest) ?? nothing;
    if (driver === undefined) return undefined;
    const { target } = driver;
    switch (driver.rule.effect) {
      case 'creates': {
        if (target === undefined) return undefined;
        const replaced = replacements.get(target);
        const itsEnd = replaced && afterTearDown(replaced, occurrence);
        if (itsEnd !== undefined) return itsEnd;
        return rootOf(target) === target && target.owner === subject
          ? within(changesOf(target)[0])
          : undefined;
      }
      case 'observes':
        return target === undefined ? undefined : within(changesOf(target)[0]);
      case 'rescales': {
        const change = target && changesOf(target).find(({ rescale }) => rescale?.occurrence === occurrence);
        return change === undefined ? undefined : within(change);
      }
      case 'removes':
        if (target === subject) return disruptedBy(subject, occurrence);
        if (target !== undefined && target.kind !== 'Pod') {
          // One that was never seen complete was replaced while it ran: that is its own deletion, no cleaning up.
          const removal = deletionOf(target);
          const isOver = subject.occurrences.some((o) => isObserved(o, target));
          if (!isOver && removal !== undefined) return within(removal);
          // The history is cleaned up in the very pass that sees a job complete, a moment before it says so.
          const seen = subject.occurrences.findLast(
            (o) => driverOf(o)?.rule.effect === 'observes' && o.at <= occurrence.at + SECOND,
          );
          return seen === undefined ? undefined : below(seen);
        }
        return undefined;
      case 'scales':
      case 'awaits':
        return undefined;
    }
  }

  function isObserved(occurrence: Occurrence, target: KubernetesObject): boolean {
    const driver = driverOf(occurrence);
    return driver?.rule.effect === 'observes' && driver.target === target;
  }

  function bySubject(occurrence: Occurrence, subject: KubernetesObject): Placement {
    const effect = subjectOf(occurrence) === subject ? driverOf(occurrence)?.rule.effect : undefined;
    if (
      rootOf(subject) === subject &&
      (effect === 'creates' || effect === 'removes') &&
      subject.kind !== 'Pod'
    ) {
      return subject.creator === undefined ? atRoot(occurrence, subject) : below(subject.creator.occurrence);
    }
    if (effect === 'creates' || effect === 'removes') {
      const driver = effect === 'creates' ? upOf(occurrence) : downOf(occurrence);
      if (driver !== undefined) return below(driver.occurrence);
      return effect === 'creates'
        ? whatMade(subject.owner, occurrence.latest)
        : whatRemoved(subject, occurrence.latest);
    }
    if (isTearDown(occurrence, subject)) {
      if (subject.disruption !== undefined) {
        const cause = disruptedBy(subject, occurrence);
        if (cause !== undefined) return cause;
      }
      if (subject.remover !== undefined && subject.remover.occurrence !== occurrence) {
        return below(subject.remover.occurrence);
      }
      const scaling = downOf(subject);
      if (scaling !== undefined) return below(scaling.occurrence);
      if (subject.owner === undefined) return atRoot(occurrence, subject);
      return whatRemoved(subject, subject.removal?.latest ?? occurrence.latest);
    }
    if (subject.creator !== undefined) return below(subject.creator.occurrence);
    const replaced = replacements.get(subject);
    const itsEnd = replaced && afterTearDown(replaced, occurrence);
    if (itsEnd !== undefined) return itsEnd;
    const scaling = upOf(subject);
    if (scaling !== undefined) return below(scaling.occurrence);
    if (subject.scalings.length > 0) {
      const driver = latest(
        subject.scalings.map((driver) => driver.occurrence),
        occurrence,
      );
      if (driver !== undefined) return below(driver);
    }
    if (subject.owner === undefined) return atRoot(occurrence, subject);
    return whatMade(subject.owner, subject.created?.latest ?? occurrence.latest);
  }

  function isTearDown({ event, at }: Occurrence, { removal }: KubernetesObject): boolean {
    const direction = directionOf(event.reason, event.message);
    return direction === 'none' ? removal !== undefined && at >= removal.at : direction === 'tear-down';
  }

  /** Up the chain of owners, at the time when the subject was made. */
  function whatMade(owner: KubernetesObject | undefined, time: bigint): Placement {
    if (owner === undefined) return nothing;
    if (owner.creator !== undefined && rootOf(owner) === owner) return below(owner.creator.occurrence);
    if (rootOf(owner) !== owner) return whatMade(owner.owner, time);
    const change = changeInEffect(
      changesOf(owner).filter(({ id }) => id !== 'delete'),
      time,
    );
    return underChange(change);
  }

  /** Up the chain of owners, at the time when the subject's removal was asked for. */
  function whatRemoved(subject: KubernetesObject, time: bigint): Placement {
    if (subject.owner === undefined) return nothing;
    const root = rootOf(subject);
    const removal = deletionOf(root);
    if (removal?.moment !== undefined && removal.moment.at <= time + SECOND) return within(removal);
    return underChange(changeInEffect(changesOf(root), time));
  }

  /** At the root: the change that the controller had in hand, else the one in effect. */
  function atRoot(occurrence: Occurrence, root: KubernetesObject): Placement {
    const all = changesOf(root);
    const { event } = occurrence;
    if (all.length === 0 || root.history === undefined) return nothing;
    if (isTearDown(occurrence, root)) {
      const removal = deletionOf(root);
      if (removal !== undefined) return within(removal);
    }
    const isOfRoot = event.count === 1 && subjectOf(occurrence) === root;
    const byVersion = isOfRoot
      ? changeByVersion(all, root.history, event.subject.resourceVersion)
      : undefined;
    return underChange(byVersion ?? changeInEffect(all, occurrence.latest), occurrence);
  }

  /** A rescale stands between the change that it announced and what came of it. */
  function underChange(change: Change | undefined, occurrence?: Occurrence): Placement {
    const rescale = change?.rescale?.occurrence;
    return rescale !== undefined && rescale !== occurrence ? below(rescale) : within(change);
  }

  function disruptedBy(pod: KubernetesObject, occurrence: Occurrence): Placement | undefined {
    const { event } = occurrence;
    const first = pod.remover?.occurrence;
    if (first !== undefined && first !== occurrence && subjectOf(first) === pod) return below(first);
    const cause = pod.disruption ?? driverOf(occurrence)?.rule.disruption;
    switch (cause) {
      case 'preempted': {
        const uid = event.related?.uid ?? driverOf(occurrence)?.uid;
        const preemptor = uid === undefined ? undefined : resolved.objects.get(uid);
        if (preemptor === undefined) return nothing;
        const failed = latest(preemptor.occurrences, occurrence, ({ event }) =>
          isUnschedulable(event.reason),
        );
        return failed === undefined ? nothing : below(failed);
      }
      case 'node-cordoned':
        return underNode(pod, occurrence, 'cordoned') ?? nothing;
      case 'tainted': {
        const notReady = latest(
          pod.occurrences,
          occurrence,
          (o) => nodeEffectOf(o.event.reason, o.event.message) === 'lost',
        );
        return notReady === undefined ? (underNode(pod, occurrence, 'lost') ?? nothing) : below(notReady);
      }
      case 'node-removed':
        return underNode(pod, occurrence, 'removed') ?? nothing;
      case 'evicted':
        return nothing;
      default:
        return undefined;
    }
  }

  /** The turn of the pod's Node that was in force, by default when the pod's removal was asked for. */
  function underNode(
    pod: KubernetesObject,
    occurrence: Occurrence,
    wanted: (typeof nodeTurns)[string],
    time = pod.removal?.latest ?? occurrence.latest,
  ): Placement | undefined {
    const node = nodeNameOf(pod) ?? occurrence.event.reporter.instance;
    if (node === undefined) return undefined;
    const found = (turns.get(node) ?? []).filter(({ event }) => nodeTurns[event.reason] === wanted);
    const before = found.findLast(({ at }) => at <= time);
    const after = found.find(({ at }) => at > time && at <= time + reportedWithin);
    const ended = before && endOf(turns.get(node)!, before, wanted);
    const turn = before !== undefined && (ended === undefined || ended.at > time) ? before : after;
    return turn === undefined ? undefined : below(turn);
  }

  /** Undefined where a pod left no word of its end and nothing says why it went. */
  function afterTearDown(pod: KubernetesObject, occurrence: Occurrence): Placement | undefined {
    const tearDowns = pod.occurrences.filter(
      ({ event }) => directionOf(event.reason, event.message) === 'tear-down',
    );
    const last = latest(tearDowns, occurrence) ?? tearDowns[0];
    if (last !== undefined) return below(last);
    return disruptedBy(pod, occurrence);
  }

  return { placementOf, changesOf, replacedBy: (pod) => replacements.get(pod) };
}

function closer(a: Occurrence, b: Occurrence, time: bigint): boolean {
  const [awayA, awayB] = [distance(a.at, time), distance(b.at, time)];
  return awayA === awayB ? inOrder(a, b) < 0 : awayA < awayB;
}

/** The latest at or before `occurrence`, else the first within a second after it. */
function latest(
  occurrences: readonly Occurrence[],
  occurrence: Occurrence,
  wanted: (candidate: Occurrence) => boolean = () => true,
): Occurrence | undefined {
  let found: Occurrence | undefined;
  for (const candidate of occurrences) {
    if (candidate === occurrence || !wanted(candidate)) continue;
    if (candidate.at <= occurrence.at) found = candidate;
    else if (found === undefined && candidate.at <= occurrence.at + SECOND) return candidate;
  }
  return found;
}

const opposite = {
  cordoned: 'uncordoned',
  lost: 'back',
  uncordoned: 'cordoned',
  back: 'lost',
  removed: undefined,
};

function endOf(
  turns: readonly Occurrence[],
  start: Occurrence,
  turn: (typeof nodeTurns)[string],
): Occurrence | undefined {
  return turns.find(({ at, event }) => {
    const ends = nodeTurns[event.reason];
    return at > start.at && (ends === opposite[turn] || ends === 'removed');
  });
}

function nodeTurnsByName({ occurrences, subjectOf }: Resolved): Map<string, Occurrence[]> {
  const turns = occurrences.filter(
    ({ event }) => event.subject.kind === 'Node' && nodeTurns[event.reason] !== undefined,
  );
  return Map.groupBy(turns, (occurrence) => subjectOf(occurrence).name);
}

/**
 * A container that the kubelet restarts: Unhealthy, Killing "will be restarted", then its start. Each round hangs
 * together under the probe's failure that began it.
 */
function matchRounds({ objects }: Resolved): OccurrenceTable<Placement> {
  const rounds = new OccurrenceTable<Placement>();
  for (const { occurrences } of objects.values()) {
    if (!occurrences.some(({ event }) => isRestart(event.reason, event.message))) continue;
    const containers = Map.groupBy(
      occurrences.filter(({ event }) => event.subject.fieldPath !== undefined),
      ({ event }) => event.subject.fieldPath!,
    );
    for (const container of containers.values()) {
      let probe: Occurrence | undefined;
      let restart: Occurrence | undefined;
      for (const occurrence of container) {
        const { reason, message } = occurrence.event;
        if (isRestart(reason, message)) {
          if (probe !== undefined) rounds.set(occurrence, below(probe));
          restart = occurrence;
          probe = undefined;
        } else if (failsIntoRestart(reason, message)) {
          probe = occurrence;
          restart = undefined;
        } else if (restart !== undefined && containerStart.has(reason)) {
          rounds.set(occurrence, below(restart));
          if (isStarted(reason)) restart = undefined;
        }
      }
    }
  }
  return rounds;
}
