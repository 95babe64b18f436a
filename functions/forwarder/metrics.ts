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

export function createMetrics(sources: MetricSources) {
  const registry = new Registry();
  const registers = [registry];
  const counter = <L extends string>(name: string, help: string, labelNames: readonly L[] = []) =>
    new Counter({ name: `rootspan_forwarder_${name}`, help, labelNames, registers });
  const gauge = (name: string, help: string, read: () => number) =>
    new Gauge({
      name,
      help,
      registers,
      collect() {
        this.set(read());
      },
    });

  gauge('rootspan_forwarder_leader', '1 where this replica leads.', () => Number(sources.leads()));
  gauge(
    'rootspan_forwarder_channel_bytes',
    'Observations on their way, not acknowledged yet.',
    sources.channelBytes,
  );
  gauge('rootspan_forwarder_cached_objects', 'Objects whose last snapshot is known.', sources.cachedObjects);
  gauge(
    'rootspan_forwarder_checkpoint_age_seconds',
    'How long the oldest observation that the checkpoint waits for has been on its way.',
    sources.checkpointAge,
  );
  new Gauge({
    name: 'rootspan_forwarder_put_failing_seconds',
    help: 'For how long the stream has been taking nothing, and why; absent: it takes what comes.',
    labelNames: ['reason'],
    registers,
    collect() {
      this.reset();
      const failing = sources.failing();
      if (failing !== undefined) this.set({ reason: failing.reason }, failing.seconds);
    },
  });
  new Gauge({
    name: 'rootspan_forwarder_custom_kinds',
    help: 'Kinds beyond Kubernetes’ own that are installed; state: listing, watched, forbidden, unknown (gone a moment ago).',
    labelNames: ['resource', 'state'],
    registers,
    collect() {
      this.reset();
      for (const [resource, state] of sources.customKinds()) this.set({ resource, state }, 1);
    },
  });
  // The names of prom-client's own defaults, without their observers of garbage collection and event loop.
  gauge('process_resident_memory_bytes', 'Resident memory size in bytes.', () => process.memoryUsage.rss());
  gauge('process_cpu_seconds_total', 'User and system CPU time spent in seconds.', () => {
    const { user, system } = process.cpuUsage();
    return (user + system) / 1e6;
  });

  return {
    received: counter('events_received_total', 'Events; each is shipped, filtered or dropped in the end.'),
    filtered: counter('events_filtered_total', 'Events left out by a filter.', ['reason']),
    dropped: counter(
      'events_dropped_total',
      'Events lost: rate (of one object), unreadable, too-large, refused (by the stream).',
      ['reason'],
    ),
    snapshotsDropped: counter('snapshots_dropped_total', 'Snapshots lost: unreadable, too-large, refused.', [
      'reason',
    ]),
    shipped: counter('observations_shipped_total', 'Acknowledged, by type: event, object.', ['type']),
    records: counter('records_total', 'Records acknowledged by the stream.'),
    bytes: counter('shipped_bytes_total', 'Bytes of those records, compressed.'),
    lag: new Histogram({
      name: 'rootspan_forwarder_shipping_lag_seconds',
      help: 'From the arrival of an Event to its acknowledgement.',
      buckets: [0.5, 1, 2, 5, 10, 30, 60, 300],
      registers,
    }),
    retries: counter('kinesis_retries_total', 'Puts made again.', ['reason']),
    restarts: counter('watch_restarts_total', 'Watches that went on anew.', ['resource', 'reason']),
    unreadableLines: counter(
      'watch_lines_unreadable_total',
      'Lines of a watch that nobody could read, passed by with a new list.',
      ['resource'],
    ),
    lookups: counter('lookups_total', 'Objects looked up, by result.', ['result']),
    read: (): Promise<string> => registry.metrics(),
    contentType: registry.contentType,
  };
}
