/** Against an emulator of SQS: what is armed together comes together, in messages that are done within a function's time. */
import { ReceiveMessageCommand } from '@aws-sdk/client-sqs';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { createTimers } from '../../../functions/correlator/timers-sqs.ts';
import { type AwsClients, connectAws } from '../../../infra/local/connect-aws.ts';
import { createResources, type Resources } from '../../../infra/local/create-resources.ts';
import { type Emulators, startEmulators } from '../../../infra/local/start-emulators.ts';
import { MessageRefusedError } from '../../../shared/errors.ts';

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

it('activities whose message is refused are named, and hold no other back', async () => {
  const activities = Array.from({ length: 35 }, (_, i) => (i === 12 ? 'c1/\uffff' : `c1/${i}`));
  const armed = createTimers(aws.sqs, resources.timersQueueUrl).arm({ id: 't2', activities, dueAt: 5 }, 0);
  const error = await armed.catch((reason: unknown) => reason);
  expect(error).toBeInstanceOf(MessageRefusedError);
  // Those of one message.
  expect((error as MessageRefusedError<string>).refused).toEqual(activities.slice(10, 20));
  const left = (await receiveAll()).flatMap((body) => JSON.parse(body).activities);
  expect(left).toHaveLength(25);
});

it('a request that is too long as a whole is sent message by message', async () => {
  const activities = Array.from(
    { length: 20 },
    (_, i) => `c1/${i}${'x'.repeat(i === 0 ? 1_100_000 : 50_000)}`,
  );
  const armed = createTimers(aws.sqs, resources.timersQueueUrl).arm({ id: 't3', activities, dueAt: 5 }, 0);
  const error = await armed.catch((reason: unknown) => reason);
  expect((error as MessageRefusedError<string>).refused).toEqual(activities.slice(0, 10));
  expect((await receiveAll()).flatMap((body) => JSON.parse(body).activities)).toEqual(activities.slice(10));
});
