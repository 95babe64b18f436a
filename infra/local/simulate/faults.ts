/**
 * What goes wrong, and when: drawn from the seed. Each run has some kinds of trouble and not others, and of each much or little, so
 * that one does not hide the other. All of it ends hours after the input, and everything that waited then goes through.
 */
import { type Account, count, type Service } from './account.ts';
import { createDraw, type Draw } from './draw.ts';
import { latencies } from './prices.ts';

/** Of what a request carries, what takes effect. */
export type Take = <T>(all: readonly T[]) => readonly T[];

export type Fate =
  | { kind: 'lands'; latency: number }
  /** It is turned down; of several things that it carries some may have taken effect. */
  | { kind: 'refused'; latency: number; take: Take }
  /** It takes effect, and nobody hears so. */
  | { kind: 'answer-lost'; latency: number; silence: number }
  /** The function is no more, whatever of it has taken effect; `hangs`: Lambda finds out at its time-out. */
  | { kind: 'killed'; latency: number; take: Take; hangs: boolean };

/** What an invocation runs on: one that goes bad is slow first, so that others overtake it, and then gone. */
export interface Host {
  /** At which of its calls, from 1, the invocation dies, should it come so far. */
  diesAtCall: number;
  /** Milliseconds by which each call takes longer, at most. */
  slowness: number;
}

export interface Faults {
  /** Of a call of an invocation on such a host. `dies`: its function does not outlive it. */
  ofCall(service: Service, host: Host, dies: boolean): Fate;
  /** Of an invocation; `isTwin`: another has the same message. */
  host(isTwin: boolean): Host;
  /** Whether a request of a function that died meanwhile arrives all the same. */
  outlives(): boolean;
  /** Milliseconds by which a new instance's clock is wrong. */
  skew(): number;
  /** Whether an instance that is there is not used. */
  startsCold(): boolean;
  /** Milliseconds that an event is in hand before Lambda has a place for its invocation. */
  throttled(): number;
  /** Milliseconds after which a message is handed out once more, whether or not somebody has it. */
  copyOfMessage(): number | undefined;
  /** Milliseconds by which a message is seen too late. */
  lateMessage(): number;
  /** Of what is done with. */
  isDeleteLost(): boolean;
  /** Of a batch of the stream. */
  copyOfBatch(): { at: 'once' | 'later'; after: number } | undefined;
  /** Until when it is away; undefined: it is there. */
  awayUntil(what: Service | 'shard', time: number): number | undefined;
  /**
   * Until when the forwarder hears nothing of what a watch brings, or a reporter writes: others go on, and what was missed comes then.
   */
  deafUntil(source: string, time: number): number | undefined;
  /** Milliseconds of observations that a forwarder, started again, reads and ships a second time. */
  shipsAgain(): number;
  /** What a backend that is away says. */
  refusalOfBackend(): { status: 429 | 503; retryAfter?: number };
  /** Whether a backend that takes a request has something to say of it (a partial success of which nothing is rejected). */
  isGrudging(): boolean;
}

export const goodHost: Host = { diesAtCall: Number.POSITIVE_INFINITY, slowness: 0 };

const all: Take = (items) => items;
const none: Take = () => [];

export const noFaults: Faults = {
  ofCall: (service) => ({ kind: 'lands', latency: latencies[service] }),
  host: () => goodHost,
  outlives: () => true,
  skew: () => 0,
  startsCold: () => false,
  throttled: () => 0,
  copyOfMessage: () => undefined,
  lateMessage: () => 0,
  isDeleteLost: () => false,
  copyOfBatch: () => undefined,
  awayUntil: () => undefined,
  deafUntil: () => undefined,
  shipsAgain: () => 0,
  refusalOfBackend: () => ({ status: 503 }),
  isGrudging: () => false,
};

const second = 1000;
const minute = 60 * second;
const hour = 60 * minute;

/** What comes after this may still be a day late; faults end before the horizon of what came last. */
const afterInput = 3 * hour;

interface Period {
  from: number;
  until: number;
}

const kinds = ['stream', 'table', 'queues', 'bucket', 'backend', 'shard', 'bus'] as const;

/** The input's first and last moment, in milliseconds since 1970. */
interface Input {
  first: number;
  last: number;
}

/** What the seed has decided for the whole run, and what each part draws from. */
interface Plan {
  /** Milliseconds since 1970, after which nothing goes wrong any more. */
  end: number;
  now(): number;
  account: Account;
  rates: ReturnType<typeof drawRates>;
  away: ReadonlyMap<string, readonly Period[]>;
  calls: Draw;
  deliveries: Draw;
  instances: Draw;
  shipping: Draw;
}

export function planFaults(seed: number, input: Input, now: () => number, account: Account): Faults {
  const draw = createDraw(`faults ${seed}`);
  const plan: Plan = {
    end: input.last + afterInput,
    now,
    account,
    rates: drawRates(draw.fork('rates')),
    away: drawAway(draw.fork('away'), input.first, input.last),
    calls: draw.fork('calls'),
    deliveries: draw.fork('deliveries'),
    instances: draw.fork('instances'),
    shipping: draw.fork('shipping'),
  };
  const noteLate = () => note(plan, 'source late');
  return {
    ...faultsOfCalls(plan),
    ...faultsOfFunctions(plan),
    ...faultsOfMessages(plan),
    ...faultsOfBatches(plan),
    ...faultsOfBackend(plan),
    deafUntil: drawDeafness(draw.fork('watches'), plan.rates.deaf, input, noteLate),
    shipsAgain: () =>
      comes(plan, 'forwarder started again', plan.shipping, plan.rates.shipAgain)
        ? plan.shipping.spread(second, hour)
        : 0,
  };
}

const note = ({ account }: Plan, kind: string) => count(account.faults, kind);

/** Whether one of them comes now. */
function comes(plan: Plan, kind: string, chances: Draw, rate: number): boolean {
  if (rate === 0 || plan.now() > plan.end || !chances.chance(rate)) return false;
  note(plan, kind);
  return true;
}

function faultsOfCalls(plan: Plan): Pick<Faults, 'ofCall' | 'host' | 'outlives' | 'awayUntil'> {
  const { calls, away } = plan;
  const awayUntil: Faults['awayUntil'] = (what, time) =>
    away.get(what)?.find(({ from, until }) => from <= time && time < until)?.until;
  return {
    awayUntil,
    ofCall(service, { slowness }, dies) {
      const usual = calls.spread(Math.ceil(latencies[service] / 4), latencies[service] * 4);
      const latency = slowness === 0 ? usual : usual + calls.between(0, slowness);
      if (dies) return killedBy(plan, latency);
      if (awayUntil(service, plan.now()) === undefined) return fateOf(plan, latency);
      note(plan, `${service} away`);
      return { kind: 'refused', latency, take: none };
    },
    host: (isTwin) => drawHost(plan, isTwin),
    outlives: () => calls.chance(0.5),
  };
}

function drawHost(plan: Plan, isTwin: boolean): Host {
  const { calls, rates } = plan;
  // What one of the two has begun when it dies, nobody comes back for: the other was done with the message.
  const rate = isTwin ? Math.max(rates.die, rates.dieAsTwin) : rates.die;
  const dies = rate > 0 && plan.now() <= plan.end && calls.chance(rate);
  const isSlow = comes(plan, 'slow host', calls, dies ? rates.slowAndGone : rates.slowHost);
  return {
    // By magnitudes: most invocations make a dozen calls, and each of them should be as likely as the next to be the last.
    diesAtCall: dies ? calls.spread(1, 60) : Number.POSITIVE_INFINITY,
    slowness: isSlow ? calls.spread(second, 15 * second) : 0,
  };
}

const someOf =
  (draw: Draw): Take =>
  (items) =>
    items.filter(() => draw.chance(0.5));

function killedBy(plan: Plan, latency: number): Fate {
  const { calls } = plan;
  note(plan, 'killed');
  const take = [none, someOf(calls), all][calls.between(0, 2)]!;
  return { kind: 'killed', latency, take, hangs: calls.chance(0.3) };
}

/** Of a call that its function outlives, to a part that is there. */
function fateOf(plan: Plan, latency: number): Fate {
  const { calls, rates } = plan;
  if (comes(plan, 'refused', calls, rates.refuse))
    return { kind: 'refused', latency, take: calls.chance(0.5) ? none : someOf(calls) };
  if (comes(plan, 'answer lost', calls, rates.loseAnswer))
    return { kind: 'answer-lost', latency, silence: calls.spread(second, 10 * second) };
  if (comes(plan, 'slow', calls, rates.stall))
    return { kind: 'lands', latency: calls.spread(second, 3 * minute) };
  return { kind: 'lands', latency };
}

function faultsOfFunctions(plan: Plan): Pick<Faults, 'skew' | 'startsCold' | 'throttled'> {
  const { instances, rates } = plan;
  return {
    skew: () => (rates.skew ? instances.between(-second, second) : 0),
    startsCold: () => comes(plan, 'cold start', instances, rates.cold),
    throttled: () =>
      comes(plan, 'function throttled', instances, rates.throttle) ? instances.spread(second, 3 * minute) : 0,
  };
}

function faultsOfMessages(plan: Plan): Pick<Faults, 'copyOfMessage' | 'lateMessage' | 'isDeleteLost'> {
  const { deliveries, rates } = plan;
  return {
    copyOfMessage() {
      if (!comes(plan, 'message twice', deliveries, rates.copyMessage)) return undefined;
      return deliveries.chance(0.5)
        ? deliveries.spread(1, 2 * minute)
        : deliveries.between(second, 30 * second);
    },
    lateMessage() {
      if (comes(plan, 'message a day late', deliveries, rates.dayLate))
        return deliveries.spread(2 * hour, 24 * hour);
      return comes(plan, 'message late', deliveries, rates.late)
        ? deliveries.spread(5 * second, 30 * minute)
        : 0;
    },
    isDeleteLost: () => comes(plan, 'delete lost', deliveries, rates.loseDelete),
  };
}

function faultsOfBatches(plan: Plan): Pick<Faults, 'copyOfBatch'> {
  const { deliveries, rates } = plan;
  return {
    copyOfBatch() {
      if (!comes(plan, 'batch twice', deliveries, rates.copyBatch)) return undefined;
      return deliveries.chance(0.5)
        ? { at: 'once', after: deliveries.spread(1, minute) }
        : { at: 'later', after: deliveries.spread(minute, deliveries.chance(0.8) ? hour : 20 * hour) };
    },
  };
}

function faultsOfBackend(plan: Plan): Pick<Faults, 'isGrudging' | 'refusalOfBackend'> {
  const { calls, rates } = plan;
  return {
    isGrudging: () => comes(plan, 'partial success', calls, rates.grudge),
    refusalOfBackend: () =>
      calls.chance(0.5)
        ? { status: 503 }
        : { status: 429, ...(calls.chance(0.5) && { retryAfter: calls.between(1, 300) }) },
  };
}

/**
 * How likely each is, at its most: with more, functions that make a hundred calls would hardly ever end; with less, most runs on a
 * small recording would meet none.
 */
function drawRates(draw: Draw) {
  const some = (least: number, most: number): number =>
    draw.chance(0.7) ? least * (most / least) ** draw.unit() : 0;
  return {
    die: some(0.05, 0.8),
    refuse: some(0.005, 0.1),
    loseAnswer: some(0.005, 0.1),
    stall: some(0.005, 0.08),
    dieAsTwin: some(0.2, 0.6),
    slowHost: some(0.02, 0.3),
    slowAndGone: some(0.2, 0.8),
    cold: some(0.05, 0.7),
    throttle: some(0.02, 0.3),
    copyMessage: some(0.05, 0.9),
    late: some(0.02, 0.4),
    dayLate: draw.chance(0.25) ? 0.02 : 0,
    loseDelete: some(0.01, 0.2),
    copyBatch: some(0.05, 0.6),
    shipAgain: some(0.01, 0.1),
    grudge: some(0.05, 0.5),
    skew: draw.chance(0.7),
    deaf: draw.chance(0.3) ? 0.4 : 0,
  };
}

/** Of each part, up to three times: seconds to minutes, sometimes most of an hour; while there is input, or soon after. */
function drawAway(draw: Draw, first: number, last: number): Map<string, Period[]> {
  return new Map(
    kinds.map((kind) => {
      const times = draw.chance(0.4) ? draw.between(1, 3) : 0;
      const periods = Array.from({ length: times }, () => {
        const from = draw.between(first, last + 20 * minute);
        return { from, until: from + draw.spread(5 * second, 45 * minute) };
      });
      return [kind, periods] as const;
    }),
  );
}

/** Of each source one period at most. */
function drawDeafness(draw: Draw, rate: number, { first, last }: Input, noteLate: () => void) {
  const periods = new Map<string, Period | undefined>();
  const drawPeriod = (source: string): Period | undefined => {
    const own = draw.fork(source);
    if (!own.chance(rate)) return undefined;
    // From the beginning on it misses what others hang under.
    const from = own.chance(0.5) ? first : own.between(first, last);
    return { from, until: from + own.spread(second, 20 * minute) };
  };
  return (source: string, time: number): number | undefined => {
    if (!periods.has(source)) periods.set(source, drawPeriod(source));
    const period = periods.get(source);
    if (period === undefined || time < period.from || time >= period.until) return undefined;
    noteLate();
    return period.until;
  };
}
