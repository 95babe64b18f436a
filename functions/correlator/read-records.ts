/** Records of the stream, parsed. What cannot be read is set aside and holds nothing back. */
import { type DecodedBatch, decodeBatch, reasonOf } from '../../shared/batch-codec.ts';
import { PoisonError } from '../../shared/errors.ts';
import type { Cluster, Observation } from '../../shared/observation.ts';
import { refuseTooOld } from './horizon.ts';
import { streamBatchName } from './items.ts';
import type { IngestPorts } from './ports.ts';

/** What Lambda hands over, as far as it is read. */
export interface KinesisEvent {
  Records: {
    /** shardId:sequenceNumber */
    eventID: string;
    kinesis: { sequenceNumber: string /** base64 */; data: string };
  }[];
}

export interface StreamRecord extends DecodedBatch {
  /** shardId:sequenceNumber */
  source: string;
}

/** What one invocation reads of one shard. */
export interface StreamBatch {
  name: string;
  records: readonly StreamRecord[];
}

/** Up to one that could not be set aside: it comes again, with what follows. */
export interface ReadRecords {
  records: StreamRecord[];
  /** Its sequence number. */
  failed: string | undefined;
}

export async function readRecords(
  { Records }: KinesisEvent,
  { setAside, log, now }: Pick<IngestPorts, 'setAside' | 'log' | 'now'>,
  /** Seconds. */
  horizon: number,
): Promise<ReadRecords> {
  const records: StreamRecord[] = [];
  for (const { eventID: source, kinesis } of Records) {
    try {
      const batch = decode(kinesis.data, refuseTooOld(now(), horizon));
      if (batch.poison !== undefined) {
        const reason = reasonOf(batch.poison);
        await setAside.keep({ reason, payload: batch.poison.payload, source });
        log({ kind: 'set-aside', source, reason });
      }
      records.push({ ...batch, source });
    } catch (error) {
      log({ kind: 'not-set-aside', source, error });
      return { records, failed: kinesis.sequenceNumber };
    }
  }
  return { records, failed: undefined };
}

const nothing: { cluster: Cluster; observations: Observation[] } = { cluster: {}, observations: [] };

function decode(data: string, refuse: ReturnType<typeof refuseTooOld>): DecodedBatch {
  try {
    return decodeBatch(Buffer.from(data, 'base64'), refuse);
  } catch (error) {
    if (!(error instanceof PoisonError)) throw error;
    return { ...nothing, poison: { count: 1, reasons: [error.message], payload: data } };
  }
}

/** By shard, in the order of their records. */
export function toStreamBatches(records: readonly StreamRecord[]): StreamBatch[] {
  const shards = Map.groupBy(records, ({ source }) => source.split(':', 1)[0]!);
  return [...shards].map(([shard, own]) => {
    const [first, last] = [own[0]!, own.at(-1)!].map(({ source }) => source.slice(shard.length + 1));
    return { name: streamBatchName(shard, first!, last!), records: own };
  });
}
