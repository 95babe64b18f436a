import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  pollSqs,
  type SqsEvent,
  type SqsPollSettings,
  type SqsRecord,
} from '../../../infra/local/poll-sqs.ts';
import { checkProperty } from '../../check-property.ts';
import { createMemoryQueue, type MemoryQueue } from './memory-queue.ts';
import { createVirtualClock } from './virtual-clock.ts';

const bodies = (records: readonly SqsRecord[]) => records.map(({ body }) => body);

function start({
  handle = () => undefined,
  prepare,
  ...changes
}: Partial<SqsPollSettings> & {
  handle?: (event: SqsEvent) => unknown;
  prepare?: (queue: MemoryQueue) => void;
} = {}) {
  const clock = createVirtualClock();
  const queue = createMemoryQueue({ now: clock.now, visibilityTimeout: 30_000, maxReceiveCount: 3 });
  prepare?.(queue);
  const batches: string[][] = [];
  const handlerErrors: { error: unknown; bodies: string[] }[] = [];
  const errors: unknown[] = [];
  const poller = pollSqs(
    queue,
    { batchSize: 10, concurrency: 1, pollInterval: 50, ...changes },
    {
      clock,
      async handle(event) {
        batches.push(bodies(event.Records));
        return handle(event);
      },
      onHandlerError: (error, records) => handlerErrors.push({ error, bodies: bodies(records) }),
      onError: (error) => errors.push(error),
    },
  );
  return { clock, queue, batches, handlerErrors, errors, poller };
}

const sendAll = (count: number) => (queue: MemoryQueue) => {
  for (let i = 0; i < count; i++) queue.send(`${i}`);
};

describe('a queue', () => {
  it('comes in batches, also in larger ones than SQS gives at once', async () => {
    const { poller, batches } = start({ batchSize: 12, prepare: sendAll(26) });
    await poller.drained();
    await poller.stop();
    expect(batches.map((batch) => batch.length)).toEqual([12, 12, 2]);
  });

  it('comes to the handler as AWS writes it', async () => {
    let seen: SqsRecord[] = [];
    const { poller } = start({
      prepare: sendAll(1),
      handle: ({ Records }) => {
        seen = Records;
      },
    });
    await poller.drained();
    await poller.stop();
    expect(seen).toEqual([
      {
        messageId: 'm0',
        receiptHandle: 'r0',
        body: '0',
        md5OfBody: '',
        attributes: {
          ApproximateReceiveCount: '1',
          SentTimestamp: '0',
          SenderId: 'memory',
          ApproximateFirstReceiveTimestamp: '0',
        },
        messageAttributes: {},
        eventSource: 'aws:sqs',
        eventSourceARN: 'arn:aws:sqs:us-east-1:000000000000:memory',
        awsRegion: 'us-east-1',
      },
    ]);
  });

  it('is drained only after what is delayed', async () => {
    const { poller, batches, clock } = start({ prepare: (queue) => queue.send('later', 900_000) });
    const began = clock.now();
    await poller.drained();
    await poller.stop();
    expect(batches).toEqual([['later']]);
    expect(clock.now() - began).toBeGreaterThanOrEqual(900_000);
  });

  it('is drained only after what its handlers send', async () => {
    const { poller, batches, queue } = start({
      prepare: (memory) => memory.send('3'),
      handle({ Records }) {
        const left = Number(Records[0]?.body);
        if (left > 0) queue.send(String(left - 1), 1_000);
      },
    });
    await poller.drained();
    await poller.stop();
    expect(batches.flat()).toEqual(['3', '2', '1', '0']);
  });
});

describe('a handler that outlasts the visibility timeout', () => {
  it('gets its message again elsewhere, and drained waits for it though the queue is empty', async () => {
    const hour = 3_600_000;
    const never = new AbortController().signal;
    const started = start({
      concurrency: 4,
      prepare: (queue) => queue.send('slow'),
      handle: () => started.clock.sleep(hour, never),
    });
    const { poller, batches, clock, queue } = started;
    const began = clock.now();
    await poller.drained();
    const lasted = clock.now() - began;
    await poller.stop();
    expect(batches).toEqual([['slow'], ['slow'], ['slow']]);
    expect(queue.deadLetters).toEqual(['slow']);
    expect(lasted).toBeGreaterThanOrEqual(hour);
  });
});

describe('failures', () => {
  it('a handler that throws fails its whole batch, which comes again after the visibility timeout', async () => {
    let failures = 1;
    const { poller, batches, handlerErrors, clock } = start({
      prepare: sendAll(2),
      handle() {
        if (failures-- > 0) throw new Error('once');
      },
    });
    const began = clock.now();
    await poller.drained();
    await poller.stop();
    expect(batches).toEqual([
      ['0', '1'],
      ['0', '1'],
    ]);
    expect(handlerErrors).toEqual([{ error: new Error('once'), bodies: ['0', '1'] }]);
    expect(clock.now() - began).toBeGreaterThanOrEqual(30_000);
  });

  it('named messages come again, alone, and end as dead letters', async () => {
    const counts: string[] = [];
    const { poller, batches, queue } = start({
      prepare: sendAll(3),
      handle({ Records }) {
        const bad = Records.filter(({ body }) => body === '1');
        counts.push(...bad.map(({ attributes }) => attributes.ApproximateReceiveCount));
        return { batchItemFailures: bad.map(({ messageId }) => ({ itemIdentifier: messageId })) };
      },
    });
    await poller.drained();
    await poller.stop();
    expect(batches).toEqual([['0', '1', '2'], ['1'], ['1']]);
    expect(counts).toEqual(['1', '2', '3']);
    expect(queue.deadLetters).toEqual(['1']);
  });

  it.each([
    ['an unknown message', { batchItemFailures: [{ itemIdentifier: 'other' }] }],
    ['an empty name', { batchItemFailures: [{ itemIdentifier: '' }] }],
  ])('an answer with %s fails the whole batch', async (_, answer) => {
    let answers = 1;
    const { poller, batches, handlerErrors } = start({
      prepare: sendAll(2),
      handle: () => (answers-- > 0 ? answer : undefined),
    });
    await poller.drained();
    await poller.stop();
    expect(batches).toEqual([
      ['0', '1'],
      ['0', '1'],
    ]);
    expect(handlerErrors).toHaveLength(1);
  });

  it('what could not be deleted is handled again', async () => {
    let failures = 1;
    const { poller, batches, errors } = start({
      prepare(queue) {
        queue.send('0');
        queue.trouble = (call) => (call === 'delete' && failures-- > 0 ? new Error('network') : undefined);
      },
    });
    await poller.drained();
    await poller.stop();
    expect(batches).toEqual([['0'], ['0']]);
    expect(errors).toEqual([new Error('network')]);
  });
});

describe('stop', () => {
  it('waits for the running handlers, and tells who waits for drained', async () => {
    let begun = () => {};
    const running = new Promise<void>((resolve) => {
      begun = resolve;
    });
    let finish = () => {};
    const held = new Promise<void>((resolve) => {
      finish = resolve;
    });
    const { poller, batches, queue } = start({
      batchSize: 1,
      prepare: sendAll(2),
      handle: () => {
        begun();
        return held;
      },
    });
    const drained = poller.drained();
    drained.catch(() => undefined);
    await running;
    let stopped = false;
    const stopping = poller.stop().then(() => {
      stopped = true;
    });
    await new Promise(setImmediate);
    expect(stopped).toBe(false);
    finish();
    await stopping;
    await expect(drained).rejects.toThrow('stopped');
    expect(batches).toEqual([['0']]);
    expect(await queue.count(new AbortController().signal)).toBe(1);
  });
});

describe('whatever the queue and the handler do', () => {
  it('each message is handled, or a dead letter after exactly as many tries as the queue allows', () =>
    checkProperty(
      fc.asyncProperty(
        fc.record({
          delays: fc.array(fc.constantFrom(0, 0, 500, 40_000), { maxLength: 30 }),
          poison: fc.uniqueArray(fc.nat(29), { maxLength: 4 }),
          batchSize: fc.integer({ min: 1, max: 25 }),
          concurrency: fc.integer({ min: 1, max: 4 }),
          troubles: fc
            .array(fc.boolean(), { minLength: 1, maxLength: 8 })
            .filter((all) => all.includes(false)),
        }),
        async ({ delays, poison, troubles, ...settings }) => {
          const handled = new Set<string>();
          const tries = new Map<string, number>();
          let running = 0;
          let mostRunning = 0;
          let largestBatch = 0;
          const calls = { receive: 0, count: 0 };
          const { poller, queue } = start({
            ...settings,
            prepare(memory) {
              for (const [i, delay] of delays.entries()) memory.send(`${i}`, delay);
              // Not for deletes, so that a good message needs one try only.
              memory.trouble = (call) =>
                call !== 'delete' && troubles[calls[call]++ % troubles.length]
                  ? new Error('network')
                  : undefined;
            },
            async handle({ Records }) {
              running += 1;
              mostRunning = Math.max(mostRunning, running);
              largestBatch = Math.max(largestBatch, Records.length);
              await new Promise(setImmediate);
              const failed = Records.filter(({ body }) => poison.includes(Number(body)));
              for (const { body } of Records) {
                tries.set(body, (tries.get(body) ?? 0) + 1);
                if (!poison.includes(Number(body))) handled.add(body);
              }
              running -= 1;
              return {
                batchItemFailures: failed.map(({ messageId }) => ({ itemIdentifier: messageId })),
              };
            },
          });
          await poller.drained();
          await poller.stop();
          expect(mostRunning).toBeLessThanOrEqual(settings.concurrency);
          expect(largestBatch).toBeLessThanOrEqual(settings.batchSize);
          const all = delays.map((_, i) => i);
          expect([...handled].map(Number).sort((a, b) => a - b)).toEqual(
            all.filter((i) => !poison.includes(i)),
          );
          expect(queue.deadLetters.map(Number).sort((a, b) => a - b)).toEqual(
            all.filter((i) => poison.includes(i)),
          );
          for (const [body, count] of tries) expect(count).toBe(poison.includes(Number(body)) ? 3 : 1);
        },
      ),
      100,
    ));
});
