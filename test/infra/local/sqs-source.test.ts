import { SendMessageCommand } from '@aws-sdk/client-sqs';
import { expect, it } from 'vitest';
import { systemClock } from '../../../functions/forwarder/kubernetes/clock.ts';
import { connectAws } from '../../../infra/local/connect-aws.ts';
import { createResources } from '../../../infra/local/create-resources.ts';
import { pollSqs } from '../../../infra/local/poll-sqs.ts';
import { createSqsSource } from '../../../infra/local/sqs-source.ts';
import { startEmulators } from '../../../infra/local/start-emulators.ts';

it('a poller that was stopped takes no message from the one after it', async () => {
  const emulators = await startEmulators();
  const aws = connectAws(emulators.endpoints);
  const { spansQueueUrl } = await createResources(aws, { shards: 1 });
  const received: string[] = [];
  const start = () =>
    pollSqs(
      createSqsSource(aws.sqs, spansQueueUrl),
      { batchSize: 1, concurrency: 2, pollInterval: 5 },
      {
        clock: systemClock,
        handle: async ({ Records }) => {
          for (const { body, attributes } of Records)
            received.push(`${body}, delivery ${attributes.ApproximateReceiveCount}`);
        },
        onHandlerError: (error) => received.push(String(error)),
        onError: (error) => received.push(String(error)),
      },
    );
  const first = start();
  // An empty queue is drained after its pollers have looked at it.
  await first.drained();
  await first.stop();
  for (const MessageBody of ['a', 'b', 'c']) {
    await aws.sqs.send(new SendMessageCommand({ QueueUrl: spansQueueUrl, MessageBody }));
  }
  const second = start();
  await second.drained();
  await second.stop();
  expect(received.sort()).toEqual(['a, delivery 1', 'b, delivery 1', 'c, delivery 1']);
  aws.destroy();
  await emulators.stop();
});
