/**
 * Which change a sync made, and which sync made a change: by the Events of the sync that name the object, and by the marks that
 * the tool left on it. Sources: fluxcd/kustomize-controller (labels kustomize.toolkit.fluxcd.io/name and /namespace),
 * fluxcd/helm-controller (helm.toolkit.fluxcd.io/…), https://argo-cd.readthedocs.io/en/stable/user-guide/resource_tracking/.
 */

import type { ObjectSnapshot } from '../../../shared/observation.ts';
import type { Change } from './change.ts';
import { changeInEffect, nextOf } from './find-change.ts';
import { rowOf } from './gather-occurrences.ts';
import { type JoinKey, type LinkSide, named } from './join-key.ts';
import type { KubernetesObject } from './kubernetes-object.ts';
import type { Told } from './placement/placement-rule.ts';
import type { World } from './placement/world.ts';
import { isSource, isSynced } from './sync-kinds.ts';
import { distance, MINUTE, SECOND } from './time.ts';

/** Who applies for a kind of sync, as managedFields and labels name it. */
interface Mark {
  kind: string;
  namespace: string | undefined;
  name: string;
}

type Marked = Pick<ObjectSnapshot['object'], 'labels' | 'annotations' | 'managers'>;

/** The object that syncs this one, as its tool marked it. */
function syncedBy({ labels = {}, annotations = {}, managers }: Marked): Mark | undefined {
  for (const [prefix, kind] of [
    ['kustomize.toolkit.fluxcd.io', 'Kustomization'],
    ['helm.toolkit.fluxcd.io', 'HelmRelease'],
  ] as const) {
    const name = labels[`${prefix}/name`];
    if (name !== undefined) return { kind, namespace: labels[`${prefix}/namespace`], name };
  }
  // `NAME:GROUP/KIND:NAMESPACE/NAME`, NAME with the Application's namespace before it where that is not Argo CD's own.
  const [, namespace, name] =
    /^(?:([^_:]+)_)?([^:]+):/.exec(annotations['argocd.argoproj.io/tracking-id'] ?? '') ?? [];
  if (name !== undefined) return { kind: 'Application', namespace, name };
  // By the label it tracks by default up to 2.14, which Helm's charts use as well: only where Argo CD wrote the object.
  const instance = labels['app.kubernetes.io/instance'];
  return instance !== undefined && managers?.some(({ manager }) => argoCd.test(manager)) === true
    ? { kind: 'Application', namespace: undefined, name: instance }
    : undefined;
}

const argoCd = /^argocd-/;

/** Of a change the syncs that made it, of a sync the changes that it made. */
export function* syncsOf(world: World, change: Change): Iterable<Change> {
  yield* appliedBy(world, change);
  yield* madeBy(world, change);
  yield* world.appliedIn(change);
}

/** By sync the changes of what its tool marked: most tools' Events do not name what they apply. */
export function appliedInSyncs(world: World): ReadonlyMap<Change, readonly Change[]> {
  const applied = new Map<Change, Change[]>();
  if (world.syncers().length === 0) return applied;
  for (const object of world.objects.values()) {
    if (object.history === undefined || object.owner !== undefined) continue;
    for (const change of world.changesOf(object)) {
      for (const sync of appliedBy(world, change)) {
        const known = applied.get(sync);
        if (known === undefined) applied.set(sync, [change]);
        else known.push(change);
      }
    }
  }
  return applied;
}

/** A sync is written down a moment after what it applied; what it waits for comes before its last word. */
const reportedWithin = MINUTE;

/** The syncs whose tool marked the object: the one that was under way when it was changed, or that began to speak right after. */
export function* appliedBy(world: World, change: Change): Iterable<Change> {
  if (change.moment === undefined) return;
  for (const owner of syncersOf(world, change)) {
    const sync = syncAt(world, owner, change);
    if (sync !== undefined) yield sync;
  }
}

/** What syncs the object, where its tool wrote the change. */
export function* syncersOf(world: World, change: Change): Iterable<KubernetesObject> {
  const object = change.version?.object ?? change.object.history?.versions.at(-1)?.object;
  const mark = object === undefined ? undefined : syncedBy(object);
  if (mark !== undefined && isApplied(change)) yield* withName(world, mark);
}

/** What a person changed in between bears the tool's mark as well. */
const isApplied = ({ manager, type }: Change): boolean =>
  type === 'deletion' || /^(?:kustomize-controller|helm-controller|argocd-|gotk-)/.test(manager);

function* withName(world: World, { kind, namespace, name }: Mark): Iterable<KubernetesObject> {
  if (namespace !== undefined) yield* world.named(kind, namespace, name).filter(isSynced);
  else for (const object of world.syncers()) if (object.kind === kind && object.name === name) yield object;
}

function syncAt(world: World, owner: KubernetesObject, { moment }: Change): Change | undefined {
  const changes = world.changesOf(owner);
  const current = changeInEffect(changes, moment!.latest);
  const { at: ended, isFinal = false } = current?.outcome ?? {};
  const isUnderWay = ended === undefined ? !isFinal : ended >= moment!.at;
  if (isUnderWay) return current;
  // What one that is over did not do, the next one did, whose first word comes after it.
  const next = changes.find(({ moment: at }) => {
    const away = at === undefined ? -1n : at.at - moment!.at;
    return away > 0n && away <= reportedWithin;
  });
  // Nobody saw when it was over.
  return next ?? (ended === undefined ? current : undefined);
}

/** The changes of objects that the sync's Events name, of the time at which they name them. */
function* madeBy(world: World, sync: Change): Iterable<Change> {
  const until = nextOf(world, sync)?.moment?.at;
  for (const occurrence of sync.object.occurrences) {
    if (rowOf(occurrence).effect !== 'applies') continue;
    if (occurrence.latest < sync.moment!.at || (until !== undefined && occurrence.at >= until)) continue;
    for (const object of namedIn(world, occurrence.event.message, occurrence.match?.row.message)) {
      const made = world
        .changesOf(object)
        .findLast(({ moment }) => moment !== undefined && moment.at <= occurrence.latest + SECOND);
      if (made !== undefined && distance(made.moment!.at, occurrence.at) <= reportedWithin) yield made;
    }
  }
}

function* namedIn(world: World, message: string, pattern: RegExp | undefined): Iterable<KubernetesObject> {
  for (const line of message.split('\n')) {
    const { kind, namespace, name } = pattern?.exec(line)?.groups ?? {};
    if (kind !== undefined && name !== undefined) yield* world.named(kind, namespace, name);
  }
}

/** Both sides meet under the name of what syncs: it, and each that it synced; and it finds where that comes from. */
export const syncJoins = {
  *joins(told: Told): Iterable<JoinKey> {
    if (told.type === 'event') return;
    const { kind, namespace, name, source } = told.object;
    if (isSynced(told.object)) yield syncKey({ kind, namespace, name }, 'one');
    if (isSource(told.object)) yield sourceKey({ kind, namespace, name }, 'one');
    if (source !== undefined) yield sourceKey({ ...source, namespace: source.namespace }, 'many');
    const mark = syncedBy(told.object);
    if (mark !== undefined && told.object.owner === undefined) yield syncKey(mark, 'many');
  },
};

const syncKey = ({ kind, namespace, name }: Mark, side: LinkSide): JoinKey => {
  // An Application is marked without its namespace where that is Argo CD's own.
  const key = named(kind, kind === 'Application' ? undefined : namespace, name);
  return { by: 'link', name: key.name, side };
};

const sourceKey = ({ kind, namespace, name }: Mark, side: LinkSide): JoinKey => ({
  by: 'source',
  name: named(kind, namespace, name).name,
  side,
});
