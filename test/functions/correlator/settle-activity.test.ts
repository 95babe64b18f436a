/** What is done of what next-step.test.ts decides: how much is read, what is armed, and what comes of an activity's timer. */
import { describe, expect, it } from 'vitest';
import { readActivity, toActivity } from '../../../functions/correlator/activity.ts';
import { builtInRules } from '../../../functions/correlator/causality/rules/built-in-rules.ts';
import {
  batchItem,
  checkpointItem,
  joinItem,
  mergeItem,
  nameChunks,
  recheckItem,
  registrationItem,
  shorten,
} from '../../../functions/correlator/items.ts';
import { createSharedReads, unregisteredKeys } from '../../../functions/correlator/join-registry.ts';
import { familyItems } from '../../../functions/correlator/owners.ts';
import type { Due } from '../../../functions/correlator/read-timers.ts';
import {
  beginCheck,
  type Check,
  finishCheck,
  type Outcome,
} from '../../../functions/correlator/settle-activity.ts';
import type { Item } from '../../../functions/correlator/store.ts';
import { makeRollout } from '../../spans.ts';
import { chunk } from '../../support/chunk.ts';
import { dueOf } from '../../support/due.ts';
import { noon, type StartedContext, startContext } from '../../support/start-context.ts';
import { event, rollout, snapshot, thing } from './causality/cluster-story.ts';

const later = 10 ** 10;
const deployment = thing('Deployment', 'web');
const web = `c1/${deployment.uid}`;
const { observations } = rollout(0);
const spans = makeRollout({ name: 'web', replicas: 1 });

/** The activity was heard of at noon, and its timer comes 21 s later. */
const due = dueOf({ activity: web });

async function start(items: readonly Item[], at = 21) {
  const context = startContext();
  await context.store.put(items);
  context.clock.now = noon + at * 1000;
  return context;
}
const begin = (context: StartedContext, more: Partial<Due> = {}) => beginCheck(context, { ...due, ...more });
const isCheck = (reached: Outcome | Check): reached is Check => 'due' in reached;
async function outcome(context: StartedContext, more: Partial<Due> = {}): Promise<Outcome> {
  const reached = await begin(context, more);
  return isCheck(reached) ? finishCheck(context, reached, createSharedReads(context)) : reached;
}
const noise = (n: number) => Array.from({ length: 40 }, (_, i) => shorten(`${n} ${i}`)).join('');
/** Hardly to be packed: so many times half a kilobyte. */
const bulk = (count: number) =>
  Array.from({ length: count }, (_, n) => event(n / 100, deployment, 'Odd', noise(n), { uid: `e${n}` }));

describe('what is read', () => {
  it('of one that is small is all of it, in one request', async () => {
    const context = await start(chunk('b', observations));
    const check = await begin(context);
    expect(isCheck(check) && check.observations).toEqual(observations);
    expect(context.calls).toEqual(['list']);
  });

  it('of one that is not is the rest as well', async () => {
    const parts = observations.flatMap((observation) => [0, 1, 2].map((n) => [observation, n] as const));
    const context = await start(parts.flatMap(([one, n], index) => chunk(`b${index} ${n}`, [one])));
    const check = await begin(context);
    expect(isCheck(check) && check.chunks.length).toBe(18);
    expect(context.calls.slice(0, 2)).toEqual(['list', 'list']);
  });

  it('of one that is loud, of which somebody has read all, is what is new', async () => {
    const checkpoint = {
      at: noon,
      batch: 0,
      committedAt: 0,
      since: noon,
      bytes: 50_000,
      isJoined: false,
      digests: new Set<string>(),
      acknowledged: undefined,
    };
    const old = Array.from({ length: 12 }, (_, n) =>
      chunk(`b${n}`, [event(n, deployment, 'Odd', 'x')]),
    ).flat();
    const recent = chunk('new', [], { at: noon + 15_000, dueAt: 0 });
    const context = await start([...old, ...recent, checkpointItem(web, checkpoint, later)!]);
    const reached = await outcome(context);
    expect(reached).toMatchObject({ spans: [], next: 14 });
    expect(reached.checkpoint).toBeUndefined();
  });

  it('of one that is very large, and came with others: nothing; it comes again, alone', async () => {
    const context = await start([
      ...chunk('large', bulk(650)),
      ...Array.from({ length: 5 }, (_, n) => chunk(`b${n}`, [])).flat(),
    ]);
    const reached = await outcome(context, { isAlone: false, sent: 3, since: noon - 1 });
    expect(reached).toEqual({ spans: [] });
    expect(context.armed).toEqual([
      {
        id: 'chain',
        activities: [web],
        dueAt: due.dueAt,
        armedAt: noon,
        since: noon - 1,
        sent: { [web]: 3 },
        delaySeconds: 0,
      },
    ]);
  });

  it('of one that is very large, and came alone: all of it', async () => {
    const context = await start(chunk('large', bulk(650)));
    expect(await outcome(context)).toMatchObject({ remark: { kind: 'postponed', activity: web } });
    expect(context.armed).toEqual([]);
  });
});

describe('an activity’s timer', () => {
  it('that comes while it is loud comes back when it is quiet', async () => {
    const context = await start(chunk('b', observations, { at: noon + 15_000, dueAt: 0 }));
    expect(await outcome(context)).toMatchObject({
      spans: [],
      next: 14,
      remark: { kind: 'postponed', activity: web, seconds: 14, age: 6 },
    });
  });

  it('leaves it to another that comes then anyway, or two seconds after', async () => {
    const followedBy = async (seconds: number) => {
      const context = await start(
        chunk('b', observations, { at: noon + 15_000, dueAt: noon + seconds * 1000 }),
      );
      return (await outcome(context)).next;
    };
    expect(await followedBy(36)).toBeUndefined();
    expect(await followedBy(37)).toBeUndefined();
    expect(await followedBy(38)).toBe(14);
  });

  it('leaves it to none that is due so soon that, by another clock, it may have come already', async () => {
    const context = await start(chunk('b', observations, { at: noon + 3000, dueAt: noon + 24_000 }));
    expect((await outcome(context)).next).toBe(2);
  });

  it('that was read a moment early is not that other one', async () => {
    const context = await start(chunk('b', observations, { at: noon + 15_000 }), 20.5);
    expect((await outcome(context)).next).toBe(14.5);
  });

  it('sends again what its chain has committed, whatever else is to be done', async () => {
    const batch = batchItem(web, 1, spans, { at: noon - 9000, chain: 'chain' }, later);
    const context = await start([...chunk('b', observations, { at: noon + 15_000, dueAt: 0 }), batch]);
    expect(await outcome(context)).toMatchObject({ spans, sentUpTo: 1, next: 14 });
    expect((await outcome(context, { sent: 1 })).spans).toEqual([]);
  });

  it('of one that has settled, and is rechecked later, is done', async () => {
    const items = chunk('b', observations);
    const said = { seen: nameChunks(items), next: noon + 600_000, acknowledged: undefined };
    const context = await start([...items, recheckItem(web, said, undefined, later)]);
    expect(await outcome(context)).toEqual({ spans: [], sentUpTo: 0 });
  });

  it('of one of which nothing is left is done', async () =>
    expect(await outcome(await start([]))).toEqual({ spans: [], sentUpTo: 0 }));

  it('of one that is large leaves a checkpoint while it is loud', async () => {
    const context = await start(chunk('large', bulk(60), { at: noon + 15_000, dueAt: 0 }));
    expect((await outcome(context)).checkpoint).toMatchObject({
      at: noon + 21_000,
      batch: 0,
      since: noon + 15_000,
      isJoined: true,
    });
  });

  it('that finds it quiet commits, and is done with all but what is open', async () => {
    const { spans: sent, next } = await outcome(await start(chunk('b', observations), 3600));
    expect(sent.map(({ name }) => name)).toContain('Deployment.Create');
    expect(next).toBeUndefined();
  });
});

describe('an activity that is part of another', () => {
  const app = { id: 'app', family: 'app' };
  const owned = familyItems(
    'c1',
    'web',
    { batch: 'x', objects: new Map([[deployment.uid, { owner: app, by: 'x' }]]), isLarge: false },
    noon,
    later,
  );
  const told = [event(0, deployment, 'ScalingReplicaSet', 'x')];

  it('is merged into it, and a timer follows there', async () => {
    const context = await start([...chunk('b', told), ...owned]);
    expect(await outcome(context)).toEqual({ spans: [], sentUpTo: 0 });
    expect(await readActivity(context.store, web)).toMatchObject({ chunks: [] });
    expect(await readActivity(context.store, 'c1/app')).toMatchObject({
      family: 'app',
      chunks: [{ dueAt: 0 }],
    });
    expect(context.armed).toMatchObject([{ activities: ['c1/app'], dueAt: noon + 42_000, delaySeconds: 21 }]);
  });

  it('is asked for by it: merged, and quiet once more', async () => {
    const context = await start([
      ...chunk('b', observations),
      mergeItem(web, 'web', 'c1/pod', later),
      ...chunk('b', told, { activity: 'c1/pod', dueAt: 0, family: 'web-1' }),
    ]);
    expect(await outcome(context)).toMatchObject({ spans: [], next: 20 });
    expect((await readActivity(context.store, web)).chunks).toHaveLength(2);
    // It comes again itself.
    expect(context.armed).toEqual([]);
  });
});

describe('an activity that may be related to others', () => {
  const node = { ...thing('Node', 'n1'), uid: 'n1' };
  const cordon = event(0, node, 'NodeNotSchedulable', 'x', { namespace: 'default' });

  it('registers before it reads them, and gives them time', async () => {
    const told = chunk('b', [snapshot(0, node), cordon], { activity: 'c1/Node//n1', family: 'n1' });
    const context = await start(told);
    expect(await outcome(context, { activity: 'c1/Node//n1' })).toMatchObject({ spans: [], next: 10 });
    expect((await readActivity(context.store, 'c1/Node//n1')).joinKeys).toContain('Node//n1');
  });

  it('waits for one that is loud, with a timer of its own: the other’s does not bring this one', async () => {
    const loud = { activity: 'c1/other', at: noon + 39_000, dueAt: noon + 60_000, family: 'other' };
    const keys = unregisteredKeys(toActivity(web, []), observations, { rules: builtInRules });
    const context = await start(
      [
        ...chunk('b', observations, { dueAt: noon + 59_000 }),
        registrationItem(web, [...keys, 'x'], later),
        ...chunk('b', [], loud),
        joinItem('c1/other', 'x', noon, later),
      ],
      40,
    );
    expect(await outcome(context, { dueAt: noon + 40_000 })).toMatchObject({
      spans: [],
      next: 19,
      remark: { kind: 'postponed' },
    });
  });
});
