/**
 * What AWS Lambda does with one batch of a shard: retries, bisecting, partial failures, giving up.
 * https://docs.aws.amazon.com/lambda/latest/dg/kinesis-on-failure-destination.html ("Splitting batches doesn't consume
 * the retry quota") and …/services-kinesis-batchfailurereporting.html (with a partial answer the batch is cut there,
 * and only what remains is tried again).
 *
 * - A failed batch is tried again, up to `maximumRetryAttempts` times after the first.
 * - With bisecting, a failed batch of several records is first cut in two halves, each a batch of its own; a cut
 *   takes nothing from the retries. So the retries are spent on what cannot be cut: single records.
 * - A handler that names failed items has handled everything before the lowest of them; the rest, in order, is what
 *   failed, whether or not each of its records was named. Where it moved forward, the rest is not halved as well.
 *   It does not get its retries back: AWS does not say, and this is the harder of the two for the handler.
 * - What is too old is not sent (again). What has no retries left, or is too old, goes to `giveUp` whole, and the
 *   batch goes on behind it.
 *
 * At most one invocation runs at a time, and records are handled or given up in the order of the batch.
 */
import { readHandlerAnswer } from './read-handler-answer.ts';

export interface RetrySettings {
  /** Infinity: until the records are too old. */
  maximumRetryAttempts: number;
  /** Milliseconds since the record's arrival. Infinity: any age. */
  maximumRecordAge: number;
  bisectBatchOnFunctionError: boolean;
}

/** Why records were given up, in the words of Lambda's on-failure destination. */
export type GivenUp =
  | { condition: 'RetryAttemptsExhausted'; error: unknown }
  /** The error of the last try, where there was one. */
  | { condition: 'RecordAgeExceeded'; error?: unknown };

interface BatchRecord {
  sequenceNumber: string;
  /** Milliseconds since 1970. */
  arrivedAt: number;
}

interface BatchPorts<R extends BatchRecord> {
  /** Calls the handler; its answer, or its error thrown. */
  invoke(records: readonly R[]): Promise<unknown>;
  /** Resolves once the records are kept elsewhere. */
  giveUp(records: readonly R[], why: GivenUp): Promise<void>;
  /** Before retry number `attempt`, from 1. */
  pause(attempt: number): Promise<void>;
  now(): number;
  stopped(): boolean;
}

interface Part<R> {
  records: readonly R[];
  /** Retries of these records so far. */
  retries: number;
  error?: unknown;
}

/** Resolves with true once each record is handled or given up, with false when stopped before that. */
export async function runBatch<R extends BatchRecord>(
  batch: readonly R[],
  settings: RetrySettings,
  ports: BatchPorts<R>,
): Promise<boolean> {
  const parts: Part<R>[] = [{ records: batch, retries: 0 }];
  for (let part = parts.pop(); part !== undefined; part = parts.pop()) {
    if (ports.stopped()) return false;
    const fresh = await dropAged(part, settings, ports);
    if (fresh.length === 0) continue;
    const outcome = await tryPart(fresh, ports);
    if (outcome.kind === 'handled') continue;
    const { from, error } = outcome;
    const rest = fresh.slice(from);
    if (settings.bisectBatchOnFunctionError && from > 0) {
      parts.push({ records: rest, retries: part.retries, error });
    } else if (settings.bisectBatchOnFunctionError && rest.length > 1) {
      const half = Math.ceil(rest.length / 2);
      parts.push(
        { records: rest.slice(half), retries: part.retries, error },
        { records: rest.slice(0, half), retries: part.retries, error },
      );
    } else if (part.retries >= settings.maximumRetryAttempts) {
      await ports.giveUp(rest, { condition: 'RetryAttemptsExhausted', error });
    } else {
      const retries = part.retries + 1;
      await ports.pause(retries);
      parts.push({ records: rest, retries, error });
    }
  }
  return true;
}

/** Gives up what is too old, and returns the rest. */
async function dropAged<R extends BatchRecord>(
  { records, error }: Part<R>,
  { maximumRecordAge }: RetrySettings,
  ports: BatchPorts<R>,
): Promise<readonly R[]> {
  const oldest = ports.now() - maximumRecordAge;
  const aged = records.filter(({ arrivedAt }) => arrivedAt < oldest);
  if (aged.length === 0) return records;
  await ports.giveUp(aged, {
    condition: 'RecordAgeExceeded',
    ...(error === undefined ? {} : { error }),
  });
  return records.filter(({ arrivedAt }) => arrivedAt >= oldest);
}

/** `from`: index of the first record that failed. */
type Outcome = { kind: 'handled' } | { kind: 'failed'; from: number; error: unknown };

async function tryPart<R extends BatchRecord>(records: readonly R[], ports: BatchPorts<R>): Promise<Outcome> {
  let answer: unknown;
  try {
    answer = await ports.invoke(records);
  } catch (error) {
    return { kind: 'failed', from: 0, error };
  }
  const read = readHandlerAnswer(answer, new Set(records.map(({ sequenceNumber }) => sequenceNumber)));
  switch (read.kind) {
    case 'success':
      return { kind: 'handled' };
    case 'malformed':
      return { kind: 'failed', from: 0, error: new Error(read.reason) };
    case 'partly-failed': {
      // Records are in the shard's order, so the first named is the one with the lowest sequence number.
      const from = records.findIndex(({ sequenceNumber }) => read.ids.has(sequenceNumber));
      return {
        kind: 'failed',
        from,
        error: new Error(`the handler reported ${read.ids.size} failed records`),
      };
    }
    default:
      return read satisfies never;
  }
}
