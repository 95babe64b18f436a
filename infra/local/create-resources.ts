/**
 * On the emulators what the stack makes in AWS: one stream, one table, two queues with their dead-letter queues, one
 * bucket.
 */
import { CreateTableCommand, waitUntilTableExists } from '@aws-sdk/client-dynamodb';
import { CreateStreamCommand, waitUntilStreamExists } from '@aws-sdk/client-kinesis';
import { CreateBucketCommand } from '@aws-sdk/client-s3';
import { CreateQueueCommand } from '@aws-sdk/client-sqs';
import { type AwsClients, localAccount, localRegion } from './connect-aws.ts';

export interface Resources {
  streamName: string;
  tableName: string;
  timersQueueUrl: string;
  timersDeadLettersUrl: string;
  spansQueueUrl: string;
  spansDeadLettersUrl: string;
  setAsideBucket: string;
}

/** Seconds. */
const waiting = { maxWaitTime: 30, minDelay: 0.02, maxDelay: 0.2 };
const retention = String(14 * 24 * 3600);
/**
 * Seconds that a message is out of sight while it is handled, and how often it comes before it is a dead letter. Shorter: on a busy
 * machine ten large activities take longer, are settled again from the beginning, and are given up in the end. Longer: what
 * failed waits for longer.
 */
const visibilityTimeout = 120;
const maxReceiveCount = 5;

/** Resolves once all of it can be used. `shards`: of the stream; the emulator has no on-demand mode. */
export async function createResources(
  { kinesis, dynamodb, sqs, s3 }: Omit<AwsClients, 'destroy'>,
  { shards }: { shards: number },
): Promise<Resources> {
  const streamName = 'rootspan-observations';
  const tableName = 'rootspan-state';
  const setAsideBucket = 'rootspan-set-aside';
  const [timers, spans] = await Promise.all([
    createQueues(sqs, 'rootspan-timers'),
    createQueues(sqs, 'rootspan-spans'),
    createStream(kinesis, streamName, shards),
    createTable(dynamodb, tableName),
    s3.send(new CreateBucketCommand({ Bucket: setAsideBucket })),
  ]);
  return {
    streamName,
    tableName,
    timersQueueUrl: timers.url,
    timersDeadLettersUrl: timers.deadLettersUrl,
    spansQueueUrl: spans.url,
    spansDeadLettersUrl: spans.deadLettersUrl,
    setAsideBucket,
  };
}

async function createStream(kinesis: AwsClients['kinesis'], name: string, shards: number): Promise<void> {
  await kinesis.send(new CreateStreamCommand({ StreamName: name, ShardCount: shards }));
  await waitUntilStreamExists({ client: kinesis, ...waiting }, { StreamName: name });
}

/** Without TTL, which the emulator does not have: reads of expiring items check the time themselves. */
export async function createTable(dynamodb: AwsClients['dynamodb'], name: string): Promise<void> {
  await dynamodb.send(
    new CreateTableCommand({
      TableName: name,
      BillingMode: 'PAY_PER_REQUEST',
      AttributeDefinitions: [
        { AttributeName: 'pk', AttributeType: 'S' },
        { AttributeName: 'sk', AttributeType: 'S' },
      ],
      KeySchema: [
        { AttributeName: 'pk', KeyType: 'HASH' },
        { AttributeName: 'sk', KeyType: 'RANGE' },
      ],
    }),
  );
  await waitUntilTableExists({ client: dynamodb, ...waiting }, { TableName: name });
}

/** A queue and its dead letters. */
async function createQueues(sqs: AwsClients['sqs'], name: string) {
  const deadLettersName = `${name}-dead-letters`;
  const deadLettersUrl = await createQueue(sqs, deadLettersName, {});
  const deadLetterTargetArn = `arn:aws:sqs:${localRegion}:${localAccount}:${deadLettersName}`;
  const url = await createQueue(sqs, name, {
    VisibilityTimeout: String(visibilityTimeout),
    RedrivePolicy: JSON.stringify({ deadLetterTargetArn, maxReceiveCount }),
  });
  return { url, deadLettersUrl };
}

async function createQueue(
  sqs: AwsClients['sqs'],
  name: string,
  attributes: Record<string, string>,
): Promise<string> {
  const { QueueUrl } = await sqs.send(
    new CreateQueueCommand({
      QueueName: name,
      Attributes: { MessageRetentionPeriod: retention, ...attributes },
    }),
  );
  if (QueueUrl === undefined) throw new Error(`creating the queue ${name} returned no URL`);
  return QueueUrl;
}
