/** The objects that are known, by UID and by name, and who owns whom. */
import type { ObjectReference } from '../../../shared/observation.ts';
import type { ObjectHistory } from './gather-objects.ts';
import { rowOf } from './gather-occurrences.ts';
import { type KubernetesObject, nameKey } from './kubernetes-object.ts';
import { disruptions } from './rules/disruptions.ts';
import type { Moment } from './time.ts';

export interface ObjectRegistry {
  objects: Map<string, KubernetesObject>;
  add(uid: string, reference: Omit<ObjectReference, 'uid'>): KubernetesObject;
  /** Of that kind and name, deleted ones too. */
  named(kind: string, namespace: string | undefined, name: string): readonly KubernetesObject[];
}

/** With an object for each history, and one for each owner that they name: one that was not seen itself still is an owner. */
export function createRegistry(histories: ReadonlyMap<string, ObjectHistory>): ObjectRegistry {
  const objects = new Map<string, KubernetesObject>();
  const byName = new Map<string, KubernetesObject[]>();
  const registry: ObjectRegistry = {
    objects,
    named: (kind, namespace, name) => byName.get(nameKey(kind, namespace, name)) ?? [],
    add(uid, reference) {
      const object = newObject(uid, reference, histories.get(uid));
      objects.set(uid, object);
      const key = nameKey(object.kind, object.namespace, object.name);
      const sameName = byName.get(key);
      if (sameName === undefined) byName.set(key, [object]);
      else sameName.push(object);
      return object;
    },
  };
  // In order of UID, so that nothing depends on who was seen first.
  for (const history of [...histories.values()].sort((a, b) => (a.uid < b.uid ? -1 : 1))) {
    const { uid, kind, namespace, name } = history;
    const { apiVersion } = history.versions.at(-1)!.object;
    registry.add(uid, { apiVersion, kind, namespace, name });
  }
  return registry;
}

function newObject(
  uid: string,
  { apiVersion, kind, namespace, name }: Omit<ObjectReference, 'uid'>,
  history: ObjectHistory | undefined,
): KubernetesObject {
  return {
    uid,
    apiVersion,
    kind,
    namespace,
    name,
    history,
    owner: undefined,
    controlled: [],
    occurrences: [],
    created: history?.created,
    removal: history?.deletion,
    missed: undefined,
    disruption: history === undefined ? undefined : disruptionOf(history),
    creator: undefined,
    remover: undefined,
    scalings: [],
    awaits: undefined,
  };
}

/** After the subjects of Events, which know their apiVersion. */
export function linkOwners({ objects, add }: ObjectRegistry): void {
  for (const object of objects.values()) {
    const owner = object.history?.owner;
    if (owner === undefined) continue;
    own(objects.get(owner.uid) ?? add(owner.uid, { ...owner, namespace: object.namespace }), object);
  }
}

/** Nobody checks ownerReferences for circles: the one that would close it is left out. */
export function own(owner: KubernetesObject, object: KubernetesObject): void {
  if (controls(object, owner)) return;
  object.owner = owner;
  owner.controlled.push(object);
}

/** Whether `owner` is `object` or below it. */
function controls(object: KubernetesObject, owner: KubernetesObject | undefined): boolean {
  for (let above = owner; above !== undefined; above = above.owner) if (above === object) return true;
  return false;
}

/**
 * The object that bears the name at that time: the one created last before it, else the first one after. A kubelet speaks of its
 * Node a moment before it is there: not of the one of that name which was removed.
 */
export function alive(named: readonly KubernetesObject[], { latest }: Moment): KubernetesObject | undefined {
  const left = named.filter((candidate) => !isRemovedNode(candidate, latest));
  const candidates = left.length > 0 ? left : named;
  let best: KubernetesObject | undefined;
  for (const candidate of candidates) {
    if (best === undefined || better(candidate, best, latest)) best = candidate;
  }
  return best;
}

/** As far as its Events up to now say, which come in order of time. */
const isRemovedNode = ({ kind, removal, occurrences }: KubernetesObject, time: bigint): boolean =>
  kind === 'Node' &&
  ((removal !== undefined && removal.at <= time) ||
    occurrences.some((said) => rowOf(said).turn === 'removed' && said.at <= time));

function better(a: KubernetesObject, b: KubernetesObject, time: bigint): boolean {
  const [createdA, createdB] = [a.created?.at ?? 0n, b.created?.at ?? 0n];
  const [pastA, pastB] = [createdA <= time, createdB <= time];
  if (pastA !== pastB) return pastA;
  if (createdA !== createdB) return pastA ? createdA > createdB : createdA < createdB;
  return a.uid < b.uid;
}

function disruptionOf({ versions }: ObjectHistory): KubernetesObject['disruption'] {
  for (const { object } of versions) {
    for (const condition of object.status?.conditions ?? []) {
      if (condition.type !== 'DisruptionTarget' || condition.status !== 'True') continue;
      const cause = disruptions[condition.reason ?? ''];
      if (cause !== undefined) return cause;
    }
  }
  return undefined;
}
