/** When messages that stay in an SQS queue are seen again. */
import { ChangeMessageVisibilityBatchCommand, SQSClient } from '@aws-sdk/client-sqs';
import { boundCalls } from '../../shared/bound-calls.ts';
import type { Redelivery } from './deliver-messages.ts';

/** Messages in one call (SQS API reference). */
const largestCall = 10;

export function createRedelivery(client: SQSClient, queueUrl: string): Redelivery {
  return {
    async delay(messages) {
      const refused: string[] = [];
      for (let start = 0; start < messages.length; start += largestCall) {
        const { Failed = [] } = await client.send(
          new ChangeMessageVisibilityBatchCommand({
            QueueUrl: queueUrl,
            Entries: messages.slice(start, start + largestCall).map(({ receiptHandle, seconds }, i) => ({
              Id: String(i),
              ReceiptHandle: receiptHandle,
              VisibilityTimeout: seconds,
            })),
          }),
        );
        refused.push(...Failed.map(({ Code, Message }) => `${Code}: ${Message}`));
      }
      if (refused.length > 0) throw new Error(`SQS did not delay ${refused.length} messages: ${refused[0]}`);
    },
  };
}

/** With a client as the environment says. */
export const connectRedelivery = (queueUrl: string): Redelivery =>
  createRedelivery(new SQSClient(boundCalls), queueUrl);
