import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  partitionKeyOf,
  partitionOf,
  rootOf,
  rootOfReference,
} from '../../../functions/forwarder/find-partition.ts';
import { checkProperty } from '../../check-property.ts';

const owned = (uid: string, ownerUid?: string) => ({ uid, ownerUid });
const known = new Map(
  [owned('pod', 'rs'), owned('rs', 'web'), owned('web'), owned('a', 'b'), owned('b', 'a')].map((one) => [
    one.uid,
    one,
  ]),
);
const find = (uid: string) => known.get(uid);

describe('the root of an object', () => {
  it('is the topmost owner that is known, or that somebody names', () => {
    expect(rootOf(known.get('pod')!, find)).toBe('web');
    expect(rootOf(owned('pod-2', 'rs'), find)).toBe('web');
    expect(rootOf(owned('alone'), find)).toBe('alone');
    expect(rootOf(owned('child', 'unheard of'), find)).toBe('unheard of');
  });

  it('is found where owners own each other, too', () => {
    expect(['a', 'b']).toContain(rootOf(known.get('a')!, find));
  });

  it('of a Node goes by its name: the kubelet gives that for a UID', () => {
    const node = { kind: 'Node', name: 'n1' };
    expect(rootOfReference({ ...node, uid: 'n1' })).toBe(rootOfReference({ ...node, uid: '3c8f' }));
  });
});

describe('partition keys', () => {
  it('of one there is the cluster’s, as ever', () => {
    expect(partitionKeyOf('c1', 0, 1)).toEqual({ partitionKey: 'c1' });
    checkProperty(fc.property(fc.string(), (root) => partitionOf(root, 1) === 0));
  });

  it('each root has the same one each time, and all are used alike', () => {
    const counts = new Map<number, number>();
    for (let i = 0; i < 4_000; i += 1) {
      const index = partitionOf(`root ${i}`, 4);
      expect(partitionOf(`root ${i}`, 4)).toBe(index);
      counts.set(index, (counts.get(index) ?? 0) + 1);
    }
    expect([...counts.keys()].sort()).toEqual([0, 1, 2, 3]);
    for (const count of counts.values()) expect(Math.abs(count - 1_000)).toBeLessThan(120);
  });

  it('of a cluster are each on a shard of its own where there are as many, whichever cluster it is', () =>
    checkProperty(
      fc.property(fc.uuid(), fc.integer({ min: 2, max: 64 }), (cluster, partitions) => {
        const shards = Array.from({ length: partitions }, (_, index) => {
          const { hashKey } = partitionKeyOf(cluster, index, partitions);
          return Number((BigInt(hashKey!) * BigInt(partitions)) >> 128n);
        });
        // Borders are rounded: what begins at one may be on either side of it.
        expect(new Set(shards).size).toBeGreaterThanOrEqual(partitions - 1);
      }),
    ));
});
