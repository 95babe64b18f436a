/** The directory of owners as a warm function uses it: what snapshots tell is written once, what it knows it does not ask for. */
import { describe, expect, it } from 'vitest';
import {
  createOwnerDirectory,
  earlyMarks,
  findEarly,
  learnOwners,
  type OwnerDirectory,
  resolveOwners,
  type World,
} from '../../../functions/correlator/owner-directory.ts';
import type { StreamBatch } from '../../../functions/correlator/read-records.ts';
import type { Place } from '../../../functions/correlator/store.ts';
import type { Observation } from '../../../shared/observation.ts';
import { Crash, type CrashAt, startContext } from '../../support/start-context.ts';
import { event, snapshot, thing } from './causality/cluster-story.ts';

const cluster = { uid: 'c1', name: 'test' };
const deployment = thing('Deployment', 'web');
const replicaSet = thing('ReplicaSet', 'web-1', deployment);
const pod = thing('Pod', 'web-1-a', replicaSet);
const places = new Map<string, Place>([[`c1/${pod.uid}`, { id: pod.uid, family: 'web-1' }]]);
const day = 24 * 3600;

function start(crash?: CrashAt) {
  const context = startContext(crash);
  const open = (): OwnerDirectory => createOwnerDirectory(context.ports.store, context.ports.now, day);
  const written = async () =>
    (await Promise.all(['web', 'web-1'].map((family) => context.store.list(`objects#c1/${family}`)))).flat();
  return { ...context, open, written };
}
const batch = (observations: Observation[], source = 's0:1'): StreamBatch => ({
  name: `batch of ${source}`,
  records: [{ cluster, observations, poison: undefined, arrivedAt: 0, source }],
});
const ids = (world: ReadonlyMap<string, unknown>) => [...world.keys()].sort();

describe('what snapshots tell', () => {
  it('is written a batch and a family at a time, and known from then on', async () => {
    const { open, calls, written } = start();
    const directory = open();
    const newly = await learnOwners(
      directory,
      [batch([snapshot(0, replicaSet), snapshot(0, pod)])],
      new Map(),
    );
    expect(ids(newly)).toEqual([`c1/${pod.uid}`, `c1/${replicaSet.uid}`]);
    expect(await written()).toHaveLength(1);
    const world: World = new Map();
    calls.length = 0;
    await resolveOwners(directory, places, world);
    expect(world.get(`c1/${pod.uid}`)!.known.owner).toEqual({ id: replicaSet.uid, family: 'web-1' });
    // Of the Deployment nothing is known yet.
    expect(calls).toEqual(['list']);
  });

  it('another function reads', async () => {
    const { open } = start();
    await learnOwners(open(), [batch([snapshot(0, replicaSet), snapshot(0, pod)])], new Map());
    const world: World = new Map();
    await resolveOwners(open(), places, world);
    expect(ids(world)).toEqual([`c1/${pod.uid}`, `c1/${replicaSet.uid}`]);
  });

  it('of an object without an owner is not written: it is a root whether that is written down or not', async () => {
    const { open, written } = start();
    const world: World = new Map();
    expect(await learnOwners(open(), [batch([snapshot(0, deployment)])], world)).toEqual(new Map());
    expect([await written(), ids(world)]).toEqual([[], [`c1/${deployment.uid}`]]);
  });

  it('again is not written again', async () => {
    const { open, written } = start();
    const directory = open();
    const world: World = new Map();
    await learnOwners(directory, [batch([snapshot(0, pod)])], world);
    expect(await learnOwners(directory, [batch([snapshot(5, pod)], 's0:2')], world)).toEqual(new Map());
    expect(await written()).toHaveLength(1);
  });

  it('again is written again before it is forgotten: half a day later', async () => {
    const { open, written, clock } = start();
    const directory = open();
    const world: World = new Map();
    await learnOwners(directory, [batch([snapshot(0, pod)])], world);
    clock.now += (day / 2 + 1) * 1000;
    await learnOwners(directory, [batch([snapshot(5, pod)], 's0:2')], world);
    expect(await written()).toHaveLength(2);
    expect(world.get(`c1/${pod.uid}`)!.expiresAt).toBe(Math.ceil(clock.now / 1000) + day);
  });

  it('of an orphan that was adopted is news', async () => {
    const { open } = start();
    const world: World = new Map();
    await learnOwners(open(), [batch([snapshot(0, thing('Pod', pod.name))])], world);
    const newly = await learnOwners(open(), [batch([snapshot(5, pod)], 's0:2')], world);
    expect(ids(newly)).toEqual([`c1/${pod.uid}`]);
  });

  it('of an owner that is another than before is not believed: what was filed stays where it is', async () => {
    const { open } = start();
    const world: World = new Map();
    await learnOwners(open(), [batch([snapshot(0, pod)])], world);
    await learnOwners(open(), [batch([snapshot(5, { ...pod, owner: deployment })], 's0:2')], world);
    expect(world.get(`c1/${pod.uid}`)!.known.owner!.id).toBe(replicaSet.uid);
  });

  it('comes again because what followed failed: it is news once more', async () => {
    const { open } = start();
    const world: World = new Map();
    const told = [batch([snapshot(0, pod)])];
    await learnOwners(open(), told, world);
    expect(ids(await learnOwners(open(), told, world))).toEqual([`c1/${pod.uid}`]);
  });

  it('is not remembered where it could not be written', async () => {
    const { open, written } = start((call) => (call === 1 ? 'before' : undefined));
    const directory = open();
    await expect(learnOwners(directory, [batch([snapshot(0, pod)])], new Map())).rejects.toThrow(Crash);
    const world: World = new Map();
    await resolveOwners(directory, places, world);
    expect([ids(world), await written()]).toEqual([[], []]);
  });
});

it('a family that has grown has its new objects each under a key of its own', async () => {
  const { open, written } = start();
  const directory = open();
  const podOf = (n: number) => thing('Pod', `web-1-${n}`, replicaSet);
  for (let n = 0; n < 8; n += 1)
    await learnOwners(directory, [batch([snapshot(0, podOf(n))], `s0:${n}`)], new Map());
  // Whoever looks for one finds out.
  await resolveOwners(directory, new Map([['c1/x', { id: 'x', family: 'web-1' }]]), new Map());
  await learnOwners(directory, [batch([snapshot(0, podOf(8)), snapshot(0, podOf(9))], 's0:9')], new Map());
  const keys = (await written()).map(({ sk }) => sk);
  expect(keys.filter((sk) => sk.startsWith('~'))).toHaveLength(2);
  expect(keys).toHaveLength(10);
});

describe('an activity that begins without its object', () => {
  const key = `c1/${pod.uid}`;
  const touched = new Map([[key, 'web-1']]);
  const pulled = event(0, pod, 'Pulled', 'x');

  it('is marked, and found by whoever learns of the owner', async () => {
    const { open, store } = start();
    const { items } = earlyMarks(open(), [batch([pulled])], touched, new Map());
    await store.put(items);
    expect(await findEarly(open(), places)).toEqual([[key, places.get(key)]]);
  });

  it('is marked once, where that is written', async () => {
    const { open } = start();
    const directory = open();
    const mark = () => earlyMarks(directory, [batch([pulled])], touched, new Map());
    expect(mark().items).toHaveLength(1);
    const again = mark();
    expect(again.items).toHaveLength(1);
    again.done();
    expect(mark().items).toEqual([]);
  });

  it('is marked again before the mark is forgotten', async () => {
    const { open, clock } = start();
    const directory = open();
    earlyMarks(directory, [batch([pulled])], touched, new Map()).done();
    clock.now += (day / 2 + 1) * 1000;
    expect(earlyMarks(directory, [batch([pulled])], touched, new Map()).items).toHaveLength(1);
  });

  it('is none where its object is known', async () => {
    const { open } = start();
    const world: World = new Map();
    await learnOwners(open(), [batch([snapshot(0, pod)])], world);
    expect(earlyMarks(open(), [batch([pulled])], touched, world).items).toEqual([]);
  });

  it('is one of an orphan as well: somebody may adopt it', async () => {
    const { open } = start();
    const orphan = [batch([snapshot(0, thing('Pod', pod.name))])];
    const world: World = new Map();
    await learnOwners(open(), orphan, world);
    expect(earlyMarks(open(), orphan, touched, world).items).toHaveLength(1);
  });
});
