/**
 * Syncs: where a generation is not what a kind does, the revision that its Events announce is. Each sync of a Kustomization,
 * HelmRelease or Application to another revision is a change of its own, its id its first occurrence as an episode's.
 */
import { type Occurrence, rowOf } from './gather-occurrences.ts';
import type { Begun } from './list-changes.ts';
import type { KubernetesObject } from './resolve-objects.ts';
import { MINUTE } from './time.ts';

/** What an Event says of what is synced. */
export interface Revision {
  /** A branch or a tag. */
  name: string | undefined;
  /** A commit, or a version. */
  revision: string;
}

export interface Sync {
  first: Occurrence;
  revision: Revision | undefined;
}

/** A generation explains the sync that follows it within the gap that ends a trace. */
const explainedFor = 15n * MINUTE;

/** In order of time: those that no generation explains. */
export function findSyncs({ occurrences }: KubernetesObject, generations: readonly Begun[]): Sync[] {
  const syncs: Sync[] = [];
  let current: string | undefined;
  let since: bigint | undefined;
  for (const occurrence of occurrences) {
    const revision = revisionOf(occurrence);
    const begins = rowOf(occurrence).begins === 'change';
    if (revision === undefined && !begins) continue;
    const isNew = begins || revision?.revision !== current;
    if (isNew && !isExplained(occurrence, since, generations)) syncs.push({ first: occurrence, revision });
    current = revision?.revision ?? current;
    since = occurrence.at;
  }
  return syncs;
}

/** A generation was written between the last word of the revision before and this one. */
function isExplained(
  { at, latest }: Occurrence,
  since: bigint | undefined,
  generations: readonly Begun[],
): boolean {
  return generations.some(({ moment }) => {
    if (moment === undefined || moment.at > latest) return false;
    return (since === undefined || moment.latest > since) && at - moment.at <= explainedFor;
  });
}

/** Annotations of Flux's Events: `main@sha1:5d4f…`, or a chart's version. */
const revisionAnnotation = /^(?:kustomize|helm|source)\.toolkit\.fluxcd\.io\/revision$/;

export function revisionOf({ event, match }: Occurrence): Revision | undefined {
  for (const key in event.annotations) {
    if (!revisionAnnotation.test(key)) continue;
    const [, name, revision] = /^(?:(.+)@)?(?:sha\d+:)?([^@:]+)$/.exec(event.annotations[key]!) ?? [];
    if (revision !== undefined) return { name, revision };
  }
  return match?.revision === undefined ? undefined : { name: match.ref, revision: match.revision };
}
