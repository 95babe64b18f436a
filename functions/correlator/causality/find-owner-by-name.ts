/**
 * Whose a pod was of which only Events are left: what was evicted, deleted or drained before anybody looked is in no list, its
 * controller is. Names tell: some controllers make a pod anew under its old name, others put five characters behind their own.
 */
import type { ObjectReference } from '../../../shared/observation.ts';
import { type JoinKey, nameOf } from './join-key.ts';
import { type KubernetesObject, nameKey } from './kubernetes-object.ts';
import type { ObjectRegistry } from './object-registry.ts';
import type { Told } from './placement/placement-rule.ts';

/** What the names of pods look like, and the kinds of the controllers that name them so. */
const patterns: readonly { pattern: RegExp; kinds: readonly string[] }[] = [
  {
    // NAME-xxxxx: apiserver's names.SimpleNameGenerator.
    pattern: /^(?<owner>.+)-[a-z0-9]{5}$/,
    kinds: ['ReplicaSet', 'ReplicationController', 'DaemonSet', 'Job'],
  },
  // NAME-0, NAME-1: the ordinal of a StatefulSet, or of what works like one.
  { pattern: /^(?<owner>.+)-\d+$/, kinds: ['StatefulSet', 'StrimziPodSet'] },
];

const namingKinds: ReadonlySet<string> = new Set(patterns.flatMap(({ kinds }) => kinds));

/** Each with the one controller that it can have had; where several could, nobody knows. */
export function* findOwnersByName({
  objects,
  named,
}: ObjectRegistry): Iterable<[owner: KubernetesObject, pod: KubernetesObject]> {
  for (const pod of objects.values()) {
    if (pod.kind !== 'Pod' || pod.history !== undefined || pod.owner !== undefined) continue;
    const owners = candidatesOf(pod.name)
      .flatMap(({ kind, name }) => named(kind, pod.namespace, name))
      .filter((owner) => wasListed(owner) && wasThere(owner, pod));
    if (owners.length === 1) yield [owners[0]!, pod];
  }
}

const candidatesOf = (pod: string): { kind: string; name: string }[] =>
  patterns.flatMap(({ pattern, kinds }) => {
    const name = pattern.exec(pod)?.groups?.owner;
    return name === undefined ? [] : kinds.map((kind) => ({ kind, name }));
  });

/** Of a controller that a watch saw come, the pods are known. */
const wasListed = ({ history }: KubernetesObject): boolean =>
  history === undefined || history.versions.some(({ isWatched }) => !isWatched);

/** A controller of that name that was made later made other pods. */
const wasThere = ({ history }: KubernetesObject, { occurrences }: KubernetesObject): boolean =>
  history?.created === undefined ||
  (occurrences[0] !== undefined && history.created.at <= occurrences[0].latest);

/** Such a pod and the controllers that may be its own meet under the name that these have in common. */
const nameOfPods = (namespace: string | undefined, owner: string): string =>
  nameKey('pods-of', namespace, owner);

export const ownerNames = {
  *joins(told: Told): Iterable<JoinKey> {
    if (told.type === 'object') {
      const { kind, namespace, name } = told.object;
      if (told.from !== undefined && namingKinds.has(kind))
        yield { by: 'name', name: nameOfPods(namespace, name) };
      return;
    }
    const { subject } = told.event;
    const unlessKnown = nameOf(subject).name;
    for (const owner of ownersToldBy(subject))
      yield { by: 'name', name: nameOfPods(subject.namespace, owner), unlessKnown };
  },
};

/** Names of controllers: its own, or those that it may have. */
function ownersToldBy({ kind, name }: ObjectReference): ReadonlySet<string> {
  if (kind === 'Pod') return new Set(candidatesOf(name).map((candidate) => candidate.name));
  return new Set(namingKinds.has(kind) ? [name] : []);
}
