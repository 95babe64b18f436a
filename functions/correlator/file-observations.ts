/**
 * Which activity an observation belongs to: that of the topmost known object in the chain of controllers. An owner that
 * nobody has seen yet is taken for the root; once its snapshot says otherwise, the activity moves.
 */
import { hash } from 'node:crypto';
import type { Cluster, Observation } from '../../shared/observation.ts';
import { nameKey } from './causality/kubernetes-object.ts';
import { type KnownObject, keyPart, type Place } from './store.ts';

interface Named {
  kind: string;
  namespace?: string | undefined;
  name: string;
  uid?: string | undefined;
}

/** A cluster that got its name later told things without it: whichever says most, by content and not by order. */
export function fullestCluster(clusters: Iterable<Cluster>): Cluster {
  let fullest = '{}';
  for (const text of new Set([...new Set(clusters)].map((cluster) => JSON.stringify(cluster)))) {
    if (text.length > fullest.length || (text.length === fullest.length && text < fullest)) fullest = text;
  }
  return JSON.parse(fullest);
}

/** Its UID; a digest of what cannot stand before the slash of an activity's key. */
export const clusterKey = ({ uid = 'unknown' }: Cluster): string =>
  /^[\w.:-]{1,253}$/.test(uid) ? uid : `~${hash('sha256', uid, 'base64url')}`;

/**
 * An object's UID. Without one, and for every Node (the kubelet gives its node's name for a UID, the node controller
 * the real one): `kind/namespace/name`.
 */
function objectId({ kind, namespace, name, uid }: Named): string {
  return keyPart(kind === 'Node' || uid === undefined ? nameKey(kind, namespace, name) : uid);
}

const subjectOf = (observation: Observation): Named =>
  observation.type === 'event' ? observation.event.subject : observation.object;

export const subjectId = (observation: Observation): string => objectId(subjectOf(observation));

export const subjectPlace = (observation: Observation): Place => toPlace(subjectOf(observation));

const toPlace = (object: Named): Place => ({ id: objectId(object), family: familyOf(object) });

/** A pod's name is its controller's and a suffix. */
const familyOf = ({ kind, name }: Named): string =>
  keyPart(kind === 'Pod' && name.includes('-') ? name.slice(0, name.lastIndexOf('-')) : name);

/** What a snapshot says of its object's place; undefined for an Event. */
export function placeOf(observation: Observation): (Place & { owner?: Place }) | undefined {
  if (observation.type === 'event') return undefined;
  const { object } = observation;
  const { namespace, owner } = object;
  return {
    ...toPlace(object),
    ...(owner !== undefined && { owner: toPlace({ namespace, ...owner }) }),
  };
}

/** Of a kind whose controllers adopt what their selector finds: it may have an owner yet. */
export const isOrphan = (observation: Observation): boolean =>
  observation.type === 'object' &&
  observation.object.owner === undefined &&
  ['Pod', 'ReplicaSet'].includes(observation.object.kind);

/** Ends at an object without an owner, at one that is not known, or where a chain bites its own tail. */
export function rootOf(start: Place, known: (id: string) => Pick<KnownObject, 'owner'> | undefined): Place {
  const seen = new Map([[start.id, start]]);
  for (let at = start; ; ) {
    const owner = known(at.id)?.owner;
    if (owner === undefined) return at;
    if (seen.has(owner.id)) return seen.get([...seen.keys()].sort()[0]!)!;
    seen.set(owner.id, owner);
    at = owner;
  }
}
