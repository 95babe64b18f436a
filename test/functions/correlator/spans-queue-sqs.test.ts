/** Against an emulator of SQS, which refuses what SQS refuses. */
import { expect, it } from 'vitest';
import { createSpansQueue } from '../../../functions/correlator/spans-queue-sqs.ts';
import { MessageRefusedError } from '../../../shared/errors.ts';
import { decodeSpanBatch } from '../../../shared/span-batch-codec.ts';
import { makeSpan } from '../../spans.ts';
import { receiveAll, useEmulators } from '../../support/use-emulators.ts';

const aws = useEmulators();

const named = (object: string, message = 'x') => {
  const span = makeSpan({ name: 'Pod.Failed', object });
  return { ...span, attributes: { ...span.attributes, message } };
};

async function receiveNames(): Promise<string[]> {
  const bodies = await receiveAll(aws.sqs, aws.spansQueueUrl);
  const spans = bodies.flatMap((body) => {
    const batch = decodeSpanBatch(body);
    if (!batch.ok) throw new Error(batch.reason);
    return batch.value.spans;
  });
  return spans.map(({ attributes }) => String(attributes['k8s.pod.name'])).sort();
}

it('a span that is too large for any message is named, and holds no other back', async () => {
  const noise = Array.from({ length: 900_000 }, (_, i) =>
    String.fromCharCode(0x4e00 + ((i * i * 7919) % 20_011)),
  );
  const spans = [named('a'), named('large', noise.join('')), named('b')];
  const error = await createSpansQueue(aws.sqs, aws.spansQueueUrl)
    .send(spans)
    .catch((reason: unknown) => reason);
  expect(error).toBeInstanceOf(MessageRefusedError);
  expect((error as MessageRefusedError<unknown>).refused).toEqual([spans[1]]);
  expect(await receiveNames()).toEqual(['a', 'b']);
});

it('characters that SQS does not take are no hindrance', async () => {
  const spans = [named('odd', '\u0000\ud800\ufffe\uffff\u{1ffff}')];
  await createSpansQueue(aws.sqs, aws.spansQueueUrl).send(spans);
  expect(await receiveNames()).toEqual(['odd']);
});
