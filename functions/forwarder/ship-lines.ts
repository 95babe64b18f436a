/** Batches to the stream, one after the other: nothing counts as shipped before the sink has acknowledged it. */
import { decodeBatch, encodeLines, type Rejected } from '../../shared/batch-codec.ts';
import type { Cluster } from '../../shared/observation.ts';
import type { Sign } from '../../shared/sign-batches.ts';
import type { Line, LineChannel } from './batch-lines.ts';
import type { RecordSink } from './record-sink.ts';

export interface ShippedBatch {
  lines: readonly Line[];
  records: number;
  /** After compression. */
  bytes: number;
  /** Dropped, and told here: too large to ship, or in a record that the stream refuses for what it is. */
  rejected: readonly (Rejected & { by: 'too-large' | 'refused' })[];
}

export interface ShippingSettings {
  onShipped(batch: ShippedBatch): void;
  /** Where the cluster has a key. */
  sign?: Sign | undefined;
  signal?: AbortSignal;
}

/**
 * Until the channel is closed and empty. All records of a cluster have one partition key: no shard that lags behind
 * another makes an activity look quiet.
 */
export async function shipLines(
  channel: LineChannel,
  cluster: Cluster,
  sink: RecordSink,
  { onShipped, sign, signal }: ShippingSettings,
): Promise<void> {
  const partitionKey = cluster.uid ?? 'unknown';
  for (;;) {
    const batch = await channel.take();
    if (batch === undefined) return;
    const { lines } = batch;
    const { records, rejected } = encodeLines(
      cluster,
      Iterator.from(lines).map(({ text }) => text),
      { sign },
    );
    const refused = await sink.put(
      records.map((data) => ({ data, partitionKey })),
      signal,
    );
    const stored = records.filter((data) => refused.every(({ record }) => record.data !== data));
    // First told, then done: whoever saves the checkpoint has counted what it covers.
    onShipped({
      lines,
      records: stored.length,
      bytes: stored.reduce((sum, { byteLength }) => sum + byteLength, 0),
      rejected: [
        ...rejected.map((each) => ({ ...each, by: 'too-large' as const })),
        ...refused.flatMap(({ record, why }) =>
          decodeBatch(record.data).observations.map((observation) => ({
            by: 'refused' as const,
            reason: `the stream refuses its record: ${why}`,
            payload: JSON.stringify(observation),
          })),
        ),
      ],
    });
    for (const line of lines) line.done();
    batch.release();
  }
}
