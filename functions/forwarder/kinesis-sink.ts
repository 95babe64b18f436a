/** Batches to a Kinesis stream. */
import { type KinesisClient, PutRecordsCommand } from '@aws-sdk/client-kinesis';
import type { RecordSink, StreamRecord } from './record-sink.ts';

/** Limits of one PutRecords call (Kinesis Data Streams API reference); the service's 5 MiB, less what it adds. */
const largestCall = { records: 500, bytes: 4_500_000 };

export interface KinesisSinkSettings {
  streamName: string;
  /** Milliseconds. */
  sleep(duration: number): Promise<unknown>;
}

/**
 * Records that the stream throttles are put again, alone, with growing delay, for as long as it takes: the API server
 * is the buffer. Any other error is the caller's (the SDK has retried it).
 */
export function createKinesisSink(
  client: KinesisClient,
  { streamName, sleep }: KinesisSinkSettings,
): RecordSink {
  return {
    async put(records) {
      for (const call of callsOf(records)) {
        let waiting = call;
        for (let attempt = 0; waiting.length > 0; attempt++) {
          if (attempt > 0) await sleep(Math.min(100 * 2 ** (attempt - 1), 5_000));
          const { Records: results = [] } = await client.send(
            new PutRecordsCommand({
              StreamName: streamName,
              Records: waiting.map(({ data, partitionKey }) => ({ Data: data, PartitionKey: partitionKey })),
            }),
          );
          waiting = waiting.filter((_, i) => results[i]?.SequenceNumber === undefined);
        }
      }
    },
  };
}

function* callsOf(records: readonly StreamRecord[]): Generator<StreamRecord[]> {
  let call: StreamRecord[] = [];
  let bytes = 0;
  for (const record of records) {
    const size = record.data.byteLength + record.partitionKey.length;
    if (call.length > 0 && (call.length === largestCall.records || bytes + size > largestCall.bytes)) {
      yield call;
      call = [];
      bytes = 0;
    }
    call.push(record);
    bytes += size;
  }
  if (call.length > 0) yield call;
}
