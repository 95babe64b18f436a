/** Batches to a Kinesis stream. */
import { type KinesisClient, PutRecordsCommand } from '@aws-sdk/client-kinesis';
import { lasts, type PutTrouble } from './explain-trouble.ts';
import type { RecordSink, RefusedRecord, StreamRecord } from './record-sink.ts';

/** Limits of one PutRecords call (Kinesis Data Streams API reference); the service's 5 MiB, less what it adds. */
const largestCall = { records: 500, bytes: 4_500_000 };

/** Milliseconds between two tries at most; where somebody has to change something first. */
const longestWait = 5_000;
const longestWaitForPeople = 60_000;

export interface KinesisSinkSettings {
  streamName: string;
  /** Milliseconds. */
  sleep(duration: number, signal?: AbortSignal): Promise<unknown>;
  /** From 0 to below 1. */
  random(): number;
  /**
   * What is tried for as long as it takes: what single records meet, as somebody who waits for the end wants to know of
   * the rest (the SDK has retried it); or whatever is not this program's mistake, since the stream, the network, the rights
   * and the settings are mended while this program runs, and the API server keeps what is next until then. Only then are
   * records refused; else a call that holds such a one fails.
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
  const putCall = async (
    call: StreamRecord[],
    signal: AbortSignal | undefined,
  ): Promise<readonly RefusedRecord[]> => {
    let waiting = call;
    for (let attempt = 0; ; attempt++) {
      let trouble: { reason: PutTrouble; error?: unknown };
      try {
        const { Records: results = [] } = await client.send(
          new PutRecordsCommand({
            StreamName: streamName,
            Records: waiting.map(({ data, partitionKey, hashKey }) => ({
              Data: data,
              PartitionKey: partitionKey,
              ...(hashKey !== undefined && { ExplicitHashKey: hashKey }),
            })),
          }),
          signal && { abortSignal: signal },
        );
        waiting = waiting.filter((_, i) => results[i]?.SequenceNumber === undefined);
        if (waiting.length === 0) return [];
        const code = results.find(({ SequenceNumber }) => SequenceNumber === undefined)?.ErrorCode;
        trouble = { reason: code === 'InternalFailure' ? 'server' : 'throttled' };
      } catch (error) {
        signal?.throwIfAborted();
        if (patience === 'records' || isOurMistake(error)) throw error;
        if (isAboutRecords(error)) {
          if (waiting.length === 1) return [{ record: waiting[0]!, why: error.name }];
          // Which of them it is tells no field of the answer.
          const half = Math.ceil(waiting.length / 2);
          const refused = await putCall(waiting.slice(0, half), signal);
          return [...refused, ...(await putCall(waiting.slice(half), signal))];
        }
        trouble = { reason: troubleOf(error), error };
      }
      const longest = lasts(trouble.reason) ? longestWaitForPeople : longestWait;
      const wait = Math.min(100 * 2 ** attempt, longest) * (1 - 0.5 * random());
      onTrouble?.({ ...trouble, wait });
      await sleep(wait, signal);
      signal?.throwIfAborted();
    }
  };

  return {
    async put(records, signal) {
      const refused: RefusedRecord[] = [];
      for (const call of callsOf(records)) refused.push(...(await putCall(call, signal)));
      return refused;
    },
  };
}

/** What no error of the SDK or the service is. */
const isOurMistake = (error: unknown): boolean =>
  !(error instanceof Error) ||
  error instanceof TypeError ||
  error instanceof RangeError ||
  error instanceof ReferenceError;

/** The service finds something wrong with what was put, or with all that goes with it: it would be the same again. */
const isInvalid = ({ name }: Error): boolean =>
  ['ValidationException', 'SerializationException', 'InvalidArgumentException'].includes(name);

/**
 * Whether that is in the records: "1 validation error detected: Value at 'records.1.member.data' failed to satisfy
 * constraint: Member must have length less than or equal to 1048576". A stream's name that is none is refused by the same
 * exception ("Value 'a b' at 'streamName' failed …"), and each record with it.
 */
const isAboutRecords = (error: unknown): error is Error =>
  error instanceof Error &&
  isInvalid(error) &&
  /\brecords?\b/i.test(error.message) &&
  !/\bstream(?:Name|ARN)\b/i.test(error.message);

/** Of an exception of the service, by https://docs.aws.amazon.com/kinesis/latest/APIReference/CommonErrors.html */
function troubleOf(error: unknown): PutTrouble {
  const { name, message, $metadata } = error as Error & { $metadata?: { httpStatusCode?: number } };
  if (/Throttl|ProvisionedThroughput|LimitExceeded/.test(name)) return 'throttled';
  if (/^KMS/.test(name)) return 'key';
  // The role itself may be refused, by STS.
  if (/AccessDenied|NotAuthorized/.test(name)) return /\bsts:/.test(message) ? 'credentials' : 'denied';
  if (/Credential|Token|Signature|UnrecognizedClient|OptInRequired/.test(name)) return 'credentials';
  if (name === 'ResourceNotFoundException') return 'no-stream';
  if (isInvalid(error as Error)) return 'invalid';
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
