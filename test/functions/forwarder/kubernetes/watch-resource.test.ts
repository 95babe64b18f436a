import { setTimeout as delay } from 'node:timers/promises';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Json } from '../../../../functions/forwarder/kubernetes/api-server.ts';
import { createApiServer } from '../../../../functions/forwarder/kubernetes/connect-api-server.ts';
import {
  type WatchSettings,
  watchResource,
} from '../../../../functions/forwarder/kubernetes/watch-resource.ts';
import type { WatchSignal } from '../../../../functions/forwarder/kubernetes/watch-signal.ts';
import type { WatchRemark } from '../../../../functions/forwarder/kubernetes/watch-troubles.ts';
import type { WatchedResource } from '../../../../functions/forwarder/kubernetes/watched-resources.ts';
import { checkProperty } from '../../../check-property.ts';
import { expiredLine, type FakeSettings, pods, startFakeApiServer, type Trouble } from './fake-api-server.ts';
import { createQuickClock } from './quick-clock.ts';

interface FollowOptions {
  from?: string;
  resource?: WatchedResource;
  settings?: Partial<WatchSettings>;
  fake?: Partial<FakeSettings>;
  random?: number;
  /** Milliseconds. */
  callTimeout?: number;
}

/** A server, and one who follows its pods. */
async function follow({
  from,
  resource = pods,
  settings,
  fake,
  random = 0,
  callTimeout = 10_000,
}: FollowOptions = {}) {
  const server = await startFakeApiServer(fake);
  const api = createApiServer(server.kubeConfig(), { callTimeout });
  const clock = createQuickClock();
  const stop = new AbortController();
  const remarks: WatchRemark[] = [];
  const ports = {
    api,
    clock,
    random: () => random,
    report: (remark: WatchRemark) => void remarks.push(remark),
  };
  const signals = watchResource(ports, resource, {
    from,
    signal: stop.signal,
    settings: { pageSize: 2, idleTimeout: 10_000, ...settings },
  });
  return {
    server,
    clock,
    remarks,
    stop,
    signals,
    /** The next so many signals, in short. */
    async next(count: number): Promise<string[]> {
      const told: string[] = [];
      while (told.length < count) {
        const { done, value } = await signals.next();
        if (done) break;
        told.push(tell(value));
      }
      return told;
    },
    async [Symbol.asyncDispose]() {
      stop.abort();
      api.close();
      await server[Symbol.asyncDispose]();
    },
  };
}

const pod = (name: string): Json => ({ metadata: { namespace: 'shop', name } });
const nameOf = (object: Json) => (object.metadata as { name: string }).name;
const versionOf = (object: Json) => (object.metadata as { resourceVersion: string }).resourceVersion;

function tell(signal: WatchSignal): string {
  switch (signal.type) {
    case 'list-start':
      return 'list-start';
    case 'listed':
      return `listed ${nameOf(signal.object)}`;
    case 'list-complete':
      return `list-complete at ${signal.resourceVersion}`;
    case 'changed':
      return `${signal.how} ${nameOf(signal.object)} at ${versionOf(signal.object)}`;
    case 'bookmark':
      return `bookmark at ${signal.resourceVersion}`;
    case 'unavailable':
      return `unavailable: ${signal.why}`;
  }
}

it('lists in pages, then tells what changes', async () => {
  await using fixture = await follow();
  for (const name of ['a', 'b', 'c']) fixture.server.apply(pods, pod(name));
  expect(await fixture.next(5)).toEqual([
    'list-start',
    'listed a',
    'listed b',
    'listed c',
    'list-complete at 1002',
  ]);
  fixture.server.apply(pods, pod('b'));
  fixture.server.remove(pods, 'a', 'shop');
  expect(await fixture.next(2)).toEqual(['MODIFIED b at 1003', 'DELETED a at 1004']);
  expect(fixture.remarks).toEqual([{ type: 'listed', resource: 'pods', objects: 3 }]);
});

describe('a custom kind', () => {
  const rollouts = { apiVersion: 'argoproj.io/v1alpha1', kind: 'Rollout', resource: 'rollouts' };
  const custom = { ...rollouts, isCustom: true } as const;

  it('that is forbidden or missing ends its watch, and is not asked for again', async () => {
    await using missing = await follow({ resource: custom });
    expect(await missing.next(2)).toEqual(['unavailable: unknown']);
    await using forbidden = await follow({ resource: custom, fake: { resources: [rollouts] } });
    forbidden.server.troubles.push({ on: 'list', do: 'status', code: 403 });
    expect(await forbidden.next(2)).toEqual(['unavailable: forbidden']);
    expect([...missing.remarks, ...forbidden.remarks]).toEqual([]);
    expect(forbidden.server.requests.size).toBe(1);
  });

  it('that goes away tells its objects’ ends, and ends', async () => {
    await using fixture = await follow({ resource: custom, fake: { resources: [rollouts] } });
    fixture.server.apply(rollouts, pod('web'));
    expect(await fixture.next(3)).toEqual(['list-start', 'listed web', 'list-complete at 1000']);
    const next = fixture.next(2);
    await delay(20);
    fixture.server.uninstall(rollouts);
    expect(await next).toEqual(['DELETED web at 1001', 'unavailable: unknown']);
  });

  it('is followed through every other trouble, and listed in small pages: its objects may be large', async () => {
    await using fixture = await follow({ resource: custom, fake: { resources: [rollouts] } });
    fixture.server.troubles.push(
      { on: 'list', do: 'status', code: 500 },
      { on: 'list', do: 'status', code: 401 },
    );
    expect(await fixture.next(2)).toEqual(['list-start', 'list-complete at 999']);
    expect(fixture.remarks.map(({ type }) => type)).toEqual(['restarted', 'refused', 'listed']);
    expect(fixture.server.queries.at(-1)).toBe('?limit=10');
  });
});

it('says of listed objects what they are, and when they came', async () => {
  await using fixture = await follow();
  fixture.server.apply(pods, pod('a'));
  await fixture.signals.next();
  expect((await fixture.signals.next()).value).toMatchObject({
    object: { apiVersion: 'v1', kind: 'Pod', metadata: { name: 'a' } },
    receivedAt: '2023-11-14T22:13:20.000Z',
  });
});

it('resumes from a version without a list', async () => {
  await using fixture = await follow({ from: '1000' });
  for (const name of ['a', 'b', 'c']) fixture.server.apply(pods, pod(name));
  expect(await fixture.next(2)).toEqual(['ADDED b at 1001', 'ADDED c at 1002']);
  expect(fixture.remarks).toEqual([]);
});

it('goes on from the last bookmark, at once, when the server closes a watch as it does every few minutes', async () => {
  await using fixture = await follow({ from: '1000', random: 0.5 });
  fixture.server.apply(pods, pod('a'));
  fixture.server.apply({ apiVersion: 'v1', kind: 'Node', resource: 'nodes' }, { metadata: { name: 'n' } });
  const bookmark = fixture.next(1);
  await expect.poll(fixture.server.openWatches).toBe(1);
  fixture.server.bookmark();
  expect(await bookmark).toEqual(['bookmark at 1001']);

  fixture.clock.advance(400_000);
  const next = fixture.next(1);
  fixture.server.breakWatches('close');
  await expect.poll(() => fixture.server.queries.length).toBe(2);
  fixture.server.apply(pods, pod('b'));
  expect(await next).toEqual(['ADDED b at 1002']);
  expect(fixture.server.queries.at(-1)).toBe(
    '?watch=true&allowWatchBookmarks=true&resourceVersion=1001&timeoutSeconds=450',
  );
  expect(fixture.clock.sleeps).toEqual([]);
  expect(fixture.remarks).toEqual([{ type: 'restarted', resource: 'pods', reason: 'closed', wait: 0 }]);
});

it('never asks in a hot loop, whatever the server does', async () => {
  await using fixture = await follow({ from: '1000' });
  fixture.server.troubles.push({ on: 'watch', do: 'close', times: 9 });
  const next = fixture.next(1);
  await expect.poll(() => fixture.clock.sleeps.length).toBe(9);
  fixture.server.apply(pods, pod('a'));
  fixture.server.apply(pods, pod('b'));
  await next;
  expect(fixture.clock.sleeps).toEqual([500, 1000, 2000, 4000, 8000, 16_000, 30_000, 30_000, 30_000]);
});

it('waits up to twice as long at random, and begins small again after a good stretch', async () => {
  await using fixture = await follow({ from: '1000', random: 0.5 });
  fixture.server.troubles.push({ on: 'watch', do: 'reset', times: 2 });
  fixture.server.apply(pods, pod('a'));
  fixture.server.apply(pods, pod('b'));
  await fixture.next(1);
  fixture.clock.advance(20_000);
  fixture.server.troubles.push({ on: 'watch', do: 'reset' });
  fixture.server.breakWatches('reset');
  const next = fixture.next(1);
  await expect.poll(() => fixture.clock.sleeps.length).toBe(4);
  fixture.server.apply(pods, pod('c'));
  await next;
  expect(fixture.clock.sleeps).toEqual([750, 1500, 750, 1500]);
});

it('comes no earlier than a server that is overloaded asks', async () => {
  await using fixture = await follow();
  fixture.server.troubles.push({ on: 'list', do: 'status', code: 429, retryAfter: 7 });
  fixture.server.troubles.push({ on: 'watch', do: 'status', code: 503 });
  expect(await fixture.next(2)).toEqual(['list-start', 'list-complete at 999']);
  const next = fixture.next(1);
  await expect.poll(() => fixture.remarks.length).toBe(3);
  fixture.server.apply(pods, pod('a'));
  await next;
  expect(fixture.remarks).toMatchObject([
    { type: 'restarted', reason: 'throttled', wait: 7000 },
    { type: 'listed' },
    { type: 'restarted', reason: 'server-error', wait: 1000 },
  ]);
});

it('comes again within minutes, whatever something in between asks for', async () => {
  await using fixture = await follow();
  fixture.server.troubles.push({ on: 'list', do: 'status', code: 503, retryAfter: 99_999_999_999 });
  await fixture.next(2);
  expect(fixture.clock.sleeps).toEqual([300_000]);
});

describe('where the history is gone', () => {
  it.each<[string, Trouble]>([
    ['by an answer', { on: 'watch', do: 'status', code: 410, reason: 'Expired' }],
    ['by a line of the watch', { on: 'watch', do: 'line', text: expiredLine }],
  ])('it lists again at once (%s)', async (_, trouble) => {
    await using fixture = await follow({ from: '1000' });
    fixture.server.apply(pods, pod('a'));
    fixture.server.troubles.push(trouble);
    expect(await fixture.next(3)).toEqual(['list-start', 'listed a', 'list-complete at 1000']);
    expect(fixture.remarks[0]).toMatchObject({ type: 'restarted', reason: 'expired', wait: 0 });
  });

  it('begins the list again where that happens between its pages', async () => {
    await using fixture = await follow();
    for (const name of ['a', 'b', 'c']) fixture.server.apply(pods, pod(name));
    const first = await fixture.next(2);
    fixture.server.remove(pods, 'a', 'shop');
    fixture.server.compact();
    expect([...first, ...(await fixture.next(5))]).toEqual([
      'list-start',
      'listed a',
      'listed b',
      'list-start',
      'listed b',
      'listed c',
      'list-complete at 1003',
    ]);
  });

  it('does not list in a hot loop', async () => {
    await using fixture = await follow({ from: '1000' });
    fixture.server.apply(pods, pod('a'));
    fixture.server.troubles.push({ on: 'watch', do: 'status', code: 410, times: 4 });
    await fixture.next(4 * 3);
    expect(fixture.clock.sleeps).toEqual([1000, 2000, 4000]);
  });
});

it('keeps trying where it is refused, and says so: rights and tokens may come right', async () => {
  await using fixture = await follow();
  fixture.server.troubles.push({ on: 'list', do: 'status', code: 403, reason: 'Forbidden' });
  fixture.server.troubles.push({ on: 'list', do: 'status', code: 401, reason: 'Unauthorized' });
  expect(await fixture.next(1)).toEqual(['list-start']);
  expect(fixture.remarks).toMatchObject([
    { type: 'refused', resource: 'pods', status: 403, wait: 500 },
    { type: 'refused', resource: 'pods', status: 401, wait: 1000 },
  ]);
});

it('looks every few minutes whether the cluster has come to know a resource', async () => {
  const rollouts = { apiVersion: 'argoproj.io/v1alpha1', kind: 'Rollout', resource: 'rollouts' };
  await using fixture = await follow({ resource: rollouts });
  const next = fixture.next(1);
  await expect.poll(() => fixture.clock.sleeps.length).toBeGreaterThan(12);
  fixture.stop.abort();
  expect(await next).toEqual([]);
  expect(fixture.remarks[0]).toEqual({
    type: 'unknown-resource',
    resource: 'rollouts.argoproj.io',
    wait: 500,
  });
  expect(fixture.clock.sleeps.slice(8, 12)).toEqual([128_000, 256_000, 300_000, 300_000]);
});

it('starts a watch anew that sends what nobody can read, and misses nothing', async () => {
  await using fixture = await follow({ from: '1000' });
  fixture.server.troubles.push({ on: 'watch', do: 'line', text: '{"type":"ADDED","obj' });
  fixture.server.troubles.push({ on: 'watch', do: 'line', text: '{"type":"ADDED","object":{"kind":"Pod"}}' });
  fixture.server.apply(pods, pod('a'));
  fixture.server.apply(pods, pod('b'));
  const told = await fixture.next(1);
  const next = fixture.next(1);
  await expect.poll(() => fixture.server.queries.length).toBe(3);
  fixture.server.apply(pods, pod('c'));
  expect([...told, ...(await next)]).toEqual(['ADDED b at 1001', 'ADDED c at 1002']);
  expect(fixture.remarks.map((remark) => 'reason' in remark && remark.reason)).toEqual([
    'malformed',
    'malformed',
  ]);
});

describe('what nobody can read, at the same place each time', () => {
  /** Two pods with something between them that has no version. */
  async function followPoison() {
    const fixture = await follow({ from: '1000' });
    const { server } = fixture;
    server.apply(pods, pod('a'));
    server.apply(pods, pod('b'));
    server.applyText(pods, { namespace: 'shop', name: 'poison' }, () => '{"kind":"Pod"}');
    server.apply(pods, pod('c'));
    return fixture;
  }

  it('is tried again, then passed by with a list, and told', async () => {
    await using fixture = await followPoison();
    expect(await fixture.next(1)).toEqual(['ADDED b at 1001']);
    // The list has it as well.
    const signals: WatchSignal[] = [];
    for (let i = 0; i < 6; i++) signals.push((await fixture.signals.next()).value!);
    expect(signals.map(({ type }) => type)).toEqual([
      'list-start',
      'listed',
      'listed',
      'listed',
      'listed',
      'list-complete',
    ]);
    expect(fixture.remarks.map((remark) => ('reason' in remark ? remark.reason : remark.type))).toEqual([
      'malformed',
      'malformed',
      'malformed',
      'unreadable-line',
      'listed',
    ]);
    expect(fixture.remarks[3]).toMatchObject({ resource: 'pods', after: '1001' });
    const next = fixture.next(1);
    await expect.poll(fixture.server.openWatches).toBe(1);
    fixture.server.apply(pods, pod('d'));
    expect(await next).toEqual(['ADDED d at 1004']);
  });

  it('is no reason for a list where the line can be read the next time', async () => {
    await using fixture = await follow({ from: '1000' });
    fixture.server.apply(pods, pod('a'));
    for (let i = 0; i < 4; i++) {
      fixture.server.troubles.push({ on: 'watch', do: 'line', text: 'x' });
      const next = fixture.next(1);
      fixture.server.apply(pods, pod(`p${i}`));
      await next;
    }
    expect(fixture.remarks.map(({ type }) => type)).not.toContain('unreadable-line');
  });
});

it('asks again for a list of what is no list', async () => {
  const answers: Json[] = [
    { metadata: { resourceVersion: '7' }, items: 'none' },
    { metadata: {}, items: [] },
    { metadata: { resourceVersion: '7' }, items: null },
  ];
  const stop = new AbortController();
  const remarks: WatchRemark[] = [];
  const ports = {
    api: {
      call: async () => answers.shift()!,
      lines: () => {
        throw new Error('nobody watches');
      },
    },
    clock: createQuickClock(),
    random: () => 0,
    report: (remark: WatchRemark) => void remarks.push(remark),
  };
  const told: string[] = [];
  for await (const signal of watchResource(ports, pods, { signal: stop.signal })) {
    told.push(tell(signal));
    if (signal.type === 'list-complete') stop.abort();
  }
  expect(told).toEqual(['list-start', 'list-complete at 7']);
  expect(remarks.map(({ type }) => type)).toEqual(['restarted', 'restarted', 'listed']);
});

it('resumes after silence without a list', async () => {
  await using fixture = await follow({ from: '1000', settings: { idleTimeout: 100 } });
  fixture.server.apply(pods, pod('a'));
  const next = fixture.next(1);
  await expect.poll(fixture.server.openWatches).toBe(1);
  fixture.server.breakWatches('silence');
  fixture.server.apply(pods, pod('b'));
  expect(await next).toEqual(['ADDED b at 1001']);
  expect(fixture.remarks[0]).toMatchObject({ reason: 'silent', wait: 0 });
});

describe('a cluster that came back from a backup', () => {
  it('is listed again when a bookmark tells', async () => {
    await using fixture = await follow({ from: '5000' });
    const next = fixture.next(2);
    await expect.poll(fixture.server.openWatches).toBe(1);
    fixture.server.bookmark();
    expect(await next).toEqual(['list-start', 'list-complete at 999']);
  });

  it('is listed again where there are no bookmarks', async () => {
    await using fixture = await follow({ from: '5000' });
    const next = fixture.next(2);
    await expect.poll(fixture.server.openWatches).toBe(1);
    fixture.clock.advance(180_000);
    fixture.server.breakWatches('close');
    expect(await next).toEqual(['list-start', 'list-complete at 999']);
    expect(fixture.remarks).toMatchObject([
      { reason: 'closed' },
      { reason: 'went-back' },
      { type: 'listed' },
    ]);
  });
});

it('ends when told to, and closes its connection', async () => {
  await using fixture = await follow();
  await fixture.next(2);
  const next = fixture.next(1);
  await expect.poll(fixture.server.openWatches).toBe(1);
  fixture.stop.abort();
  expect(await next).toEqual([]);
  await expect.poll(fixture.server.openWatches).toBe(0);
});

describe('whatever goes wrong', () => {
  type Step =
    | { do: 'apply' | 'remove'; name: string }
    | { do: 'trouble'; trouble: Trouble }
    | { do: 'break'; how: 'close' | 'reset' | 'silence' | { line: string } }
    | { do: 'bookmark' | 'compact' | 'away' | 'wait' | 'settle' };

  const name = fc.constantFrom('a', 'b', 'c', 'd', 'e');
  const trouble: fc.Arbitrary<Trouble> = fc.oneof(
    fc.record({
      on: fc.constantFrom('list' as const, 'watch' as const),
      do: fc.constant('status' as const),
      code: fc.constantFrom(401, 403, 404, 429, 500, 503),
    }),
    fc.record({
      on: fc.constantFrom('list' as const, 'watch' as const),
      do: fc.constantFrom('reset' as const, 'silence' as const, 'lose-answer' as const),
    }),
    fc.constant({ on: 'watch' as const, do: 'close' as const }),
    fc.constant({ on: 'watch' as const, do: 'line' as const, text: '{"type":' }),
  );
  const steady: fc.Arbitrary<Step> = fc.oneof(
    { weight: 4, arbitrary: fc.record({ do: fc.constant('apply' as const), name }) },
    { weight: 2, arbitrary: fc.record({ do: fc.constant('remove' as const), name }) },
    { weight: 2, arbitrary: fc.record({ do: fc.constant('trouble' as const), trouble }) },
    {
      weight: 2,
      arbitrary: fc.record({
        do: fc.constant('break' as const),
        how: fc.constantFrom('close' as const, 'reset' as const, 'silence' as const, { line: 'x' }),
      }),
    },
    fc.record({ do: fc.constantFrom('bookmark' as const, 'away' as const) }),
    { weight: 4, arbitrary: fc.record({ do: fc.constantFrom('wait' as const, 'settle' as const) }) },
  );
  const forgetful: fc.Arbitrary<Step> = fc.oneof(
    { weight: 8, arbitrary: steady },
    fc.record({ do: fc.constant('compact' as const) }),
    fc.record({ do: fc.constant('break' as const), how: fc.constant({ line: expiredLine }) }),
    fc.record({
      do: fc.constant('trouble' as const),
      trouble: fc.record({
        on: fc.constantFrom('list' as const, 'watch' as const),
        do: fc.constant('status' as const),
        code: fc.constant(410),
      }),
    }),
  );

  /** What one who follows knows in the end, what changes it was told of, and how many lists it took. */
  async function live(before: readonly string[], steps: readonly Step[]) {
    await using fixture = await follow({ settings: { idleTimeout: 60 }, callTimeout: 60 });
    const { server, signals } = fixture;
    for (const name of before) server.apply(pods, pod(name));
    const known = new Map<string, string>();
    let listed = new Set<string>();
    const changes: string[] = [];
    const toldTwice: string[] = [];
    let told = new Set<string>();
    let lists = 0;
    let listVersion = '';
    let newest = 0;
    let end: string | undefined;

    const reading = (async () => {
      for await (const signal of signals) {
        switch (signal.type) {
          case 'list-start':
            listed = new Set();
            break;
          case 'listed':
            known.set(nameOf(signal.object), versionOf(signal.object));
            listed.add(nameOf(signal.object));
            break;
          case 'list-complete':
            for (const name of known.keys()) if (!listed.has(name)) known.delete(name);
            lists++;
            told = new Set();
            listVersion = signal.resourceVersion;
            newest = Number(listVersion);
            break;
          case 'changed': {
            const version = versionOf(signal.object);
            if (told.has(version)) toldTwice.push(version);
            told.add(version);
            newest = Number(version);
            changes.push(`${signal.how} ${nameOf(signal.object)} ${version}`);
            if (signal.how === 'DELETED') known.delete(nameOf(signal.object));
            else known.set(nameOf(signal.object), version);
          }
        }
        if (end !== undefined && known.get('the-end') === end && signal.type !== 'listed') return;
      }
    })();

    const happened: string[] = [];
    for (const step of steps) {
      switch (step.do) {
        case 'apply': {
          const isNew = !server.objects(pods).some((object) => nameOf(object) === step.name);
          const version = versionOf(server.apply(pods, pod(step.name)));
          happened.push(`${isNew ? 'ADDED' : 'MODIFIED'} ${step.name} ${version}`);
          break;
        }
        case 'remove':
          if (server.remove(pods, step.name, 'shop'))
            happened.push(`DELETED ${step.name} ${server.version()}`);
          break;
        case 'trouble':
          server.troubles.push(step.trouble);
          break;
        case 'break':
          server.breakWatches(step.how);
          break;
        case 'bookmark':
          server.bookmark();
          break;
        case 'compact':
          server.compact();
          break;
        case 'away':
          server.away(true);
          await delay(2);
          server.away(false);
          break;
        case 'wait':
          await delay(4);
          break;
        case 'settle':
          // Until the one who follows knows all, if that is soon: what comes next meets a watch that has told something.
          for (let waited = 0; waited < 40 && newest < server.version(); waited += 2) await delay(2);
      }
    }
    server.troubles.length = 0;
    end = versionOf(server.apply(pods, pod('the-end')));
    happened.push(`ADDED the-end ${end}`);
    await reading;
    return {
      known: Object.fromEntries([...known].sort()),
      there: Object.fromEntries(
        server
          .objects(pods)
          .map((object) => [nameOf(object), versionOf(object)])
          .sort(),
      ),
      changes,
      happened: happened.filter((change) => Number(change.split(' ')[2]) > Number(listVersion)),
      toldTwice,
      lists,
    };
  }

  it('every change is told, once and in order, as long as the server has the history', async () => {
    await checkProperty(
      fc.asyncProperty(fc.uniqueArray(name), fc.array(steady, { maxLength: 25 }), async (before, steps) => {
        const { known, there, changes, happened, lists } = await live(before, steps);
        expect(changes).toEqual(happened);
        expect(lists).toBe(1);
        expect(known).toEqual(there);
      }),
      100,
    );
  });

  it('the cluster can be rebuilt from what is told, and nothing is told twice without a list', async () => {
    await checkProperty(
      fc.asyncProperty(
        fc.uniqueArray(name),
        fc.array(forgetful, { maxLength: 25 }),
        async (before, steps) => {
          const { known, there, toldTwice } = await live(before, steps);
          expect(known).toEqual(there);
          expect(toldTwice).toEqual([]);
        },
      ),
      100,
    );
  });
});
