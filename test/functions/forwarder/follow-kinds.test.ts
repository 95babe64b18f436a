import { setTimeout as delay } from 'node:timers/promises';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { systemClock } from '../../../functions/forwarder/kubernetes/clock.ts';
import { createApiServer } from '../../../functions/forwarder/kubernetes/connect-api-server.ts';
import { createDiscover, type Discover } from '../../../functions/forwarder/kubernetes/discover-kinds.ts';
import { watchResource } from '../../../functions/forwarder/kubernetes/watch-resource.ts';
import { customKinds, kindsOf } from '../../../functions/forwarder/kubernetes/watched-resources.ts';
import { checkProperty } from '../../check-property.ts';
import { startFakeApiServer } from './kubernetes/fake-api-server.ts';
import { anEvent, anObject, createMemoryCluster, pod, type Raw, replicaSet } from './memory-cluster.ts';
import { createTestClock, type Given, runInMemory, told } from './run-in-memory.ts';

const rollouts = { apiVersion: 'argoproj.io/v1alpha1', kind: 'Rollout', resource: 'rollouts' };
const rollout = (name: string) => anObject('argoproj.io/v1alpha1', 'Rollout', name);
const atGeneration = (raw: Raw, generation: number): Raw => ({
  ...raw,
  metadata: { ...raw.metadata, generation },
});

/** Looks for kinds only when it is asked to. */
const discovery = { lookEvery: 300_000, leastPause: 1, retryAfter: 0 };

function createShop(given: Given = {}) {
  const cluster = createMemoryCluster();
  const clock = createTestClock();
  const run = (more: Given = {}) =>
    runInMemory(cluster, {
      clock,
      ...given,
      ...more,
      settings: { discovery, ...given.settings, ...more.settings },
    });
  return { cluster, clock, run };
}

describe('a custom resource that is installed', () => {
  it('is watched: its versions in order, before the Events that come after them, and never looked up', async () => {
    const { cluster, run } = createShop();
    cluster.install(rollouts);
    const web = cluster.put(rollout('web'));
    const a = cluster.put(pod('a', cluster.put(replicaSet('web-1', web))));
    const term = run();
    await term.quiet();
    expect(told(term.arrived)).toEqual([]);
    for (const generation of [2, 3]) cluster.put(atGeneration(web, generation));
    await term.quiet();
    cluster.put(anEvent('e1', web, { reason: 'RolloutUpdated' }));
    cluster.put(anEvent('e2', a));
    await term.quiet();
    expect(told(term.arrived)).toEqual([
      'Rollout web',
      'Rollout web',
      'Rollout web',
      'Rollout web RolloutUpdated',
      'ReplicaSet web-1',
      'Pod a',
      'Pod a Pulled',
    ]);
    const versions = term.arrived.flatMap((each) =>
      each.type === 'object' && each.object.kind === 'Rollout' ? [[each.object.generation, each.from]] : [],
    );
    expect(versions).toEqual([
      [1, 'list'],
      [2, undefined],
      [3, undefined],
    ]);
    expect(cluster.lookedUp).toEqual([]);
    await term.stop();
  });

  it('is gone on with from its checkpoint', async () => {
    const { cluster, run } = createShop();
    cluster.install(rollouts);
    const web = cluster.put(rollout('web'));
    const first = run();
    await first.quiet();
    cluster.put(atGeneration(web, 2));
    await first.quiet();
    await first.stop();
    expect(first.saved()?.['rollouts.argoproj.io']).toBe(cluster.version());
    cluster.put(atGeneration(web, 3));
    const second = run({ checkpoint: first.saved() });
    await second.quiet();
    expect(second.arrived).toMatchObject([{ object: { kind: 'Rollout', generation: 3 } }]);
    expect(second.arrived[0]).not.toHaveProperty('from');
    await second.stop();
  });

  it('holds up no Event for ever, though nobody says what is installed', async () => {
    const discover: Discover = () => new Promise(() => {});
    const { cluster, run } = createShop({ ports: { discover }, settings: { readyTime: 1_000 } });
    cluster.put(anEvent('e1', pod('a')));
    const term = run();
    await term.quiet();
    expect(told(term.arrived)).toEqual(['Pod a Pulled']);
    await term.kill();
  });

  it('is found though the API server did not answer at first', async () => {
    let troubles = 3;
    const cluster = createMemoryCluster();
    const discover: Discover = async (signal) => {
      if (troubles-- > 0) throw new Error('away');
      return cluster.discover(signal);
    };
    cluster.install(rollouts);
    const web = cluster.put(rollout('web'));
    const term = runInMemory(cluster, { ports: { discover }, settings: { discovery } });
    await term.quiet();
    cluster.put(atGeneration(web, 2));
    await term.quiet();
    expect(told(term.arrived)).toEqual(['Rollout web', 'Rollout web']);
    expect(term.remarks.filter(({ type }) => type === 'kinds-unknown')).toHaveLength(3);
    await term.stop();
  });
});

describe('a custom resource that is installed later', () => {
  /** A term that runs already, and how often it asked what there is. */
  async function runningTerm(settings: Given['settings'] = {}) {
    const shop = createShop();
    let looks = 0;
    const discover: Discover = (signal) => {
      looks++;
      return shop.cluster.discover(signal);
    };
    const term = shop.run({ ports: { discover }, settings: { discovery, ...settings } });
    await term.quiet();
    return { ...shop, term, looks: () => looks };
  }

  it('is found at once when an Event is about one', async () => {
    const { cluster, term, looks } = await runningTerm();
    cluster.install(rollouts);
    const web = cluster.put(rollout('web'));
    expect(looks()).toBe(1);
    cluster.put(anEvent('e1', web));
    await term.quiet();
    cluster.put(atGeneration(web, 2));
    await term.quiet();
    expect(looks()).toBe(2);
    expect(told(term.arrived).toSorted()).toEqual(['Rollout web', 'Rollout web', 'Rollout web Pulled']);
    expect(term.arrived.at(-1)).toMatchObject({ object: { generation: 2 } });
    await term.stop();
  });

  it('is found at once when one owns what an Event is about', async () => {
    const { cluster, term } = await runningTerm();
    cluster.install(rollouts);
    const web = cluster.put(rollout('web'));
    cluster.put(anEvent('e1', cluster.put(replicaSet('web-1', web))));
    await term.quiet();
    cluster.put(atGeneration(web, 2));
    await term.quiet();
    expect(term.arrived.at(-1)).toMatchObject({ object: { kind: 'Rollout', generation: 2 } });
    await term.stop();
  });

  it('is found after a while though nobody speaks of it', async () => {
    const { cluster, term } = await runningTerm({
      discovery: { lookEvery: 1_000, leastPause: 1, retryAfter: 0 },
    });
    cluster.install(rollouts);
    const web = cluster.put(rollout('web'));
    await term.quiet();
    cluster.put(atGeneration(web, 2));
    await term.quiet();
    expect(told(term.arrived)).toEqual(['Rollout web', 'Rollout web']);
    await term.stop();
  });

  it('is looked for again, where the API server did not tell of it at once', async () => {
    const { cluster, clock, term, looks } = await runningTerm();
    const web = rollout('web');
    cluster.put(anEvent('e1', web));
    await term.quiet();
    cluster.install(rollouts);
    clock.skip(10);
    cluster.put(anEvent('e2', cluster.put(web)));
    await term.quiet();
    expect(looks()).toBe(3);
    expect(cluster.lists).toContain('rollouts.argoproj.io');
    await term.stop();
  });

  it('is looked for once, not with each Event of a kind that nobody watches', async () => {
    const { cluster, term, looks } = await runningTerm();
    for (let i = 0; i < 20; i++) {
      cluster.put(anEvent(`e${i}`, anObject('argoproj.io/v1alpha1', 'AppProject', `p${i}`)));
      cluster.put(anEvent(`f${i}`, anObject('example.com/v1', 'Whatever', `w${i}`)));
      await term.quiet();
    }
    expect(looks()).toBe(2);
    await term.stop();
  });
});

describe('a custom resource that may not be read', () => {
  it('is said once, is in nobody’s way, and is tried again after a while', async () => {
    const { cluster, clock, run } = createShop();
    cluster.install(rollouts, { isForbidden: true });
    const web = cluster.put(rollout('web'));
    const term = run();
    const say = async (name: string, about = web) => {
      cluster.put(anEvent(name, about));
      await term.quiet();
    };
    await say('e1');
    // What asks for a look brings no more than a look.
    for (const [index, minutes] of [0, 3, 3, 3].entries()) {
      clock.skip(minutes * 60_000);
      await say(`other ${index}`, anObject('argoproj.io/v1alpha1', `Other${index}`, 'x'));
    }
    const refusals = () => term.remarks.filter(({ type }) => type === 'kind-unavailable');
    expect(refusals()).toEqual([
      { type: 'kind-unavailable', resource: 'rollouts.argoproj.io', why: 'forbidden' },
    ]);
    expect(told(term.arrived)).toContain('Rollout web Pulled');
    // Only watching is forbidden here.
    expect(cluster.lookedUp).toContain('Rollout/web');
    expect(cluster.lists).not.toContain('rollouts.argoproj.io');
    cluster.install(rollouts);
    clock.skip(3 * 60_000);
    await say('e9', anObject('argoproj.io/v1alpha1', 'Other9', 'x'));
    expect(cluster.lists.filter((name) => name === 'rollouts.argoproj.io')).toHaveLength(1);
    expect(refusals()).toHaveLength(1);
    await term.stop();
  });
});

describe('a custom resource whose definition goes', () => {
  it('ends: what there was of it is gone, and it is asked for no more until it comes back', async () => {
    const { cluster, clock, run } = createShop();
    cluster.install(rollouts);
    const web = cluster.put(rollout('web'));
    const term = run();
    await term.quiet();
    cluster.put(atGeneration(web, 2));
    await term.quiet();
    cluster.uninstall(rollouts);
    await term.quiet();
    expect(told(term.arrived)).toEqual(['Rollout web', 'Rollout web', 'Rollout web gone']);
    expect(term.arrived.at(-1)).toMatchObject({ deleted: true, from: 'list' });
    expect(term.remarks).toContainEqual({
      type: 'kind-unavailable',
      resource: 'rollouts.argoproj.io',
      why: 'unknown',
    });
    const { length } = cluster.lists;
    clock.skip(3_600_000);
    cluster.put(anEvent('e1', pod('a')));
    await term.quiet();
    expect(cluster.lists).toHaveLength(length);

    cluster.install(rollouts);
    const next = cluster.put({ ...rollout('web'), metadata: { ...web.metadata, uid: 'another' } });
    cluster.put(anEvent('e2', next));
    await term.quiet();
    cluster.put(atGeneration(next, 5));
    await term.quiet();
    expect(term.arrived.at(-1)).toMatchObject({ object: { uid: 'another', generation: 5 } });
    await term.stop();
  });
});

it('a definition that is served in another version goes on from where it was, and nothing of it is gone', async () => {
  const { cluster, run } = createShop();
  cluster.install({ ...rollouts, apiVersion: 'argoproj.io/v1alpha1' });
  const web = cluster.put(rollout('web'));
  const term = run();
  await term.quiet();
  cluster.install({ ...rollouts, apiVersion: 'argoproj.io/v1' });
  cluster.put(atGeneration(web, 2));
  await term.quiet();
  expect(
    term.arrived.map((each) => each.type === 'object' && [each.object.generation, each.deleted]),
  ).toEqual([
    [1, false],
    [2, false],
  ]);
  await term.stop();
});

it('whatever comes and goes, of what is installed in the end each change arrives, and nothing is asked for all the time', async () => {
  const happening = fc.record({
    do: fc.constantFrom(
      'install',
      'forbid',
      'uninstall',
      'put',
      'change',
      'remove',
      'event',
      'compact',
      'wait',
    ),
    pick: fc.nat(3),
  });
  await checkProperty(
    fc.asyncProperty(fc.array(happening, { maxLength: 25 }), async (happenings) => {
      const { cluster, clock, run } = createShop();
      const there = new Map<string, Raw>();
      let isInstalled = false;
      let generation = 1;
      const term = run();
      const uninstall = () => {
        if (isInstalled) cluster.uninstall(rollouts);
        isInstalled = false;
        there.clear();
      };
      const change = (raw: Raw) => {
        const changed = atGeneration(raw, ++generation);
        there.set(raw.metadata.uid, changed);
        cluster.put(changed);
      };
      for (const { do: what, pick } of happenings) {
        const one = [...there.values()][pick % Math.max(there.size, 1)];
        if (what === 'install' || what === 'forbid') {
          cluster.install(rollouts, { isForbidden: what === 'forbid' });
          isInstalled = true;
        }
        if (what === 'uninstall') uninstall();
        if (what === 'compact') cluster.compact();
        if (what === 'put' && isInstalled) change(rollout(`r${pick} ${generation}`));
        if (what === 'change' && one !== undefined) change(one);
        if (what === 'event') cluster.put(anEvent(`e${generation++}`, one ?? rollout('nobody')));
        if (what === 'remove' && one !== undefined) {
          there.delete(one.metadata.uid);
          cluster.remove(one.metadata.uid);
        }
        if (what === 'wait') await term.quiet();
        clock.skip(60_000);
      }
      // Given in the end, and long enough waited for.
      cluster.install(rollouts);
      for (let i = 0; i < 2; i++) {
        clock.skip(600_000);
        cluster.put(anEvent(`last ${i}`, anObject('argoproj.io/v1alpha1', `Last${i}`, 'x')));
        await term.quiet();
      }
      for (const raw of [...there.values()]) change(raw);
      const lists = cluster.lists.length;
      await term.quiet();
      expect(cluster.lists.length).toBe(lists);
      const newest = new Map(
        term.arrived.flatMap((each) =>
          each.type === 'object' && !each.deleted ? [[each.object.uid, each.object.generation]] : [],
        ),
      );
      for (const [uid, raw] of there) expect(newest.get(uid)).toBe(raw.metadata.generation);
      await term.stop();
    }),
    100,
  );
});

it('over HTTP: what is installed, forbidden and taken away while the forwarder runs', async () => {
  await using server = await startFakeApiServer();
  const api = createApiServer(server.kubeConfig());
  const remarks: string[] = [];
  const ports = { api, clock: systemClock, random: () => 0 };
  const report = ({ type }: { type: string }) => void remarks.push(type);
  const term = runInMemory(createMemoryCluster(), {
    clock: systemClock,
    ports: {
      follow: (resource, options) => watchResource({ ...ports, report }, resource, options),
      discover: createDiscover(api, kindsOf(customKinds)),
      lookUp: async () => ({ type: 'gone' }),
    },
    settings: { discovery: { lookEvery: 20, leastPause: 10, retryAfter: 10 } },
  });
  const until = async (what: () => boolean) => {
    while (!what()) await delay(5);
  };
  const refusals = () => term.remarks.filter(({ type }) => type === 'kind-unavailable');
  const web = { metadata: { namespace: 'shop', name: 'web', uid: 'r1', generation: 1 } };
  const own = server.settings.resources.length - 3;
  await until(() => server.openWatches() === own);
  expect([...server.requests.keys()].filter((call) => call.includes('rollouts'))).toEqual([]);

  server.troubles.push({ on: /list .*rollouts/, do: 'status', code: 403, times: 3 });
  server.install(rollouts);
  server.apply(rollouts, web);
  await until(() => server.openWatches() === own + 1);
  expect(refusals()).toEqual([
    { type: 'kind-unavailable', resource: 'rollouts.argoproj.io', why: 'forbidden' },
  ]);
  server.apply(rollouts, { ...web, metadata: { ...web.metadata, generation: 2 } });
  await until(() => term.arrived.length === 2);
  server.uninstall(rollouts);
  await until(() => refusals().length === 2);
  const asked = server.requests.get('list /apis/argoproj.io/v1alpha1/rollouts');
  await delay(100);
  expect(server.requests.get('list /apis/argoproj.io/v1alpha1/rollouts')).toBe(asked);
  await until(() => term.arrived.length === 3);
  expect(told(term.arrived)).toEqual(['Rollout web', 'Rollout web', 'Rollout web gone']);
  expect(term.arrived.map((each) => each.type === 'object' && each.from)).toEqual([
    'list',
    undefined,
    undefined,
  ]);
  expect(remarks.filter((type) => type === 'refused' || type === 'unknown-resource')).toEqual([]);
  await term.stop();
  api.close();
});
