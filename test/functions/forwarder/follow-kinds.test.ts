import { describe, expect, it } from 'vitest';
import type { Discover } from '../../../functions/forwarder/kubernetes/discover-kinds.ts';
import { anEvent, anObject, createMemoryCluster, pod, type Raw, replicaSet } from './memory-cluster.ts';
import { createTestClock, type Given, runInMemory, told } from './run-in-memory.ts';

const rollouts = { apiVersion: 'argoproj.io/v1alpha1', kind: 'Rollout', resource: 'rollouts' };
const rollout = (name: string) => anObject('argoproj.io/v1alpha1', 'Rollout', name);
const atGeneration = (raw: Raw, generation: number): Raw => ({
  ...raw,
  metadata: { ...raw.metadata, generation },
});

/** Looks for kinds only when it is asked to. */
const discovery = { lookEvery: 300_000, leastPause: 0, retryAfter: 0 };

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
      discovery: { lookEvery: 1_000, leastPause: 0, retryAfter: 0 },
    });
    cluster.install(rollouts);
    const web = cluster.put(rollout('web'));
    await term.quiet();
    cluster.put(atGeneration(web, 2));
    await term.quiet();
    expect(told(term.arrived)).toEqual(['Rollout web', 'Rollout web']);
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
