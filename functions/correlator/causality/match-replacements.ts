/**
 * Which pod replaced which. A pod that is made while a sibling of the same controller is missed (it was disrupted, or
 * somebody deleted it) is its replacement, whatever scaled the controller last.
 */
import type { KubernetesObject } from './resolve-objects.ts';
import { compare, HOUR, MINUTE } from './time.ts';

/** From the replacement to the pod that it replaces. */
export function matchReplacements(
  objects: Iterable<KubernetesObject>,
  isScaledDown: (pod: KubernetesObject) => boolean,
): Map<KubernetesObject, KubernetesObject> {
  const replaced = new Map<KubernetesObject, KubernetesObject>();
  for (const controller of objects) {
    const missed = controller.controlled
      .filter((pod) => pod.removal !== undefined && (pod.disruption !== undefined || isDeletedByHand(pod)))
      .sort((a, b) => compare(a.removal!.at, b.removal!.at) || (a.uid < b.uid ? -1 : 1));
    if (missed.length === 0) continue;
    const made = controller.controlled
      .filter(({ created, history }) => created !== undefined && history !== undefined)
      .sort((a, b) => compare(a.created!.at, b.created!.at) || (a.uid < b.uid ? -1 : 1));
    const keepsNames = controller.kind === 'StatefulSet';
    const unreplaced = new Set(missed);
    const scalings = scaledUp(controller);
    for (const pod of made) {
      for (const sibling of unreplaced) {
        if (sibling === pod || sibling.removal!.at > pod.created!.latest) continue;
        if (pod.created!.at - sibling.removal!.latest > patienceFor(sibling)) continue;
        if (keepsNames && sibling.name !== pod.name) continue;
        if (sibling.created !== undefined && sibling.created.at >= pod.created!.at) continue;
        // Made for a scaling since then: it would be there had nothing been disrupted.
        const scaling = scalings.find(
          ({ at, left }) => left > 0 && at > sibling.removal!.latest && at <= pod.created!.latest,
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
  return replaced;

  /** No controller says that it did it, and the one that is its owner is still there. */
  function isDeletedByHand(pod: KubernetesObject): boolean {
    const { history, remover, owner, removal } = pod;
    if (history?.deletion === undefined || remover !== undefined || isScaledDown(pod)) return false;
    return owner?.removal === undefined || owner.removal.at > removal!.latest;
  }
}

/** Of one that nothing says was missed only what came at once, its grace period included. */
const patienceFor = ({ disruption }: KubernetesObject): bigint => (disruption === undefined ? MINUTE : HOUR);

function scaledUp({ scalings }: KubernetesObject): { at: bigint; left: number }[] {
  return scalings
    .filter(({ up }) => up === true)
    .map(({ occurrence, from = 0, to = 0 }) => ({ at: occurrence.at, left: to - from }));
}
