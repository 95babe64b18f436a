/** Objects that may have had, or may get, another owner: whoever has had them is found by their name. */
import type { ObjectSnapshot } from '../../../shared/observation.ts';
import { nameKey } from './kubernetes-object.ts';

type SnapshotObject = ObjectSnapshot['object'];

/** Kinds that controllers adopt. */
const adoptable: ReadonlySet<string> = new Set(['Pod', 'ReplicaSet', 'Job']);

/**
 * Without an owner, older than the one that they have, or left behind by one that goes (`kubectl delete --cascade=orphan`).
 */
export function* adoptionKeys(snapshots: readonly SnapshotObject[]): Iterable<string> {
  const created = new Map<string, string>();
  const going = new Set<string>();
  for (const { uid, creationTimestamp, deletionTimestamp } of snapshots) {
    if (creationTimestamp !== undefined) created.set(uid, creationTimestamp);
    if (deletionTimestamp !== undefined) going.add(uid);
  }
  for (const object of snapshots) {
    const { kind, namespace, name, uid, owner, creationTimestamp } = object;
    const isLeft = owner === undefined ? adoptable.has(kind) : going.has(owner.uid) && !going.has(uid);
    const since = owner === undefined ? undefined : created.get(owner.uid);
    const isOlder = since !== undefined && creationTimestamp !== undefined && creationTimestamp < since;
    if (isLeft || isOlder) yield nameKey(kind, namespace, name);
  }
}
