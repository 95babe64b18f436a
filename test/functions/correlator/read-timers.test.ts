import { describe, expect, it } from 'vitest';
import type { Timer } from '../../../functions/correlator/ports.ts';
import { type Due, readTimers } from '../../../functions/correlator/read-timers.ts';
import type { Poison } from '../../../shared/set-aside.ts';
import { type CrashAt, noon, startContext } from '../../support/start-context.ts';

const timer: Timer = { id: 'chain', activities: ['c1/web'], dueAt: noon, armedAt: noon - 21_000 };

/** Read at noon, each a message of its own: m0, m1 … */
async function read(
  bodies: readonly unknown[],
  { crash, isAway = false }: { crash?: CrashAt; isAway?: boolean } = {},
) {
  const { ports, armed, remarks } = startContext(crash);
  const poison: Poison[] = [];
  const keep = async (one: Poison) => {
    if (isAway) throw new Error('away');
    poison.push(one);
  };
  const Records = bodies.map((body, n) => ({
    messageId: `m${n}`,
    body: typeof body === 'string' ? body : JSON.stringify(body),
  }));
  const { due, failures } = await readTimers({ Records }, { ...ports, setAside: { keep } });
  return { due, failures: [...failures], armed, remarks, poison };
}

describe('a timer that is due', () => {
  it('is its activities, each with what the timer says', async () => {
    const { due } = await read([
      { ...timer, activities: ['c1/web', 'c1/api'], since: noon - 5000, sent: { 'c1/api': 4 } },
    ]);
    const web: Due = {
      chain: 'chain',
      activity: 'c1/web',
      dueAt: noon,
      armedAt: noon - 21_000,
      since: noon - 5000,
      sent: 0,
      isPutOff: false,
      messageId: 'm0',
      isAlone: false,
    };
    expect(due).toEqual([web, { ...web, activity: 'c1/api', sent: 4 }]);
  });

  it('of one activity is one that comes alone', async () =>
    expect((await read([timer])).due).toMatchObject([{ isAlone: true }]));

  it('of the first version does not say when it was sent, nor since when it is there', async () => {
    const { id, activities, dueAt } = timer;
    expect((await read([{ id, activities, dueAt }])).due).toMatchObject([
      { armedAt: undefined, since: undefined, sent: 0 },
    ]);
  });

  it('of a later version may say more', async () =>
    expect((await read([{ ...timer, version: 7, later: { x: 1 } }])).due).toHaveLength(1));

  it('is put off for what was read once, and says so', async () =>
    expect((await read([{ ...timer, isPutOff: true }])).due).toMatchObject([{ isPutOff: true }]));

  it('within a second is due now', async () => {
    const { due, armed } = await read([{ ...timer, dueAt: noon + 1000 }]);
    expect([due.length, armed.length]).toEqual([1, 0]);
  });

  it('names its message, which comes again where it fails', async () =>
    expect((await read([timer, timer])).due.map(({ messageId }) => messageId)).toEqual(['m0', 'm1']));
});

describe('a timer that comes early', () => {
  const early = { ...timer, dueAt: noon + 400_000, since: noon - 5000, sent: { 'c1/web': 4 } };

  it('is sent again, as it was: SQS delays a message by a quarter of an hour at most', async () => {
    const { due, armed } = await read([early]);
    expect(due).toEqual([]);
    expect(armed).toEqual([{ ...early, delaySeconds: 400 }]);
  });

  it('comes again where that fails, and holds no other up', async () => {
    const { due, failures, remarks } = await read([early, timer], { crash: () => 'before' });
    expect(failures).toEqual(['m0']);
    expect(due.map(({ messageId }) => messageId)).toEqual(['m1']);
    expect(remarks).toMatchObject([{ kind: 'settle-failed' }]);
  });
});

describe('a message that is no timer', () => {
  it.each([
    ['no JSON', '{', 'is not JSON'],
    ['nothing', '', 'is not JSON'],
    ['no activity', { ...timer, activities: [] }, 'activities'],
    ['an activity without its cluster', { ...timer, activities: ['web'] }, 'activities'],
    ['no time', { ...timer, dueAt: 'noon' }, 'dueAt'],
    ['no id', { ...timer, id: undefined }, 'id'],
    ['numbers that are none', { ...timer, sent: { 'c1/web': 'x' } }, 'sent'],
  ])('is set aside with what it holds: %s', async (_, body, reason) => {
    const { due, failures, poison, remarks } = await read([body, timer]);
    expect(due.map(({ messageId }) => messageId)).toEqual(['m1']);
    expect(failures).toEqual([]);
    const payload = typeof body === 'string' ? body : JSON.stringify(body);
    expect(poison).toEqual([{ payload, source: 'm0', reason: expect.stringContaining(reason) }]);
    expect(remarks).toMatchObject([{ kind: 'set-aside', source: 'm0', reason: poison[0]!.reason }]);
  });

  it('comes again where it cannot be set aside, and holds no other up', async () => {
    const { due, failures } = await read(['{', timer], { isAway: true });
    expect(failures).toEqual(['m0']);
    expect(due).toHaveLength(1);
  });
});
