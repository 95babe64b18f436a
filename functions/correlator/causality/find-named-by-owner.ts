/**
 * Drivers that no row declares: what an owner says at the time when something of its was made, and that names it, made it.
 * Holds for controllers that nobody here has heard of.
 */
import { type Occurrence, rowOf, type WireEvent } from './gather-occurrences.ts';
import type { KubernetesObject } from './kubernetes-object.ts';
import { distance, MINUTE, SECOND } from './time.ts';

/** An object's creator writes its Event at once: what is further away speaks of something else. */
const nearby = MINUTE;

/** What comes later than that says how it goes on ("driver is running"). */
const atOnce = SECOND;

/** Each with the one object that it made: of several that bear the name the one whose kind is named as well. */
export function* findNamedByOwner(
  objects: Iterable<KubernetesObject>,
): Iterable<[Occurrence, KubernetesObject]> {
  for (const owner of objects) {
    const orphans = owner.controlled.filter(
      ({ creator, created }) => creator === undefined && created !== undefined,
    );
    if (orphans.length === 0) continue;
    const byName = Map.groupBy(orphans, ({ name }) => name);
    for (const occurrence of owner.occurrences) {
      const { effect, direction } = rowOf(occurrence);
      if (effect !== undefined || direction === 'tear-down' || occurrence.event.type === 'Warning') continue;
      const made = relatedIn(occurrence, byName) ?? namedIn(occurrence, byName);
      if (made !== undefined) yield [occurrence, made];
    }
  }
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

const isMadeAround = ({ created }: KubernetesObject, at: bigint): boolean =>
  distance(created!.at, at) <= nearby && at <= created!.latest + atOnce;

function relatedIn(
  { event, at }: Occurrence,
  byName: ReadonlyMap<string, readonly KubernetesObject[]>,
): KubernetesObject | undefined {
  if (event.related === undefined) return undefined;
  return byName
    .get(event.related.name)
    ?.find((object) => isRelated(event, object) && isMadeAround(object, at));
}

function namedIn(
  { event, at }: Occurrence,
  byName: ReadonlyMap<string, readonly KubernetesObject[]>,
): KubernetesObject | undefined {
  const words = event.message.split(/[^\w.-]+/).map((word) => word.replace(/\.+$/, ''));
  const found = [...new Set(words)]
    .flatMap((word) => byName.get(word) ?? [])
    .filter((object) => isMadeAround(object, at));
  if (found.length <= 1) return found[0];
  const lower = event.message.toLowerCase();
  const withKind = found.filter(({ kind }) => lower.includes(kind.toLowerCase()));
  // A message that names several made none of them that one could tell.
  return withKind.length === 1 ? withKind[0] : undefined;
}
