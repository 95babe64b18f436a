/** The SDK's client of SQS for one instance, its requests answered by the queues in memory: the functions' own adapters run. */
import { SQSClient } from '@aws-sdk/client-sqs';
import * as v from 'valibot';
import { billQueues } from './account.ts';
import type { Instance, World } from './function.ts';
import type { Queue } from './queue.ts';

const Entry = v.object({
  Id: v.string(),
  MessageBody: v.optional(v.string(), ''),
  DelaySeconds: v.optional(v.number(), 0),
  MessageGroupId: v.optional(v.string()),
  ReceiptHandle: v.optional(v.string(), ''),
  VisibilityTimeout: v.optional(v.number(), 0),
});
const RequestSchema = v.object({
  QueueUrl: v.string(),
  Entries: v.optional(v.array(Entry)),
  MessageBody: v.optional(v.string(), ''),
  DelaySeconds: v.optional(v.number(), 0),
  MessageGroupId: v.optional(v.string()),
});

/** SQS's own: messages of a request, bytes of a request and of a message. */
const mostEntries = 10;
const mostBytes = 1_048_576;

export function createSqsClient(
  { account }: World,
  instance: Instance,
  queues: ReadonlyMap<string, Queue>,
): SQSClient {
  const client = new SQSClient({
    region: 'local',
    credentials: { accessKeyId: 'local', secretAccessKey: 'local' },
  });
  client.middlewareStack.add(
    (_, { commandName = '' }) =>
      async ({ input }) => {
        const { QueueUrl, ...single } = v.parse(RequestSchema, input);
        const queue = queues.get(QueueUrl)!;
        const entries = single.Entries ?? [{ Id: '0', ReceiptHandle: '', VisibilityTimeout: 0, ...single }];
        const bytes = entries.reduce((sum, { MessageBody }) => sum + Buffer.byteLength(MessageBody), 0);
        if (entries.length > mostEntries || bytes > mostBytes)
          throw Object.assign(new Error(`${entries.length} messages of ${bytes} bytes`), {
            name: 'BatchRequestTooLong',
          });
        const refusal = () => Object.assign(new Error('Request throttled'), { name: 'RequestThrottled' });
        const output = await instance.call({ service: 'queues', name: commandName, refusal }, (take) => {
          billQueues(account, bytes);
          for (const entry of take(entries)) {
            if (commandName.startsWith('Send'))
              queue.send(entry.MessageBody, entry.DelaySeconds, entry.MessageGroupId);
            else queue.changeVisibility(entry.ReceiptHandle, entry.VisibilityTimeout);
          }
          return { $metadata: {} };
        });
        return { response: undefined, output };
      },
    // Before the SDK's own: nothing of it goes anywhere.
    { step: 'initialize', priority: 'high', name: 'memory' },
  );
  return client;
}
