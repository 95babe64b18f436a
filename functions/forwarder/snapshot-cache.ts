/**
 * What is known of the cluster's objects: of each its last snapshot, cut to what ships, as one compact string (a byte a
 * character; of 5,000 pods a few megabytes), and when it was last shipped.
 */
import type { ObjectReference, ObjectSnapshot } from '../../shared/observation.ts';

export interface Known {
  readonly uid: string;
  /** `kind/namespace/name`. */
  readonly key: string;
  /** Whose list it is in; undefined of one that was looked up. */
  readonly resource: string | undefined;
  /** JSON of its fields without the version: equal strings say the same. */
  readonly fields: string;
  /** JSON of what its spec says, which goes with the first snapshot of each generation only; `''` where that is nothing. */
  readonly spec: string;
  readonly generation: number | undefined;
  readonly version: string | undefined;
  readonly ownerUid: string | undefined;
  readonly observedAt: string;
  readonly deleted: boolean;
  /** As in the observation. No part of `fields`: how something was found is no news. */
  readonly from: ObjectSnapshot['from'];
  /** Milliseconds since 1970; 0: never by this process. */
  shippedAt: number;
  /** As above, with what its spec says. */
  specShippedAt: number;
  /** The list that it was last in. */
  listing: number;
}

/** What a snapshot says beyond what was known. */
export interface Seen {
  known: Known;
  /** Whether a field that ships differs, or the object is gone. */
  news: boolean;
  before: Known | undefined;
}

export type Source =
  | { type: 'listed' | 'changed'; resource: string }
  /** Of these only so many are kept. */
  | { type: 'looked-up' };

export interface SnapshotCache {
  /** In the API server's order. An object's end always says something. */
  see(snapshot: ObjectSnapshot, from: Source): Seen;
  /** It is in the list, though nobody can read it: what is known of it stays. */
  stillListed(resource: string, reference: Parameters<SnapshotCache['find']>[0]): void;
  find(reference: Pick<ObjectReference, 'kind' | 'namespace' | 'name' | 'uid'>): Known | undefined;
  byUid(uid: string): Known | undefined;
  /** What was listed before does not count. */
  startListing(resource: string): void;
  /** Those that were known and are not in the list since it started: gone, at `observedAt`. */
  vanished(resource: string, observedAt: string): Known[];
  /** It was shipped at `at`, milliseconds since 1970. Of what has ended only what late Events ask for is kept. */
  shipped(known: Known, at: number, withSpec: boolean): void;
  /** Whose end was told is forgotten after some minutes. */
  forgetDeleted(now: number): void;
  size(): number;
}

export interface CacheLimits {
  /** Milliseconds for which a deleted object stays known: its late Events find their owners. */
  keepDeleted: number;
  /** Characters of the objects that were looked up, of which those not asked for longest are forgotten. */
  lookedUp: number;
}

/**
 * Whoever tells an Event tries again for two minutes at most (client-go tools/events/event_broadcaster.go: 12 times, each 10 s). Longer: at
 * 1,000 Events a second what is gone takes more memory than what is there.
 */
const keepDeleted = 3 * 60_000;

const defaultCacheLimits: CacheLimits = { keepDeleted, lookedUp: 4_000_000 };

/** What an entry costs beyond its fields. */
const entryOverhead = 300;
const notListed = -1;

/** What there is, by each way in which it is asked for. */
interface Cache {
  now(): number;
  readonly limits: CacheLimits;
  readonly byUid: Map<string, Known>;
  /** The UID of whoever has the name. */
  readonly byKey: Map<string, string>;
  /** When each ended, in the order of their end. */
  readonly deleted: Map<string, number>;
  /** The size of each that was looked up; the one asked for longest ago is first. */
  readonly lookedUp: Map<string, number>;
  lookedUpSize: number;
  /** How many lists of each resource began. */
  readonly listings: Map<string, number>;
}

/** @param now milliseconds, never backwards: an end in the future would be remembered, and all after it */
export function createSnapshotCache(
  now: () => number,
  limits: CacheLimits = defaultCacheLimits,
): SnapshotCache {
  const cache: Cache = {
    now,
    limits,
    byUid: new Map(),
    byKey: new Map(),
    deleted: new Map(),
    lookedUp: new Map(),
    lookedUpSize: 0,
    listings: new Map(),
  };
  return {
    see: (snapshot, from) => seeSnapshot(cache, snapshot, from),
    stillListed(resource, reference) {
      const known = findKnown(cache, reference);
      if (known?.resource === resource) known.listing = cache.listings.get(resource) ?? 0;
    },
    find: (reference) => findKnown(cache, reference),
    byUid: (uid) => getByUid(cache, uid),
    startListing(resource) {
      cache.listings.set(resource, (cache.listings.get(resource) ?? 0) + 1);
    },
    vanished: (resource, observedAt) => endUnlisted(cache, resource, observedAt),
    shipped: (known, at, withSpec) => noteShipped(cache, known, at, withSpec),
    forgetDeleted(at) {
      for (const [uid, since] of cache.deleted) {
        if (at - since < limits.keepDeleted) break;
        forget(cache, uid);
      }
    },
    size: () => cache.byUid.size,
  };
}

function seeSnapshot(cache: Cache, snapshot: ObjectSnapshot, from: Source): Seen {
  const before = cache.byUid.get(snapshot.object.uid);
  // Its kind is watched by now: an answer to a question of before is older than what the watch has told.
  if (from.type === 'looked-up' && before?.resource !== undefined) {
    return { known: before, news: false, before };
  }
  const listing =
    from.type === 'listed' ? (cache.listings.get(from.resource) ?? 0) : (before?.listing ?? notListed);
  if (before !== undefined) before.listing = listing;
  const known = toKnown(snapshot, from, before, listing);
  keep(cache, known);
  if (from.type === 'looked-up') boundLookedUp(cache, known);
  else releaseLookedUp(cache, known.uid);
  const news =
    snapshot.deleted ||
    before?.deleted === true ||
    before?.fields !== known.fields ||
    before.spec !== known.spec;
  return { known, news, before };
}

function toKnown(snapshot: ObjectSnapshot, from: Source, before: Known | undefined, listing: number): Known {
  const { resourceVersion, spec: described, ...rest } = snapshot.object;
  const { generation, uid, kind, namespace, name, owner } = rest;
  const fields = JSON.stringify(rest);
  const same = before?.fields === fields ? before : undefined;
  const spec = described === undefined ? '' : JSON.stringify(described);
  const isSameSpec = before?.spec === spec && before.generation === generation;
  return {
    uid,
    key: before?.key ?? keyOf(kind, namespace, name),
    resource: from.type === 'looked-up' ? undefined : from.resource,
    // One string in memory, not two that are equal.
    fields: same?.fields ?? fields,
    spec: before?.spec === spec ? before.spec : spec,
    generation,
    version: resourceVersion,
    ownerUid: owner?.uid,
    observedAt: snapshot.observedAt,
    deleted: snapshot.deleted,
    from: foundHow(snapshot, same),
    shippedAt: before?.shippedAt ?? 0,
    specShippedAt: isSameSpec ? before.specShippedAt : 0,
    listing,
  };
}

/** Those known that the list which is over did not have. */
function endUnlisted(cache: Cache, resource: string, observedAt: string): Known[] {
  const listing = cache.listings.get(resource) ?? 0;
  const gone: Known[] = [];
  for (const known of cache.byUid.values()) {
    if (known.resource !== resource || known.deleted || known.listing === listing) continue;
    gone.push({ ...known, deleted: true, observedAt, from: 'list' });
  }
  for (const known of gone) keep(cache, known);
  return gone;
}

function noteShipped({ byUid }: Cache, known: Known, at: number, withSpec: boolean): void {
  known.shippedAt = at;
  if (withSpec) known.specShippedAt = at;
  if (!known.deleted || byUid.get(known.uid) !== known) return;
  const { apiVersion, kind, namespace, name, uid, owner } = fieldsOf(known);
  byUid.set(uid, {
    ...known,
    fields: JSON.stringify({ apiVersion, kind, namespace, name, uid, owner }),
    spec: '',
  });
}

function findKnown(
  cache: Cache,
  { kind, namespace, name, uid }: Parameters<SnapshotCache['find']>[0],
): Known | undefined {
  const known = uid === undefined ? undefined : getByUid(cache, uid);
  // The kubelet speaks of its Node without a UID or with the name as one (kubernetes pkg/kubelet/kubelet.go, nodeRef).
  const byName = uid === undefined || (kind === 'Node' && known === undefined);
  return byName ? getByUid(cache, cache.byKey.get(keyOf(kind, namespace, name)) ?? '') : known;
}

/** Whoever is asked for is forgotten last. */
function getByUid({ byUid, lookedUp }: Cache, uid: string): Known | undefined {
  const size = lookedUp.get(uid);
  if (size !== undefined) {
    lookedUp.delete(uid);
    lookedUp.set(uid, size);
  }
  return byUid.get(uid);
}

function keep({ now, byUid, byKey, deleted }: Cache, known: Known): void {
  byUid.set(known.uid, known);
  // A recreated one has taken over the name of the one that ends.
  if (!known.deleted || !byKey.has(known.key)) byKey.set(known.key, known.uid);
  if (known.deleted) deleted.set(known.uid, now());
  else deleted.delete(known.uid);
}

function forget(cache: Cache, uid: string): void {
  const known = cache.byUid.get(uid);
  if (known !== undefined && cache.byKey.get(known.key) === uid) cache.byKey.delete(known.key);
  cache.byUid.delete(uid);
  cache.deleted.delete(uid);
  releaseLookedUp(cache, uid);
}

/** It counts no more against the limit of those that were looked up: it is forgotten, or watched. */
function releaseLookedUp(cache: Cache, uid: string): void {
  cache.lookedUpSize -= cache.lookedUp.get(uid) ?? 0;
  cache.lookedUp.delete(uid);
}

function boundLookedUp(cache: Cache, known: Known): void {
  releaseLookedUp(cache, known.uid);
  const size = known.fields.length + known.spec.length + entryOverhead;
  cache.lookedUp.set(known.uid, size);
  cache.lookedUpSize += size;
  for (const uid of cache.lookedUp.keys()) {
    if (cache.lookedUpSize <= cache.limits.lookedUp || uid === known.uid) break;
    forget(cache, uid);
  }
}

const keyOf = (kind: string, namespace: string | undefined, name: string): string =>
  kind === 'Node' ? `Node//${name}` : `${kind}/${namespace ?? ''}/${name}`;

/**
 * A watch that tells a version in which nothing that ships is new has not seen how that came about: it stays found as it was.
 * A list that has a version which a watch has told takes nothing back. An end is what its own message says.
 */
function foundHow(snapshot: ObjectSnapshot, same: Known | undefined): ObjectSnapshot['from'] {
  if (same === undefined || same.deleted || snapshot.deleted) return snapshot.from;
  const isRepeated = same.version === snapshot.object.resourceVersion;
  return snapshot.from === undefined || isRepeated ? same.from : snapshot.from;
}

/** The observation as it goes on the wire. */
export function lineOf(
  { fields, spec, version, observedAt, deleted, from }: Known,
  withSpec: boolean,
): string {
  const found = from === undefined ? '' : `"from":${JSON.stringify(from)},`;
  const at = version === undefined ? '' : `"resourceVersion":${JSON.stringify(version)},`;
  const says = withSpec && spec !== '' ? `"spec":${spec},` : '';
  return `{"type":"object","observedAt":"${observedAt}","deleted":${deleted},${found}"object":{${at}${says}${fields.slice(1)}}`;
}

export const fieldsOf = ({ fields }: Known): ObjectSnapshot['object'] => JSON.parse(fields);
