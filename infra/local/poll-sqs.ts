/**
 * An SQS queue to a handler, as AWS Lambda's event source mapping does it: what a batch handled is deleted, what it
 * did not handle is left alone, so that the queue's visibility timeout brings it back and its redrive policy takes
 * it away. ReportBatchItemFailures is on: a handler names the messages that failed; one that throws fails them all.
 * https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-errorhandling.html
 */
import { type Clock, insist } from './clock.ts';
import type { Poller } from './poll-kinesis.ts';
import { readHandlerAnswer } from './read-handler-answer.ts';

/** The narrow view of a queue that the poller needs. Rejections are passing troubles: it asks again. */
export interface SqsSource {
  arn: string;
  region: string;
  /** Up to `limit` messages, none where there are none. */
  receive(limit: number): Promise<SqsMessage[]>;
  /** Rejects where one of them could not be deleted; what is deleted already is no error. */
  delete(messages: readonly SqsMessage[]): Promise<void>;
  /** Messages that are visible, in flight or delayed, together. */
  count(signal: AbortSignal): Promise<number>;
}

export interface SqsMessage {
  messageId: string;
  receiptHandle: string;
  body: string;
  md5OfBody: string;
  attributes: SqsMessageAttributes;
}

export interface SqsMessageAttributes {
  /** As SQS gives them: numbers as text, times in milliseconds since 1970. */
  ApproximateReceiveCount: string;
  SentTimestamp: string;
  SenderId: string;
  ApproximateFirstReceiveTimestamp: string;
}

/** What the handler gets: an SQSEvent of AWS Lambda. */
export interface SqsEvent {
  Records: SqsRecord[];
}

export interface SqsRecord extends SqsMessage {
  messageAttributes: Record<string, never>;
  eventSource: 'aws:sqs';
  eventSourceARN: string;
  awsRegion: string;
}

export interface SqsPollSettings {
  /** Messages. */
  batchSize: number;
  /** Handlers at the same time (Lambda's MaximumConcurrency). */
  concurrency: number;
  /** Milliseconds between looks at an empty queue, and at its counts while somebody waits for `drained`. */
  pollInterval: number;
}

export interface SqsPollPorts {
  clock: Clock;
  handle(event: SqsEvent): Promise<unknown>;
  /** A handler's error or misshapen answer, before the queue brings the messages again. */
  onHandlerError(error: unknown, records: readonly SqsRecord[]): void;
  /** The poller's own troubles (network and the like), before it tries again. */
  onError(error: unknown): void;
}

/**
 * `drained` resolves once the queue is empty (nothing visible, in flight or delayed) and no handler runs: a message
 * that fails is waited for until it succeeds or the redrive policy takes it. On AWS itself the counts are approximate.
 * `stop` lets what is received already be handled: nobody else would see it before its visibility timeout.
 */
export function pollSqs(source: SqsSource, settings: SqsPollSettings, ports: SqsPollPorts): Poller {
  const stopping = new AbortController();
  const polling: Polling = { source, settings, ports, signal: stopping.signal, busy: 0, batches: 0 };
  const working = Array.from({ length: settings.concurrency }, () => work(polling));
  return {
    drained: () => drained(polling),
    async stop() {
      stopping.abort();
      await Promise.all(working);
    },
  };
}

/** What the workers of one queue share. */
interface Polling {
  readonly source: SqsSource;
  readonly settings: SqsPollSettings;
  readonly ports: SqsPollPorts;
  readonly signal: AbortSignal;
  /** Handlers that run. */
  busy: number;
  /** Begun so far. */
  batches: number;
}

/** One batch after the other. */
async function work(polling: Polling): Promise<void> {
  const { settings, ports, signal } = polling;
  while (!signal.aborted) {
    const batch = await receiveBatch(polling);
    if (batch.length === 0) {
      await ports.clock.sleep(settings.pollInterval, signal);
      continue;
    }
    polling.busy += 1;
    polling.batches += 1;
    try {
      await handleBatch(polling, batch);
    } finally {
      polling.busy -= 1;
    }
  }
}

async function receiveBatch(polling: Polling): Promise<SqsMessage[]> {
  const { source, settings, ports, signal } = polling;
  const batch = (await insist(polling, () => source.receive(settings.batchSize))) ?? [];
  while (batch.length > 0 && batch.length < settings.batchSize && !signal.aborted) {
    let more: SqsMessage[];
    try {
      more = await source.receive(settings.batchSize - batch.length);
    } catch (error) {
      // What is in hand goes on: it should not outlast its visibility timeout here.
      if (!signal.aborted) ports.onError(error);
      break;
    }
    if (more.length === 0) break;
    batch.push(...more);
  }
  return batch;
}

async function handleBatch({ source, ports }: Polling, batch: readonly SqsMessage[]): Promise<void> {
  const records = batch.map((message) => toSqsRecord(message, source));
  const handled = await findHandled(records, ports);
  if (handled.length === 0) return;
  // One try: where it fails the queue brings them again, and handling twice is harmless.
  await source.delete(handled).catch(ports.onError);
}

async function drained(polling: Polling): Promise<void> {
  const { source, settings, ports, signal } = polling;
  while (!signal.aborted) {
    const before = polling.batches;
    const idle = polling.busy === 0;
    const left = await insist(polling, () => source.count(signal));
    if (idle && left === 0 && polling.busy === 0 && polling.batches === before) return;
    await ports.clock.sleep(settings.pollInterval, signal);
  }
  throw new Error('the poller was stopped before the queue was drained');
}

/** Those of the records that the handler handled. */
async function findHandled(
  records: readonly SqsRecord[],
  ports: SqsPollPorts,
): Promise<readonly SqsRecord[]> {
  let answer: unknown;
  try {
    answer = await ports.handle({ Records: [...records] });
  } catch (error) {
    ports.onHandlerError(error, records);
    return [];
  }
  const read = readHandlerAnswer(answer, new Set(records.map(({ messageId }) => messageId)));
  switch (read.kind) {
    case 'success':
      return records;
    case 'partly-failed':
      return records.filter(({ messageId }) => !read.ids.has(messageId));
    case 'malformed':
      ports.onHandlerError(new Error(read.reason), records);
      return [];
    default:
      return read satisfies never;
  }
}

const toSqsRecord = (message: SqsMessage, { arn, region }: SqsSource): SqsRecord => ({
  ...message,
  messageAttributes: {},
  eventSource: 'aws:sqs',
  eventSourceARN: arn,
  awsRegion: region,
});
