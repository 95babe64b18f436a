/**
 * Observations on their way out of the cluster: snapshots that say nothing new stay, the rest goes in batches, and
 * nothing counts as shipped before the sink has acknowledged it.
 */
import { hash } from 'node:crypto';
import { type EncodedBatches, encodeBatches, type Rejected } from '../../shared/batch-codec.ts';
import type { Cluster, ObjectSnapshot, Observation } from '../../shared/observation.ts';
import type { RecordSink } from './record-sink.ts';

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

/**
 * Ships until the source ends. All records of a cluster have one partition key: no shard that lags behind another makes
 * an activity look quiet.
 */
export async function forward(
  source: AsyncIterable<Observation>,
  cluster: Cluster,
  sink: RecordSink,
  { batchSize, onShipped }: ForwardSettings,
): Promise<ForwardReport> {
  const report: ForwardReport = { events: 0, snapshots: 0, unchanged: 0, records: 0, rejected: [] };
  const saysSomethingNew = createChangeFilter();
  const partitionKey = cluster.uid ?? 'unknown';
  let batch: Observation[] = [];

  const ship = async () => {
    if (batch.length === 0) return;
    const { records, rejected }: EncodedBatches = encodeBatches(cluster, batch);
    batch = [];
    report.rejected.push(...rejected);
    await sink.put(records.map((data) => ({ data, partitionKey })));
    report.records += records.length;
    onShipped?.(report);
  };

  for await (const observation of source) {
    if (observation.type === 'event') {
      report.events++;
    } else if (saysSomethingNew(observation)) {
      report.snapshots++;
    } else {
      report.unchanged++;
      continue;
    }
    batch.push(observation);
    if (batch.length >= batchSize) await ship();
  }
  await ship();
  return report;
}

const rememberedObjects = 50_000;

/**
 * Whether a shipped field differs from the object's last snapshot; its end always says something, and nothing comes
 * after. What is forgotten is shipped again: no harm.
 */
function createChangeFilter(): (snapshot: ObjectSnapshot) => boolean {
  /** Digests: the snapshots themselves would be a hundred megabytes in a large cluster. */
  const last = new Map<string, string>();
  return ({ object, deleted }) => {
    if (deleted) {
      last.delete(object.uid);
      return true;
    }
    const { resourceVersion: _, ...fields } = object;
    const now = hash('sha256', JSON.stringify(fields), 'base64');
    const changed = last.get(object.uid) !== now;
    last.delete(object.uid);
    last.set(object.uid, now);
    if (last.size > rememberedObjects) last.delete(last.keys().next().value!);
    return changed;
  };
}
