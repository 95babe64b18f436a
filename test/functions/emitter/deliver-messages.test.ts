import {
  GetQueueAttributesCommand,
  SendMessageCommand,
  SetQueueAttributesCommand,
} from '@aws-sdk/client-sqs';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  createDelivery,
  type DeliveryRemark,
  delayOf,
  type Redelivery,
} from '../../../functions/emitter/deliver-messages.ts';
import { createEmitter, narrowingRequests } from '../../../functions/emitter/emit.ts';
import type { ExportOutcome } from '../../../functions/emitter/export-spans.ts';
import { otlpPacking } from '../../../functions/emitter/pack-requests.ts';
import { createRedelivery } from '../../../functions/emitter/redelivery-sqs.ts';
import { systemClock } from '../../../functions/forwarder/kubernetes/clock.ts';
import { connectAws } from '../../../infra/local/connect-aws.ts';
import { createResources } from '../../../infra/local/create-resources.ts';
import { pollSqs } from '../../../infra/local/poll-sqs.ts';
import { createSqsSource } from '../../../infra/local/sqs-source.ts';
import { startEmulators } from '../../../infra/local/start-emulators.ts';
import type { Span } from '../../../shared/span.ts';
import { encodeSpanBatches } from '../../../shared/span-batch-codec.ts';
import { checkProperty } from '../../check-property.ts';
import { createMemoryQueue } from '../../infra/local/memory-queue.ts';
import { createVirtualClock } from '../../infra/local/virtual-clock.ts';
import { makeSpan } from '../../spans.ts';

const messageOf = (object: string) => encodeSpanBatches([makeSpan({ name: 'Pod.Pulling', object })])[0]!;
const nameOf = ({ attributes }: Span) => String(attributes['k8s.object.name']);
const day = 24 * 3600;

/** A delivery to a backend that answers as told, and what went on. */
function startDelivery(answer: () => ExportOutcome, redelivery: Redelivery) {
  const delivered: string[] = [];
  const remarks: DeliveryRemark[] = [];
  let requests = 0;
  const deliver = createDelivery({
    emit: createEmitter(
      {
        async exportSpans(spans) {
          requests += 1;
          const outcome = answer();
          if (outcome.kind === 'accepted') delivered.push(...spans.map(nameOf));
          return outcome;
        },
        setAside: { keep: async () => {} },
        now: () => 0,
      },
      { ...otlpPacking, narrowingRequests },
    ),
    redelivery,
    log: (remark) => remarks.push(remark),
    now: () => 100_000,
  });
  return { deliver, delivered, remarks, requests: () => requests };
}

const down: ExportOutcome = { kind: 'unavailable', status: 503, message: 'the backend answered 503' };

describe('the delay', () => {
  it('grows to minutes, and for an outage of days beyond', () => {
    const received = [1, 2, 3, 4, 5, 6, 20, 80, 200, 1000];
    const middle = received.map((count) => {
      const delays = Array.from({ length: 1000 }, (_, i) => delayOf(`m${i}`, count));
      return Math.round(delays.reduce((sum, delay) => sum + delay, 0) / delays.length / 15) * 15;
    });
    expect(middle).toEqual([15, 30, 60, 120, 240, 240, 240, 240, 600, 3000]);
  });

  it('outlasts the fourteen days of a message with the thousand receives of a redrive policy', () => {
    checkProperty(
      fc.property(fc.uuid(), (messageId) => {
        let seconds = 0;
        for (let count = 1; count <= 1000; count += 1) seconds += delayOf(messageId, count);
        expect(seconds).toBeGreaterThan(14 * day);
      }),
    );
  });

  it('is the same for the same message, and differs between messages', () => {
    expect(delayOf('a', 5)).toBe(delayOf('a', 5));
    const delays = Array.from({ length: 100 }, (_, i) => delayOf(`m${i}`, 5));
    expect(Math.min(...delays)).toBeGreaterThanOrEqual(210);
    expect(Math.max(...delays)).toBeLessThanOrEqual(271);
    expect(new Set(delays).size).toBeGreaterThan(30);
  });

  it('is what the backend asks for where that is more, up to an hour and an eighth', () => {
    checkProperty(
      fc.property(fc.uuid(), fc.integer({ min: 1, max: 3 }), fc.nat(10 * 3600), (id, count, seconds) => {
        const delay = delayOf(id, count, seconds * 1000);
        expect(delay).toBeGreaterThanOrEqual(Math.min(seconds, 3600));
        expect(delay).toBeLessThanOrEqual(Math.max(Math.ceil(seconds * 1.125), 68));
        expect(delay).toBeLessThanOrEqual(4050);
      }),
    );
  });
});

describe('an outage', () => {
  it('of thirteen days makes no message a dead letter, and each goes through once', async () => {
    const clock = createVirtualClock();
    const queue = createMemoryQueue({ now: clock.now, visibilityTimeout: 360_000, maxReceiveCount: 1000 });
    const end = clock.now() + 13 * day * 1000;
    const { deliver, delivered, requests } = startDelivery(
      () => (clock.now() < end ? down : { kind: 'accepted' }),
      {
        async delay(messages) {
          for (const { receiptHandle, seconds } of messages) queue.changeVisibility(receiptHandle, seconds);
        },
      },
    );
    for (const name of ['a', 'b', 'c']) queue.send(messageOf(name));
    const errors: unknown[] = [];
    const poller = pollSqs(
      queue,
      { batchSize: 10, concurrency: 1, pollInterval: 20_000 },
      {
        clock,
        handle: (event) => deliver(event, Number.POSITIVE_INFINITY),
        onHandlerError: (error) => errors.push(error),
        onError: (error) => errors.push(error),
      },
    );
    await poller.drained();
    await poller.stop();
    expect(errors).toEqual([]);
    expect(queue.deadLetters).toEqual([]);
    expect(delivered.sort()).toEqual(['a', 'b', 'c']);
    expect(clock.now() - end).toBeLessThan(3600_000);
    expect(requests()).toBeLessThan(3 * 1000);
  });

  it('through SQS: what failed comes again when it was told to, not with the visibility timeout', async () => {
    await using stack = new AsyncDisposableStack();
    const emulators = await startEmulators();
    stack.defer(() => emulators.stop());
    const aws = connectAws(emulators.endpoints);
    stack.defer(() => aws.destroy());
    const { spansQueueUrl, spansDeadLettersUrl } = await createResources(aws, { shards: 1 });
    // Nobody would live to see what comes again by itself.
    const Attributes = { VisibilityTimeout: '3600' };
    await aws.sqs.send(new SetQueueAttributesCommand({ QueueUrl: spansQueueUrl, Attributes }));
    const redelivery = createRedelivery(aws.sqs, spansQueueUrl);
    let outages = 3;
    const delays: number[] = [];
    const { deliver, delivered, remarks } = startDelivery(
      () => (outages-- > 0 ? down : { kind: 'accepted' }),
      {
        // A minute in a second.
        async delay(messages) {
          delays.push(...messages.map(({ seconds }) => seconds));
          await redelivery.delay(
            messages.map((message) => ({ ...message, seconds: Math.ceil(message.seconds / 60) })),
          );
        },
      },
    );
    const names = Array.from({ length: 13 }, (_, i) => `pod-${i}`);
    for (const name of names) {
      await aws.sqs.send(new SendMessageCommand({ QueueUrl: spansQueueUrl, MessageBody: messageOf(name) }));
    }
    const errors: unknown[] = [];
    const poller = pollSqs(
      createSqsSource(aws.sqs, spansQueueUrl),
      { batchSize: 13, concurrency: 1, pollInterval: 50 },
      {
        clock: systemClock,
        handle: (event) => deliver(event, Number.POSITIVE_INFINITY),
        onHandlerError: (error) => errors.push(error),
        onError: (error) => errors.push(error),
      },
    );
    await poller.drained();
    await poller.stop();
    expect(errors).toEqual([]);
    expect(delivered.sort()).toEqual(names.sort());
    expect(delays.length).toBeGreaterThanOrEqual(3);
    expect(remarks.filter(({ kind }) => kind === 'not-delayed')).toEqual([]);
    const deadLetters = await aws.sqs.send(
      new GetQueueAttributesCommand({
        QueueUrl: spansDeadLettersUrl,
        AttributeNames: ['ApproximateNumberOfMessages'],
      }),
    );
    expect(deadLetters.Attributes?.ApproximateNumberOfMessages).toBe('0');
  });
});

it('tells what happened, and counts what is left because the backend is down', async () => {
  const delays: number[] = [];
  const { deliver, remarks } = startDelivery(() => ({ ...down, retryAfterMs: 120_000 }), {
    delay: async (messages) => void delays.push(...messages.map(({ seconds }) => seconds)),
  });
  const record = (messageId: string, sentAt: number) => ({
    messageId,
    receiptHandle: `handle of ${messageId}`,
    body: messageOf(messageId),
    attributes: { ApproximateReceiveCount: '1', SentTimestamp: String(sentAt) },
  });
  const answer = await deliver(
    { Records: [record('m1', 90_000), record('m2', 40_000)] },
    Number.POSITIVE_INFINITY,
  );
  expect(answer).toEqual({ batchItemFailures: [{ itemIdentifier: 'm1' }, { itemIdentifier: 'm2' }] });
  expect(delays.every((seconds) => seconds >= 120 && seconds <= 135)).toBe(true);
  expect(remarks).toEqual([
    { kind: 'unavailable', message: 'the backend answered 503' },
    {
      kind: 'emitted',
      messages: 2,
      left: 2,
      age: 60,
      exported: 0,
      rejected: 0,
      refused: 0,
      kept: 2,
      requests: 1,
    },
  ]);
});

it('where nothing can be delayed the messages stay failed, and it is told', async () => {
  const error = new Error('SQS is away');
  const { deliver, remarks } = startDelivery(() => down, { delay: () => Promise.reject(error) });
  const record = {
    messageId: 'm1',
    receiptHandle: 'r',
    body: messageOf('a'),
    attributes: { ApproximateReceiveCount: '1', SentTimestamp: '0' },
  };
  const answer = await deliver({ Records: [record] }, Number.POSITIVE_INFINITY);
  expect(answer.batchItemFailures).toEqual([{ itemIdentifier: 'm1' }]);
  expect(remarks).toContainEqual({ kind: 'not-delayed', error });
});
