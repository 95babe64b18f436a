/** The pollers and their adapters against the emulators, through the SDK. */

import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { BatchWriteItemCommand, GetItemCommand, PutItemCommand, ScanCommand } from '@aws-sdk/client-dynamodb';
import { ListShardsCommand, PutRecordsCommand, SplitShardCommand } from '@aws-sdk/client-kinesis';
import {
  GetQueueAttributesCommand,
  SendMessageCommand,
  SetQueueAttributesCommand,
} from '@aws-sdk/client-sqs';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { systemClock } from '../../../functions/forwarder/kubernetes/clock.ts';
import { type AwsClients, connectAws } from '../../../infra/local/connect-aws.ts';
import { createResources, type Resources } from '../../../infra/local/create-resources.ts';
import { expireItems } from '../../../infra/local/expire-items.ts';
import { createKinesisSource } from '../../../infra/local/kinesis-source.ts';
import { type KinesisStreamRecord, pollKinesis } from '../../../infra/local/poll-kinesis.ts';
import { pollSqs } from '../../../infra/local/poll-sqs.ts';
import { createSqsSource } from '../../../infra/local/sqs-source.ts';
import { type Emulators, startEmulators } from '../../../infra/local/start-emulators.ts';

let emulators: Emulators;
let aws: AwsClients;
let resources: Resources;
beforeEach(async () => {
  emulators = await startEmulators();
  aws = connectAws(emulators.endpoints);
  resources = await createResources(aws, { shards: 2 });
});
afterEach(async () => {
  aws.destroy();
  await emulators.stop();
});

/** After everything that can go has gone. */
function usedBytes(): number {
  setFlagsFromString('--expose-gc');
  const collect = runInNewContext('gc') as () => void;
  collect();
  collect();
  const { heapUsed, external } = process.memoryUsage();
  return heapUsed + external;
}

const settings = {
  batchSize: 10,
  batchingWindow: 0,
  pollInterval: 10,
  maximumRetryAttempts: 1,
  maximumRecordAge: Number.POSITIVE_INFINITY,
  bisectBatchOnFunctionError: true,
};

const put = (texts: string[]) =>
  aws.kinesis.send(
    new PutRecordsCommand({
      StreamName: resources.streamName,
      Records: texts.map((text) => ({ Data: Buffer.from(text), PartitionKey: text })),
    }),
  );

describe('Kinesis', () => {
  it('every record comes, in order and past poison, through a split of a shard', async () => {
    const seen = new Map<string, string[]>();
    const givenUp: string[] = [];
    const errors: unknown[] = [];
    const textOf = ({ kinesis }: KinesisStreamRecord) => Buffer.from(kinesis.data, 'base64').toString();
    const first = Array.from({ length: 50 }, (_, i) => `first-${i}`);
    await put(first);
    const poller = pollKinesis(createKinesisSource(aws.kinesis, resources.streamName), settings, {
      clock: systemClock,
      async handle({ Records }) {
        if (Records.some((record) => textOf(record) === 'first-7')) throw new Error('poison');
        const shard = Records[0]!.eventID.split(':')[0]!;
        const numbers = Records.map(({ kinesis }) => kinesis.sequenceNumber);
        seen.set(shard, [...(seen.get(shard) ?? []), ...numbers]);
        texts.push(...Records.map(textOf));
      },
      onFailure: async (records) => void givenUp.push(...records.map(textOf)),
      onError: (error) => errors.push(error),
    });
    const texts: string[] = [];
    try {
      await poller.drained();
      expect(texts.toSorted()).toEqual(first.filter((text) => text !== 'first-7').toSorted());

      const { Shards = [] } = await aws.kinesis.send(
        new ListShardsCommand({ StreamName: resources.streamName }),
      );
      const { ShardId, HashKeyRange } = Shards[0]!;
      const middle = (BigInt(HashKeyRange!.StartingHashKey!) + BigInt(HashKeyRange!.EndingHashKey!)) / 2n;
      await aws.kinesis.send(
        new SplitShardCommand({
          StreamName: resources.streamName,
          ShardToSplit: ShardId,
          NewStartingHashKey: String(middle),
        }),
      );
      const second = Array.from({ length: 50 }, (_, i) => `second-${i}`);
      texts.length = 0;
      await put(second);
      await poller.drained();
      expect(texts.toSorted()).toEqual(second.toSorted());
    } finally {
      await poller.stop();
    }
    expect(givenUp).toEqual(['first-7']);
    expect(errors).toEqual([]);
    expect(seen.size).toBeGreaterThanOrEqual(3);
    for (const numbers of seen.values()) {
      expect(numbers).toEqual(numbers.toSorted((a, b) => (BigInt(a) < BigInt(b) ? -1 : 1)));
    }
  });

  it('outlives the emulator: errors are told, and stop still stops', async () => {
    let told = () => {};
    const error = new Promise<void>((resolve) => {
      told = resolve;
    });
    const poller = pollKinesis(createKinesisSource(aws.kinesis, resources.streamName), settings, {
      clock: systemClock,
      handle: async () => undefined,
      onFailure: async () => undefined,
      onError: told,
    });
    await poller.drained();
    await emulators.stop();
    await error;
    await poller.stop();
  });
});

describe('SQS', () => {
  it('large batches, delays, partial failures and receive counts', async () => {
    const QueueUrl = resources.timersQueueUrl;
    await aws.sqs.send(new SetQueueAttributesCommand({ QueueUrl, Attributes: { VisibilityTimeout: '1' } }));
    const send = (MessageBody: string, DelaySeconds = 0) =>
      aws.sqs.send(new SendMessageCommand({ QueueUrl, MessageBody, DelaySeconds }));
    for (let i = 0; i < 12; i++) await send(`${i}`);
    await send('delayed', 1);
    await send('flaky');
    const handled: string[] = [];
    const counts: string[] = [];
    const arns = new Set<string>();
    const errors: unknown[] = [];
    const poller = pollSqs(
      createSqsSource(aws.sqs, QueueUrl),
      { batchSize: 12, concurrency: 2, pollInterval: 10 },
      {
        clock: systemClock,
        async handle({ Records }) {
          arns.add(Records[0]!.eventSourceARN);
          const failed = Records.filter(
            ({ body, attributes }) => body === 'flaky' && attributes.ApproximateReceiveCount === '1',
          );
          counts.push(...failed.map(({ attributes }) => attributes.ApproximateReceiveCount));
          handled.push(...Records.filter((record) => !failed.includes(record)).map(({ body }) => body));
          return { batchItemFailures: failed.map(({ messageId }) => ({ itemIdentifier: messageId })) };
        },
        onHandlerError: (error) => errors.push(error),
        onError: (error) => errors.push(error),
      },
    );
    try {
      await poller.drained();
    } finally {
      await poller.stop();
    }
    const expected = [...Array.from({ length: 12 }, (_, i) => `${i}`), 'delayed', 'flaky'];
    expect(handled.toSorted()).toEqual(expected.toSorted());
    expect(counts).toEqual(['1']);
    expect([...arns]).toEqual(['arn:aws:sqs:us-east-1:000000000000:rootspan-timers']);
    expect(errors).toEqual([]);
  });

  it('has dead-letter queues behind both queues', async () => {
    for (const [QueueUrl, name] of [
      [resources.timersQueueUrl, 'rootspan-timers-dead-letters'],
      [resources.spansQueueUrl, 'rootspan-spans-dead-letters'],
    ] as const) {
      const { Attributes } = await aws.sqs.send(
        new GetQueueAttributesCommand({ QueueUrl, AttributeNames: ['RedrivePolicy'] }),
      );
      expect(JSON.parse(Attributes?.RedrivePolicy ?? '{}')).toMatchObject({
        deadLetterTargetArn: `arn:aws:sqs:us-east-1:000000000000:${name}`,
      });
    }
    expect(resources.timersDeadLettersUrl).toContain('rootspan-timers-dead-letters');
  });
});

describe('the rest', () => {
  it('the table takes items by pk and sk', async () => {
    const Key = { pk: { S: 'a' }, sk: { S: 'b' } };
    await aws.dynamodb.send(
      new PutItemCommand({ TableName: resources.tableName, Item: { ...Key, n: { N: '1' } } }),
    );
    const { Item } = await aws.dynamodb.send(new GetItemCommand({ TableName: resources.tableName, Key }));
    expect(Item?.n).toEqual({ N: '1' });
  });

  it('what has expired goes, page by page, and what lives stays', async () => {
    const { tableName } = resources;
    const now = Date.now() / 1000;
    // Two pages.
    for (let i = 0; i < 8; i++) {
      const expiresAt = { N: String(Math.floor(i % 2 === 0 ? now - 5 : now + 60)) };
      const filler = { S: 'x'.repeat(200_000) };
      const Item = { pk: { S: `item ${i}` }, sk: { S: 'x' }, expiresAt, filler };
      await aws.dynamodb.send(new PutItemCommand({ TableName: tableName, Item }));
    }
    const stop = new AbortController();
    const clock = systemClock;
    const settings = { tableName, pagePause: 1, roundPause: 1, clock, signal: stop.signal };
    const expiring = expireItems(aws.dynamodb, settings);
    const names = async () => {
      const { Items = [] } = await aws.dynamodb.send(
        new ScanCommand({ TableName: tableName, ProjectionExpression: 'pk' }),
      );
      return Items.map(({ pk }) => pk!.S).sort();
    };
    await vi.waitFor(
      async () => expect(await names()).toEqual(['item 1', 'item 3', 'item 5', 'item 7']),
      20_000,
    );
    stop.abort();
    await expiring;
  });

  it('a query leaves nothing behind in the emulator', async () => {
    const { tableName } = resources;
    const put = (text: string) => ({
      PutRequest: { Item: { pk: { S: 'a' }, sk: { S: 'b' }, text: { S: text } } },
    });
    let before = 0;
    for (let i = 0; i < 300; i++) {
      if (i === 100) before = usedBytes();
      const filler = String(i).padEnd(100_000, 'x');
      await aws.dynamodb.send(new BatchWriteItemCommand({ RequestItems: { [tableName]: [put(filler)] } }));
      await aws.dynamodb.send(new ScanCommand({ TableName: tableName }));
    }
    // Each would be a tenth of a megabyte.
    expect(usedBytes() - before).toBeLessThan(10_000_000);
  }, 30_000);

  it('emulators stop at once, twice without harm, and leave nothing that keeps the process alive', async () => {
    const before = process.getActiveResourcesInfo().filter((kind) => kind.includes('TCP')).length;
    const more = await startEmulators();
    const clients = connectAws(more.endpoints);
    await createResources(clients, { shards: 1 });
    await more.stop();
    await more.stop();
    clients.destroy();
    await new Promise(setImmediate);
    const after = process.getActiveResourcesInfo().filter((kind) => kind.includes('TCP')).length;
    expect(after).toBeLessThanOrEqual(before);
  });
});
