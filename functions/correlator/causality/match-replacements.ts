/**
 * Which pod replaced which. A pod that is made while a sibling of the same controller is missed (it was disrupted, evicted,
 * is over, or somebody deleted it) is its replacement, whatever scaled the controller last.
 */
import { leavingVersion } from './gather-objects.ts';
import type { KubernetesObject } from './kubernetes-object.ts';
import { unknownVersion } from './resource-version.ts';
import { runsToCompletion } from './runs.ts';
import { compare, HOUR, MINUTE, secondOf } from './time.ts';

export interface WhyGone {
  isScaledDown(pod: KubernetesObject): boolean;
  /** Somebody says that it took the pod away: the kubelet, an operator. */
  isEvicted(pod: KubernetesObject): boolean;
}

/** From the replacement to the pod that it replaces. */
export function matchReplacements(
  objects: Iterable<KubernetesObject>,
  why: WhyGone,
): Map<KubernetesObject, KubernetesObject> {
  const replaced = new Map<KubernetesObject, KubernetesObject>();
  for (const controller of objects) {
    if (controller.controlled.length < 2) continue;
    const missed = controller.controlled
      .filter((pod) => isMissed(pod, controller, why))
      .sort(inOrderOfLeaving);
    if (missed.length > 0) matchSiblings(controller, missed, replaced);
  }
  return replaced;
}

/**
 * Within a second as etcd wrote it. Some of these times are whole seconds and some are bounded by when they were seen: of two pods
 * that are evicted at once, two who watch would each take another for the first.
 */
const inOrderOfLeaving = (a: KubernetesObject, b: KubernetesObject): number =>
  compare(secondOf(a.missed!.at), secondOf(b.missed!.at)) ||
  compare(versionOfLeaving(a), versionOfLeaving(b)) ||
  compare(a.missed!.at, b.missed!.at) ||
  (a.uid < b.uid ? -1 : 1);

const versionOfLeaving = ({ history }: KubernetesObject): bigint =>
  history === undefined ? unknownVersion : leavingVersion(history);

function isMissed(pod: KubernetesObject, controller: KubernetesObject, why: WhyGone): boolean {
  if (pod.kind !== 'Pod' || pod.missed === undefined) return false;
  if (pod.disruption !== undefined || why.isEvicted(pod)) return true;
  // No controller says that it did it, and its owner is still there.
  if (pod.remover !== undefined || why.isScaledDown(pod)) return false;
  if (controller.removal !== undefined && controller.removal.at <= pod.missed.latest) return false;
  if (pod.history?.deletion !== undefined) return true;
  // Of one that nobody saw any more its Events alone say that it went.
  const isOver = pod.history === undefined || pod.history.uncounted !== undefined;
  return isOver && !runsToCompletion(controller);
}

function matchSiblings(
  controller: KubernetesObject,
  missed: readonly KubernetesObject[],
  replaced: Map<KubernetesObject, KubernetesObject>,
): void {
  const unreplaced = new Set(missed);
  const scalings = scaledUp(controller);
  const made = controller.controlled
    // Else its first Event may be long after it was made.
    .filter(({ created, history, creator }) => created !== undefined && (history ?? creator) !== undefined)
    .sort((a, b) => compare(a.created!.at, b.created!.at) || (a.uid < b.uid ? -1 : 1));
  for (const pod of made) {
    for (const sibling of unreplaced) {
      if (!mayReplace(pod, sibling, controller)) continue;
      // Made for a scaling since then: it would be there had nothing been disrupted.
      const scaling = scalings.find(
        ({ at, left }) => left > 0 && at > sibling.missed!.latest && at <= pod.created!.latest,
      );
      if (scaling !== undefined) {
        scaling.left--;
        break;
      }
      replaced.set(pod, sibling);
      unreplaced.delete(sibling);
      break;
    }
  }
}

/** Times that are known to the second are that second: made in the very second in which the other was missed is after it. */
function mayReplace(pod: KubernetesObject, sibling: KubernetesObject, controller: KubernetesObject): boolean {
  if (sibling === pod || sibling.missed!.at > pod.created!.latest) return false;
  if (pod.created!.at - sibling.missed!.latest > patienceFor(sibling)) return false;
  if (sibling.name !== pod.name && keepsName(sibling, controller)) return false;
  // Of one that nobody saw the first Event is no creation.
  if (sibling.created === undefined || sibling.history === undefined) return true;
  return sibling.created.at < pod.created!.at;
}

/** Its controller makes it anew under its name. */
const keepsName = (pod: KubernetesObject, { kind, controlled }: KubernetesObject): boolean =>
  kind === 'StatefulSet' || controlled.some((other) => other !== pod && other.name === pod.name);

/** Of one that nothing says was missed only what came at once, its grace period included. */
const patienceFor = ({ disruption }: KubernetesObject): bigint => (disruption === undefined ? MINUTE : HOUR);

function scaledUp({ scalings }: KubernetesObject): { at: bigint; left: number }[] {
  return scalings
    .filter(({ up }) => up === true)
    .map(({ occurrence, from = 0, to = 0 }) => ({ at: occurrence.at, left: to - from }));
}
