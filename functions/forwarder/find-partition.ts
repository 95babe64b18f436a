/**
 * Which of a cluster's partition keys an observation goes to: all of one root to the same one, as far as its owners are known here, so that
 * what is read together comes in order. Where an owner becomes known later, what came before it is elsewhere: order between keys is never
 * needed, only a little more is merged.
 */
import { hash } from 'node:crypto';

interface Owned {
  uid: string;
  ownerUid: string | undefined;
}

/** Of owners that own each other none is the root. */
const longestChain = 10;

/** The topmost that is known, or that somebody names. */
export function rootOf(start: Owned, byUid: (uid: string) => Owned | undefined): string {
  let at = start;
  for (let steps = 0; steps < longestChain; steps += 1) {
    if (at.ownerUid === undefined) return at.uid;
    const owner = byUid(at.ownerUid);
    if (owner === undefined) return at.ownerUid;
    at = owner;
  }
  return at.uid;
}

/** The kubelet gives its node's name for a UID, others the real one. */
export const rootOfReference = ({
  kind,
  namespace = '',
  name,
  uid,
}: {
  kind: string;
  namespace?: string | undefined;
  name: string;
  uid?: string | undefined;
}): string => (kind === 'Node' || uid === undefined ? `${kind}/${namespace}/${name}` : uid);

export const partitionOf = (root: string, partitions: number): number =>
  partitions === 1 ? 0 : hash('sha256', root, 'buffer').readUInt32BE(0) % partitions;

export interface PartitionKey {
  partitionKey: string;
  /** Where the key is on the ring of 128 bits that shards share; undefined: wherever Kinesis' own digest puts it. */
  hashKey?: string;
}

const ring = 2n ** 128n;

/**
 * Where there are several they are evenly apart: as many shards as keys have one each, which digests would not see to. Of one key the place is the
 * digest's, as ever.
 */
export function partitionKeyOf(cluster: string, index: number, partitions: number): PartitionKey {
  if (partitions === 1) return { partitionKey: cluster };
  const first = BigInt(`0x${hash('sha256', cluster, 'hex').slice(0, 32)}`);
  const hashKey = (first + (ring * BigInt(index)) / BigInt(partitions)) % ring;
  return { partitionKey: `${cluster}/${index}`, hashKey: String(hashKey) };
}
