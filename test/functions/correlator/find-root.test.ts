import { describe, expect, it } from 'vitest';
import { findRoot } from '../../../functions/correlator/find-root.ts';
import { familyItems } from '../../../functions/correlator/owners.ts';
import { UnreadableBodyError } from '../../../functions/correlator/pack-body.ts';
import { familyPartition, type Place } from '../../../functions/correlator/store.ts';
import type { Observation } from '../../../shared/observation.ts';
import { startContext } from '../../support/start-context.ts';
import { event, snapshot, thing } from './causality/cluster-story.ts';

const deployment = thing('Deployment', 'web');
const replicaSet = thing('ReplicaSet', 'web-1', deployment);
const pod = thing('Pod', 'web-1-a', replicaSet);
const placeOf = ({ uid, name }: typeof pod): Place => ({ id: uid, family: name });
const toPod: Place = { id: pod.uid, family: 'web-1' };

/** The root of the activity of `of`, by what is in it and what the directory knows: an object and its owner. */
async function rootOf(
  of: Place,
  told: readonly Observation[],
  known: readonly [Place, owner: Place][] = [],
  { unreadable = [] as string[] } = {},
) {
  const { ports, store, calls } = startContext();
  for (const [{ id, family }, owner] of known) {
    const objects = new Map([[id, { owner, by: 'x' }]]);
    await store.put(familyItems('c1', family, { batch: id, objects, isLarge: false }, 0, 10 ** 10));
  }
  for (const family of unreadable) {
    const item = { pk: familyPartition('c1', family), sk: 'later', expiresAt: 10 ** 10 };
    await store.put([{ ...item, body: Uint8Array.of(255) }]);
  }
  const root = await findRoot(ports.store, { key: `c1/${of.id}`, family: of.family }, told);
  return { ...root, reads: calls.length };
}

describe('an activity is its own root', () => {
  it('where its object was described, and has no owner: nobody is asked', async () =>
    expect(await rootOf(placeOf(deployment), [snapshot(0, deployment)])).toEqual({
      key: 'c1/uid-Deployment-web',
      family: 'web',
      isKnown: true,
      reads: 0,
    }));

  it('where nobody has described its object: that may come', async () =>
    expect(await rootOf(placeOf(deployment), [event(0, deployment, 'ScalingReplicaSet', 'x')])).toMatchObject(
      {
        key: 'c1/uid-Deployment-web',
        isKnown: false,
      },
    ));

  it('where its object is described, and others of it: only what is said of itself counts', async () =>
    expect(await rootOf(placeOf(deployment), [snapshot(0, replicaSet), snapshot(0, pod)])).toMatchObject({
      isKnown: false,
    }));

  it('where it is an orphan that nobody has adopted: the directory is asked', async () =>
    expect(await rootOf(toPod, [snapshot(0, thing('Pod', pod.name))])).toMatchObject({
      key: `c1/${pod.uid}`,
      isKnown: true,
      reads: 1,
    }));
});

describe('an activity belongs to another', () => {
  const way: [Place, Place][] = [
    [toPod, placeOf(replicaSet)],
    [placeOf(replicaSet), placeOf(deployment)],
  ];
  it('at the top of the chain of owners', async () =>
    expect(await rootOf(toPod, [event(0, pod, 'Pulled', 'x')], way)).toMatchObject({
      key: 'c1/uid-Deployment-web',
      family: 'web',
      isKnown: true,
    }));

  it('as far up as is known', async () =>
    expect(await rootOf(toPod, [], way.slice(0, 1))).toMatchObject({ key: `c1/${replicaSet.uid}` }));

  it('that adopted it after it was described as an orphan', async () =>
    expect(await rootOf(toPod, [snapshot(0, thing('Pod', pod.name))], way)).toMatchObject({
      key: 'c1/uid-Deployment-web',
    }));

  it('whom its own snapshot names, once that is in the directory', async () => {
    const told = [snapshot(0, pod)];
    expect(await rootOf(toPod, told)).toMatchObject({ key: `c1/${pod.uid}`, isKnown: true });
    expect(await rootOf(toPod, told, way)).toMatchObject({ key: 'c1/uid-Deployment-web', isKnown: true });
  });

  it('though nothing is left that tells its family: then its id is asked for', async () => {
    const { ports } = startContext();
    const root = await findRoot(ports.store, { key: `c1/${pod.uid}`, family: undefined }, []);
    expect(root).toEqual({ key: `c1/${pod.uid}`, family: pod.uid, isKnown: false });
  });

  it('the same one of a ring, wherever one begins', async () => {
    const [a, b] = ['a', 'b'].map((id) => ({ id, family: id })) as [Place, Place];
    const ring: [Place, Place][] = [
      [a, b],
      [b, a],
    ];
    expect(await rootOf(a, [], ring)).toMatchObject({ key: 'c1/a', family: 'a' });
    expect(await rootOf(b, [], ring)).toMatchObject({ key: 'c1/a', family: 'a' });
  });
});

describe('what a later version wrote of who is whose', () => {
  it('is waited for by whom it may tell of', () =>
    expect(rootOf(toPod, [], [], { unreadable: ['web-1'] })).rejects.toThrow(UnreadableBodyError));

  it('is not waited for by others of the family, of whom something is known', async () =>
    expect(await rootOf(toPod, [], [[toPod, placeOf(deployment)]], { unreadable: ['web-1'] })).toMatchObject({
      key: 'c1/uid-Deployment-web',
    }));

  it('nor by one that is described, and has no owner', async () =>
    expect(
      await rootOf(placeOf(deployment), [snapshot(0, deployment)], [], { unreadable: ['web'] }),
    ).toMatchObject({ key: 'c1/uid-Deployment-web' }));
});
