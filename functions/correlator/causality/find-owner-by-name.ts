/**
 * Whose a pod was of which only Events are left: a dump shows what is there now, and what was evicted, deleted or drained is not.
 * Names tell: some controllers make a pod anew under its old name, others put five characters behind their own.
 */
import type { KubernetesObject } from './resolve-objects.ts';

/** Kinds whose pods are called NAME-xxxxx (apiserver's names.SimpleNameGenerator). */
const naming: readonly string[] = ['ReplicaSet', 'ReplicationController', 'DaemonSet', 'Job'];

const generated = /^(?<owner>.+)-[a-z0-9]{5}$/;

type Named = (kind: string, namespace: string | undefined, name: string) => readonly KubernetesObject[];

/** Each with the one controller that it can have had; where several could, nobody knows. */
export function* findOwnersByName(
  objects: Iterable<KubernetesObject>,
  named: Named,
): Iterable<[owner: KubernetesObject, pod: KubernetesObject]> {
  for (const pod of objects) {
    if (pod.kind !== 'Pod' || pod.history !== undefined || pod.owner !== undefined) continue;
    const owner = ownerOfNamesake(pod, named) ?? ownerOfName(pod, named);
    if (owner !== undefined) yield [owner, pod];
  }
}

/** Of those that came after it under its name. */
function ownerOfNamesake(pod: KubernetesObject, named: Named): KubernetesObject | undefined {
  const owners = new Set(
    named(pod.kind, pod.namespace, pod.name).flatMap(({ owner }) =>
      owner !== undefined && wasThere(owner, pod) ? owner : [],
    ),
  );
  return owners.size === 1 ? [...owners][0] : undefined;
}

function ownerOfName(pod: KubernetesObject, named: Named): KubernetesObject | undefined {
  const prefix = generated.exec(pod.name)?.groups?.owner;
  if (prefix === undefined) return undefined;
  const owners = naming
    .flatMap((kind) => named(kind, pod.namespace, prefix))
    .filter((owner) => wasThere(owner, pod));
  return owners.length === 1 ? owners[0] : undefined;
}

/** A controller of that name that was made later made other pods. */
const wasThere = ({ history }: KubernetesObject, { occurrences }: KubernetesObject): boolean =>
  history?.created === undefined ||
  (occurrences[0] !== undefined && history.created.at <= occurrences[0].latest);
