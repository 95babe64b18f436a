/** Batches to the stream, one after the other: nothing counts as shipped before the sink has acknowledged it. */
import { encodeLines, type Rejected } from '../../shared/batch-codec.ts';
import type { Cluster } from '../../shared/observation.ts';
import type { Line, LineChannel } from './batch-lines.ts';
import type { RecordSink } from './record-sink.ts';

export interface ShippedBatch {
  lines: readonly Line[];
  records: number;
  /** After compression. */
  bytes: number;
  /** Too large to ship: dropped, and told here. */
  rejected: readonly Rejected[];
}

/**
 * Until the channel is closed and empty. All records of a cluster have one partition key: no shard that lags behind
 * another makes an activity look quiet.
 */
export async function shipLines(
  channel: LineChannel,
  cluster: Cluster,
  sink: RecordSink,
  { onShipped, signal }: { onShipped(batch: ShippedBatch): void; signal?: AbortSignal },
): Promise<void> {
  const partitionKey = cluster.uid ?? 'unknown';
  for (;;) {
    const batch = await channel.take();
    if (batch === undefined) return;
    const { lines } = batch;
    const { records, rejected } = encodeLines(
      cluster,
      Iterator.from(lines).map(({ text }) => text),
    );
    await sink.put(
      records.map((data) => ({ data, partitionKey })),
      signal,
    );
    // First told, then done: whoever saves the checkpoint has counted what it covers.
    onShipped({
      lines,
      records: records.length,
      bytes: records.reduce((sum, { byteLength }) => sum + byteLength, 0),
      rejected,
    });
    for (const line of lines) line.done();
    batch.release();
  }
}
