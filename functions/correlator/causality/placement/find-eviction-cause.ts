/**
 * Who says why a pod goes, whatever the reason is called: VPA, the descheduler, any operator that evicts. The kubelet and the
 * scheduler only carry out, and what a row declares is known for what it is.
 */
import { isRelated } from '../find-named-by-owner.ts';
import type { Occurrence, WireEvent } from '../gather-occurrences.ts';
import { isStarted, type KubernetesObject } from '../kubernetes-object.ts';
import { compare, distance, type Moment, SECOND } from '../time.ts';

/** Who evicts speaks before it does so, or after it; ten seconds before is another matter. */
const before = 10n * SECOND;
const after = 5n * SECOND;

/**
 * Of several the one nearest to the removal request; what is said of others' objects only where nobody speaks of the pod or its owners.
 * @param namers what others say of objects of theirs that names the pod
 */
export function findEvictionCause(
  pod: KubernetesObject,
  namers: (pod: KubernetesObject) => readonly Occurrence[],
): Occurrence | undefined {
  const { kind, removal } = pod;
  if (kind !== 'Pod' || removal === undefined) return undefined;
  const isOfStart = startOf(pod, removal);
  const isAround = (said: Occurrence): boolean => {
    const { match, transition, event, at, latest } = said;
    if (match !== undefined || transition !== undefined || isCarryingOut(event, pod)) return false;
    return latest >= removal.at - before && at <= removal.latest + after && !isOfStart(said);
  };
  const nearest = (said: Occurrence[]): Occurrence | undefined =>
    said.sort((a, b) => compare(distance(a.at, removal.at), distance(b.at, removal.at)))[0];
  return (
    nearest([...pod.occurrences.filter(isAround), ...saidByOwners(pod, isAround)]) ??
    nearest(namers(pod).filter((said) => isAround(said) && said !== pod.creator?.occurrence))
  );
}

/** What was said before its first container ran, or nearer to its creation than to its removal, is of its start. */
function startOf(pod: KubernetesObject, removal: Moment): (said: Occurrence) => boolean {
  const running = pod.occurrences.find((said) => isStarted(said) && said.at < removal.at);
  // Of a pod that nobody saw, and that nobody says that it made, the creation is a guess: the first word of it.
  const created = pod.history === undefined ? pod.creator?.occurrence : pod.created;
  return ({ at, latest }) =>
    (running !== undefined && latest < running.at) ||
    (created !== undefined && distance(at, created.at) < distance(at, removal.at));
}

/** An operator may say of its own object which pod it restarts. An owner says much: the words of few of its messages are looked at. */
function saidByOwners(pod: KubernetesObject, isAround: (said: Occurrence) => boolean): Occurrence[] {
  const { name, owner, creator } = pod;
  const isNamed = ({ event }: Occurrence) =>
    isRelated(event, pod) || event.message.split(/[^\w.-]+/).includes(name);
  const found: Occurrence[] = [];
  for (let above = owner; above !== undefined; above = above.owner) {
    for (const said of above.occurrences)
      if (isAround(said) && said !== creator?.occurrence && isNamed(said)) found.push(said);
  }
  return found;
}

/**
 * A scheduler may have any name: then the one that it runs under says so, or that it bound the pod. An Event without a reporter is
 * somebody's who posted it by hand or by a script, where others of the pod have one; else they were taken away from all.
 */
function isCarryingOut({ reporter }: WireEvent, pod: KubernetesObject): boolean {
  const { component, instance = '' } = reporter;
  if (component === undefined) return pod.occurrences.every((said) => reporterOf(said) === undefined);
  if (component === 'kubelet') return true;
  return (
    [component, instance].some((name) => name.includes('scheduler') && !name.includes('descheduler')) ||
    pod.occurrences.some((said) => said.event.reason === 'Scheduled' && reporterOf(said) === component)
  );
}

const reporterOf = ({ transition, event }: Occurrence): string | undefined =>
  transition === undefined ? event.reporter.component : undefined;
