import { setImmediate } from 'node:timers/promises';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { newDigestKey } from '../../../../functions/forwarder/digest.ts';
import {
  ApiError,
  type ApiServer,
  type Json,
} from '../../../../functions/forwarder/kubernetes/api-server.ts';
import { type Clock, systemClock } from '../../../../functions/forwarder/kubernetes/clock.ts';
import { createApiServer } from '../../../../functions/forwarder/kubernetes/connect-api-server.ts';
import type { Handover } from '../../../../functions/forwarder/kubernetes/handover-annotations.ts';
import {
  type LeaseRemark,
  lead,
  leaseDefaults,
  type Term,
} from '../../../../functions/forwarder/kubernetes/hold-lease.ts';
import type { Checkpoint } from '../../../../functions/forwarder/kubernetes/watch-signal.ts';
import { checkProperty } from '../../../check-property.ts';
import { createVirtualClock, type VirtualClock } from '../../../infra/local/virtual-clock.ts';
import { leases, startFakeApiServer } from './fake-api-server.ts';

const aKey = newDigestKey();

/** What can be wrong with a call of one candidate. */
type Weather = 'fine' | 'away' | 'silent' | 'answer-lost' | 'slow';

/** One Lease behind one clock, as the API server keeps it: a write that does not replace the newest version fails. */
function createLeaseServer(clock: VirtualClock) {
  let lease: Json | undefined;
  let version = 0;
  const written: Json[] = [];
  const path = '/apis/coordination.k8s.io/v1/namespaces/rootspan/leases';

  const store = (body: Json): Json => {
    version++;
    lease = structuredClone({
      ...body,
      metadata: { ...(body.metadata as Json), resourceVersion: String(version) },
    });
    written.push(lease);
    return lease;
  };
  const work = (method: string, asked: string, body?: Json): Json => {
    if (method === 'POST' && asked === path) {
      if (lease !== undefined) throw new ApiError('exists', { status: 409, reason: 'AlreadyExists' });
      return store(body!);
    }
    if (asked !== `${path}/forwarder` || lease === undefined) {
      throw new ApiError('not found', { status: 404, reason: 'NotFound' });
    }
    if (method === 'GET') return lease;
    const { resourceVersion } = body!.metadata as Json;
    const fits = resourceVersion === (lease.metadata as Json).resourceVersion;
    if (!fits) throw new ApiError('conflict', { status: 409, reason: 'Conflict' });
    return store(body!);
  };

  return {
    written,
    lease: () => lease as { spec: Json; metadata: { annotations?: Record<string, string> } } | undefined,
    set: (body: Json | undefined) => {
      if (body === undefined) lease = undefined;
      else store(body);
    },
    connect: (weather: () => Weather): ApiServer => ({
      async call(method, asked, { body, signal } = {}) {
        const now = weather();
        // No timer: the virtual clock jumps when nothing else is left to do.
        await null;
        signal?.throwIfAborted();
        if (now === 'away') throw new Error('ECONNREFUSED');
        if (now === 'silent') return forever(signal!);
        if (now === 'slow') await clock.sleep(1500, signal!);
        signal?.throwIfAborted();
        const answer = structuredClone(work(method, asked, body));
        if (now === 'answer-lost') throw new Error('ECONNRESET');
        return answer;
      },
      lines: () => {
        throw new Error('nobody watches');
      },
    }),
  };
}

const forever = (signal: AbortSignal) =>
  new Promise<never>((_, reject) =>
    signal.addEventListener('abort', () => reject(signal.reason), { once: true }),
  );

const settings = { name: 'forwarder', namespace: 'rootspan', ...leaseDefaults };

interface Candidate {
  identity: string;
  weather: Weather;
  /** How fast its clock runs. */
  rate: number;
  /** What its clock says is wrong by so much: milliseconds. */
  offset: number;
  remarks: LeaseRemark[];
  /** The running one. */
  term: Term | undefined;
  /** Those there were, with the virtual times of begin and end. */
  terms: { begun: number; ended: number; checkpoint: Checkpoint | undefined }[];
  stop(): void;
  /** As kill -9: it does nothing any more, and is told nothing. */
  kill(): void;
  done: Promise<void>;
}

function createTheatre() {
  const clock = createVirtualClock();
  const server = createLeaseServer(clock);
  const end = new AbortController();
  const candidates: Candidate[] = [];

  const join = (
    identity: string,
    { rate = 1, offset = 0, finish = async (_: Term) => {} } = {},
  ): Candidate => {
    const stop = new AbortController();
    let killed = false;
    const own: Clock = {
      now: () => clock.now() * rate + offset,
      elapsed: () => clock.now() * rate,
      // A process that is dead never wakes.
      sleep: async (duration, signal) => {
        await clock.sleep(duration / rate, signal);
        if (killed) await new Promise(() => {});
      },
    };
    const candidate: Candidate = {
      identity,
      weather: 'fine',
      rate,
      offset,
      remarks: [],
      term: undefined,
      terms: [],
      stop: () => stop.abort(),
      kill: () => {
        killed = true;
        candidate.weather = 'silent';
        if (candidate.term !== undefined) candidate.terms.at(-1)!.ended = clock.now();
        candidate.term = undefined;
      },
      done: Promise.resolve(),
    };
    const api = server.connect(() => candidate.weather);
    const ports = {
      api: {
        ...api,
        call: (...given: Parameters<ApiServer['call']>) =>
          killed ? forever(end.signal) : api.call(...given),
      },
      clock: own,
      random: () => 0.5,
      newDigestKey: () => aKey,
      report: (remark: LeaseRemark) => void candidate.remarks.push(remark),
    };
    candidate.done = lead(ports, { ...settings, identity }, stop.signal, async (term) => {
      const about = {
        begun: clock.now(),
        ended: Number.POSITIVE_INFINITY,
        checkpoint: term.handover?.checkpoint,
      };
      candidate.terms.push(about);
      candidate.term = term;
      if (!term.signal.aborted) {
        await new Promise((resolve) => term.signal.addEventListener('abort', resolve, { once: true }));
      }
      about.ended = Math.min(about.ended, clock.now());
      await finish(term);
      candidate.term = undefined;
    });
    candidates.push(candidate);
    return candidate;
  };

  return {
    clock,
    server,
    candidates,
    join,
    pass: (milliseconds: number) => clock.sleep(milliseconds, end.signal),
    leaders: () => candidates.filter(({ term }) => term !== undefined && !term.signal.aborted),
  };
}

const at = (checkpoint: Checkpoint): Handover => ({ checkpoint, lookingUp: [] });

/** Whether it may ship. */
const isConfirmed = ({ term }: Candidate): Promise<boolean> => {
  const asked = new AbortController();
  const answer = term?.confirmed(asked.signal).then(
    () => true,
    () => false,
  );
  return Promise.race([answer ?? false, setImmediate(false)]).finally(() => asked.abort());
};

const checkpointOf = (server: ReturnType<typeof createLeaseServer>): unknown =>
  JSON.parse(server.lease()?.metadata.annotations?.['rootspan/checkpoint'] ?? 'null');

it('makes the Lease where there is none, leads, and renews', async () => {
  const { server, join, pass } = createTheatre();
  const a = join('a');
  await pass(60_000);
  expect(a.terms).toMatchObject([{ checkpoint: undefined, ended: Number.POSITIVE_INFINITY }]);
  expect(server.lease()!.spec).toMatchObject({
    holderIdentity: 'a',
    leaseDurationSeconds: 10,
    leaseTransitions: 0,
    acquireTime: '2023-11-14T22:13:20.000000Z',
    renewTime: expect.stringMatching(/^2023-11-14T22:14:(?:1[6-9]|20)/),
  });
  expect(server.written.length).toBeLessThan(30);
  a.stop();
  await a.done;
});

it('writes what was saved with the next renewal, never an older version', async () => {
  const { server, join, pass } = createTheatre();
  const a = join('a');
  await pass(1000);
  a.term!.save(at({ events: '99', pods: '8' }));
  a.term!.save(at({ events: '100', pods: '7' }));
  expect(checkpointOf(server)).toBe(null);
  await pass(3000);
  expect(checkpointOf(server)).toEqual({ events: '100', pods: '8' });
  a.stop();
  await a.done;
});

it('gives the Lease up when it stops, with what the work saved last, and the next one goes on there', async () => {
  const { server, clock, join, pass } = createTheatre();
  const a = join('a', {
    async finish(term) {
      // Longer than the Lease is good for: it is renewed meanwhile.
      await pass(15_000);
      term.save(at({ events: '7' }));
    },
  });
  await pass(1000);
  const b = join('b');
  await pass(10_000);
  expect(b.remarks).toEqual([{ type: 'following', holder: 'a' }]);
  a.stop();
  await a.done;
  const released = clock.now();
  expect(a.remarks.map(({ type }) => type)).toEqual(['leading', 'released']);
  await pass(3000);
  expect(b.terms).toMatchObject([{ checkpoint: { events: '7' } }]);
  expect(b.terms[0]!.begun - released).toBeLessThanOrEqual(2500);
  expect(server.lease()!.spec).toMatchObject({ holderIdentity: 'b', leaseTransitions: 1 });
  b.stop();
  await b.done;
});

it('takes over within 15 seconds from one that was killed, whatever their clocks say', async () => {
  const { clock, join, pass } = createTheatre();
  const a = join('a', { offset: 3_600_000 });
  await pass(100);
  const b = join('b', { offset: -3_600_000 });
  await pass(60_000);
  a.term!.save(at({ events: '5' }));
  await pass(3000);
  const killed = clock.now();
  a.kill();
  await pass(15_000);
  expect(b.terms).toMatchObject([{ checkpoint: { events: '5' } }]);
  expect(b.terms[0]!.begun - killed).toBeLessThan(15_000);
  b.stop();
  await b.done;
});

it('goes on at once as who it was: a container that was started again in its pod', async () => {
  const { clock, join, pass } = createTheatre();
  const a = join('a');
  await pass(5000);
  a.kill();
  const again = join('a');
  const started = clock.now();
  await pass(1000);
  expect(again.terms[0]!.begun - started).toBeLessThan(100);
  again.stop();
  await again.done;
});

it('stands still before another one may lead, when the API server is away, and ends once it learns that one does', async () => {
  const { clock, join, pass } = createTheatre();
  const a = join('a');
  await pass(1000);
  const b = join('b');
  await pass(10_000);
  a.weather = 'away';
  const away = clock.now();
  for (;;) {
    await pass(100);
    if (!(await isConfirmed(a))) break;
  }
  const stoodStill = clock.now();
  await pass(60_000);
  expect(await isConfirmed(a)).toBe(false);
  expect(a.remarks.filter(({ type }) => type !== 'trouble').map(({ type }) => type)).toEqual([
    'leading',
    'unsure',
  ]);
  expect(stoodStill - away).toBeLessThan(settings.renewDeadline);
  expect(stoodStill).toBeLessThan(b.terms[0]!.begun);
  a.weather = 'fine';
  await pass(3000);
  expect(a.remarks).toContainEqual({ type: 'lost' });
  expect(a.terms[0]!.ended).toBeLessThan(clock.now());
  b.stop();
  await b.done;
  await pass(3000);
  expect(a.terms).toHaveLength(2);
  a.stop();
  await a.done;
});

it('goes on in the same term, where nobody else led while it could not renew', async () => {
  const { join, pass } = createTheatre();
  const a = join('a');
  await pass(1000);
  a.weather = 'silent';
  await pass(30_000);
  expect(await isConfirmed(a)).toBe(false);
  a.weather = 'fine';
  await pass(5000);
  expect(await isConfirmed(a)).toBe(true);
  expect(a.terms).toMatchObject([{ ended: Number.POSITIVE_INFINITY }]);
  const types = a.remarks.filter(({ type }) => type !== 'trouble').map(({ type }) => type);
  expect(types).toEqual(['leading', 'unsure', 'sure']);
  a.stop();
  await a.done;
});

it('says whom it follows again once the API server is back: its trouble is over', async () => {
  const { join, pass } = createTheatre();
  const a = join('a');
  await pass(1000);
  const b = join('b');
  await pass(10_000);
  b.weather = 'away';
  await pass(3000);
  b.weather = 'fine';
  await pass(3000);
  const types = b.remarks.map(({ type }) => type);
  expect([types[0], types.at(-2), types.at(-1)]).toEqual(['following', 'trouble', 'following']);
  for (const each of [a, b]) {
    each.stop();
    await each.done;
  }
});

it('keeps leading through a call that gets no answer, and one whose answer is lost', async () => {
  const { join, pass } = createTheatre();
  const a = join('a');
  await pass(1000);
  for (const weather of ['silent', 'answer-lost'] as const) {
    a.weather = weather;
    await pass(2600);
    a.weather = 'fine';
    await pass(10_000);
  }
  expect(a.terms).toMatchObject([{ ended: Number.POSITIVE_INFINITY }]);
  expect(a.remarks.some(({ type }) => type === 'trouble')).toBe(true);
  a.stop();
  await a.done;
});

it('keeps leading where somebody only touched the Lease, and keeps what they wrote', async () => {
  const { server, join, pass } = createTheatre();
  const a = join('a');
  await pass(1000);
  const lease = structuredClone(server.lease()!) as unknown as { metadata: Json };
  server.set({ ...lease, metadata: { ...lease.metadata, labels: { team: 'x' } } });
  await pass(10_000);
  expect(server.lease()!.metadata).toMatchObject({ labels: { team: 'x' } });
  expect(a.terms).toHaveLength(1);
  a.stop();
  await a.done;
});

it('goes on where it was, where somebody deleted the Lease', async () => {
  const { server, join, pass } = createTheatre();
  const a = join('a');
  await pass(1000);
  a.term!.save(at({ events: '5' }));
  await pass(5000);
  server.set(undefined);
  await pass(5000);
  expect(a.terms.map(({ checkpoint }) => checkpoint)).toEqual([undefined, { events: '5' }]);
  expect(a.remarks.filter(({ type }) => type === 'lost')).toEqual([{ type: 'lost' }]);
  a.stop();
  await a.done;
});

it('goes on from what it saved last, where it lost the Lease before that was written', async () => {
  const { server, join, pass } = createTheatre();
  const a = join('a');
  await pass(1000);
  a.term!.save(at({ events: '5' }));
  await pass(5000);
  a.weather = 'silent';
  a.term!.save({ checkpoint: { events: '9' }, lookingUp: [{ kind: 'Service', name: 'web' }] });
  await pass(15_000);
  server.set(undefined);
  a.weather = 'fine';
  await pass(15_000);
  expect(a.terms.map(({ checkpoint }) => checkpoint)).toEqual([undefined, { events: '9' }]);
  expect(a.term!.handover?.lookingUp).toEqual([{ kind: 'Service', name: 'web' }]);
  a.stop();
  await a.done;
});

it('hands on what was being looked up, until it is no more', async () => {
  const { join, pass } = createTheatre();
  const service = { apiVersion: 'v1', kind: 'Service', namespace: 'shop', name: 'web', uid: 'u1' };
  const a = join('a');
  await pass(1000);
  a.term!.save({ checkpoint: { events: '5' }, lookingUp: [service] });
  await pass(3000);
  a.kill();
  const b = join('b');
  await pass(15_000);
  expect(b.term!.handover).toEqual({ checkpoint: { events: '5' }, lookingUp: [service] });
  b.term!.save(at({ events: '6' }));
  b.stop();
  await b.done;
  const c = join('c');
  await pass(5000);
  expect(c.term!.handover).toEqual(at({ events: '6' }));
  c.stop();
  await c.done;
});

it('never sets back what another one wrote', async () => {
  const { server, join, pass } = createTheatre();
  server.set({
    metadata: { name: 'forwarder', annotations: { 'rootspan/checkpoint': '{"events":"100","pods":"9"}' } },
    spec: { holderIdentity: '' },
  });
  const a = join('a');
  await pass(1000);
  a.term!.save(at({ events: '99', pods: '10' }));
  await pass(3000);
  expect(checkpointOf(server)).toEqual({ events: '100', pods: '10' });
  a.stop();
  await a.done;
});

it.each([
  ['none yet', {}],
  ['what is no key', { 'rootspan/digest-key': 'short' }],
])('of a Lease that has %s gets a key, and leaves the checkpoint as it is', async (_, annotations) => {
  const { server, join, pass } = createTheatre();
  const checkpoint = { 'rootspan/checkpoint': '{"events":"100"}' };
  server.set({
    metadata: { name: 'forwarder', annotations: { ...annotations, ...checkpoint } },
    spec: { holderIdentity: '' },
  });
  const a = join('a');
  await pass(1000);
  expect(a.term!.digestKey).toBe(aKey);
  await pass(5000);
  expect(server.lease()!.metadata.annotations).toEqual({ 'rootspan/digest-key': aKey, ...checkpoint });
  a.stop();
  await a.done;
});

it('tells of an annotation that is none of ours', async () => {
  const { server, join, pass } = createTheatre();
  server.set({
    metadata: { name: 'forwarder', annotations: { 'rootspan/checkpoint': '{"events":-1}' } },
    spec: { holderIdentity: '' },
  });
  const a = join('a');
  await pass(1000);
  expect(a.terms).toMatchObject([{ checkpoint: undefined }]);
  expect(a.remarks).toContainEqual({ type: 'unreadable-checkpoint' });
  a.stop();
  await a.done;
});

it('gives the Lease up and passes on what the work throws', async () => {
  const clock = createVirtualClock();
  const server = createLeaseServer(clock);
  const ports = {
    api: server.connect(() => 'fine'),
    clock: { ...clock, elapsed: clock.now },
    random: () => 0,
    newDigestKey: () => aKey,
    report: () => {},
  };
  const leading = lead(ports, { ...settings, identity: 'a' }, new AbortController().signal, async () => {
    throw new Error('no more');
  });
  await expect(leading).rejects.toThrow('no more');
  expect(server.lease()!.spec).toMatchObject({ holderIdentity: '' });
});

describe('two and three that fight', () => {
  const step = fc.oneof(
    {
      weight: 3,
      arbitrary: fc.record({ do: fc.constant('wait' as const), for: fc.integer({ min: 0, max: 15_000 }) }),
    },
    {
      weight: 3,
      arbitrary: fc.record({
        do: fc.constant('weather' as const),
        who: fc.nat(2),
        weather: fc.constantFrom<Weather>('fine', 'away', 'silent', 'answer-lost', 'slow'),
      }),
    },
    { weight: 3, arbitrary: fc.record({ do: fc.constant('save' as const) }) },
    fc.record({ do: fc.constantFrom('kill' as const, 'stop' as const), who: fc.nat(2) }),
  );
  /** Quartz is a thousand times better. */
  const rate = fc.double({ min: 0.9, max: 1.1, noNaN: true });

  it('never lead at the same time, never set the checkpoint back, and one leads in the end', async () => {
    await checkProperty(
      fc.asyncProperty(
        fc.array(rate, { minLength: 2, maxLength: 3 }),
        fc.array(step, { maxLength: 30 }),
        async (rates, steps) => {
          const { server, candidates, join, pass, leaders } = createTheatre();
          rates.forEach((rate, index) => {
            join(String(index), { rate, offset: index * 1e7 });
          });
          let shipped = 0;
          const together: string[] = [];
          const check = async () => {
            const confirmed = await Promise.all(candidates.map(isConfirmed));
            const leading = candidates.filter((_, i) => confirmed[i]).map(({ identity }) => identity);
            if (leading.length > 1) together.push(leading.join());
          };
          for (const step of steps) {
            const who = 'who' in step ? candidates[step.who] : undefined;
            if (step.do === 'wait') {
              for (let waited = 0; waited < step.for; waited += 250) {
                await pass(250);
                await check();
              }
            } else if (step.do === 'weather' && who) who.weather = step.weather;
            else if (step.do === 'save') {
              leaders()[0]?.term?.save(at({ events: String(++shipped) }));
            } else if (step.do === 'kill') who?.kill();
            else if (step.do === 'stop') who?.stop();
          }
          for (const candidate of candidates) candidate.weather = 'fine';
          const last = join('last');
          await pass(30_000);
          await check();
          expect(leaders()).toHaveLength(1);
          for (const { stop } of candidates) stop();
          await last.done;

          expect(together).toEqual([]);
          const checkpoints = server.written.map((lease) => {
            const { annotations } = lease.metadata as { annotations?: Record<string, string> };
            return Number(JSON.parse(annotations?.['rootspan/checkpoint'] ?? '{}').events ?? 0);
          });
          expect(checkpoints).toEqual([...checkpoints].sort((a, b) => a - b));
        },
      ),
      100,
    );
  });
});

it('does all that over HTTP, on a Lease of the API server', async () => {
  await using server = await startFakeApiServer();
  const api = createApiServer(server.kubeConfig());
  const ports = { api, clock: systemClock, random: Math.random, newDigestKey, report: () => {} };
  const stop = new AbortController();
  let key: string | undefined;
  await lead(ports, { ...settings, identity: 'a' }, stop.signal, async (term) => {
    expect(server.objects(leases)).toMatchObject([
      { metadata: { namespace: 'rootspan' }, spec: { holderIdentity: 'a' } },
    ]);
    term.save(at({ events: '7' }));
    key = term.digestKey;
  });
  await lead(ports, { ...settings, identity: 'b' }, stop.signal, async ({ handover, digestKey }) => {
    expect(handover?.checkpoint).toEqual({ events: '7' });
    expect(digestKey).toBe(key);
  });
  expect(server.objects(leases)).toMatchObject([{ spec: { holderIdentity: '', leaseTransitions: 1 } }]);
  api.close();
});
