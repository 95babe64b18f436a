/** Batches to a Kinesis stream. */
import { type KinesisClient, PutRecordsCommand } from '@aws-sdk/client-kinesis';
import type { RecordSink, StreamRecord } from './record-sink.ts';

/** Limits of one PutRecords call (Kinesis Data Streams API reference); the service's 5 MiB, less what it adds. */
const largestCall = { records: 500, bytes: 4_500_000 };

/** Why records are put again; few, for they name figures. */
export type PutTrouble = 'throttled' | 'server' | 'network' | 'credentials' | 'no-stream' | 'other';

export interface KinesisSinkSettings {
  streamName: string;
  /** Milliseconds. */
  sleep(duration: number, signal?: AbortSignal): Promise<unknown>;
  /** From 0 to below 1. */
  random(): number;
  /**
   * What is tried for as long as it takes: what single records meet, as somebody who waits for the end wants to know of
   * the rest (the SDK has retried it); or whatever is not this program's mistake, since the stream, the network and the
   * rights come back, and the API server keeps what is next until then.
   */
  patience?: 'records' | 'everything';
  /** Before each pause, in milliseconds. */
  onTrouble?(trouble: { reason: PutTrouble; wait: number; error?: unknown }): void;
}

/** Records that were not taken are put again, alone, with growing delay. */
export function createKinesisSink(
  client: KinesisClient,
  { streamName, sleep, random, patience = 'records', onTrouble }: KinesisSinkSettings,
): RecordSink {
  const putCall = async (call: StreamRecord[], signal: AbortSignal | undefined) => {
    let waiting = call;
    for (let attempt = 0; ; attempt++) {
      let trouble: { reason: PutTrouble; error?: unknown };
      try {
        const { Records: results = [] } = await client.send(
          new PutRecordsCommand({
            StreamName: streamName,
            Records: waiting.map(({ data, partitionKey }) => ({ Data: data, PartitionKey: partitionKey })),
          }),
          signal && { abortSignal: signal },
        );
        waiting = waiting.filter((_, i) => results[i]?.SequenceNumber === undefined);
        if (waiting.length === 0) return;
        const code = results.find(({ SequenceNumber }) => SequenceNumber === undefined)?.ErrorCode;
        trouble = { reason: code === 'InternalFailure' ? 'server' : 'throttled' };
      } catch (error) {
        signal?.throwIfAborted();
        if (patience === 'records' || isOurMistake(error)) throw error;
        trouble = { reason: troubleOf(error), error };
      }
      const wait = Math.min(100 * 2 ** attempt, 5_000) * (1 - 0.5 * random());
      onTrouble?.({ ...trouble, wait });
      await sleep(wait, signal);
      signal?.throwIfAborted();
    }
  };

  return {
    async put(records, signal) {
      for (const call of callsOf(records)) await putCall(call, signal);
    },
  };
}

/** The service refuses what it was asked, or it never got that far; asking again would give the same. */
const isOurMistake = (error: unknown): boolean =>
  !(error instanceof Error) ||
  error instanceof TypeError ||
  error instanceof RangeError ||
  error instanceof ReferenceError ||
  ['ValidationException', 'SerializationException', 'InvalidArgumentException'].includes(error.name);

/** Of an exception of the service, by https://docs.aws.amazon.com/kinesis/latest/APIReference/CommonErrors.html */
function troubleOf(error: unknown): PutTrouble {
  const { name, $metadata } = error as Error & { $metadata?: { httpStatusCode?: number } };
  if (/Throttl|ProvisionedThroughput|LimitExceeded/.test(name)) return 'throttled';
  if (/Credential|Token|Signature|AccessDenied|UnrecognizedClient|OptInRequired|NotAuthorized/.test(name))
    return 'credentials';
  if (name === 'ResourceNotFoundException') return 'no-stream';
  const status = $metadata?.httpStatusCode;
  if (status === undefined) return 'network';
  return status >= 500 ? 'server' : 'other';
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
