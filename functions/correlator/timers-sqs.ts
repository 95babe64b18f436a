/** Timers as delayed messages of an SQS queue. */
import { SendMessageCommand, type SQSClient } from '@aws-sdk/client-sqs';
import type { Timers } from './ports.ts';

/** SQS's longest delay; what is to wait longer is armed again when it comes back early. */
const longestDelay = 900;

export function createTimers(client: SQSClient, queueUrl: string): Timers {
  return {
    async arm({ activity, dueAt }, delaySeconds) {
      await client.send(
        new SendMessageCommand({
          QueueUrl: queueUrl,
          MessageBody: JSON.stringify({ activity, dueAt }),
          DelaySeconds: Math.min(longestDelay, Math.max(0, Math.ceil(delaySeconds))),
        }),
      );
    },
  };
}
