/** What a file says of the cluster that it is of. */
import type { Cluster, ObjectReference, Observation } from '../../../shared/observation.ts';

/** A file; of a collector's file what it says of one cluster. */
export interface Part {
  /** Unique among the parts. */
  key: string;
  /** The directory that the user named, and those below it down to the file. Empty for a file named itself. */
  folders: readonly string[];
  /** What is told of the cluster beside the objects. */
  told: Cluster;
  /** UIDs of namespaces kube-system among the objects. */
  systems: Set<string>;
  /** Of objects and their owners, of Events and what these are about. */
  uids: Set<string>;
}

export const newPart = ({
  key,
  folders = [],
  told = {},
}: {
  key: string;
  folders?: readonly string[];
  told?: Cluster | undefined;
}): Part => ({
  key,
  folders,
  told,
  systems: new Set(),
  uids: new Set(),
});

export function notePart(part: Part, observation: Observation): void {
  if (observation.type === 'event') {
    const { uid, subject, related } = observation.event;
    part.uids.add(uid);
    noteReference(part, subject);
    if (related !== undefined) noteReference(part, related);
    return;
  }
  const { kind, name, uid, owner } = observation.object;
  part.uids.add(uid);
  if (owner !== undefined) part.uids.add(owner.uid);
  if (kind === 'Namespace' && name === 'kube-system') part.systems.add(uid);
}

/**
 * The kubelet puts a Node's name in place of its UID, and of a static pod the hash of its manifest (32 hex digits, no
 * dashes): equal in all clusters whose nodes have the same names.
 */
function noteReference({ uids }: Part, { name, uid }: ObjectReference): void {
  if (uid !== undefined && uid !== name && !/^[0-9a-f]{32}$/.test(uid)) uids.add(uid);
}

/** The cluster's UID; of two namespaces kube-system in one file, neither says whose the rest of it is. */
export const systemOf = ({ systems }: Part): string | undefined =>
  systems.size === 1 ? systems.values().next().value : undefined;
