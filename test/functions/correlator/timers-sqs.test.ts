/** Against an emulator of SQS: what is armed together comes together, in messages that are done within a function's time. */
import type { SendMessageBatchCommandInput, SendMessageBatchRequestEntry } from '@aws-sdk/client-sqs';
import { expect, it } from 'vitest';
import { createTimers } from '../../../functions/correlator/timers-sqs.ts';
import { MessageRefusedError } from '../../../shared/errors.ts';
import { receiveAll, useEmulators } from '../../support/use-emulators.ts';

const aws = useEmulators();
const activitiesOf = (body = '{}'): string[] => JSON.parse(body).activities;
const receive = () => receiveAll(aws.sqs, aws.timersQueueUrl);

it('ten activities a message, ten messages a request', async () => {
  const activities = Array.from({ length: 105 }, (_, i) => `c1/a${i}`);
  await createTimers(aws.sqs, aws.timersQueueUrl).arm(
    { id: 't1', activities, dueAt: 5, armedAt: 4, since: 4 },
    0,
  );
  const timers = (await receive()).map((body) => JSON.parse(body));
  expect(timers).toHaveLength(11);
  for (const timer of timers) expect(timer).toMatchObject({ id: 't1', dueAt: 5, since: 4 });
  expect(timers.flatMap((timer) => timer.activities).sort()).toEqual(activities.sort());
});

it('a cluster has messages of its own as far as it fills them, and its group; what is left of several comes together', async () => {
  const of = (cluster: string, many: number) => Array.from({ length: many }, (_, i) => `${cluster}/${i}`);
  const activities = [...of('c1', 12), ...of('c2', 1), ...of('c é', 10)];
  const sent: SendMessageBatchRequestEntry[] = [];
  aws.sqs.middlewareStack.add(
    (next) => (args) => {
      sent.push(...((args.input as SendMessageBatchCommandInput).Entries ?? []));
      return next(args);
    },
    { step: 'initialize', name: 'note' },
  );
  await createTimers(aws.sqs, aws.timersQueueUrl).arm({ id: 't4', activities, dueAt: 5 }, 0);
  aws.sqs.middlewareStack.remove('note');
  // The emulator tells of no group that a standard queue has.
  expect(sent.map(({ MessageGroupId: group, MessageBody }) => [group, activitiesOf(MessageBody)])).toEqual([
    ['c1', of('c1', 10)],
    ['c--', of('c é', 10)],
    [undefined, ['c1/10', 'c1/11', 'c2/0']],
  ]);
  expect((await receive()).flatMap(activitiesOf).sort()).toEqual(activities.sort());
});

it('activities whose message is refused are named, and hold no other back', async () => {
  const activities = Array.from({ length: 35 }, (_, i) => (i === 12 ? 'c1/\uffff' : `c1/${i}`));
  const armed = createTimers(aws.sqs, aws.timersQueueUrl).arm({ id: 't2', activities, dueAt: 5 }, 0);
  const error = await armed.catch((reason: unknown) => reason);
  expect(error).toBeInstanceOf(MessageRefusedError);
  // Those of one message.
  expect((error as MessageRefusedError<string>).refused).toEqual(activities.slice(10, 20));
  const left = (await receive()).flatMap((body) => JSON.parse(body).activities);
  expect(left).toHaveLength(25);
});

it('a request that is too long as a whole is sent message by message', async () => {
  const activities = Array.from(
    { length: 20 },
    (_, i) => `c1/${i}${'x'.repeat(i === 0 ? 1_100_000 : 50_000)}`,
  );
  const armed = createTimers(aws.sqs, aws.timersQueueUrl).arm({ id: 't3', activities, dueAt: 5 }, 0);
  const error = await armed.catch((reason: unknown) => reason);
  expect((error as MessageRefusedError<string>).refused).toEqual(activities.slice(0, 10));
  expect((await receive()).flatMap((body) => JSON.parse(body).activities)).toEqual(activities.slice(10));
});
