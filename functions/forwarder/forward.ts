/** Observations that are there already (a recording), the way that a watch's go: into batches, to the sink. */
import type { Rejected } from '../../shared/batch-codec.ts';
import type { Cluster, Observation } from '../../shared/observation.ts';
import { createLineChannel, defaultBatchLimits } from './batch-lines.ts';
import type { RecordSink } from './record-sink.ts';
import { shipLines } from './ship-lines.ts';
import { createSnapshotCache, lineOf } from './snapshot-cache.ts';

export interface ForwardReport {
  events: number;
  snapshots: number;
  /** Snapshots in which nothing that is shipped had changed. */
  unchanged: number;
  records: number;
  /** Too large to ship. */
  rejected: Rejected[];
}

export interface ForwardSettings {
  /** Observations that are put together. */
  batchSize: number;
  /** After each acknowledgement. */
  onShipped?(report: Readonly<ForwardReport>): void;
}

/** Ships until the source ends. */
export async function forward(
  source: AsyncIterable<Observation>,
  cluster: Cluster,
  sink: RecordSink,
  { batchSize, onShipped }: ForwardSettings,
): Promise<ForwardReport> {
  const report: ForwardReport = { events: 0, snapshots: 0, unchanged: 0, records: 0, rejected: [] };
  // A recording has no clock: a batch goes when it is full, and what ended stays known.
  const channel = createLineChannel(
    { ...defaultBatchLimits, batchLines: batchSize },
    () => new Promise(() => {}),
  );
  const cache = createSnapshotCache(() => 0);

  const read = async () => {
    for await (const observation of source) {
      const text = textOf(observation);
      if (text === undefined) report.unchanged++;
      else await channel.push({ type: observation.type, text, at: 0, done: () => {} });
    }
    channel.close();
  };
  const textOf = (observation: Observation): string | undefined => {
    if (observation.type === 'event') return JSON.stringify(observation);
    const { known, news } = cache.see(observation, { type: 'changed', resource: observation.object.kind });
    if (!news) return undefined;
    const isSpecShipped = known.specShippedAt > 0;
    known.specShippedAt = 1;
    return lineOf(known, !isSpecShipped);
  };

  const ship = shipLines(channel, cluster, sink, {
    onShipped({ lines, records, rejected }) {
      for (const { type } of lines) report[type === 'event' ? 'events' : 'snapshots']++;
      report.records += records;
      report.rejected.push(...rejected);
      onShipped?.(report);
    },
  });
  await Promise.all([read(), ship]);
  return report;
}
