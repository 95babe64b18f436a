/** An SQS queue through the SDK, as the poller sees it. */
import {
  DeleteMessageBatchCommand,
  GetQueueAttributesCommand,
  ReceiveMessageCommand,
  type SQSClient,
} from '@aws-sdk/client-sqs';
import { localAccount, localRegion } from './connect-aws.ts';
import type { SqsMessage, SqsSource } from './poll-sqs.ts';

/** Messages in one call (SQS API reference). */
const largestCall = 10;
const countNames = [
  'ApproximateNumberOfMessages',
  'ApproximateNumberOfMessagesNotVisible',
  'ApproximateNumberOfMessagesDelayed',
] as const;

export function createSqsSource(client: SQSClient, queueUrl: string): SqsSource {
  const name = new URL(queueUrl).pathname.split('/').at(-1);
  return {
    arn: `arn:aws:sqs:${localRegion}:${localAccount}:${name}`,
    region: localRegion,
    // Never a long poll, and never cut off: the emulator hands messages to a poll whose client has gone, and they stay
    // out of sight for the visibility timeout. Whoever comes after a poller that was stopped would miss them till then.
    async receive(limit) {
      const { Messages = [] } = await client.send(
        new ReceiveMessageCommand({
          QueueUrl: queueUrl,
          MaxNumberOfMessages: Math.min(limit, largestCall),
          WaitTimeSeconds: 0,
          MessageSystemAttributeNames: ['All'],
        }),
      );
      return Messages.map(
        ({ MessageId = '', ReceiptHandle = '', Body = '', MD5OfBody = '', Attributes = {} }): SqsMessage => ({
          messageId: MessageId,
          receiptHandle: ReceiptHandle,
          body: Body,
          md5OfBody: MD5OfBody,
          attributes: {
            ApproximateReceiveCount: Attributes.ApproximateReceiveCount ?? '1',
            SentTimestamp: Attributes.SentTimestamp ?? '',
            SenderId: Attributes.SenderId ?? '',
            ApproximateFirstReceiveTimestamp: Attributes.ApproximateFirstReceiveTimestamp ?? '',
          },
        }),
      );
    },
    async delete(messages) {
      const refused: string[] = [];
      for (let start = 0; start < messages.length; start += largestCall) {
        const { Failed = [] } = await client.send(
          new DeleteMessageBatchCommand({
            QueueUrl: queueUrl,
            Entries: messages.slice(start, start + largestCall).map(({ receiptHandle }, i) => ({
              Id: String(i),
              ReceiptHandle: receiptHandle,
            })),
          }),
        );
        refused.push(...Failed.map(({ Code, Message }) => `${Code}: ${Message}`));
      }
      if (refused.length > 0) throw new Error(`SQS did not delete ${refused.length} messages: ${refused[0]}`);
    },
    async count(abortSignal) {
      const { Attributes = {} } = await client.send(
        new GetQueueAttributesCommand({
          QueueUrl: queueUrl,
          AttributeNames: [...countNames],
        }),
        { abortSignal },
      );
      return countNames.reduce((sum, key) => sum + Number(Attributes[key] ?? 0), 0);
    },
  };
}
