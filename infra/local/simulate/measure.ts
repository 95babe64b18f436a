/** The figures of a simulation: how late traces are, what was done for them, and what AWS would ask for it. */
import { occurrenceSpanId } from '../../../shared/ids.ts';
import { isRoot, type Span } from '../../../shared/span.ts';
import type { ClusterObservations } from '../read-clusters.ts';
import type { Account, FunctionName, Service } from './account.ts';
import type { Delivery } from './backend.ts';
import { memoryGB, type Price, prices } from './prices.ts';
import { arrivalOf } from './ship-observations.ts';
import type { Simulated } from './simulate.ts';

/** Seconds. */
export interface Latency {
  traces: number;
  p50: number;
  p99: number;
  max: number;
}

export interface Position {
  /** A million Events. */
  quantity: number;
  dollars: number;
}

export interface Figures {
  seed: number;
  faults: 'none' | 'all';
  input: { clusters: number; observations: number; events: number; from: string; until: string };
  spans: {
    explained: number;
    delivered: number;
    repeated: number;
    lost: number;
    contradicted: number;
    orphaned: number;
    different: number;
    unknown: number;
  };
  /** From the last Event that matters to the closed trace at the backend, by outcome; `episode` where there is none, `release`. */
  latency: Record<string, Latency>;
  functions: Record<FunctionName, Account['functions'][FunctionName]>;
  services: Record<Service, Account['services'][Service]>;
  /** Of a million Events, by position. */
  price: Partial<Record<Price, Position>>;
  dollarsPerMillionEvents: number;
  /** Activities of which nobody said that they are settled; with faults also by a function that died once it had settled them. */
  neverSettled: readonly string[];
  setAside: number;
  deadLetters: number;
  /** How often each kind of trouble came. */
  troubles: Record<string, number>;
}

export function measure(
  clusters: readonly ClusterObservations[],
  simulated: Simulated,
  { seed, faults }: Pick<Figures, 'seed' | 'faults'>,
): Figures {
  const { verdict, runs, deliveries, explained } = simulated;
  const observations = clusters.flatMap((cluster) => cluster.observations);
  const events = observations.filter(({ type }) => type === 'event').length;
  const times = observations.map(arrivalOf).sort((a, b) => a - b);
  const account = addUp(runs.map((run) => run.account));
  const price = priceOf(account, events);
  return {
    seed,
    faults,
    input: {
      clusters: clusters.length,
      observations: observations.length,
      events,
      from: timeText(times[0]),
      until: timeText(times.at(-1)),
    },
    spans: {
      explained: explained.length,
      delivered: deliveries.length,
      repeated: verdict.repeated,
      lost: verdict.lost.length,
      contradicted: verdict.contradicted.length,
      orphaned: verdict.orphans.length,
      different: verdict.different.length,
      unknown: verdict.unknown.length,
    },
    latency: latencies(clusters, deliveries),
    functions: account.functions,
    services: account.services,
    price,
    dollarsPerMillionEvents: Object.values(price).reduce((sum, { dollars }) => sum + dollars, 0),
    neverSettled: runs.flatMap((run) => run.neverSettled),
    setAside: account.setAside,
    deadLetters: account.deadLetters,
    troubles: Object.fromEntries([...account.faults].sort(([a], [b]) => (a < b ? -1 : 1))),
  };
}

const timeText = (time: number | undefined): string =>
  time === undefined ? '' : new Date(time).toISOString();

function addUp(accounts: readonly Account[]): Account {
  const [sum, ...rest] = structuredClone(accounts) as [Account, ...Account[]];
  for (const account of rest) {
    for (const name of keysOf(sum.functions)) addTo(sum.functions[name], account.functions[name]);
    for (const name of keysOf(sum.services)) addTo(sum.services[name], account.services[name]);
    sum.payloadUnits += account.payloadUnits;
    sum.queueRequests += account.queueRequests;
    sum.recordsPut += account.recordsPut;
    sum.setAside += account.setAside;
    sum.held += account.held;
    sum.deadLetters += account.deadLetters;
    for (const [kind, times] of account.faults) sum.faults.set(kind, (sum.faults.get(kind) ?? 0) + times);
  }
  return sum;
}

const keysOf = <K extends string>(of: Record<K, unknown>) => Object.keys(of) as K[];

function addTo<K extends string>(sum: Record<K, number>, more: Record<K, number>): void {
  for (const name of keysOf(more)) sum[name] += more[name];
}

/** Of each trace whose root came, by group, which is what its root says of how it ended unless somebody asks for others. */
export function latencies(
  clusters: readonly ClusterObservations[],
  deliveries: readonly Delivery[],
  groupOf: (root: Span) => string = outcomeOf,
): Record<string, Latency> {
  const arrivals = arrivalsOf(clusters);
  const roots = new Map<string, Delivery>();
  for (const delivery of deliveries)
    if (isRoot(delivery.span) && !roots.has(delivery.span.traceId))
      roots.set(delivery.span.traceId, delivery);
  const lastOf = new Map<string, number>();
  for (const { deliveredAt, span } of deliveries) {
    const root = roots.get(span.traceId);
    const arrival = arrivals.get(span.spanId);
    // What came after the root is late: the trace was closed without it.
    if (root === undefined || arrival === undefined || deliveredAt > root.deliveredAt) continue;
    lastOf.set(span.traceId, Math.max(lastOf.get(span.traceId) ?? 0, arrival));
  }
  const byGroup = new Map<string, number[]>();
  for (const [traceId, { deliveredAt, span }] of roots) {
    const matters = Math.max(lastOf.get(traceId) ?? 0, Number(BigInt(span.endTimeUnixNano) / 1_000_000n));
    const seconds = (deliveredAt - matters) / 1000;
    const group = groupOf(span);
    const own = byGroup.get(group);
    if (own === undefined) byGroup.set(group, [seconds]);
    else own.push(seconds);
  }
  const sorted = [...byGroup].sort(([a], [b]) => (a < b ? -1 : 1));
  return Object.fromEntries(sorted.map(([group, seconds]) => [group, spreadOf(seconds)]));
}

const outcomeOf = ({ attributes }: Span): string => {
  if (attributes['rootspan.release.key'] !== undefined) return 'release';
  const outcome = attributes['rootspan.change.outcome'];
  return typeof outcome === 'string' ? outcome : 'episode';
};

/** By span id, when what it tells of came first, in milliseconds since 1970. */
function arrivalsOf(clusters: readonly ClusterObservations[]): Map<string, number> {
  const arrivals = new Map<string, number>();
  for (const { observations } of clusters) {
    for (const observation of observations) {
      if (observation.type !== 'event') continue;
      const id = occurrenceSpanId(observation.event.uid, observation.event.count);
      const arrival = arrivalOf(observation);
      arrivals.set(id, Math.min(arrivals.get(id) ?? arrival, arrival));
    }
  }
  return arrivals;
}

function spreadOf(seconds: readonly number[]): Latency {
  const sorted = seconds.toSorted((a, b) => a - b);
  const at = (share: number) => sorted[Math.min(sorted.length - 1, Math.ceil(share * sorted.length) - 1)]!;
  return { traces: sorted.length, p50: at(0.5), p99: at(0.99), max: sorted.at(-1)! };
}

function priceOf(account: Account, events: number): Figures['price'] {
  if (events === 0) return {};
  const { table } = account.services;
  const functions = keysOf(account.functions).map((name) => {
    const { milliseconds, invocations, logBytes } = account.functions[name];
    return { gbSeconds: (milliseconds * memoryGB[name]) / 1000, invocations, logBytes };
  });
  const sum = (of: (one: (typeof functions)[number]) => number) =>
    functions.reduce((total, one) => total + of(one), 0);
  const quantities: Record<Price, number> = {
    'Kinesis: PUT payload unit (25 KB)': account.payloadUnits,
    'DynamoDB: write request unit': table.writeUnits,
    'DynamoDB: read request unit': table.readUnits,
    'Lambda: request': sum(({ invocations }) => invocations),
    'Lambda: GB-second (arm64)': sum(({ gbSeconds }) => gbSeconds),
    'SQS: request': account.queueRequests,
    'EventBridge: event (64 KB)': account.recordsPut,
    'CloudWatch: GB of logs': sum(({ logBytes }) => logBytes) / 1e9,
  };
  const entries = keysOf(quantities).map((name): [Price, Position] => {
    const quantity = (quantities[name] / events) * 1e6;
    return [name, { quantity, dollars: quantity * prices[name] }];
  });
  return Object.fromEntries(entries);
}
