/**
 * The correlator's functions at the same time, call by call: each stands still at every call to a port until a schedule
 * says that it lands. In between others go on, the clock as well; a call may fail with a part of it done, take effect
 * twice, or wait until all others are done. What the schedule leaves open goes on in order, to the end. No chance but
 * the schedule: the same one runs the same way. (fast-check's scheduler only orders calls; here some fail, and time passes
 * between them.)
 */
import { setImmediate as allBlocked } from 'node:timers/promises';
import fc from 'fast-check';
import { type BatchResponse, createIngest } from '../../../functions/correlator/ingest.ts';
import type { Ports, Remark, Timer } from '../../../functions/correlator/ports.ts';
import type { KinesisEvent } from '../../../functions/correlator/read-records.ts';
import { createSettle } from '../../../functions/correlator/settle.ts';
import type { Item, Key, Part, Store } from '../../../functions/correlator/store.ts';
import { createMemoryStore } from '../../../functions/correlator/store-memory.ts';
import { defaultThresholds } from '../../../functions/correlator/thresholds.ts';
import { RetryableError } from '../../../shared/errors.ts';
import type { Span } from '../../../shared/span.ts';

/** `which`: of those there are, counted round and round. */
export type Trouble =
  /** Another call of the running function lands first. */
  | { do: 'overtake'; which: number }
  /** Another function is the running one from now on. */
  | { do: 'switch'; which: number }
  /** A batch of the stream, or a timer that is due. */
  | { do: 'begin'; which: number }
  /** What was handed over before, whether that is under way, done or failed. */
  | { do: 'repeat'; which: number }
  | { do: 'pass'; seconds: number }
  // These find the running function before what it writes next.
  /** It stands still for so long; without a time until all others are done. */
  | { do: 'suspend'; seconds: number | undefined }
  /** The call is turned down, some of it done. */
  | { do: 'refuse'; which: number }
  /** The call lands, but its answer is lost: it will land again. */
  | { do: 'lose-answer' }
  /** The function is no more, some of its call done. */
  | { do: 'kill'; which: number };

/** Before which step. */
export type Schedule = ({ at: number } & Trouble)[];

const which = fc.nat(11);
const seconds = fc.oneof(
  { weight: 4, arbitrary: fc.integer({ min: 1, max: 30 }) },
  { weight: 2, arbitrary: fc.integer({ min: 30, max: 130 }) },
  { weight: 1, arbitrary: fc.integer({ min: 700, max: 1000 }) },
);
const at = fc.nat(250);
export const schedules: fc.Arbitrary<Schedule> = fc
  .array(
    fc.oneof(
      { weight: 1, arbitrary: fc.record({ at, do: fc.constant('overtake' as const), which }) },
      { weight: 10, arbitrary: fc.record({ at, do: fc.constant('switch' as const), which }) },
      { weight: 6, arbitrary: fc.record({ at, do: fc.constant('begin' as const), which }) },
      { weight: 3, arbitrary: fc.record({ at, do: fc.constant('repeat' as const), which }) },
      { weight: 4, arbitrary: fc.record({ at, do: fc.constant('pass' as const), seconds }) },
      {
        weight: 6,
        arbitrary: fc.record({
          at,
          do: fc.constant('suspend' as const),
          seconds: fc.option(seconds, { nil: undefined }),
        }),
      },
      { weight: 3, arbitrary: fc.record({ at, do: fc.constant('refuse' as const), which }) },
      { weight: 3, arbitrary: fc.record({ at, do: fc.constant('lose-answer' as const) }) },
      { weight: 3, arbitrary: fc.record({ at, do: fc.constant('kill' as const), which }) },
    ),
    { maxLength: 60, size: 'max' },
  )
  .map((troubles) => troubles.toSorted((a, b) => a.at - b.at));

interface Call {
  name: string;
  args: unknown[];
  /** All of it, or no more than the first so many of what it writes. */
  land(most?: number): Promise<unknown>;
  resolve(result: unknown): void;
  reject(error: unknown): void;
}

interface Running {
  name: string;
  calls: Call[];
  /** Milliseconds since 1970; undefined while it runs. */
  suspendedUntil: number | undefined;
  end(isDone: boolean, answer?: BatchResponse): void;
}

/**
 * SQS may hand one over twice. It is deleted by whoever is done with it, but comes again for one that began before and
 * failed after that: only then is there a loss, where that one has cut and not sent, and it is accepted.
 */
interface Message {
  id: string;
  timer: Timer;
  visibleAt: number;
  deliveries: number;
  /** The last delivery that failed. */
  failed: number;
  isDeleted: boolean;
}

const isAwake = ({ suspendedUntil }: Running) => suspendedUntil === undefined;

/** What comes of the stream, in milliseconds since 1970 at the earliest. */
export interface Arrival {
  shard: number;
  at: number;
  event: KinesisEvent;
}

export interface Setting {
  arrivals: readonly Arrival[];
  /** Milliseconds since 1970. */
  start: number;
  assemblyClock(now: number): bigint;
  /** No timer comes and hardly any time passes before all has come of the stream. */
  isAllThereFirst?: boolean;
  /** What is there already. */
  items?: readonly Item[];
  timers?: readonly Timer[];
  /** Nothing begins after that. */
  until?: number;
  trace?: (line: string) => void;
}

export interface Outcome {
  sends: Span[][];
  remarks: Remark[];
  /** What is left in the store. */
  items: Item[];
  /** That were still to come. */
  timers: Timer[];
}

/** SQS's longest delay, and how long it hides a message that somebody has: six times settle's two minutes. */
const [longestDelay, visibility] = [900_000, 720_000];
const ingestTimeout = 60_000;

export async function runInterleaved(
  { arrivals, start, assemblyClock, isAllThereFirst = false, items = [], timers = [], until, trace }: Setting,
  schedule: Schedule,
): Promise<Outcome> {
  let now = start;
  const partitions = new Set(items.map(({ pk }) => pk));
  const store = createMemoryStore(() => now);
  await store.put(items);
  const sends: Span[][] = [];
  const remarks: Remark[] = [];
  const messages: Message[] = [];
  /** Of the stream, in order of arrival. */
  const shards = Map.groupBy(arrivals, ({ shard }) => shard);
  const delivered: Arrival[] = [];
  const busy = new Map<number, Running>();
  const processes = new Map<number, Process>();
  const running: Running[] = [];
  let current: Running | undefined;

  const addMessage = (timer: Timer, seconds: number) =>
    messages.push({
      id: `m${messages.length}`,
      timer,
      visibleAt: now + Math.min(longestDelay, Math.max(0, Math.ceil(seconds) * 1000)),
      deliveries: 0,
      failed: 0,
      isDeleted: false,
    });
  for (const timer of timers) addMessage(timer, (timer.dueAt - now) / 1000);

  /** Ports whose calls wait for the schedule. */
  function portsOf(owner: () => Running): Ports {
    const gate =
      <Args extends unknown[], Answer>(
        name: string,
        land: (most: number | undefined, ...args: Args) => Promise<Answer>,
      ) =>
      (...args: Args): Promise<Answer> =>
        new Promise((resolve, reject) => {
          const settle = { resolve: resolve as (answer: unknown) => void, reject };
          owner().calls.push({ name, args, land: (most) => land(most, ...args), ...settle });
        });
    const some = <T>(all: readonly T[], most = all.length) => all.slice(0, most);
    return {
      store: {
        read: gate('read', (_, keys: readonly Key[]) => store.read(keys)),
        list: gate('list', (_, pk: string, part?: Part) => store.list(pk, part)),
        put: gate('put', (most, all: readonly Item[]) => {
          for (const { pk } of all) partitions.add(pk);
          return store.put(some(all, most));
        }),
        remove: gate('remove', (most, all: readonly Key[]) => store.remove(some(all, most))),
        replace: gate(
          'replace',
          async (most, ...args: Parameters<Store['replace']>) => most !== 0 && store.replace(...args),
        ),
      },
      timers: {
        arm: gate('arm', async (most, timer: Timer, delay: number) => {
          if (most === 0) return;
          addMessage({ ...timer, activities: some(timer.activities, most) }, delay);
        }),
      },
      spansQueue: {
        send: gate(
          'send',
          async (most, spans: readonly Span[]) => void sends.push(structuredClone(some(spans, most))),
        ),
      },
      setAside: { keep: async () => {} },
      log: (remark) => remarks.push(remark),
      now: () => now,
      assemblyClock: () => assemblyClock(now),
    };
  }

  interface Process {
    ingest: ReturnType<typeof createIngest>;
    running: Running;
  }
  function processOf(shard: number, run: Running): Process {
    const process = processes.get(shard) ?? makeProcess(run);
    process.running = run;
    processes.set(shard, process);
    return process;
  }
  function makeProcess(run: Running): Process {
    const process: Process = {
      ingest: createIngest(
        portsOf(() => process.running),
        defaultThresholds,
      ),
      running: run,
    };
    return process;
  }

  function launch(run: Running, go: () => Promise<BatchResponse>) {
    running.push(run);
    trace?.(`${now - start} begin ${run.name}`);
    go().then(
      (answer) => stop(run, true, answer),
      (error) => {
        if (!(error instanceof RetryableError))
          remarks.push({ kind: 'settle-failed', activity: run.name, error });
        stop(run, false);
      },
    );
  }
  function stop(run: Running, isDone: boolean, answer?: BatchResponse) {
    const at = running.indexOf(run);
    if (at < 0) return;
    trace?.(`${now - start} ${isDone ? 'end' : 'fail'} ${run.name}`);
    running.splice(at, 1);
    run.end(isDone, answer);
  }

  let invocations = 0;
  function beginIngest(shard: number) {
    const arrival = shards.get(shard)!.shift()!;
    delivered.push(arrival);
    const run: Running = {
      name: `ingest ${invocations++} of shard ${shard}`,
      calls: [],
      suspendedUntil: undefined,
      end(isDone) {
        if (busy.get(shard) !== run) return;
        busy.delete(shard);
        if (isDone) return;
        // Another process; and halves, as the event source makes them.
        processes.delete(shard);
        retry(arrival);
      },
    };
    busy.set(shard, run);
    const process = processOf(shard, run);
    launch(run, () => process.ingest(arrival.event));
  }
  function retry(arrival: Arrival) {
    const { Records } = arrival.event;
    const half = Math.ceil(Records.length / 2);
    const halves = [Records.slice(0, half), Records.slice(half)].filter(({ length }) => length > 0);
    shards.get(arrival.shard)!.unshift(...halves.map((part) => ({ ...arrival, event: { Records: part } })));
  }
  /** Nobody waits for it any more, but it still runs. */
  function abandon(shard: number) {
    const run = busy.get(shard)!;
    if (!isAllThereFirst) now += ingestTimeout;
    run.end(false);
  }

  function beginSettle(some: readonly Message[]) {
    const deliveries = some.map((message) => {
      message.visibleAt = now + visibility;
      message.deliveries += 1;
      return { message, delivery: message.deliveries };
    });
    const run: Running = {
      name: `settle ${invocations++} of ${some.map(({ id, timer }) => `${id} ${timer.id} (${timer.activities})`)}`,
      calls: [],
      suspendedUntil: undefined,
      end(isDone, answer) {
        const failed = new Set(answer?.batchItemFailures.map(({ itemIdentifier }) => itemIdentifier));
        for (const { message, delivery } of deliveries) {
          if (isDone && !failed.has(message.id)) {
            if (delivery > message.failed) message.isDeleted = true;
          } else {
            message.failed = Math.max(message.failed, delivery);
            message.isDeleted = false;
          }
        }
      },
    };
    const settle = createSettle(
      portsOf(() => run),
      defaultThresholds,
    );
    const Records = some.map(({ id, timer }) => ({ messageId: id, body: JSON.stringify(timer) }));
    launch(run, () => settle({ Records }));
  }

  /** The next write of the running function, which goes on until there. */
  async function reachWrite(): Promise<Call | undefined> {
    while (current !== undefined && running.includes(current)) {
      const call = current.calls[0];
      if (call !== undefined && !['read', 'list'].includes(call.name)) return call;
      await landNext(current);
      await allBlocked();
    }
    return undefined;
  }

  const isStreamDone = () => busy.size === 0 && [...shards.values()].every(({ length }) => length === 0);
  const readyShards = () =>
    [...shards].filter(([shard, queue]) => !busy.has(shard) && queue.length > 0 && queue[0]!.at <= now);
  const waiting = () => messages.filter(({ isDeleted }) => !isDeleted);
  const isTimersTime = () => !isAllThereFirst || isStreamDone();

  async function landNext(run: Running, index = 0) {
    const call = run.calls.splice(index % run.calls.length, 1)[0]!;
    trace?.(`${now - start}   ${run.name}: ${tell(call)}`);
    call.resolve(await call.land());
  }

  const act: { [K in Trouble['do']]: (trouble: Extract<Trouble, { do: K }>) => unknown } = {
    async overtake(step) {
      if (current !== undefined && current.calls.length > 0) await landNext(current, step.which);
    },
    switch(step) {
      const awake = running.filter(isAwake);
      if (awake.length === 0) return;
      current = awake[step.which % awake.length];
    },
    begin(step) {
      const ready: (() => void)[] = readyShards().map(
        ([shard]) =>
          () =>
            beginIngest(shard),
      );
      if (isTimersTime()) {
        const due = waiting().filter(({ visibleAt }) => visibleAt <= now);
        for (const [index, message] of due.entries()) {
          ready.push(() => beginSettle(step.which % 3 === 0 ? due.slice(index, index + 2) : [message]));
        }
      }
      if (ready.length === 0) return;
      ready[step.which % ready.length]!();
      current = running.at(-1);
    },
    repeat(step) {
      const old: (() => void)[] = delivered.map(
        (arrival) => () => shards.get(arrival.shard)!.unshift({ ...arrival, at: now }),
      );
      if (isTimersTime()) {
        for (const message of messages.filter(({ timer }) => timer.dueAt <= now)) {
          old.push(() => beginSettle([message]));
        }
      }
      if (old.length === 0) return;
      old[Math.floor((step.which / 12) * old.length)]!();
    },
    pass(step) {
      if (!isTimersTime()) return;
      now += step.seconds * 1000;
    },
    async suspend({ seconds }) {
      if ((await reachWrite()) === undefined) return;
      trace?.(`${now - start} suspended ${current!.name} for ${seconds} s`);
      current!.suspendedUntil = seconds === undefined ? Number.POSITIVE_INFINITY : now + seconds * 1000;
      current = undefined;
    },
    async refuse(step) {
      const call = await reachWrite();
      if (call === undefined) return;
      current!.calls.shift();
      trace?.(`${now - start}   refused, ${step.which} done: ${tell(call)}`);
      await call.land(step.which);
      call.reject(new RetryableError('throttled'));
    },
    async 'lose-answer'() {
      const call = await reachWrite();
      if (call === undefined) return;
      trace?.(`${now - start}   answer lost: ${tell(call)}`);
      await call.land();
    },
    async kill(step) {
      const call = await reachWrite();
      if (call === undefined) return;
      trace?.(`${now - start} killed ${current!.name}, ${step.which} done: ${tell(call)}`);
      await call.land(step.which);
      current!.calls.length = 0;
      stop(current!, false);
      current = undefined;
    },
  };

  /** The next in order. False: all is done. */
  async function goOn(): Promise<boolean> {
    if (current !== undefined && !running.includes(current)) current = undefined;
    const awake = current ?? running.find(isAwake);
    current = awake;
    if (awake !== undefined) {
      if (awake.calls.length === 0) throw new Error(`${awake.name} waits for nothing`);
      await landNext(awake);
      return true;
    }
    const [ready] = readyShards();
    if (ready !== undefined) {
      beginIngest(ready[0]);
      return true;
    }
    for (const [shard, run] of busy) {
      if (run.suspendedUntil! <= now + ingestTimeout) continue;
      abandon(shard);
      return true;
    }
    const first = Math.min(...running.map(({ suspendedUntil }) => suspendedUntil!));
    const asleep = running.find(({ suspendedUntil }) => suspendedUntil === first);
    const next = Math.min(
      ...[...shards].flatMap(([shard, queue]) => (busy.has(shard) ? [] : (queue[0]?.at ?? []))),
    );
    if (asleep !== undefined && !isTimersTime()) return wake(asleep);
    const message = waiting().sort((a, b) => a.visibleAt - b.visibleAt)[0];
    if (asleep !== undefined && first <= Math.min(next, message?.visibleAt ?? next)) {
      return wake(asleep);
    }
    if (until !== undefined && Math.min(next, message?.visibleAt ?? next) > until) return false;
    if (message !== undefined && isTimersTime() && message.visibleAt <= next) {
      now = Math.max(now, message.visibleAt);
      beginSettle([message]);
      return true;
    }
    if (Number.isFinite(next)) {
      now = Math.max(now, next);
      return true;
    }
    return false;
  }
  function wake(run: Running): true {
    if (isTimersTime() && Number.isFinite(run.suspendedUntil)) now = Math.max(now, run.suspendedUntil!);
    trace?.(`${now - start} resumed ${run.name}`);
    run.suspendedUntil = undefined;
    current = run;
    return true;
  }

  const troubles = [...schedule];
  for (let step = 0; ; step += 1) {
    for (; troubles.length > 0 && troubles[0]!.at <= step; await allBlocked()) {
      if (current !== undefined && !running.includes(current)) current = undefined;
      current ??= running.find(isAwake);
      const trouble = troubles.shift()!;
      await (act[trouble.do] as (trouble: Trouble) => unknown)(trouble);
    }
    if (!(await goOn()) && troubles.length === 0) break;
    await allBlocked();
    if (step > 20_000) throw new Error('no end');
  }
  for (const remark of remarks) {
    if (remark.kind === 'settle-failed' && !(remark.error instanceof RetryableError)) {
      if (!/settled elsewhere/.test(String(remark.error))) throw remark.error;
    }
  }
  const left = await Promise.all([...partitions].map((pk) => store.list(pk)));
  return { sends, remarks, items: left.flat(), timers: waiting().map(({ timer }) => timer) };
}

const tell = ({ name, args }: Call): string =>
  `${name} ${JSON.stringify(args, (key, value) => (key === 'body' ? undefined : value))}`.slice(0, 500);
