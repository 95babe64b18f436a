/**
 * Object snapshots folded into one history per UID. A fold over a set: the order of arrival and duplicates change
 * nothing.
 */
import type { ObjectSnapshot, SpecDescription } from '../../../shared/observation.ts';
import { parseVersion, unknownVersion } from './resource-version.ts';
import { isDisruption } from './rules/disruptions.ts';
import { compare, type Moment, max, min, narrow, parseTime, SECOND } from './time.ts';

type SnapshotObject = ObjectSnapshot['object'];

/** One version of an object. */
export interface Version {
  /** Its resourceVersion. */
  version: bigint;
  object: SnapshotObject;
  /** When it was first seen: an upper bound of when it was written. */
  observedAt: bigint;
  deleted: boolean;
  /** A watch told it when it was written; else it was there when somebody looked. */
  isWatched: boolean;
}

export interface ObjectHistory {
  uid: string;
  kind: string;
  namespace: string | undefined;
  name: string;
  owner: SnapshotObject['owner'];
  /** Ascending by version. At least one. */
  versions: readonly Version[];
  /** What the spec of each generation says, in their order: a forwarder tells it with the first snapshot of each. */
  specs: ReadonlyMap<number | undefined, SpecDescription>;
  created: Moment | undefined;
  /** When its deletion was asked for: deletionTimestamp less the grace period, else when it was seen gone. */
  deletion: Moment | undefined;
  /** Since when its controller no longer counts it, a pod, though nobody asked for its deletion yet. */
  uncounted: Moment | undefined;
}

/** Objects by UID. */
export function gatherObjects(snapshots: Iterable<ObjectSnapshot>): Map<string, ObjectHistory> {
  const versionsByUid = new Map<string, Map<string, Version>>();
  for (const snapshot of snapshots) {
    const { object } = snapshot;
    const versions = versionsByUid.get(object.uid) ?? new Map<string, Version>();
    versionsByUid.set(object.uid, versions);
    const key = object.resourceVersion ?? '';
    const seen: Version = {
      version: parseVersion(object.resourceVersion),
      object,
      observedAt: parseTime(snapshot.observedAt),
      deleted: snapshot.deleted,
      isWatched: snapshot.from === undefined,
    };
    const known = versions.get(key);
    versions.set(key, known === undefined ? seen : merge(known, seen));
  }
  const histories = new Map<string, ObjectHistory>();
  for (const [uid, versions] of versionsByUid) histories.set(uid, toHistory(uid, [...versions.values()]));
  return histories;
}

function merge(a: Version, b: Version): Version {
  return {
    version: a.version,
    object: mergeObjects(a.object, b.object),
    observedAt: min(a.observedAt, b.observedAt),
    deleted: a.deleted || b.deleted,
    isWatched: a.isWatched || b.isWatched,
  };
}

function mergeObjects(a: SnapshotObject, b: SnapshotObject): SnapshotObject {
  const merged = mergeFields(a, b) as SnapshotObject;
  const isOneKey = a.spec === undefined || b.spec === undefined || a.spec.key === b.spec.key;
  // Digests under two keys are two languages: a mixture of them would differ from each.
  return isOneKey ? merged : { ...merged, spec: a.spec!.key < b.spec!.key ? a.spec : b.spec };
}

/** Field by field: what is known beats what is not; of two answers the one that sorts first, whoever gave it. */
export function mergeFields(a: unknown, b: unknown): unknown {
  if (a === b || b === undefined) return a;
  if (a === undefined) return b;
  if (isRecord(a) && isRecord(b)) {
    const merged: Record<string, unknown> = {};
    for (const key of [...new Set([...Object.keys(a), ...Object.keys(b)])].sort()) {
      merged[key] = mergeFields(a[key], b[key]);
    }
    return merged;
  }
  return (JSON.stringify(a) ?? '') <= (JSON.stringify(b) ?? '') ? a : b;
}

const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

function toHistory(uid: string, unsorted: Version[]): ObjectHistory {
  const versions = unsorted.sort(inOrder);
  const newest = versions.at(-1)!;
  const owner = versions.findLast(({ object }) => object.owner !== undefined)?.object.owner;
  const creation = versions.find(({ object }) => object.creationTimestamp !== undefined);
  const firstSeen = versions.reduce((first, { observedAt }) => min(first, observedAt), newest.observedAt);
  return {
    uid,
    kind: newest.object.kind,
    namespace: newest.object.namespace,
    name: newest.object.name,
    owner,
    versions,
    specs: specsOf(versions),
    created:
      creation === undefined ? undefined : narrow(parseTime(creation.object.creationTimestamp!), firstSeen),
    deletion: deletionOf(versions),
    uncounted: newest.object.kind === 'Pod' ? uncountedSince(versions) : undefined,
  };
}

const noSpecs: ObjectHistory['specs'] = new Map();

function specsOf(versions: readonly Version[]): ObjectHistory['specs'] {
  if (versions.every(({ object }) => object.spec === undefined)) return noSpecs;
  const specs = new Map<number | undefined, SpecDescription>();
  for (const { object } of versions)
    if (object.spec !== undefined && !specs.has(object.generation)) specs.set(object.generation, object.spec);
  return specs;
}

/**
 * As etcd wrote them; where the versions do not tell (a snapshot has none, or none that is a number), by generation,
 * then as they were seen. Total, so that the order of arrival does not decide.
 */
function inOrder(a: Version, b: Version): number {
  if (a.version > unknownVersion && b.version > unknownVersion && a.version !== b.version)
    return compare(a.version, b.version);
  return (
    (a.object.generation ?? 0) - (b.object.generation ?? 0) ||
    compare(a.observedAt, b.observedAt) ||
    compare(a.version, b.version) ||
    ((a.object.resourceVersion ?? '') < (b.object.resourceVersion ?? '') ? -1 : 1)
  );
}

function deletionOf(versions: readonly Version[]): Moment | undefined {
  let deletion: Moment | undefined;
  for (const { object, observedAt, deleted } of versions) {
    if (object.deletionTimestamp !== undefined) {
      const grace = BigInt(object.deletionGracePeriodSeconds ?? 0) * SECOND;
      deletion = earlier(deletion, narrow(parseTime(object.deletionTimestamp) - grace, observedAt));
    } else if (deleted) {
      deletion = earlier(deletion, { at: observedAt, latest: observedAt });
    }
  }
  return deletion;
}

/**
 * A pod does not count from when it is over (phase Failed, Succeeded) or is to go (condition DisruptionTarget). Pod garbage
 * collection marks a pod Failed a second before it deletes it, and what was evicted by the kubelet stays for hours.
 * Source: pkg/controller/controller_utils.go (IsPodActive), pkg/controller/replicaset (FilterActivePods).
 */
function uncountedSince(versions: readonly Version[]): Moment | undefined {
  let since: Moment | undefined;
  for (const { object, observedAt, isWatched } of versions) {
    const { containers = [] } = object.status ?? {};
    const disrupted = disruptionOf(object);
    if (disrupted?.lastTransitionTime !== undefined) {
      since = earlier(since, narrow(parseTime(disrupted.lastTransitionTime), observedAt));
    } else if (isOver(object)) {
      const ends = containers.flatMap(({ terminated }) => terminated?.finishedAt ?? []).map(parseTime);
      const at = ends.length > 0 ? ends.reduce(max) : observedAt;
      // Of what was found so, without the end of a container, nobody knows since when.
      if (isWatched || ends.length > 0) since = earlier(since, { at, latest: isWatched ? observedAt : at });
    }
  }
  return since;
}

const disruptionOf = ({ status }: SnapshotObject) =>
  status?.conditions?.find((condition) => condition.status === 'True' && isDisruption(condition));

const isOver = ({ status }: SnapshotObject): boolean =>
  status?.phase === 'Failed' || status?.phase === 'Succeeded';

/** Of a pod, the version that first says that it is to go, or is over. */
export const leavingVersion = ({ versions }: ObjectHistory): bigint =>
  versions.find(
    ({ object, deleted }) =>
      deleted ||
      object.deletionTimestamp !== undefined ||
      disruptionOf(object) !== undefined ||
      isOver(object),
  )?.version ?? unknownVersion;

export const earlier = (a: Moment | undefined, b: Moment): Moment =>
  a === undefined || b.latest < a.latest ? b : a;

/** When a watch said that it is gone. */
export const seenGone = ({ versions }: ObjectHistory): bigint | undefined =>
  versions.find(({ deleted }) => deleted)?.observedAt;
