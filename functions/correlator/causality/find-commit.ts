/**
 * Which commit a change brought, where a GitOps tool says it: of a sync what it synced, of what a sync applied that one's. The
 * revision is the tool's own word; the repository stands in the source that it names.
 */
import type { ObjectSnapshot } from '../../../shared/observation.ts';
import type { Change } from './change.ts';
import { nextOf } from './find-change.ts';
import { revisionOf } from './find-syncs.ts';
import { rowOf } from './gather-occurrences.ts';
import type { KubernetesObject } from './kubernetes-object.ts';
import { alive } from './object-registry.ts';
import { isCommit, parseRevision, type Revision, refName } from './parse-revision.ts';
import type { World } from './placement/world.ts';
import { isSynced } from './sync-kinds.ts';
import { appliedBy, syncersOf } from './sync-links.ts';
import { type Moment, SECOND } from './time.ts';

export interface Commit extends Revision {
  /** Of the repository. */
  url: string | undefined;
}

export function findCommit(world: World, change: Change): Commit | undefined {
  const { object, moment, type, sync } = change;
  const own = isSynced(object) || sync !== undefined ? syncedIn(world, change) : undefined;
  if (own !== undefined) return fromSource(world, object, own, moment);
  if (moment === undefined) return undefined;
  const until = moment.latest + SECOND;
  for (const applied of appliedBy(world, change)) {
    // What goes with its Kustomization goes by no commit.
    if (applied.type === 'deletion') return undefined;
    // Of a later revision that nobody saw begin the status speaks, before anything of it is applied.
    const tried = statusOf(applied.object, applied.moment?.at, until);
    const revision = applied.sync?.revision ?? tried ?? syncedIn(world, applied);
    if (revision !== undefined) return fromSource(world, applied.object, revision, moment);
  }
  if (type === 'deletion') return undefined;
  for (const syncer of syncersOf(world, change)) {
    const revision = statusOf(syncer, undefined, until);
    if (revision !== undefined) return fromSource(world, syncer, revision, moment);
  }
  return undefined;
}

/** The first that its Events say; else what its status says last, before the next change. */
function syncedIn(world: World, change: Change): Revision | undefined {
  const { object, sync, type, moment } = change;
  if (sync?.revision !== undefined) return sync.revision;
  if (type === 'deletion') return undefined;
  const next = nextOf(world, change)?.moment?.at;
  const [since, until] = [moment?.at, next === undefined ? undefined : next - 1n];
  for (const occurrence of object.occurrences) {
    if (since !== undefined && occurrence.latest < since) continue;
    if (until !== undefined && occurrence.at > until) break;
    if (rowOf(occurrence).begins === 'nothing') continue;
    const revision = revisionOf(occurrence, object);
    if (revision !== undefined) return revision;
  }
  return statusOf(object, since, until);
}

function statusOf(
  { history }: KubernetesObject,
  since: bigint | undefined,
  until: bigint | undefined,
): Revision | undefined {
  const version = history?.versions.findLast(
    ({ observedAt, object: { status } }) =>
      status?.revision !== undefined &&
      (since === undefined || observedAt >= since) &&
      (until === undefined || observedAt <= until),
  );
  const said = version?.object.status?.revision;
  return said === undefined ? undefined : parseRevision(said);
}

function fromSource(
  world: World,
  syncer: KubernetesObject,
  revision: Revision,
  at: Moment | undefined,
): Commit {
  const { url, ref } = repositoryOf(world, syncer, at, longestChain) ?? {};
  // The branch that was asked for leads to the commit; a version is one of its own.
  const asked = isCommit(revision) && ref !== revision.revision ? refName(ref) : undefined;
  return { revision: revision.revision, name: revision.name ?? asked, url };
}

/** Of a change that was there before anybody looked. */
const never: Moment = { at: 0n, latest: 0n };

/** HelmRelease, HelmChart, HelmRepository. */
const longestChain = 3;

/** As it was at that time, else as it was first seen. */
function repositoryOf(
  world: World,
  { history }: KubernetesObject,
  at: Moment | undefined,
  left: number,
): ObjectSnapshot['object']['repository'] {
  const seen =
    at === undefined
      ? undefined
      : history?.versions.findLast((each) => each.observedAt <= at.latest + SECOND);
  const { repository, source } = (seen ?? history?.versions[0])?.object ?? {};
  if (repository !== undefined || source === undefined || left === 1) return repository;
  const origin = alive(world.named(source.kind, source.namespace, source.name), at ?? never);
  return origin && repositoryOf(world, origin, at, left - 1);
}
