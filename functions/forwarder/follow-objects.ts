/** One kind of watched objects: into the cache, and on their way where they say something new. */
import type { ObjectSnapshot } from '../../shared/observation.ts';
import type { NamespaceFilter } from './filter-events.ts';
import type { Json } from './kubernetes/api-server.ts';
import { compareVersions } from './kubernetes/resource-versions.ts';
import type { Unavailable, WatchSignal } from './kubernetes/watch-signal.ts';
import { resourceName, type WatchedResource } from './kubernetes/watched-resources.ts';
import { observeObject } from './observe.ts';
import type { SpecReader } from './read-spec.ts';
import type { DeliveryRemark, Named } from './remarks.ts';
import type { Known, SnapshotCache, Source } from './snapshot-cache.ts';
import { noStep, type Positions, type Step } from './track-positions.ts';

/** One resource from a version on, or from its list where there is none; ends with the signal, or `unavailable`. */
export type Follow = (
  resource: WatchedResource,
  options: { from: string | undefined; signal: AbortSignal },
) => AsyncIterable<WatchSignal>;

export interface ObjectPorts {
  follow: Follow;
  cache: SnapshotCache;
  positions: Positions;
  specs: SpecReader;
  /** What is in another namespace is as good as not there. */
  mayShip: NamespaceFilter;
  redact(snapshot: ObjectSnapshot): ObjectSnapshot;
  /** Resolves once the snapshot is on its way; holds the step until it is stored. */
  ship(known: Known, step: Step): Promise<void>;
  /** As above, of what was not shipped lately: it and its owners, which come first. */
  shipChain(known: Known, step: Step): Promise<void>;
  /** Whether this process has shipped it lately. */
  isFresh(known: Known): boolean;
  /** Whether it has shipped what its spec says lately, too. */
  isTold(known: Known): boolean;
  /** Each sign of life. */
  heard(resource: string): void;
  report(remark: DeliveryRemark): void;
  signal: AbortSignal;
}

/**
 * What there is when a term begins fills the cache and is not shipped: with the first Event that needs it, it will be.
 * From a checkpoint on the watch tells what changed and went since; what is newer than that is left to it. Where there
 * is no checkpoint or the history is gone the watch begins with a list; a later list ships what differs from what is
 * known, and what is not in it is gone.
 * @param onReady once the cache is filled
 * @returns why it can be followed no more, where the signal is not the reason
 */
export async function followObjects(
  ports: ObjectPorts,
  resource: WatchedResource,
  from: string | undefined,
  onReady: () => void,
): Promise<Unavailable | undefined> {
  const { follow, cache, positions, heard, signal } = ports;
  const name = resourceName(resource);
  if (from !== undefined) {
    const why = await fillCache(ports, resource, from);
    if (why !== undefined) return why;
    onReady();
  }
  let silent = from === undefined;
  for await (const told of follow(resource, { from, signal })) {
    heard(name);
    switch (told.type) {
      case 'list-start':
        cache.startListing(name);
        break;
      case 'listed': {
        const step = positions.open(name, undefined);
        const see = { source: { type: 'listed', resource: name } as const, deleted: false, silent };
        await take(ports, told, see, step);
        step.release();
        break;
      }
      case 'list-complete': {
        const step = positions.open(name, told.resourceVersion);
        for (const gone of cache.vanished(name, told.receivedAt)) await ports.ship(gone, step);
        step.release();
        silent = false;
        onReady();
        break;
      }
      case 'changed': {
        const step = positions.open(name, versionOf(told.object));
        const source = { type: 'changed', resource: name } as const;
        await take(ports, told, { source, deleted: told.how === 'DELETED', silent: false }, step);
        step.release();
        break;
      }
      case 'bookmark':
        positions.open(name, told.resourceVersion).release();
        break;
      case 'unavailable':
        return told.why;
    }
  }
  return undefined;
}

async function fillCache(
  ports: ObjectPorts,
  resource: WatchedResource,
  from: string,
): Promise<Unavailable | undefined> {
  const { follow, cache, heard, signal } = ports;
  const name = resourceName(resource);
  for await (const told of follow(resource, { from: undefined, signal })) {
    heard(name);
    if (told.type === 'list-start') cache.startListing(name);
    if (told.type === 'list-complete') return undefined;
    if (told.type === 'unavailable') return told.why;
    if (told.type !== 'listed') continue;
    const version = versionOf(told.object);
    if (version === undefined || compareVersions(version, from) > 0) continue;
    const see = { source: { type: 'listed', resource: name } as const, deleted: false, silent: true };
    await take(ports, told, see, noStep);
  }
  return undefined;
}

/** The cluster has the kind no more: of what is known of it, the end is told. */
export async function forgetObjects(
  { cache, positions, ship }: Pick<ObjectPorts, 'cache' | 'positions' | 'ship'>,
  resource: WatchedResource,
  at: string,
): Promise<void> {
  const name = resourceName(resource);
  const step = positions.open(name, undefined);
  cache.startListing(name);
  for (const gone of cache.vanished(name, at)) await ship(gone, step);
  step.release();
}

async function take(
  { cache, specs, mayShip, redact, ship, shipChain, isFresh, isTold, report }: ObjectPorts,
  { object, receivedAt }: { object: Json; receivedAt: string },
  { source, deleted, silent }: { source: Source; deleted: boolean; silent: boolean },
  step: Step,
): Promise<void> {
  if (!mayShip(namespaceOf(object))) return;
  const observed = observeObject(object, receivedAt, deleted, specs);
  if (!observed.ok) {
    const about = nameOf(object);
    report({ type: 'snapshot-dropped', reason: 'unreadable', about, why: observed.reason });
    if (source.type === 'listed') cache.stillListed(source.resource, { ...about, uid: uidOf(object) });
    return;
  }
  const snapshot = redact(source.type === 'listed' ? { ...observed.value, from: 'list' } : observed.value);
  const { known, news, before } = cache.see(snapshot, source);
  if (!news || silent) return;
  // What a generation changed, and who, is told by what was there before: that may never have left the cluster.
  if (before !== undefined && !isTold(before) && before.generation !== known.generation)
    await ship(before, step);
  // Its Event may have come before it, and found no owners.
  await (isFresh(known) ? ship(known, step) : shipChain(known, step));
}

export const versionOf = (object: Json): string | undefined =>
  (object.metadata as { resourceVersion?: string } | undefined)?.resourceVersion;

const uidOf = (object: Json): string | undefined => {
  const { uid } = (object.metadata ?? {}) as Json;
  return typeof uid === 'string' ? uid : undefined;
};

const namespaceOf = (object: Json): string | undefined =>
  (object.metadata as { namespace?: string } | undefined)?.namespace;

/** As far as it has a name at all. */
export function nameOf({ kind, metadata }: Json): Named {
  const { namespace, name } = (metadata ?? {}) as Json;
  return {
    kind: typeof kind === 'string' ? kind : '',
    name: typeof name === 'string' ? name : '',
    ...(typeof namespace === 'string' && { namespace }),
  };
}
