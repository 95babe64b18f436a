/**
 * The handler of the spans queue: what the emitter says of each message becomes its answer, its log and its figures;
 * and messages that are left in the queue come again later and later, so that a backend that is down for days costs
 * little and makes no message a dead letter.
 */
import { hash } from 'node:crypto';
import type { EmitRemark, EmitResult } from './emit.ts';

/** What of Lambda's SQSEvent is read. */
export interface SpansQueueEvent {
  Records: readonly SpansQueueMessage[];
}

export interface SpansQueueMessage {
  messageId: string;
  receiptHandle: string;
  body: string;
  /** `SentTimestamp` in milliseconds since 1970. */
  attributes: { ApproximateReceiveCount: string; SentTimestamp: string };
}

export interface Redelivery {
  /**
   * From now on, each message is out of sight for so many seconds. Rejects where one of them could not be delayed;
   * what is no longer there is no error.
   */
  delay(messages: readonly { receiptHandle: string; seconds: number }[]): Promise<void>;
}

export interface DeliveryPorts {
  emit(messages: readonly SpansQueueMessage[], deadline: number): Promise<EmitResult>;
  redelivery: Redelivery;
  log(remark: DeliveryRemark): void;
  /** Milliseconds since 1970. */
  now(): number;
}

export type DeliveryRemark =
  | EmitRemark
  /** `left`: messages that stay in the queue; `age`: seconds since the oldest of them was sent, 0 where there is none. */
  | ({ kind: 'emitted'; messages: number; left: number; age: number } & Figures)
  /** The failed messages come again after the queue's own visibility timeout. */
  | { kind: 'not-delayed'; error: unknown };

type Figures = Pick<EmitResult, 'exported' | 'rejected' | 'refused' | 'kept' | 'requests'>;

export interface DeliveryAnswer {
  batchItemFailures: { itemIdentifier: string }[];
}

/** `deadline`: milliseconds since 1970 at which no further request is begun. It rejects for defects only. */
export function createDelivery({
  emit,
  redelivery,
  log,
  now,
}: DeliveryPorts): (event: SpansQueueEvent, deadline: number) => Promise<DeliveryAnswer> {
  return async ({ Records }, deadline) => {
    const { batchItemFailures, remarks, retryAfterMs, ...figures } = await emit(Records, deadline);
    for (const remark of remarks) log(remark);
    const failed = new Set(batchItemFailures.map(({ itemIdentifier }) => itemIdentifier));
    const left = Records.filter(({ messageId }) => failed.has(messageId));
    try {
      await redelivery.delay(
        left.map(({ messageId, receiptHandle, attributes }) => ({
          receiptHandle,
          seconds: delayOf(messageId, Number(attributes.ApproximateReceiveCount), retryAfterMs),
        })),
      );
    } catch (error) {
      log({ kind: 'not-delayed', error });
    }
    const ages = left.map(({ attributes }) => (now() - Number(attributes.SentTimestamp)) / 1000);
    const age = Math.max(0, ...ages.map(Math.round));
    log({ kind: 'emitted', messages: Records.length, left: left.length, age, ...figures });
    return { batchItemFailures };
  };
}

/** Seconds. A backend that asks for more time than this is asked again anyway. */
const longestRetryAfter = 3600;

/**
 * Seconds until a message that was received `receiveCount` times comes again: 15, doubled each time up to 4 minutes,
 * and from the 80th time (5 hours) on 3 more each time. A queue's redrive policy allows 1,000 receives at most; so
 * spread they outlast the 14 days that SQS keeps a message, and it is never a dead letter because a backend is down.
 * Up to an eighth more or less by the message's id: what failed together does not come back together.
 */
export function delayOf(messageId: string, receiveCount: number, retryAfterMs = 0): number {
  const fraction = Number.parseInt(hash('sha256', messageId, 'hex').slice(0, 8), 16) / 2 ** 32;
  const growing = Math.max(Math.min(15 * 2 ** (receiveCount - 1), 240), 3 * receiveCount);
  const asked = Math.min(retryAfterMs / 1000, longestRetryAfter);
  return Math.ceil(Math.max(growing * (0.875 + fraction / 4), asked * (1 + fraction / 8)));
}
