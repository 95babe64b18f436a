/** Timers as delayed messages of an SQS queue. */
import { SendMessageBatchCommand, type SQSClient } from '@aws-sdk/client-sqs';
import { RetryableError } from '../../shared/errors.ts';
import type { Timers } from './ports.ts';

/** SQS's longest delay; what is to wait longer is armed again when it comes back early. */
const longestDelay = 900;
/** Activities of one message: they are settled together, and what fails of them brings the others again for nothing. */
const mostTogether = 10;
/** SQS's most messages of one request. */
const mostMessages = 10;

export function createTimers(client: SQSClient, queueUrl: string): Timers {
  return {
    async arm({ activities, ...when }, delaySeconds) {
      const DelaySeconds = Math.min(longestDelay, Math.max(0, Math.ceil(delaySeconds)));
      const messages = inGroups(activities, mostTogether).map((some, index) => ({
        Id: String(index),
        MessageBody: JSON.stringify({ activities: some, ...when }),
        DelaySeconds,
      }));
      for (const Entries of inGroups(messages, mostMessages)) {
        const { Failed = [] } = await client.send(
          new SendMessageBatchCommand({ QueueUrl: queueUrl, Entries }),
        );
        if (Failed.length > 0) {
          throw new RetryableError(`SQS did not take ${Failed.length} messages: ${Failed[0]!.Code}`);
        }
      }
    },
  };
}

function inGroups<T>(all: readonly T[], size: number): T[][] {
  const groups: T[][] = [];
  for (let at = 0; at < all.length; at += size) groups.push(all.slice(at, at + size));
  return groups;
}
