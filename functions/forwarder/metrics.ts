/** The forwarder's figures, as Prometheus scrapes them. */
import { Counter, Gauge, Histogram, Registry } from 'prom-client';
import type { PutTrouble } from './explain-trouble.ts';
import type { KindState } from './follow-kinds.ts';

export type Metrics = ReturnType<typeof createMetrics>;

/** What is asked for when somebody scrapes. */
export interface MetricSources {
  channelBytes(): number;
  cachedObjects(): number;
  /** Seconds since which something has been waiting for its acknowledgement; 0: nothing is. */
  checkpointAge(): number;
  leads(): boolean;
  failing(): { reason: PutTrouble; seconds: number } | undefined;
  /** By resource, those found in the cluster. */
  customKinds(): ReadonlyMap<string, KindState>;
}

interface CounterRow {
  name: string;
  help: string;
  labelNames?: readonly string[];
}

const counterRows = {
  received: {
    name: 'events_received_total',
    help: 'Events; each is shipped, filtered or dropped in the end.',
  },
  filtered: {
    name: 'events_filtered_total',
    help: 'Events left out by a filter.',
    labelNames: ['reason'],
  },
  dropped: {
    name: 'events_dropped_total',
    help: 'Events lost: rate (of one object), cluster-rate (of all), unreadable, too-large, refused (by the stream).',
    labelNames: ['reason'],
  },
  snapshotsDropped: {
    name: 'snapshots_dropped_total',
    help: 'Snapshots lost: unreadable, too-large, refused.',
    labelNames: ['reason'],
  },
  shipped: {
    name: 'observations_shipped_total',
    help: 'Acknowledged, by type: event, object.',
    labelNames: ['type'],
  },
  records: { name: 'records_total', help: 'Records acknowledged by the stream.' },
  bytes: { name: 'shipped_bytes_total', help: 'Bytes of those records, compressed.' },
  retries: { name: 'kinesis_retries_total', help: 'Puts made again.', labelNames: ['reason'] },
  restarts: {
    name: 'watch_restarts_total',
    help: 'Watches that went on anew.',
    labelNames: ['resource', 'reason'],
  },
  unreadableLines: {
    name: 'watch_lines_unreadable_total',
    help: 'Lines of a watch that nobody could read, passed by with a new list.',
    labelNames: ['resource'],
  },
  lookups: { name: 'lookups_total', help: 'Objects looked up, by result.', labelNames: ['result'] },
} as const satisfies Record<string, CounterRow>;

type LabelsOf<R extends CounterRow> = R extends { labelNames: readonly (infer L extends string)[] }
  ? L
  : never;

type Counters = { readonly [K in keyof typeof counterRows]: Counter<LabelsOf<(typeof counterRows)[K]>> };

interface Sample {
  labels?: Readonly<Record<string, string>>;
  value: number;
}

interface GaugeRow {
  name: string;
  help: string;
  labelNames?: readonly string[];
  /** When somebody scrapes. */
  read(sources: MetricSources): readonly Sample[];
}

const gaugeRows: readonly GaugeRow[] = [
  {
    name: 'rootspan_forwarder_leader',
    help: '1 where this replica leads.',
    read: ({ leads }) => [{ value: Number(leads()) }],
  },
  {
    name: 'rootspan_forwarder_channel_bytes',
    help: 'Observations on their way, not acknowledged yet.',
    read: ({ channelBytes }) => [{ value: channelBytes() }],
  },
  {
    name: 'rootspan_forwarder_cached_objects',
    help: 'Objects whose last snapshot is known.',
    read: ({ cachedObjects }) => [{ value: cachedObjects() }],
  },
  {
    name: 'rootspan_forwarder_checkpoint_age_seconds',
    help: 'How long the oldest observation that the checkpoint waits for has been on its way.',
    read: ({ checkpointAge }) => [{ value: checkpointAge() }],
  },
  {
    name: 'rootspan_forwarder_put_failing_seconds',
    help: 'For how long the stream has been taking nothing, and why; absent: it takes what comes.',
    labelNames: ['reason'],
    read(sources) {
      const failing = sources.failing();
      return failing === undefined ? [] : [{ labels: { reason: failing.reason }, value: failing.seconds }];
    },
  },
  {
    name: 'rootspan_forwarder_custom_kinds',
    help: 'Kinds beyond Kubernetes’ own that are installed; state: listing, watched, forbidden, unknown (gone a moment ago).',
    labelNames: ['resource', 'state'],
    read: ({ customKinds }) =>
      [...customKinds()].map(([resource, state]) => ({ labels: { resource, state }, value: 1 })),
  },
  // The names of prom-client's own defaults, without their observers of garbage collection and event loop.
  {
    name: 'process_resident_memory_bytes',
    help: 'Resident memory size in bytes.',
    read: () => [{ value: process.memoryUsage.rss() }],
  },
  {
    name: 'process_cpu_seconds_total',
    help: 'User and system CPU time spent in seconds.',
    read() {
      const { user, system } = process.cpuUsage();
      return [{ value: (user + system) / 1e6 }];
    },
  },
];

export function createMetrics(sources: MetricSources) {
  const registry = new Registry();
  for (const row of gaugeRows) registerGauge(registry, row, sources);
  return {
    ...registerCounters(registry),
    lag: new Histogram({
      name: 'rootspan_forwarder_shipping_lag_seconds',
      help: 'From the arrival of an Event to its acknowledgement.',
      buckets: [0.5, 1, 2, 5, 10, 30, 60, 300],
      registers: [registry],
    }),
    read: (): Promise<string> => registry.metrics(),
    contentType: registry.contentType,
  };
}

function registerGauge(
  registry: Registry,
  { name, help, labelNames = [], read }: GaugeRow,
  sources: MetricSources,
): void {
  new Gauge({
    name,
    help,
    labelNames,
    registers: [registry],
    collect() {
      this.reset();
      for (const { labels = {}, value } of read(sources)) this.set(labels, value);
    },
  });
}

function registerCounters(registry: Registry): Counters {
  const counters = Object.entries<CounterRow>(counterRows).map(([key, { name, help, labelNames = [] }]) => [
    key,
    new Counter({ name: `rootspan_forwarder_${name}`, help, labelNames, registers: [registry] }),
  ]);
  return Object.fromEntries(counters) as Counters;
}
