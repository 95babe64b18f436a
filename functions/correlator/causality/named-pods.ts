/**
 * Pods that somebody names who does not own them: a chaos experiment, a cleaner, on an object of its own. They meet under a name
 * that the pods of one controller have in common, so that many that go are one key.
 */
import type { ObjectReference } from '../../../shared/observation.ts';
import type { Occurrence, WireEvent } from './gather-occurrences.ts';
import { type JoinKey, named } from './join-key.ts';
import { type KubernetesObject, nameKey } from './kubernetes-object.ts';
import type { Told } from './placement/placement-rule.ts';
import type { Match } from './rules/rule-set.ts';

/** Fewer: who takes away several at once is the cause of some. More: a long message has as many join keys. */
const mostNamed = 4;

/** A controller's pods have a suffix; what has none may be anybody's name. */
const isPodName = (name: string): boolean => /^[a-z0-9][a-z0-9.]*-[a-z0-9.-]*[a-z0-9]$/.test(name);

type Named = Required<Pick<ObjectReference, 'name'>> & { namespace: string | undefined };

/** By `related`, as `namespace/name`, or by the word that follows "pod". */
function podsNamedIn({ subject, related, message }: WireEvent): Named[] {
  const found: Named[] =
    related?.kind === 'Pod' ? [{ namespace: related.namespace, name: related.name }] : [];
  let before = '';
  for (const word of message.split(/[^\w./-]+/)) {
    if (found.length === mostNamed) break;
    const [first = '', second, ...more] = word.replace(/\.+$/, '').split('/');
    const isWithNamespace = second !== undefined && more.length === 0 && first !== '' && isPodName(second);
    if (isWithNamespace) found.push({ namespace: first, name: second });
    else if (second === undefined && /^pods?$/i.test(before) && isPodName(first))
      found.push({ namespace: subject.namespace, name: first });
    before = word;
  }
  return found;
}

/** Whether somebody else may say by it that it takes a pod away: no row knows it, and nothing failed. */
const mayTakeAway = (subject: ObjectReference, type: string, isDeclared: boolean): boolean =>
  !isDeclared && type !== 'Warning' && subject.kind !== 'Pod' && subject.kind !== 'Node';

/** Whether the pod tells of its end itself: by that it meets whoever names it. */
const tellsItsEnd = ({ match }: { match: Match | undefined }): boolean =>
  match?.row.direction === 'tear-down' && match.row.effect === undefined;

/** What others say of objects of theirs that names a pod, in order of time. */
export function createNamers(
  occurrences: readonly Occurrence[],
): (pod: KubernetesObject) => readonly Occurrence[] {
  let namers: ReadonlyMap<string, readonly Occurrence[]> | undefined;
  return ({ kind, namespace, name, occurrences: own }) => {
    if (!own.some(tellsItsEnd)) return [];
    // Of few pods anybody asks: where none is, no message is read.
    namers ??= gatherNamers(occurrences);
    return namers.get(nameKey(kind, namespace, name)) ?? [];
  };
}

function gatherNamers(occurrences: readonly Occurrence[]): Map<string, Occurrence[]> {
  const namers = new Map<string, Occurrence[]>();
  for (const occurrence of occurrences) {
    const { event, match, transition } = occurrence;
    if (transition !== undefined || !mayTakeAway(event.subject, event.type, match !== undefined)) continue;
    for (const { namespace, name } of podsNamedIn(event)) {
      const key = nameKey('Pod', namespace, name);
      const known = namers.get(key);
      if (known === undefined) namers.set(key, [occurrence]);
      else if (known.at(-1) !== occurrence) known.push(occurrence);
    }
  }
  return namers;
}

/** Of a pod's own Event of its end, and of what names pods; only while no controller says that it removed it. */
export function* namedPodKeys(told: Told): Iterable<JoinKey> {
  if (told.type === 'object') return;
  const { event, match } = told;
  const { subject } = event;
  if (subject.kind === 'Pod' && tellsItsEnd(told))
    yield {
      ...familyKey(subject.namespace, subject.name),
      unlessKnown: removedKey(subject.namespace, subject.name),
    };
  if (!mayTakeAway(subject, event.type, match !== undefined)) return;
  for (const { namespace, name } of podsNamedIn(event)) yield familyKey(namespace, name);
}

const familyKey = (namespace: string | undefined, name: string) =>
  named('ends-of', namespace, name.slice(0, Math.max(0, name.lastIndexOf('-'))));

/** What a controller's Event tells that removed a pod: nobody else is looked for. */
export const removedKey = (namespace: string | undefined, pod: string): string =>
  nameKey('removed', namespace, pod);
