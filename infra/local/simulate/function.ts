/**
 * A Lambda function: instances that are started when none is idle, each with a clock and a memory of its own, one invocation at a
 * time. Every request that its code makes waits until virtual time lets it land; there it may be refused, half done, unheard of, or
 * the last one that this instance makes.
 */
import type { Account, FunctionName, Service } from './account.ts';
import { type Fate, type Faults, goodHost, type Host, type Take } from './faults.ts';
import { coldStart, invocationLogBytes, memoryOfCpu } from './prices.ts';
import type { VirtualTime } from './virtual-time.ts';

export interface Instance {
  name: FunctionName;
  /** Milliseconds since 1970, by its own clock. */
  now(): number;
  /**
   * A request of this instance. `land` is what it does where it arrives, with what of it takes effect; never resolves where the
   * instance dies.
   */
  call<T>(request: Request, land: (take: Take) => T | Promise<T>): Promise<T>;
  /** Milliseconds of a whole CPU that its code takes for what it was given. */
  compute(milliseconds: number): void;
}

interface Request {
  service: Service;
  name: string;
  /** What a refusal is to the code. */
  refusal(): Error;
}

/** Its code, for one instance. `deadline`: by the instance's clock. */
export type Handler<E> = (event: E, deadline: number) => Promise<unknown>;

interface FunctionSettings<E> {
  name: FunctionName;
  /** Milliseconds. */
  timeout: number;
  /** So much of a CPU it has as well. */
  memoryGB: number;
  /** Milliseconds of a whole CPU for an invocation, and for what it has to unpack. */
  computing(event: E): number;
  start(instance: Instance): Handler<E>;
}

export type Invocation = { kind: 'answered'; answer: unknown } | { kind: 'failed'; error: Error };

/** `isTwin`: another invocation has, or will have, the same message in hand. */
export type Invoke<E> = (event: E, isTwin?: boolean) => Promise<Invocation>;

interface Running<E> {
  instance: Instance;
  handler: Handler<E>;
  isAlive: boolean;
  /** Of this invocation. */
  host: Host;
  /** That it has made. */
  calls: number;
  /** Milliseconds of a whole CPU, of this invocation. */
  computed: number;
  idleSince: number;
  end(invocation: Invocation): void;
}

/** Milliseconds after which Lambda takes an idle instance away; nobody knows how many: 5 to 15 minutes are seen. */
const longestIdle = 600_000;

export interface World {
  time: VirtualTime;
  faults: Faults;
  account: Account;
  /** What happens, for whoever looks for the cause of something. */
  tell(line: () => string): void;
}

/** A function's instances, and what they run. */
interface FunctionState<E> {
  readonly world: World;
  readonly settings: FunctionSettings<E>;
  readonly idle: Running<E>[];
  started: number;
}

export function createFunction<E>(world: World, settings: FunctionSettings<E>): Invoke<E> {
  const state: FunctionState<E> = { world, settings, idle: [], started: 0 };
  return (event, isTwin = false) => new Promise((resolve) => run(state, event, isTwin, resolve));
}

function run<E>(
  state: FunctionState<E>,
  event: E,
  isTwin: boolean,
  answer: (invocation: Invocation) => void,
) {
  const { world, settings } = state;
  const { time, faults, account } = world;
  const { timeout } = settings;
  const figures = account.functions[settings.name];
  const warm = takeIdle(state);
  const running = warm ?? start(state);
  const begun = time.now() + faults.throttled() + (warm === undefined ? coldStart : 0);
  running.host = faults.host(isTwin);
  running.calls = 0;
  running.computed = settings.computing(event);
  figures.invocations += 1;
  figures.logBytes += invocationLogBytes;
  if (warm === undefined) figures.coldStarts += 1;
  const cancel = time.at(begun + timeout, () => {
    running.isAlive = false;
    running.end({ kind: 'failed', error: new Error('it timed out') });
  });
  running.end = (invocation) => {
    running.end = () => {};
    cancel();
    figures.milliseconds += time.now() - begun;
    close(state, running, invocation);
    answer(invocation);
  };
  const finish = (invocation: Invocation) => {
    figures.computing += running.computed;
    const took = running.computed * Math.max(1, memoryOfCpu / settings.memoryGB);
    time.after(Math.ceil(took), () => {
      if (running.isAlive) running.end(invocation);
    });
  };
  time.at(begun, () =>
    running.handler(event, running.instance.now() + timeout).then(
      (given) => finish({ kind: 'answered', answer: given }),
      (error: Error) => finish({ kind: 'failed', error }),
    ),
  );
}

function start<E>(state: FunctionState<E>): Running<E> {
  const { world, settings } = state;
  const skew = world.faults.skew();
  const of: Pick<Running<E>, 'isAlive' | 'host' | 'calls' | 'computed' | 'end'> = {
    isAlive: true,
    host: goodHost,
    calls: 0,
    computed: 0,
    end: () => {},
  };
  const label = `${settings.name}-${state.started++}`;
  const instance: Instance = {
    name: settings.name,
    now: () => world.time.now() + skew,
    call: (request, land) => makeCall(world, label, of, request, land),
    compute: (milliseconds) => {
      of.computed += milliseconds;
    },
  };
  return Object.assign(of, { instance, handler: settings.start(instance), idleSince: 0 });
}

function takeIdle<E>({ world: { time, faults }, idle }: FunctionState<E>): Running<E> | undefined {
  while (idle.length > 0 && idle[0]!.idleSince < time.now() - longestIdle) idle.shift();
  return faults.startsCold() ? undefined : idle.pop();
}

/** An invocation is over; an instance that lives is there for the next. */
function close<E>({ world, settings, idle }: FunctionState<E>, running: Running<E>, invocation: Invocation) {
  const { time, account, tell } = world;
  if (invocation.kind === 'failed') account.functions[settings.name].failed += 1;
  if (running.isAlive) {
    running.idleSince = time.now();
    idle.push(running);
  }
  tell(
    () => `${settings.name} ${invocation.kind}${invocation.kind === 'failed' ? `: ${invocation.error}` : ''}`,
  );
}

const everything: Take = (items) => items;

function makeCall<T>(
  { time, faults, account, tell }: World,
  label: string,
  caller: Pick<Running<never>, 'isAlive' | 'host' | 'calls' | 'end'>,
  request: Request,
  land: (take: Take) => T | Promise<T>,
): Promise<T> {
  return new Promise((resolve, reject) => {
    if (!caller.isAlive) return;
    const fate: Fate = faults.ofCall(request.service, caller.host, ++caller.calls >= caller.host.diesAtCall);
    const answer = (say: () => void) => {
      if (caller.isAlive) say();
    };
    const arrive = async () => {
      if (!caller.isAlive && !faults.outlives()) return;
      account.services[request.service].requests += 1;
      tell(() => `${label} ${request.service}.${request.name} ${fate.kind}`);
      const take = 'take' in fate ? fate.take : everything;
      let result: T;
      try {
        result = await land(take);
      } catch (error) {
        answer(() => reject(error));
        return;
      }
      switch (fate.kind) {
        case 'lands':
          return answer(() => resolve(result));
        case 'refused':
          return answer(() => reject(request.refusal()));
        case 'answer-lost':
          time.after(fate.silence, () => answer(() => reject(new Error('no answer came'))));
          return;
        case 'killed':
          return answer(() => {
            caller.isAlive = false;
            if (!fate.hangs) caller.end({ kind: 'failed', error: new Error('the process died') });
          });
        default:
          return fate satisfies never;
      }
    };
    time.after(fate.latency, () => time.watch(arrive()));
  });
}
