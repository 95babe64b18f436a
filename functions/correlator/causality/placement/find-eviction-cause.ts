/**
 * Who says why a pod goes, whatever the reason is called: VPA, the descheduler, any operator that evicts. The kubelet and the
 * scheduler only carry out, and what a row declares is known for what it is.
 */
import type { Occurrence } from '../gather-occurrences.ts';
import type { KubernetesObject } from '../kubernetes-object.ts';
import { compare, distance, SECOND } from '../time.ts';

/** Who evicts speaks before it does so, or after it; ten seconds before is another matter. */
const before = 10n * SECOND;
const after = 5n * SECOND;

/** Of several the one nearest to the removal request. */
export function findEvictionCause(pod: KubernetesObject): Occurrence | undefined {
  const { kind, removal } = pod;
  if (kind !== 'Pod' || removal === undefined) return undefined;
  const isAround = ({ match, transition, event, at, latest }: Occurrence): boolean => {
    if (match !== undefined || transition !== undefined || isCarryingOut(event.reporter.component))
      return false;
    return latest >= removal.at - before && at <= removal.latest + after;
  };
  return [...pod.occurrences.filter(isAround), ...saidByOwners(pod, isAround)].sort((a, b) =>
    compare(distance(a.at, removal.at), distance(b.at, removal.at)),
  )[0];
}

/** An operator may say of its own object which pod it restarts. An owner says much: the words of few of its messages are looked at. */
function saidByOwners(
  { name, owner, creator }: KubernetesObject,
  isAround: (said: Occurrence) => boolean,
): Occurrence[] {
  const isNamed = ({ event }: Occurrence) => event.message.split(/[^\w.-]+/).includes(name);
  const found: Occurrence[] = [];
  for (let above = owner; above !== undefined; above = above.owner) {
    for (const said of above.occurrences)
      if (isAround(said) && said !== creator?.occurrence && isNamed(said)) found.push(said);
  }
  return found;
}

/** A scheduler may have any name. */
const isCarryingOut = (component: string | undefined): boolean =>
  component === undefined ||
  component === 'kubelet' ||
  (component.includes('scheduler') && !component.includes('descheduler'));
