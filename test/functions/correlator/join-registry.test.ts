import { describe, expect, it } from 'vitest';
import { readActivity, toActivity } from '../../../functions/correlator/activity.ts';
import { builtInRules } from '../../../functions/correlator/causality/rules/built-in-rules.ts';
import { joinItem, registrationItem } from '../../../functions/correlator/items.ts';
import {
  createFreshReads,
  createSharedReads,
  readRelatedOf,
  register,
  unregisteredKeys,
} from '../../../functions/correlator/join-registry.ts';
import { familyItems } from '../../../functions/correlator/owners.ts';
import { activityPartition, joinPartition } from '../../../functions/correlator/store.ts';
import { defaultThresholds } from '../../../functions/correlator/thresholds.ts';
import { chunk } from '../../support/chunk.ts';
import { Crash, noon, type StartedContext, startContext } from '../../support/start-context.ts';
import { event, snapshot, thing } from './causality/cluster-story.ts';

const later = 10 ** 10;
const node = { ...thing('Node', 'n1'), uid: 'n1' };
const pod = thing('Pod', 'a');
const evicted = snapshot(0, pod, {
  nodeName: 'n1',
  status: { conditions: [{ type: 'DisruptionTarget', status: 'True', reason: 'EvictionByEvictionAPI' }] },
});
const cordon = event(0, node, 'NodeNotSchedulable', 'x', { namespace: 'default' });

/** Which are registered, as whoever settles one does it: under these keys. */
async function registered(context: StartedContext, keys: Readonly<Record<string, readonly string[]>>) {
  for (const [id, joinKeys] of Object.entries(keys))
    await register(context, await readActivity(context.store, `c1/${id}`), joinKeys);
}
/** Those that one finds, in order of their names. */
async function relatedOf(context: StartedContext, id: string): Promise<string[]> {
  const activity = await readActivity(context.store, `c1/${id}`);
  const related = await readRelatedOf(activity, createSharedReads(context), context);
  return related.map(({ activity: { key } }) => key.slice('c1/'.length)).sort();
}

describe('join keys', () => {
  const keysOf = (...observations: (typeof evicted | typeof cordon)[]) =>
    unregisteredKeys(toActivity('c1/web', []), observations, { rules: builtInRules });

  it('of a cordoned Node and of a pod that was evicted from it have one in common', () => {
    const common = new Set(keysOf(cordon)).intersection(new Set(keysOf(evicted)));
    expect([...common]).toEqual(['Node//n1']);
  });
  it('of a pod with an owner, as they come by the thousand, are none', () =>
    expect(keysOf(snapshot(0, thing('Pod', 'a', thing('Job', 'b'))))).toEqual([]));
  it('that it is registered under are not new', () => {
    const activity = toActivity('c1/web', [registrationItem('c1/web', ['Node//n1'], later)]);
    expect(unregisteredKeys(activity, [cordon], { rules: builtInRules })).not.toContain('Node//n1');
  });
});

describe('who registers', () => {
  it('is found under each of its keys, and remembers them with those before', async () => {
    const context = startContext();
    await registered(context, { web: ['uid:b'] });
    const activity = await readActivity(context.store, 'c1/web');
    expect(await register(context, activity, ['uid:a', 'uid:c'])).toEqual(['uid:a', 'uid:b', 'uid:c']);
    for (const key of ['uid:a', 'uid:b', 'uid:c'])
      expect(await context.store.list(joinPartition('c1', key))).toMatchObject([
        { sk: expect.stringMatching(/^\d{15}#c1\/web$/) },
      ]);
    expect((await readActivity(context.store, 'c1/web')).joinKeys).toEqual(['uid:a', 'uid:b', 'uid:c']);
  });

  it('registers again before others do not find it any more', async () => {
    const context = startContext();
    await registered(context, { web: ['uid:a'] });
    const { joinRetention, retention } = defaultThresholds;
    const [join] = await context.store.list(joinPartition('c1', 'uid:a'));
    const [own] = await context.store.list(activityPartition('c1/web'));
    expect([join!.expiresAt, own!.expiresAt]).toEqual([
      noon / 1000 + retention,
      noon / 1000 + joinRetention / 2,
    ]);
  });

  it('and crashes in between, registers again', async () => {
    const context = startContext((call) => (call === 2 ? 'before' : undefined));
    const activity = toActivity('c1/web', []);
    await expect(register(context, activity, ['uid:a'])).rejects.toThrow(Crash);
    expect(await context.store.list(joinPartition('c1', 'uid:a'))).toHaveLength(1);
    expect((await readActivity(context.store, 'c1/web')).joinKeys).toEqual([]);
  });

  it('at the same time as another: in whatever order both register and read, one finds the other', async () => {
    const orders = [
      ['+a', '+b', 'a', 'b'],
      ['+a', '+b', 'b', 'a'],
      ['+a', 'a', '+b', 'b'],
      ['+b', '+a', 'a', 'b'],
      ['+b', '+a', 'b', 'a'],
      ['+b', 'b', '+a', 'a'],
    ];
    for (const order of orders) {
      const context = startContext();
      const found: string[] = [];
      for (const step of order) {
        if (step.startsWith('+')) await registered(context, { [step.slice(1)]: ['uid:x'] });
        else found.push(...(await relatedOf(context, step)));
      }
      expect(found.length, order.join(' ')).toBeGreaterThan(0);
    }
  });
});

describe('an activity finds', () => {
  const find = async (id: string, keys: Readonly<Record<string, readonly string[]>>) => {
    const context = startContext();
    await registered(context, keys);
    return relatedOf(context, id);
  };

  it('who is registered under a key of its own, and not itself', async () =>
    expect(await find('pod', { pod: ['Node//n1'], node: ['Node//n1'], other: ['Node//n2'] })).toEqual([
      'node',
    ]));
  it('whom those find, and so on', async () =>
    expect(await find('a', { a: ['x'], b: ['x', 'y'], c: ['y', 'z'], d: ['z'] })).toEqual(['b', 'c', 'd']));
  it('nobody where it has no key', async () => expect(await find('web', { node: ['Node//n1'] })).toEqual([]));
  it('nobody in another cluster', async () => {
    const context = startContext();
    await registered(context, { pod: ['Node//n1'] });
    await register(context, toActivity('c2/node', []), ['Node//n1']);
    expect(await relatedOf(context, 'pod')).toEqual([]);
  });

  describe('what links need', () => {
    const keys = {
      sync: ['link:one:s'],
      d1: ['link:many:s'],
      d2: ['link:many:s', 'Node//n1'],
      n: ['Node//n1'],
    };
    it('the one finds the many', async () => expect(await find('sync', keys)).toEqual(['d1', 'd2', 'n']));
    it('each of the many finds the one, and not the many', async () =>
      expect(await find('d1', keys)).toEqual(['sync']));
    it('whom it meets finds its own, and not the one that it links to', async () =>
      expect(await find('n', keys)).toEqual(['d2']));
  });
});

describe('what is read of those that are found', () => {
  const told = (key: string, at: number) =>
    chunk('b', [cordon], { activity: key, at, dueAt: 0, family: 'n1' });

  it('is all of each', async () => {
    const context = startContext();
    await registered(context, { pod: ['Node//n1'], 'Node//n1': ['Node//n1'] });
    await context.store.put(told('c1/Node//n1', noon - 90_000));
    const activity = await readActivity(context.store, 'c1/pod');
    const [node1] = await readRelatedOf(activity, createSharedReads(context), context);
    expect(node1).toMatchObject({ observations: [cordon], chunks: [{ cluster: { uid: 'c1' } }] });
    expect(node1!.activity.key).toBe('c1/Node//n1');
  });

  it('is whose it is as well, for its first minute', async () => {
    const rootOf = async (at: number) => {
      const context = startContext();
      await registered(context, { pod: ['Node//n1'], rs: ['Node//n1'] });
      const objects = new Map([['rs', { owner: { id: 'web', family: 'web' }, by: 'x' }]]);
      await context.store.put([
        ...told('c1/rs', at),
        ...familyItems('c1', 'n1', { batch: 'x', objects, isLarge: false }, noon, later),
      ]);
      const activity = await readActivity(context.store, 'c1/pod');
      const [rs] = await readRelatedOf(activity, createSharedReads(context), context);
      return rs!.root?.key;
    };
    expect(await rootOf(noon - 59_000)).toBe('c1/web');
    expect(await rootOf(noon - 60_000)).toBeUndefined();
  });

  it('is read once for all that settle together', async () => {
    const context = startContext();
    await registered(context, { a: ['x'], b: ['x'], c: ['x'] });
    const reads = createSharedReads(context);
    const activities = await Promise.all(
      ['a', 'b', 'c'].map((id) => readActivity(context.store, `c1/${id}`)),
    );
    context.calls.length = 0;
    for (const activity of activities) await readRelatedOf(activity, reads, context);
    // The registry, and each of the three.
    expect(context.calls).toEqual(['list', 'list', 'list', 'list']);
  });
  it('is read anew for whoever begins when that has become old', async () => {
    const context = startContext();
    const fresh = createFreshReads(context);
    const first = fresh();
    context.clock.now += 5000;
    expect(fresh()).toBe(first);
    context.clock.now += 1;
    expect(fresh().since).toBe(context.clock.now);
  });

  it('is left out where it cannot be read, which is logged: others settle without it', async () => {
    const context = startContext();
    await registered(context, { a: ['x'], b: ['x'], c: ['x'] });
    const [chunk] = told('c1/b', noon);
    await context.store.put([{ ...chunk!, body: Uint8Array.of(255) }]);
    expect(await relatedOf(context, 'a')).toEqual(['c']);
    expect(context.remarks).toMatchObject([{ kind: 'unreadable', activity: 'c1/b' }]);
  });

  it.each([1, 2])(
    'is an end to where the store is away: nothing is settled without those it would have found (call %i)',
    async (at) => {
      const context = startContext((call) => (call === at ? 'before' : undefined));
      await context.store.put(['c1/a', 'c1/b'].map((key) => joinItem(key, 'x', noon, later)));
      const activity = toActivity('c1/a', [registrationItem('c1/a', ['x'], later)]);
      await expect(readRelatedOf(activity, createSharedReads(context), context)).rejects.toThrow(Crash);
      expect(context.remarks).toEqual([]);
    },
  );

  it('is no more than is read together, by name, and what is left out is logged', async () => {
    const context = startContext();
    const ids = Array.from({ length: 250 }, (_, n) => `d${String(n).padStart(3, '0')}`);
    await registered(context, Object.fromEntries(['sync', ...ids].map((id) => [id, ['x']])));
    expect(await relatedOf(context, 'sync')).toEqual(ids.slice(0, 199));
    expect(context.remarks).toEqual([{ kind: 'too-many-related', activity: 'c1/sync', left: 51 }]);
  });
});
