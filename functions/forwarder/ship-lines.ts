/** Batches to the stream, one after the other: nothing counts as shipped before the sink has acknowledged it. */
import { decodeBatch, encodeLines, type Rejected } from '../../shared/batch-codec.ts';
import type { Cluster } from '../../shared/observation.ts';
import type { Sign } from '../../shared/sign-batches.ts';
import type { Line, LineChannel } from './batch-lines.ts';
import { partitionKeyOf, partitionOf } from './find-partition.ts';
import type { RecordSink, StreamRecord } from './record-sink.ts';

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
  /** Partition keys of the cluster. */
  partitions?: number;
  /** Awaited before each put; its rejection ends the shipping. */
  mayPut?(): Promise<void>;
  signal?: AbortSignal;
}

/** Until the channel is closed and empty. */
export async function shipLines(
  channel: LineChannel,
  cluster: Cluster,
  sink: RecordSink,
  { onShipped, sign, partitions = 1, mayPut, signal }: ShippingSettings,
): Promise<void> {
  for (;;) {
    const batch = await channel.take();
    if (batch === undefined) return;
    const { lines } = batch;
    const { records, rejected } = encodeBatch(cluster, lines, { sign, partitions });
    await mayPut?.();
    const refused = await sink.put(records, signal);
    const stored = records.filter(({ data }) => refused.every(({ record }) => record.data !== data));
    // First told, then done: whoever saves the checkpoint has counted what it covers.
    onShipped({
      lines,
      records: stored.length,
      bytes: stored.reduce((sum, { data }) => sum + data.byteLength, 0),
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

/**
 * All records of a cluster have one partition key, so that no shard that lags behind another makes an activity look quiet. One that is too
 * large for that has several: each root has one of them, and with each batch all of them are marked with how far it goes, those as well that
 * have nothing of it. So whoever reads can tell a key of which nothing comes from one that is behind.
 */
function encodeBatch(
  cluster: Cluster,
  lines: readonly Line[],
  { sign, partitions }: { sign: Sign | undefined; partitions: number },
): { records: StreamRecord[]; rejected: Rejected[] } {
  const { uid = 'unknown' } = cluster;
  const at = lines.reduce((latest, line) => Math.max(latest, line.at), 0);
  const parts = Map.groupBy(lines, ({ root = '' }) => partitionOf(root, partitions));
  const encoded = Array.from({ length: partitions }, (_, key) => {
    const texts = Iterator.from(parts.get(key) ?? []).map(({ text }) => text);
    const mark = partitions === 1 ? undefined : { key, keys: partitions, at };
    const { records, rejected } = encodeLines(cluster, texts, { sign, mark });
    const where = partitionKeyOf(uid, key, partitions);
    return { records: records.map((data) => ({ data, ...where })), rejected };
  });
  return {
    records: encoded.flatMap(({ records }) => records),
    rejected: encoded.flatMap(({ rejected }) => rejected),
  };
}
