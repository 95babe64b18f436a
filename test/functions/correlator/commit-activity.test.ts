/** What an activity sends once nothing is to be waited for, and what it says of when it is checked next. */
import { describe, expect, it } from 'vitest';
import { chunksOf, observationsOf, readActivity } from '../../../functions/correlator/activity.ts';
import { commitActivity } from '../../../functions/correlator/commit-activity.ts';
import {
  archivedSentItems,
  batchItem,
  nameChunks,
  registrationItem,
  spansOf,
} from '../../../functions/correlator/items.ts';
import type { Check } from '../../../functions/correlator/settle-activity.ts';
import type { Observation } from '../../../shared/observation.ts';
import { chunk } from '../../support/chunk.ts';
import { dueOf } from '../../support/due.ts';
import { noon, type StartedContext, startContext } from '../../support/start-context.ts';
import { event, rollout, thing } from './causality/cluster-story.ts';

const web = 'c1/uid-Deployment-web';
const later = 10 ** 10;
const { observations, pod } = rollout(0);
/** The pod is started: what it said can no longer change; what caused it is held until the trace closes. */
const started = [
  ...observations,
  event(1, pod, 'Pulling', 'Pulling image "web"'),
  event(4, pod, 'Pulled', 'Successfully pulled image "web"'),
  event(5, pod, 'Started', 'Started container web'),
];

/** A rollout that began at noon, as it is checked so many seconds after. */
async function start({
  at = 30,
  story = observations,
}: {
  at?: number;
  story?: readonly Observation[];
} = {}) {
  const context = startContext();
  await context.store.put(chunk('b', story));
  context.clock.now = noon + at * 1000;
  return context;
}

async function checkOf(context: StartedContext, more: Partial<Check> = {}): Promise<Check> {
  const activity = await readActivity(context.store, web);
  const chunks = chunksOf(activity);
  return {
    due: dueOf({ activity: web }),
    activity,
    chunks,
    observations: observationsOf(chunks),
    root: { key: web, family: 'web', isKnown: true },
    unregistered: [],
    isNewlyRegistered: false,
    related: undefined,
    readAt: context.clock.now,
    resent: [],
    ...more,
  };
}
const commit = async (context: StartedContext, more: Partial<Check> = {}) =>
  commitActivity(context, await checkOf(context, more), []);
const names = (spans: readonly { name: string }[]) => spans.map(({ name }) => name).sort();
const all = [
  'Deployment.Create',
  'Deployment.ScalingReplicaSet',
  'Pod.Scheduled',
  'ReplicaSet.SuccessfulCreate',
];
const hour = 3600;

describe('a commit', () => {
  it('writes down what is sent, and says when what is open closes', async () => {
    const context = await start({ at: 70, story: started });
    const { spans, sentUpTo, next, remark } = await commit(context);
    const { batches } = await readActivity(context.store, web);
    expect(spansOf(batches[0]!)).toEqual(spans);
    expect(sentUpTo).toBe(1);
    expect(names(spans)).toEqual(['Pod.Pulled', 'Pod.Pulling', 'Pod.Scheduled', 'Pod.Started']);
    expect(next).toBeGreaterThan(600);
    expect(next).toBeLessThan(900);
    expect(remark).toMatchObject({ kind: 'settled', related: 1, sent: 4, open: 3 });
  });

  it('of all, once it is closed: nothing is to come', async () => {
    const { spans, next } = await commit(await start({ at: hour }));
    expect([names(spans), next]).toEqual([all, undefined]);
  });

  it('of what is new since another', async () => {
    const context = await start({ at: hour });
    await commit(context);
    const late = chunk('late', [event(9, pod, 'Pulled', 'x')], { at: noon + hour * 1000, dueAt: 0 });
    await context.store.put(late);
    const { spans, sentUpTo, remark } = await commit(context);
    expect([names(spans), sentUpTo]).toEqual([['Pod.Pulled'], 2]);
    expect(remark).toMatchObject({ sent: 1, late: 1 });
  });

  it('of nothing: the last number stays', async () => {
    const context = await start({ at: hour });
    await commit(context);
    expect(await commit(context)).toMatchObject({ spans: [], sentUpTo: 1, next: undefined });
  });

  it('sends what is to be sent again with it', async () => {
    const context = await start({ at: hour });
    const { spans } = await commit(context);
    expect(names((await commit(context, { resent: spans })).spans)).toEqual(all);
  });

  it('of an object that nobody described says so', async () => {
    const root = { key: web, family: 'web', isKnown: false };
    expect((await commit(await start({ at: hour }), { root })).remark).toMatchObject({ unresolved: 4 });
  });
});

describe('what the archive says was sent', () => {
  it('is not sent again: it is asked for the hours of what is old', async () => {
    const before = await commit(await start({ at: 4 * hour }));
    expect(before.spans).toHaveLength(4);
    const context = await start({ at: 4 * hour });
    const [first, ...others] = before.spans;
    await context.store.put(archivedSentItems(web, others, later));
    expect(names((await commit(context)).spans)).toEqual([first!.name]);
  });

  it('is not asked for what is young', async () => {
    const context = await start({ at: hour });
    const check = await checkOf(context);
    context.calls.length = 0;
    await commitActivity(context, check, []);
    expect(context.calls).toEqual(['replace']);
  });
});

describe('somebody else has committed', () => {
  const faster = async (chain: string) => {
    const context = await start({ at: hour });
    const check = await checkOf(context);
    const { spans } = await commitActivity(await start({ at: hour }), check, []);
    const item = batchItem(web, 1, spans.slice(0, 2), { at: context.clock.now, chain }, later);
    await context.store.replace(item, undefined);
    return { ...(await commitActivity(context, check, [])), theirs: spans.slice(0, 2) };
  };
  it('first: nothing is sent, and it is read anew', async () =>
    expect(await faster('other')).toMatchObject({ spans: [], next: 20 }));
  it('first, of the same chain: it may not live to send that', async () => {
    const { spans, theirs, next } = await faster('chain');
    expect([spans, next]).toEqual([theirs, 20]);
  });
});

describe('those it is related to were read', () => {
  const readBefore = async (seconds: number, { joinKeys = ['Node//n1'], isPutOff = false } = {}) => {
    const context = await start({ at: 70, story: started });
    await context.store.put([registrationItem(web, joinKeys, later)]);
    const outcome = await commit(context, {
      due: dueOf({ activity: web, isPutOff }),
      relatedReadAt: context.clock.now - seconds * 1000,
    });
    const { batches } = await readActivity(context.store, web);
    return { outcome, batches: batches.length };
  };
  it('just now: what is final is written, and sent', async () =>
    expect(await readBefore(10)).toMatchObject({ batches: 1 }));
  it('so long ago that another may have committed since: nothing is written, and it is read anew', async () =>
    expect(await readBefore(11)).toEqual({ outcome: { spans: [], next: 20, isPutOff: true }, batches: 0 }));
  it('long ago, and before that, too: it is written', async () =>
    expect(await readBefore(11, { isPutOff: true })).toMatchObject({ batches: 1 }));
  it('long ago, of one that nothing is related to: it is written', async () =>
    expect(await readBefore(11, { joinKeys: [] })).toMatchObject({ batches: 1 }));
});

describe('others need not send', () => {
  it('what was committed, where a timer is to come that was sent before', async () => {
    const context = await start({ at: 25, story: started });
    const { due, ...check } = await checkOf(context);
    const outcome = await commitActivity(context, { ...check, due: { ...due, dueAt: noon + 25_000 } }, []);
    expect(outcome.acknowledged).toEqual({ from: 1, to: 1 });
  });
  it('which is not written where none is to come', async () =>
    expect((await commit(await start({ at: hour }))).acknowledged).toBeUndefined());
});

describe('one that is related to others', () => {
  it('says when it is checked again where others find that, and of whom', async () => {
    const context = await start({ at: 70, story: started });
    await context.store.put([registrationItem(web, ['Node//n1'], later)]);
    const { next, recheck } = await commit(context);
    expect(next).toBeUndefined();
    expect(recheck).toMatchObject({ soon: [], closing: [], acknowledged: { from: 1, to: 1 } });
    expect(recheck!.closesAt).toBeGreaterThan(noon + 600_000);
  });
});

describe('one that is large', () => {
  const many = Array.from({ length: 1500 }, (_, n) =>
    event(n / 100, thing('Pod', `web-1-${(n * 7919) % 1500}`), 'Odd', `message ${(n * 104_729) % 99_991}`, {
      uid: `${(n * 7_368_787) % 9_999_991}`,
    }),
  );
  it('leaves a checkpoint: where it stands after the commit', async () => {
    const context = await start({ at: hour, story: [...observations, ...many] });
    const { checkpoint } = await commit(context);
    expect(checkpoint).toMatchObject({
      at: context.clock.now,
      batch: 1,
      committedAt: context.clock.now,
      since: undefined,
      isJoined: false,
    });
    expect(checkpoint!.bytes).toBeGreaterThan(20_000);
  });
  it('is compacted, what stands for others before they go, and says which chunks there are then', async () => {
    const context = await start({ at: 5 * hour });
    for (let n = 0; n < 60; n += 1)
      await context.store.put(chunk(`b${n}`, many.slice(25 * n, 25 * n + 25), { dueAt: 0 }));
    const { spans } = await commit(await start({ at: hour }));
    const earlier = { at: noon + 4.5 * hour * 1000, chain: 'x' };
    await context.store.put([
      batchItem(web, 1, spans, earlier, later),
      registrationItem(web, ['Node//n1'], later),
    ]);
    const check = await checkOf(context);
    context.calls.length = 0;
    const { recheck } = await commitActivity(context, check, []);
    expect(context.calls.slice(-2)).toEqual(['put', 'remove']);
    const { chunks } = await readActivity(context.store, web);
    expect(chunks.map(({ compacted }) => compacted !== undefined)).toEqual([true]);
    expect(recheck!.seen).toBe(nameChunks(chunks));
  });
  it('one that is small leaves none', async () =>
    expect((await commit(await start({ at: hour }))).checkpoint).toBeUndefined());
});
