/**
 * Rollbacks: a generation whose pod template is an earlier one, and not the one before it, whoever brought it back: `kubectl
 * rollout undo`, or somebody who reverted a commit.
 */
import type { ObjectHistory, Version } from './gather-objects.ts';
import type { KubernetesObject } from './kubernetes-object.ts';

/** The generation that first had the template, else its revision as the Deployment controller counts them. */
export interface Restored {
  type: 'generation' | 'revision';
  number: number;
}

/** By the template itself; where nobody told what it is, by the revisions that the Deployment controller counts templates with. */
export function findRollback(
  { history, controlled }: KubernetesObject,
  now: Version,
  previous: Version,
): Restored | undefined {
  if (history === undefined) return undefined;
  const spec = history.specs.get(now.object.generation);
  const before = history.specs.get(previous.object.generation);
  if (spec?.template !== undefined && before?.template !== undefined && spec.key === before.key)
    return spec.template === before.template ? undefined : restoredBy(history, now, spec.template, spec.key);
  return now.object.kind === 'Deployment'
    ? restoredByRevision(history, controlled, now, previous)
    : undefined;
}

function restoredBy(
  { specs }: ObjectHistory,
  { object: { generation: now } }: Version,
  template: string,
  key: string,
): Restored | undefined {
  let first: number | undefined;
  let wasIt = false;
  for (const [generation, spec] of specs) {
    if (generation === now) break;
    if (spec.key !== key) continue;
    const isIt = spec.template === template;
    // Of several times that it was there, the last one.
    if (isIt && !wasIt) first = generation;
    wasIt = isIt;
  }
  return first === undefined ? undefined : { type: 'generation', number: first };
}

export const revision = 'deployment.kubernetes.io/revision';

/** Once the controller has counted the generation's template. */
export const revisionOf = ({ versions }: ObjectHistory, generation: number | undefined): string | undefined =>
  versions.findLast(
    ({ object }) =>
      object.generation === generation && (object.status?.observedGeneration ?? 0) >= generation!,
  )?.object.annotations?.[revision];

/** A ReplicaSet that is needed again gets the next revision: its own before that is the one that came back. */
function restoredByRevision(
  history: ObjectHistory,
  controlled: readonly KubernetesObject[],
  now: Version,
  previous: Version,
): Restored | undefined {
  const counted = revisionOf(history, now.object.generation);
  if (counted === undefined || counted === previous.object.annotations?.[revision]) return undefined;
  for (const { kind, history: own } of controlled) {
    if (kind !== 'ReplicaSet') continue;
    const revisions = own?.versions.flatMap(({ object }) => object.annotations?.[revision] ?? []) ?? [];
    const earlier = revisions.slice(0, revisions.indexOf(counted)).at(-1);
    if (!revisions.includes(counted) || earlier === undefined) continue;
    const first = history.versions.find(
      ({ object }) =>
        object.annotations?.[revision] === earlier &&
        (object.status?.observedGeneration ?? 0) >= (object.generation ?? 0),
    );
    const generation = first?.object.generation;
    return generation === undefined
      ? { type: 'revision', number: Number(earlier) }
      : { type: 'generation', number: generation };
  }
  return undefined;
}
