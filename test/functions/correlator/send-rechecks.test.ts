/** Who is checked again and when (plan-rechecks.test.ts) is armed first, and said of each then. */
import { describe, expect, it } from 'vitest';
import { readActivity, toActivity } from '../../../functions/correlator/activity.ts';
import { type Acknowledged, recheckItem } from '../../../functions/correlator/items.ts';
import { type OwnRecheck, sendRechecks } from '../../../functions/correlator/send-rechecks.ts';
import { Crash, type CrashAt, noon, startContext } from '../../support/start-context.ts';

const later = 10 ** 10;
interface Said {
  next?: number;
  revision?: number;
  acknowledged?: Acknowledged;
}
/** Of one that has settled before: when it is checked next, in seconds from noon. */
const said = (id: string, { next, revision = 1, acknowledged }: Said = {}) =>
  recheckItem(
    `c1/${id}`,
    { seen: 'before', next: next === undefined ? undefined : noon + next * 1000, acknowledged },
    revision - 1,
    later,
  );
const other = (id: string, before: Said = {}) => toActivity(`c1/${id}`, [said(id, before)]);

/** Of one that settles for the first time; nothing of it is open, and nobody else is to be checked, unless something else is said. */
const own = (id: string, more: Partial<OwnRecheck> = {}): OwnRecheck & { chain: string } => ({
  activity: toActivity(`c1/${id}`, []),
  seen: 'all',
  closesAt: undefined,
  acknowledged: undefined,
  soon: [],
  closing: [],
  chain: 'chain',
  readAt: noon - 1000,
  ...more,
});
const closing = (id: string, seconds: number | undefined, before: Said = {}) => ({
  activity: other(id, before),
  unsent: { final: 0, open: 1 },
  closesAt: seconds === undefined ? undefined : noon + seconds * 1000,
});

async function start(before: Readonly<Record<string, Said>> = {}, crash?: CrashAt) {
  const context = startContext(crash);
  await context.store.put(Object.entries(before).map(([id, one]) => said(id, one)));
  /** `in 631 s: web,api`: what is armed. */
  const armed = () =>
    context.armed.map(({ activities, delaySeconds }) => `in ${delaySeconds} s: ${activities}`);
  const recheckOf = async (id: string) => {
    const { recheck } = await readActivity(context.store, `c1/${id}`);
    return recheck && { ...recheck, next: recheck.next && (recheck.next - noon) / 1000 };
  };
  return { context, armed, recheckOf };
}

describe('one that has settled', () => {
  it('and of which nothing is open says so: it need not be checked again', async () => {
    const { context, armed, recheckOf } = await start();
    await sendRechecks(context, [own('web', { acknowledged: { from: 1, to: 2 } })]);
    expect(armed()).toEqual([]);
    expect(await recheckOf('web')).toMatchObject({
      seen: 'all',
      next: undefined,
      revision: 1,
      acknowledged: { from: 1, to: 2 },
    });
  });

  it('is checked again when it closes, after what still belongs to it could be checked and registered', async () => {
    const { context, armed, recheckOf } = await start();
    await sendRechecks(context, [own('web', { closesAt: noon + 600_000 })]);
    // 20 s of quiet, 1 s of slack, 10 s of registration.
    expect(armed()).toEqual(['in 631 s: c1/web']);
    expect(context.armed[0]).toMatchObject({ armedAt: noon - 1000, since: noon, dueAt: noon + 631_000 });
    expect((await recheckOf('web'))!.next).toBe(631);
  });

  it('keeps what it had acknowledged where nothing is new', async () => {
    const acknowledged = { from: 1, to: 2 };
    const { context, recheckOf } = await start({ web: { acknowledged } });
    await sendRechecks(context, [own('web', { activity: other('web', { acknowledged }) })]);
    expect(await recheckOf('web')).toMatchObject({ acknowledged, revision: 2 });
  });

  it('leaves it at that where somebody was faster', async () => {
    const { context, recheckOf } = await start({ web: { revision: 5, next: 10 } });
    await sendRechecks(context, [own('web', { activity: other('web', { revision: 4 }) })]);
    expect(await recheckOf('web')).toMatchObject({ seen: 'before', revision: 5, next: 10 });
  });

  it('with others that close in the same second has one timer with them', async () => {
    const { context, armed } = await start();
    const closesAt = noon + 600_000;
    await sendRechecks(context, [
      own('web', { closesAt }),
      own('api', { closesAt: closesAt - 500 }),
      own('db', { closesAt: closesAt + 1000 }),
    ]);
    expect(armed()).toEqual(['in 631 s: c1/web,c1/api', 'in 632 s: c1/db']);
  });

  it('sends the same timer again where it comes again', async () => {
    const ids = async () => {
      const { context } = await start();
      await sendRechecks(context, [own('web', { closesAt: noon + 600_000, soon: [other('node')] })]);
      return context.armed.map(({ id }) => id);
    };
    expect(await ids()).toEqual(await ids());
    expect(new Set(await ids()).size).toBe(2);
  });
});

describe('others', () => {
  it('are checked soon, in one message, and it is said of each', async () => {
    const { context, armed, recheckOf } = await start({ node: {}, pod: { next: 600, revision: 3 } });
    await sendRechecks(context, [
      own('web', { soon: [other('node'), other('pod', { next: 600, revision: 3 })] }),
    ]);
    expect(armed()).toEqual(['in 10 s: c1/node,c1/pod']);
    expect(await recheckOf('node')).toMatchObject({ seen: 'before', next: 10, revision: 2 });
    expect(await recheckOf('pod')).toMatchObject({ seen: 'before', next: 10, revision: 4 });
  });

  it('whom several ask for are checked once', async () => {
    const { context, armed } = await start({ node: {} });
    await sendRechecks(context, [
      own('web', { soon: [other('node')] }),
      own('api', { soon: [other('node')] }),
    ]);
    expect(armed()).toEqual(['in 10 s: c1/node']);
  });

  it('that settle in the same moment need not be', async () => {
    const { context, armed } = await start();
    await sendRechecks(context, [own('web', { soon: [other('api')] }), own('api')]);
    expect(armed()).toEqual([]);
  });

  it('have their rechecks taken over: one timer for all that close together', async () => {
    const { context, armed, recheckOf } = await start({ node: { next: 700 } });
    await sendRechecks(context, [
      own('web', { closesAt: noon + 600_000, closing: [closing('node', 600, { next: 700 })] }),
    ]);
    expect(armed()).toEqual(['in 631 s: c1/web,c1/node']);
    expect((await recheckOf('node'))!.next).toBe(631);
  });

  it('of which nothing is open any more, but something is to be sent, are checked in 10 s', async () => {
    const { context, armed } = await start({ node: {} });
    await sendRechecks(context, [own('web', { closing: [closing('node', undefined)] })]);
    expect(armed()).toEqual(['in 10 s: c1/node']);
  });

  it('whom somebody else has asked for earlier are left to that', async () => {
    const { context, recheckOf } = await start({ node: { next: 5, revision: 2 } });
    await sendRechecks(context, [own('web', { soon: [other('node')] })]);
    expect(await recheckOf('node')).toMatchObject({ next: 5, revision: 2 });
  });

  it('whom somebody else has asked for later are asked for again', async () => {
    const { context, recheckOf } = await start({ node: { next: 50, revision: 2 } });
    await sendRechecks(context, [own('web', { soon: [other('node')] })]);
    expect(await recheckOf('node')).toMatchObject({ next: 10, revision: 3 });
  });

  it('have expired meanwhile: then nothing is said of them', async () => {
    const { context, recheckOf } = await start();
    await sendRechecks(context, [own('web', { soon: [other('node')] })]);
    expect(await recheckOf('node')).toBeUndefined();
  });
});

describe('a crash', () => {
  it('before the timer is safe: nothing is said', async () => {
    const { context, recheckOf } = await start({ node: {} }, (_, name) =>
      name === 'arm' ? 'before' : undefined,
    );
    const all = [own('web', { soon: [other('node')] })];
    await expect(sendRechecks(context, all)).rejects.toThrow(Crash);
    expect((await recheckOf('node'))!.next).toBeUndefined();
    expect(await recheckOf('web')).toBeUndefined();
  });

  it('at any call: done again, all is armed and said', async () => {
    for (let at = 1; at <= 4; at += 1) {
      const { context, armed, recheckOf } = await start({ node: {} }, (call) =>
        call === at ? 'after' : undefined,
      );
      const all = () => [own('web', { closesAt: noon + 600_000, soon: [other('node')] })];
      await expect(sendRechecks(context, all()), `call ${at}`).rejects.toThrow(Crash);
      await sendRechecks(context, all());
      expect(armed(), `call ${at}`).toContain('in 10 s: c1/node');
      expect(armed(), `call ${at}`).toContain('in 631 s: c1/web');
      expect([(await recheckOf('node'))!.next, (await recheckOf('web'))!.next]).toEqual([10, 631]);
    }
  });
});
