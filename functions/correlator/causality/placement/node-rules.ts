/** Rules by which what happens to a pod hangs under what happens to its Node. */
import { type Occurrence, rowOf } from '../gather-occurrences.ts';
import { named, nameOf, nodeOf } from '../join-key.ts';
import type { KubernetesObject } from '../kubernetes-object.ts';
import { nodeNameOf } from '../node-turns.ts';
import { explainedBy, isDisruption } from '../rules/disruptions.ts';
import type { Disruption, NodeTurn } from '../rules/event-row.ts';
import { SECOND } from '../time.ts';
import { below, nothing, type Place, type PlacementRule } from './placement-rule.ts';
import { firstTearDown, isTearDown, type World } from './world.ts';

/** An Event on a pod that speaks of its Node. */
export const nodeTurn: PlacementRule = {
  name: 'node-turn',
  why: 'the Event says of this object what happened to its Node',
  place(occurrence, subject, world) {
    const { turn } = rowOf(occurrence);
    if (turn === undefined || subject.kind === 'Node') return undefined;
    return underNode(subject, occurrence, new Set([turn]), occurrence.latest, world) ?? nothing('message');
  },
  *joins(told) {
    if (told.type === 'object') {
      if (told.object.kind === 'Node') yield nameOf(told.object);
      return;
    }
    const { event, match } = told;
    if (match?.row.turn === undefined) return;
    yield nameOf(event.subject);
    if (event.subject.uid !== undefined && event.subject.kind !== 'Node') yield nodeOf(event.subject.uid);
  },
};

/** Disruption outranks ownership: the pod's condition, or who removed it, says why it went. */
export const disruption: PlacementRule = {
  name: 'disruption',
  why: 'the pod was disrupted: its condition DisruptionTarget, or whoever removed it, says what for',
  place(occurrence, subject, world) {
    if (subject.kind !== 'Pod') return undefined;
    const driver = world.driverOf(occurrence);
    const removesItself =
      driver?.effect === 'removes' && driver.target === subject && world.subjectOf(occurrence) === subject;
    if (!removesItself && (subject.disruption === undefined || !isTearDown(occurrence, subject)))
      return undefined;
    const place = disruptedBy(subject, occurrence, world);
    if (place?.under !== 'nothing') return place;
    // Nobody knows what for: what is told first of its end stands for it.
    const first = firstTearDown(subject);
    return first === undefined || first === occurrence ? place : below(first, place.evidence);
  },
  *joins(told) {
    if (told.type === 'event') {
      const { row, uid } = told.match ?? {};
      const acting = uid ?? (row?.target === 'subject' ? told.event.related?.uid : undefined);
      if (acting !== undefined) yield { by: 'uid', uid: acting };
      if (isUnschedulable(told.event.reason) && told.event.subject.uid !== undefined)
        yield { by: 'uid', uid: told.event.subject.uid };
      if (row?.disruption !== undefined && told.event.subject.uid !== undefined) {
        yield nodeOf(told.event.subject.uid);
        yield nameOf(told.event.subject);
      }
      return;
    }
    const { object } = told;
    if (object.kind === 'Node') yield nameOf(object);
    if (object.status?.conditions?.some(isDisruption) !== true) return;
    yield nodeOf(object.uid);
    // The taint manager names the pod without its UID.
    yield nameOf(object);
  },
};

/** The scheduler found no room: what it preempts, it preempts for this pod. */
const isUnschedulable = (reason: string): boolean => reason === 'FailedScheduling';

/** Under what took the pod away; undefined where nobody says why. */
export function disruptedBy(pod: KubernetesObject, occurrence: Occurrence, world: World): Place | undefined {
  const first = pod.remover?.occurrence;
  if (first !== undefined && first !== occurrence && world.subjectOf(first) === pod)
    return below(first, 'uid');
  const cause =
    pod.disruption ?? rowOf(occurrence).disruption ?? (first === occurrence ? 'evicted-by-api' : undefined);
  if (cause === undefined) return undefined;
  if (cause === 'preempted') return preemptedFor(occurrence, world);
  return byNode(pod, occurrence, cause, world);
}

/** What may empty a Node. */
const emptying: ReadonlySet<NodeTurn> = new Set(['announced', 'cordoned', 'shutdown']);

/** A dump has lost the condition of what was evicted with the pod itself; that its Node was emptied just then it still tells. */
export const drained: PlacementRule = {
  name: 'drained',
  why: 'the pod went and is gone, nobody says why, while its Node was being emptied',
  place(occurrence, subject, world) {
    if (subject.kind !== 'Pod' || !isTearDown(occurrence, subject) || !world.isGone(subject))
      return undefined;
    const node = nodeNameOf(subject);
    const turn =
      node === undefined ? undefined : world.nodes.inForce(node, emptying, subject.removal!.latest);
    return turn === undefined ? undefined : below(turn, 'time');
  },
  *joins(told) {
    if (told.type === 'object') return;
    const { subject, reporter } = told.event;
    if (subject.kind !== 'Pod' || reporter.component !== 'kubelet' || reporter.instance === undefined) return;
    if (told.match?.row.direction !== 'tear-down') return;
    yield { ...named('Node', undefined, reporter.instance), unlessKnown: nameOf(subject).name };
  },
};

function preemptedFor(occurrence: Occurrence, world: World): Place | undefined {
  const uid = occurrence.event.related?.uid ?? occurrence.match?.uid;
  const preemptor = uid === undefined ? undefined : world.objects.get(uid);
  const failed = latestOf(preemptor?.occurrences ?? [], occurrence, ({ event }) =>
    isUnschedulable(event.reason),
  );
  return failed === undefined ? nothing('condition') : below(failed, 'uid');
}

function byNode(
  pod: KubernetesObject,
  occurrence: Occurrence,
  cause: Disruption,
  world: World,
): Place | undefined {
  // The pod's own word that its Node is lost stands between.
  const said =
    cause === 'tainted' ? latestOf(pod.occurrences, occurrence, (o) => rowOf(o).turn === 'lost') : undefined;
  if (said !== undefined) return below(said, 'condition');
  const time = pod.removal?.latest ?? occurrence.latest;
  const found = underNode(pod, occurrence, explainedBy[cause], time, world);
  if (found !== undefined) return found;
  const evictor = world.evictionCauseOf(pod);
  return evictor === undefined ? nothing('condition') : undefined;
}

/** The turn of the pod's Node that was in force then and came first. */
function underNode(
  pod: KubernetesObject,
  occurrence: Occurrence,
  wanted: ReadonlySet<NodeTurn>,
  time: bigint,
  world: World,
): Place | undefined {
  const node = nodeNameOf(pod) ?? occurrence.event.reporter.instance;
  const turn = node === undefined ? undefined : world.nodes.inForce(node, wanted, time);
  return turn === undefined ? undefined : below(turn, 'condition');
}

/** What happens to a Node is no change of an object: its episodes are. */
export const nodeEpisode: PlacementRule = {
  name: 'node-episode',
  why: 'it is something that happens to a Node, which has no generations',
  place(occurrence, _, { nodes }) {
    if (nodes.turnOf(occurrence) === undefined) return undefined;
    return nothing(rowOf(occurrence).turn === undefined ? 'time' : 'uid');
  },
};

/** The latest at or before `occurrence`, else the first within a second after it. */
export function latestOf(
  occurrences: readonly Occurrence[],
  occurrence: Occurrence,
  wanted: (candidate: Occurrence) => boolean,
): Occurrence | undefined {
  let found: Occurrence | undefined;
  for (const candidate of occurrences) {
    if (candidate === occurrence || !wanted(candidate)) continue;
    if (candidate.at <= occurrence.at) found = candidate;
    else if (found === undefined && candidate.at <= occurrence.at + SECOND) return candidate;
  }
  return found;
}
