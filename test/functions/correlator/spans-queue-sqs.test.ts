/** Against an emulator of SQS, which refuses what SQS refuses. */
import { ReceiveMessageCommand } from '@aws-sdk/client-sqs';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { createSpansQueue } from '../../../functions/correlator/spans-queue-sqs.ts';
import { type AwsClients, connectAws } from '../../../infra/local/connect-aws.ts';
import { createResources, type Resources } from '../../../infra/local/create-resources.ts';
import { type Emulators, startEmulators } from '../../../infra/local/start-emulators.ts';
import { MessageRefusedError } from '../../../shared/errors.ts';
import { decodeSpanBatch } from '../../../shared/span-batch-codec.ts';
import { makeSpan } from '../../spans.ts';

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

const named = (object: string, message = 'x') => {
  const span = makeSpan({ name: 'Pod.Failed', object });
  return { ...span, attributes: { ...span.attributes, message } };
};

async function receiveAll(): Promise<string[]> {
  const names: string[] = [];
  for (;;) {
    const command = new ReceiveMessageCommand({ QueueUrl: resources.spansQueueUrl, MaxNumberOfMessages: 10 });
    const { Messages = [] } = await aws.sqs.send(command);
    if (Messages.length === 0) return names.sort();
    for (const { Body = '' } of Messages) {
      const batch = decodeSpanBatch(Body);
      if (!batch.ok) throw new Error(batch.reason);
      names.push(...batch.value.spans.map(({ attributes }) => String(attributes['k8s.pod.name'])));
    }
  }
}

it('a span that is too large for any message is named, and holds no other back', async () => {
  const noise = Array.from({ length: 900_000 }, (_, i) =>
    String.fromCharCode(0x4e00 + ((i * i * 7919) % 20_011)),
  );
  const spans = [named('a'), named('large', noise.join('')), named('b')];
  const error = await createSpansQueue(aws.sqs, resources.spansQueueUrl)
    .send(spans)
    .catch((reason: unknown) => reason);
  expect(error).toBeInstanceOf(MessageRefusedError);
  expect((error as MessageRefusedError<unknown>).refused).toEqual([spans[1]]);
  expect(await receiveAll()).toEqual(['a', 'b']);
});

it('characters that SQS does not take are no hindrance', async () => {
  const spans = [named('odd', '\u0000\ud800\ufffe\uffff\u{1ffff}')];
  await createSpansQueue(aws.sqs, resources.spansQueueUrl).send(spans);
  expect(await receiveAll()).toEqual(['odd']);
});
