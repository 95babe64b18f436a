import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { readActivity } from '../../../functions/correlator/activity.ts';
import { joinDigests } from '../../../functions/correlator/causality/join-keys.ts';
import {
  batchItem,
  type CheckpointItem,
  chunkItems,
  mergeItem,
  registrationItem,
} from '../../../functions/correlator/items.ts';
import { nextStep, waitsSince } from '../../../functions/correlator/next-step.ts';
import { checkNews } from '../../../functions/correlator/read-checkpoint.ts';
import type { Due } from '../../../functions/correlator/read-timers.ts';
import type { Item } from '../../../functions/correlator/store.ts';
import type { Observation } from '../../../shared/observation.ts';
import { checkProperty } from '../../check-property.ts';
import { dueOf } from '../../support/due.ts';
import { noon, type StartedContext, startContext } from '../../support/start-context.ts';
import { event, thing } from './causality/cluster-story.ts';

const web = 'c1/web';
const later = 10 ** 10;
const node = event(0, { ...thing('Node', 'n1'), uid: 'n1' }, 'NodeNotSchedulable', 'x');
const ago = (seconds: number): number => noon - seconds * 1000;

interface Told {
  /** Chunks, so many seconds before noon. */
  heard?: readonly number[];
  /** The checkpoint is of so many seconds before noon. */
  read?: number;
  checkpoint?: Partial<CheckpointItem>;
  due?: Partial<Due>;
  also?: readonly Item[];
  observations?: readonly Observation[];
  followedBy?: number;
}

const due = dueOf({ dueAt: noon, armedAt: ago(21) });

const chunk = (seconds: number, { observations = [], followedBy = 0 }: Told): Item[] =>
  chunkItems(
    web,
    `b${seconds}`,
    { cluster: {}, observations: [...observations] },
    {
      at: ago(seconds),
      dueAt: followedBy,
      family: 'web',
      expiresAt: later,
    },
  );

async function stored(told: Told): Promise<StartedContext> {
  const context = startContext();
  const { heard = [], also = [] } = told;
  await context.store.put([...heard.flatMap((seconds) => chunk(seconds, told)), ...also]);
  return context;
}

/** What a check at noon comes to that reads only what is newer than its checkpoint. */
async function check(told: Told, context?: StartedContext): Promise<string> {
  const { read = 30, checkpoint = {} } = told;
  const whole: CheckpointItem = {
    kind: 'checkpoint',
    sk: 'about',
    at: ago(read),
    batch: 3,
    committedAt: ago(600),
    since: ago(read + 10),
    bytes: 19_000,
    isJoined: false,
    digests: new Set(),
    acknowledged: undefined,
    ...checkpoint,
  };
  const checked = await checkNews(context ?? (await stored(told)), { ...due, ...told.due }, whole);
  if (checked === undefined) return 'read all';
  return checked.do === 'wait' ? `wait ${checked.seconds} s: ${checked.because}` : checked.do;
}

describe('what is new says that it', () => {
  it('is still loud: nothing else is read', async () =>
    expect(await check({ heard: [40, 12, 5] })).toBe('wait 15 s: loud'));
  it('is left to the timer of what came since this one was sent', async () =>
    expect(await check({ heard: [5], followedBy: noon + 16_000, due: { since: ago(20) } })).toBe('finish'));
  it('is quiet: all is read', async () => expect(await check({ heard: [40, 20] })).toBe('read all'));
  it('is nothing: all is read', async () => expect(await check({ heard: [] })).toBe('read all'));
  it('has been loud for five minutes: all is read', async () =>
    expect(await check({ heard: [5], checkpoint: { since: ago(300) } })).toBe('read all'));
  it('will have been loud for five minutes before it is quiet', async () =>
    expect(await check({ heard: [5], checkpoint: { since: ago(292) } })).toBe('wait 8 s: loud'));
  it('is quiet, but others that went quiet with it may not be registered yet', async () =>
    expect(await check({ heard: [22], checkpoint: { isJoined: true } })).toMatch(/^wait 9 s/));
  it('has what join keys come from that was not there: all is read', async () =>
    expect(await check({ heard: [5], observations: [node] })).toBe('read all'));
  it('has what join keys come from, as before', async () => {
    const { rules } = startContext();
    const digests = joinDigests([node], rules);
    expect(digests.size).toBeGreaterThan(0);
    expect(await check({ heard: [5], observations: [node], checkpoint: { digests } })).toBe(
      'wait 15 s: loud',
    );
  });
});

describe('all is read where somebody else', () => {
  const loud = { heard: [5] };
  it('has committed since the checkpoint', async () =>
    expect(await check({ ...loud, also: [batchItem(web, 4, [], { at: ago(9), chain: 'x' }, later)] })).toBe(
      'read all',
    ));
  it('had committed before it: that is known', async () =>
    expect(await check({ ...loud, also: [batchItem(web, 3, [], { at: ago(40), chain: 'x' }, later)] })).toBe(
      'wait 15 s: loud',
    ));
  it('asks for something to be merged', async () =>
    expect(await check({ ...loud, also: [mergeItem(web, 'web', 'c1/pod', later)] })).toBe('read all'));

  describe('has committed since this timer was sent, and', () => {
    const committed = { committedAt: ago(15) };
    it('may not have lived to send it', async () =>
      expect(await check({ ...loud, checkpoint: committed })).toBe('read all'));
    it('may have by clocks that differ', async () =>
      expect(await check({ ...loud, checkpoint: { committedAt: ago(23) } })).toBe('read all'));
    it('had before that: it was sent by then', async () =>
      expect(await check({ ...loud, checkpoint: { committedAt: ago(24) } })).toBe('wait 15 s: loud'));
    it('has said that it was sent: nothing is read', async () =>
      expect(await check({ ...loud, checkpoint: { ...committed, acknowledged: { from: 1, to: 3 } } })).toBe(
        'wait 15 s: loud',
      ));
    it('has said so of those before only', async () =>
      expect(await check({ ...loud, checkpoint: { ...committed, acknowledged: { from: 1, to: 2 } } })).toBe(
        'read all',
      ));
    it('has said so of those after one that nobody has sent', async () => {
      const gap = { ...committed, acknowledged: { from: 3, to: 3 } };
      expect(await check({ ...loud, checkpoint: gap, due: { sent: 1 } })).toBe('read all');
      expect(await check({ ...loud, checkpoint: gap, due: { sent: 2 } })).toBe('wait 15 s: loud');
    });
    it('the first version sent the timer: by when it is due', async () => {
      const first = { armedAt: undefined };
      expect(await check({ ...loud, checkpoint: { committedAt: ago(6) }, due: first })).toBe(
        'wait 15 s: loud',
      );
      expect(await check({ ...loud, checkpoint: { committedAt: ago(2) }, due: first })).toBe('read all');
    });
  });
});

it('a chunk counts that was written up to a minute after ingest looked at its clock: it may not have been read', async () => {
  const withNode = async (seconds: number) => {
    const context = await stored({ heard: [seconds], observations: [node] });
    await context.store.put(chunk(5, {}));
    return check({ read: 30 }, context);
  };
  expect(await withNode(90)).toBe('read all');
  expect(await withNode(91)).toBe('wait 15 s: loud');
});

it('two requests, however much there is', async () => {
  const context = await stored({ heard: [5] });
  await check({}, context);
  expect(context.calls).toEqual(['list', 'list']);
});

it('never waits where a check of all of it would not, nor longer', async () => {
  let waited = 0;
  const times = fc.array(fc.integer({ min: 0, max: 40 }), { minLength: 1, maxLength: 30 });
  const facts = fc.record({
    gaps: times,
    read: fc.integer({ min: 0, max: 400 }),
    isJoined: fc.boolean(),
    behind: fc.nat(20),
  });
  await checkProperty(
    fc.asyncProperty(facts, async ({ gaps, read, isJoined, behind }) => {
      let at = 0;
      const heard = gaps.map((gap) => (at += gap));
      const old = heard.filter((seconds) => seconds >= read);
      fc.pre(old.length > 0);
      const also = isJoined ? [registrationItem(web, ['Node//n1'], later)] : [];
      const before = await readActivity((await stored({ heard: old, also })).store, web);
      const context = await stored({ heard, also });
      const activity = await readActivity(context.store, web);
      const timer = { ...due, dueAt: ago(behind) };
      const root = { key: web, family: 'web', isKnown: true };
      const step = nextStep(
        {
          due: timer,
          activity,
          observations: [],
          root,
          unregistered: [],
          isNewlyRegistered: false,
          related: [],
        },
        noon,
        context.thresholds,
      );
      const checkpoint = {
        batch: 0,
        committedAt: 0,
        since: waitsSince(before, context.thresholds),
        isJoined,
      };
      const found = await check({ read, checkpoint, due: timer }, context);
      if (found === 'read all') return;
      waited += 1;
      const seconds = Number(/^wait (\S+) s/.exec(found)![1]);
      expect(step.do === 'wait' && step.seconds).toBeGreaterThanOrEqual(seconds);
    }),
    300,
  );
  expect(waited).toBeGreaterThan(30);
});
