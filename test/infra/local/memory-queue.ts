/** An SQS queue in memory: delays, visibility timeout, redrive to a list of dead letters; its calls can fail. */
import type { SqsMessage, SqsSource } from '../../../infra/local/poll-sqs.ts';

interface Stored {
  id: string;
  body: string;
  visibleAt: number;
  receives: number;
  receipt: string;
}

export interface MemoryQueue extends SqsSource {
  /** `delay` in milliseconds. */
  send(body: string, delay?: number): void;
  /** Out of sight for so many seconds from now. */
  changeVisibility(receiptHandle: string, seconds: number): void;
  deadLetters: string[];
  /** Every call asks it first, and rejects with what it returns. */
  trouble: (call: 'receive' | 'delete' | 'count') => Error | undefined;
}

export function createMemoryQueue({
  now,
  visibilityTimeout,
  maxReceiveCount,
}: {
  now: () => number;
  /** Milliseconds. */
  visibilityTimeout: number;
  maxReceiveCount: number;
}): MemoryQueue {
  const stored = new Map<string, Stored>();
  let ids = 0;
  let receipts = 0;
  const throwIf = (error: Error | undefined) => {
    if (error !== undefined) throw error;
  };
  const queue: MemoryQueue = {
    arn: 'arn:aws:sqs:us-east-1:000000000000:memory',
    region: 'us-east-1',
    deadLetters: [],
    trouble: () => undefined,
    send(body, delay = 0) {
      const id = `m${ids++}`;
      stored.set(id, { id, body, visibleAt: now() + delay, receives: 0, receipt: '' });
    },
    async receive(limit) {
      throwIf(queue.trouble('receive'));
      const messages: SqsMessage[] = [];
      for (const message of stored.values()) {
        if (messages.length === Math.min(limit, 10)) break;
        if (message.visibleAt > now()) continue;
        if (message.receives >= maxReceiveCount) {
          stored.delete(message.id);
          queue.deadLetters.push(message.body);
          continue;
        }
        message.receives += 1;
        message.visibleAt = now() + visibilityTimeout;
        message.receipt = `r${receipts++}`;
        messages.push({
          messageId: message.id,
          receiptHandle: message.receipt,
          body: message.body,
          md5OfBody: '',
          attributes: {
            ApproximateReceiveCount: String(message.receives),
            SentTimestamp: '0',
            SenderId: 'memory',
            ApproximateFirstReceiveTimestamp: '0',
          },
        });
      }
      return messages;
    },
    changeVisibility(receiptHandle, seconds) {
      for (const message of stored.values()) {
        if (message.receipt === receiptHandle) message.visibleAt = now() + seconds * 1000;
      }
    },
    async delete(messages) {
      throwIf(queue.trouble('delete'));
      for (const { messageId, receiptHandle } of messages) {
        if (stored.get(messageId)?.receipt === receiptHandle) stored.delete(messageId);
      }
    },
    async count() {
      throwIf(queue.trouble('count'));
      return stored.size;
    },
  };
  return queue;
}
