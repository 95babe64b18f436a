/**
 * Which activity an observation belongs to: that of the topmost known object in the chain of controllers. An owner that
 * nobody has seen yet is taken for the root; once its snapshot says otherwise, the activity moves.
 */
import type { Cluster, Observation } from '../../shared/observation.ts';
import { nameKey } from './causality/resolve-objects.ts';
import type { KnownObject } from './store.ts';

interface Named {
  kind: string;
  namespace?: string | undefined;
  name: string;
  uid?: string | undefined;
}

export const clusterKey = (cluster: Cluster): string => cluster.uid ?? 'unknown';

/**
 * An object's UID. Without one, and for every Node (the kubelet gives its node's name for a UID, the node controller
 * the real one): `kind/namespace/name`.
 */
function objectId({ kind, namespace, name, uid }: Named): string {
  return kind === 'Node' || uid === undefined ? nameKey(kind, namespace, name) : uid;
}

export const subjectId = (observation: Observation): string =>
  objectId(observation.type === 'event' ? observation.event.subject : observation.object);

/** What a snapshot says of its object's place; undefined for an Event. */
export function placeOf(
  observation: Observation,
): { id: string; place: Omit<KnownObject, 'by'> } | undefined {
  if (observation.type === 'event') return undefined;
  const { kind, namespace, name, owner } = observation.object;
  return {
    id: objectId(observation.object),
    place: { kind, name, ...(owner !== undefined && { owner: objectId({ namespace, ...owner }) }) },
  };
}

/** Ends at an object without an owner, at one that is not known, or where a chain bites its own tail. */
export function rootOf(id: string, known: (id: string) => Pick<KnownObject, 'owner'> | undefined): string {
  const seen = new Set([id]);
  for (let at = id; ; ) {
    const owner = known(at)?.owner;
    if (owner === undefined) return at;
    if (seen.has(owner)) return [...seen].sort()[0]!;
    seen.add(owner);
    at = owner;
  }
}
