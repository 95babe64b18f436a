/** What the placement rules know: the resolved objects, their changes, and what drove which object. */

import type { Change } from '../change.ts';
import { changeInEffect } from '../find-change.ts';
import { type Occurrence, type OccurrenceTable, rowOf } from '../gather-occurrences.ts';
import type { KubernetesObject } from '../kubernetes-object.ts';
import { listChanges } from '../list-changes.ts';
import { matchReplacements } from '../match-replacements.ts';
import { matchRescales } from '../match-rescales.ts';
import { matchRounds } from '../match-rounds.ts';
import { matchScalings, type ScalingOf } from '../match-scalings.ts';
import { createNamers } from '../named-pods.ts';
import { gatherNodeTurns, type NodeTurns, nodeNameOf } from '../node-turns.ts';
import type { Resolved } from '../resolve-objects.ts';
import { explainedBy } from '../rules/disruptions.ts';
import { isRun } from '../runs.ts';
import { isSynced } from '../sync-kinds.ts';
import { appliedInSyncs } from '../sync-links.ts';
import { findEvictionCause } from './find-eviction-cause.ts';

export interface World extends Resolved {
  /** The top of an object's owners, or the run or Node that it belongs to: the object whose changes explain it. */
  rootOf(object: KubernetesObject): KubernetesObject;
  /** Of a root. */
  changesOf(root: KubernetesObject): readonly Change[];
  deletionOf(root: KubernetesObject): Change | undefined;
  isRun(object: KubernetesObject): boolean;
  /** The autoscaler's Event that announced a change of replicas. */
  rescaleOf(change: Change): Occurrence | undefined;
  /** The change that a rescale announced. */
  rescaledBy(occurrence: Occurrence): Change | undefined;
  /** The autoscaler's Event that asked for what this one carried out, where no generation tells when that was. */
  askedBy(occurrence: Occurrence): Occurrence | undefined;
  upOf: ScalingOf;
  downOf: ScalingOf;
  /** The pod that this one replaces. */
  replacedBy(pod: KubernetesObject): KubernetesObject | undefined;
  /** Another pod took the place of this one. */
  isReplaced(pod: KubernetesObject): boolean;
  roundOf: OccurrenceTable<Occurrence>;
  /** Objects that sync others: few among many. */
  syncers(): readonly KubernetesObject[];
  /** What a sync applied, by the marks that it left. */
  appliedIn(sync: Change): readonly Change[];
  nodes: NodeTurns;
  /** Who said why the pod went, where nothing else explains it. */
  evictionCauseOf(pod: KubernetesObject): Occurrence | undefined;
  /** Its Events say that it went, nobody says why, and no snapshot is left that could. */
  isGone(pod: KubernetesObject): boolean;
}

/** Whether what an occurrence says is of its subject's end. */
export function isTearDown(occurrence: Occurrence, { removal }: KubernetesObject): boolean {
  const { direction = 'none' } = rowOf(occurrence);
  if (direction !== 'none') return direction === 'tear-down';
  if (removal === undefined) return false;
  // A container's end is known to the second: in the second of the removal it is because of it.
  if (occurrence.transition !== undefined)
    return occurrence.event.reason !== 'Ready' && occurrence.latest >= removal.at;
  return occurrence.at >= removal.at;
}

/** What is told first of its end. */
export const firstTearDown = (subject: KubernetesObject): Occurrence | undefined =>
  subject.occurrences.find((said) => said.transition === undefined && isTearDown(said, subject));

export function createWorld(resolved: Resolved): World {
  const { rootOf, isRunOf, changesOf } = createChanges();
  const deletionOf = (root: KubernetesObject) => changesOf(root).find(({ type }) => type === 'deletion');
  const nodes = gatherNodeTurns(resolved);
  const takesItself = ({ remover }: KubernetesObject) =>
    remover !== undefined && remover.target === resolved.subjectOf(remover.occurrence);
  const downOf = matchScalings(resolved, 'down', (pod) => pod.disruption !== undefined || takesItself(pod));
  const isExplained = (pod: KubernetesObject): boolean =>
    pod.remover !== undefined ||
    downOf(pod) !== undefined ||
    isDeleted(rootOf(pod), pod) ||
    (pod.disruption !== undefined && !isUnexplained(pod, nodes));
  const namers = createNamers(resolved.occurrences);
  const evictionCauseOf = remembered((pod: KubernetesObject) =>
    isExplained(pod) ? undefined : (findEvictionCause(pod, namers) ?? nodeEmptier(pod, nodes)),
  );
  const replacements = matchReplacements(resolved.objects.values(), {
    isScaledDown: (pod) => downOf(pod) !== undefined,
    isEvicted: (pod) => takesItself(pod) || evictionCauseOf(pod) !== undefined,
  });
  const replaced = new Set(replacements.values());
  const rescales = matchRescales(resolved, changesOf);
  let syncers: KubernetesObject[] | undefined;
  let applied: ReadonlyMap<Change, readonly Change[]> | undefined;
  // Each by its name: V8 makes hash tables of objects that are spread together, and every rule asks this one.
  const world: World = {
    occurrences: resolved.occurrences,
    objects: resolved.objects,
    subjectOf: resolved.subjectOf,
    driverOf: resolved.driverOf,
    named: resolved.named,
    rootOf,
    changesOf,
    deletionOf,
    isRun: isRunOf,
    rescaleOf: rescales.rescaleOf,
    rescaledBy: rescales.rescaledBy,
    askedBy: rescales.askedBy,
    downOf,
    upOf: matchScalings(resolved, 'up', (pod) => replacements.has(pod)),
    replacedBy: (pod) => replacements.get(pod),
    isReplaced: (pod) => replaced.has(pod) || hasNamesake(resolved, pod),
    roundOf: matchRounds(resolved),
    syncers: () => (syncers ??= [...resolved.objects.values()].filter(isSynced)),
    appliedIn(sync) {
      applied ??= appliedInSyncs(world);
      return applied.get(sync) ?? [];
    },
    nodes,
    evictionCauseOf,
    isGone: (pod) => pod.history === undefined && pod.removal !== undefined && !isExplained(pod),
  };
  return world;
}

/**
 * Whoever owns them (Karpenter's NodePool a NodeClaim, and that its Node), what each goes through is its own: two that start or are
 * drained at once have nothing to do with each other.
 */
const livesAlone: ReadonlySet<string> = new Set(['Node', 'NodeClaim']);

/** Each is found when it is first asked for: of most objects nobody asks. */
function createChanges() {
  const isRunOf = remembered((object: KubernetesObject): boolean =>
    isRun(object, (owner, time) => {
      const generations = changesOf(owner).filter(({ type }) => type !== 'deletion');
      return changeInEffect(generations, time)?.moment;
    }),
  );
  const rootOf = remembered(
    (object: KubernetesObject): KubernetesObject =>
      object.owner === undefined || livesAlone.has(object.kind) || isRunOf(object)
        ? object
        : rootOf(object.owner),
  );
  const changesOf = remembered((object: KubernetesObject) => listChanges(object, isRunOf(object)));
  return { isRunOf, rootOf, changesOf };
}

/** A pod of the same name was made after it: a StatefulSet keeps names. */
const hasNamesake = ({ named }: Resolved, { kind, namespace, name, created }: KubernetesObject): boolean =>
  created !== undefined &&
  named(kind, namespace, name).some(
    (other) => other.created !== undefined && other.created.at > created.latest,
  );

/** An owner's deletion explains that its pods go. */
const isDeleted = (root: KubernetesObject, { removal }: KubernetesObject): boolean =>
  root.kind !== 'Pod' &&
  root.removal !== undefined &&
  removal !== undefined &&
  root.removal.at <= removal.latest;

/** An eviction through the API may be anybody's: only a Node that was to be emptied then explains it. */
function isUnexplained(pod: KubernetesObject, nodes: NodeTurns): boolean {
  if (pod.disruption !== 'evicted-by-api') return false;
  const node = nodeNameOf(pod);
  if (node === undefined || pod.removal === undefined) return true;
  return nodes.inForce(node, explainedBy['evicted-by-api'], pod.removal.latest) === undefined;
}

/** Who said of its Node what no row knows, and evicted it: a tool that drains. */
function nodeEmptier(pod: KubernetesObject, nodes: NodeTurns): Occurrence | undefined {
  const node = nodeNameOf(pod);
  if (pod.disruption !== 'evicted-by-api' || node === undefined || pod.removal === undefined)
    return undefined;
  return nodes.saidAround(node, pod.removal);
}

/** Rules ask of one object after the other, and of each several times. */
export function remembered<T>(find: (object: KubernetesObject) => T): (object: KubernetesObject) => T {
  const found = new Map<KubernetesObject, T>();
  let lastObject: KubernetesObject | undefined;
  let lastValue: T;
  return (object) => {
    if (object === lastObject) return lastValue;
    const known = found.get(object);
    const isKnown = known !== undefined || found.has(object);
    const value = isKnown ? (known as T) : find(object);
    if (!isKnown) found.set(object, value);
    lastObject = object;
    lastValue = value;
    return value;
  };
}
