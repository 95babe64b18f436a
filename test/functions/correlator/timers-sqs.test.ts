/** Against an emulator of SQS: what is armed together comes together, in messages that are done within a function's time. */
import { ReceiveMessageCommand } from '@aws-sdk/client-sqs';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { createTimers } from '../../../functions/correlator/timers-sqs.ts';
import { type AwsClients, connectAws } from '../../../infra/local/connect-aws.ts';
import { createResources, type Resources } from '../../../infra/local/create-resources.ts';
import { type Emulators, startEmulators } from '../../../infra/local/start-emulators.ts';

let emulators: Emulators;
let aws: AwsClients;
let resources: Resources;
beforeAll(async () => {
  emulators = await startEmulators();
  aws = connectAws(emulators.endpoints);
  resources = await createResources(aws, { shards: 1 });
});
afterAll(async () => {
  aws.destroy();
  await emulators.stop();
});

async function receiveAll(): Promise<string[]> {
  const bodies: string[] = [];
  for (;;) {
    const command = new ReceiveMessageCommand({
      QueueUrl: resources.timersQueueUrl,
      MaxNumberOfMessages: 10,
    });
    const { Messages = [] } = await aws.sqs.send(command);
    if (Messages.length === 0) return bodies;
    bodies.push(...Messages.map(({ Body }) => Body!));
  }
}

it('ten activities a message, ten messages a request', async () => {
  const activities = Array.from({ length: 105 }, (_, i) => `c1/a${i}`);
  await createTimers(aws.sqs, resources.timersQueueUrl).arm(
    { id: 't1', activities, dueAt: 5, armedAt: 4, since: 4 },
    0,
  );
  const timers = (await receiveAll()).map((body) => JSON.parse(body));
  expect(timers).toHaveLength(11);
  for (const timer of timers) expect(timer).toMatchObject({ id: 't1', dueAt: 5, since: 4 });
  expect(timers.flatMap((timer) => timer.activities).sort()).toEqual(activities.sort());
});
