/**
 * Drivers that no row declares: what an owner says at the time when something of its was made, and that names it, made it; when it was removed, removed it.
 * Holds for controllers that nobody here has heard of.
 */
import { type Occurrence, rowOf, type WireEvent } from './gather-occurrences.ts';
import type { KubernetesObject } from './kubernetes-object.ts';
import { distance, MINUTE, SECOND } from './time.ts';

/** An object's creator writes its Event at once: what is further away speaks of something else. */
const nearby = MINUTE;

/** What comes later than that says how it goes on ("driver is running"). */
const atOnce = SECOND;

/** Who takes something away says so as rule 5 has it for pods: a little before it does, or once the API server has answered. */
const before = 10n * SECOND;
const after = 5n * SECOND;

export interface NamedByOwner {
  occurrence: Occurrence;
  effect: 'creates' | 'removes';
  target: KubernetesObject;
}

/** Each with the one object that it made or removed: of several that bear the name the one whose kind is named as well. */
export function* findNamedByOwner(objects: Iterable<KubernetesObject>): Iterable<NamedByOwner> {
  for (const owner of objects) {
    const orphans = byName(owner, ({ creator, created }) => creator === undefined && created !== undefined);
    // Of a pod whoever speaks around its removal is asked (placement/find-eviction-cause.ts).
    const lost = byName(
      owner,
      ({ kind, remover, history }) =>
        kind !== 'Pod' && remover === undefined && history?.deletion !== undefined,
    );
    if (orphans.size === 0 && lost.size === 0) continue;
    for (const occurrence of owner.occurrences) {
      const { match, transition, event } = occurrence;
      const { effect, direction } = rowOf(occurrence);
      if (effect !== undefined || direction === 'tear-down' || event.type === 'Warning') continue;
      const made = namedIn(occurrence, orphans, isMadeAround);
      if (made !== undefined) yield { occurrence, effect: 'creates', target: made };
      if (made !== undefined || match !== undefined || transition !== undefined) continue;
      const removed = namedIn(occurrence, lost, isRemovedAround);
      if (removed !== undefined) yield { occurrence, effect: 'removes', target: removed };
    }
  }
}

type ByName = ReadonlyMap<string, readonly KubernetesObject[]>;

const none: ByName = new Map();

function byName({ controlled }: KubernetesObject, wanted: (object: KubernetesObject) => boolean): ByName {
  const found = controlled.filter(wanted);
  return found.length === 0 ? none : Map.groupBy(found, ({ name }) => name);
}

/** Whether the Event's `related`, where those who write events.k8s.io put the object that they act on, is this one. */
export const isRelated = (
  { related }: Pick<WireEvent, 'related'>,
  { kind, namespace, name, uid }: KubernetesObject,
): boolean => {
  if (related === undefined) return false;
  if (related.uid !== undefined) return related.uid === uid;
  return related.kind === kind && related.namespace === namespace && related.name === name;
};

type IsAround = (object: KubernetesObject, at: bigint) => boolean;

const isMadeAround: IsAround = ({ created }, at) =>
  distance(created!.at, at) <= nearby && at <= created!.latest + atOnce;

const isRemovedAround: IsAround = ({ removal }, at) =>
  at >= removal!.at - before && at <= removal!.latest + after;

function namedIn(
  { event, at }: Occurrence,
  objects: ByName,
  isAround: IsAround,
): KubernetesObject | undefined {
  if (objects.size === 0) return undefined;
  const { related, message } = event;
  const acted = related && objects.get(related.name)?.find((object) => isRelated(event, object));
  if (acted !== undefined && isAround(acted, at)) return acted;
  const words = message.split(/[^\w.-]+/).map((word) => word.replace(/\.+$/, ''));
  const found = [...new Set(words)]
    .flatMap((word) => objects.get(word) ?? [])
    .filter((object) => isAround(object, at));
  if (found.length <= 1) return found[0];
  const lower = message.toLowerCase();
  const withKind = found.filter(({ kind }) => lower.includes(kind.toLowerCase()));
  // A message that names several acted on none of them that one could tell.
  return withKind.length === 1 ? withKind[0] : undefined;
}
