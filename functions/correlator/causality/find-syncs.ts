/**
 * Syncs: where a generation is not what a kind does, the revision that its Events announce is. Each sync of a Kustomization,
 * HelmRelease or Application to another revision is a change of its own, its id its first occurrence as an episode's.
 */

import type { Begun } from './change.ts';
import { type Occurrence, rowOf } from './gather-occurrences.ts';
import type { KubernetesObject } from './kubernetes-object.ts';
import { parseRevision, type Revision } from './parse-revision.ts';
import { SECOND } from './time.ts';
import { recentGap } from './trace.ts';

export interface Sync {
  first: Occurrence;
  /** Not known where no Event of it says it yet. */
  revision: Revision | undefined;
}

/** In order of time: those that no generation explains. */
export function findSyncs(object: KubernetesObject, generations: readonly Begun[]): Sync[] {
  const syncs: Sync[] = [];
  let current: Sync | undefined;
  let since: bigint | undefined;
  let isOver = false;
  for (const occurrence of object.occurrences) {
    const { begins, effect, outcome } = rowOf(occurrence);
    const revision = begins === 'nothing' ? undefined : revisionOf(occurrence, object);
    const isAnother =
      revision !== undefined &&
      current?.revision !== undefined &&
      revision.revision !== current.revision.revision;
    // Something is applied again though the sync is over, and nothing says that it is of the same revision.
    const isAgain = effect === 'applies' && isOver && revision === undefined;
    if (begins === 'change' || isAnother || isAgain || (revision !== undefined && current === undefined)) {
      current = { first: occurrence, revision };
      if (!isExplained(occurrence, since, generations)) syncs.push(current);
      isOver = false;
    } else if (current !== undefined) current.revision ??= revision;
    if (revision !== undefined || begins === 'change' || isAgain) since = occurrence.at;
    isOver ||= outcome !== undefined;
  }
  return syncs;
}

/** A generation was written between the last word of the revision before and this one, which is not long after it. */
function isExplained(
  { at, latest }: Occurrence,
  since: bigint | undefined,
  generations: readonly Begun[],
): boolean {
  return generations.some(({ moment }) => {
    if (moment === undefined || moment.at > latest) return false;
    return (since === undefined || moment.latest > since) && at - moment.at <= recentGap;
  });
}

/** Annotations of Flux's Events: `main@sha1:5d4f…`, or a chart's version. */
const revisionAnnotation = /^(?:kustomize|helm|source)\.toolkit\.fluxcd\.io\/revision$/;

/** By the Event: its annotations, which a repeat keeps of its first occurrence, or its message; else by the object's status. */
export function revisionOf(
  { event, match, at }: Occurrence,
  { history }: Pick<KubernetesObject, 'history'>,
): Revision | undefined {
  if (match?.revision !== undefined) return { name: match.ref, revision: match.revision };
  const annotated = annotationOf(event.annotations);
  if (annotated === undefined) return undefined;
  if (event.count === 1) return parseRevision(annotated);
  const seen = history?.versions.findLast(({ observedAt }) => observedAt <= at + SECOND);
  const attempted = seen?.object.status?.revision;
  return attempted === undefined ? undefined : parseRevision(attempted);
}

function annotationOf(annotations: Readonly<Record<string, string>> | undefined): string | undefined {
  for (const key in annotations) if (revisionAnnotation.test(key)) return annotations[key];
  return undefined;
}
