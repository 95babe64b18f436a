/** The three functions as Lambda runs them: entry points, the stack's environment, real clients, and what they print. */
import { ListObjectsV2Command } from '@aws-sdk/client-s3';
import { SendMessageCommand } from '@aws-sdk/client-sqs';
import type { Context } from 'aws-lambda';
import { afterAll, beforeAll, beforeEach, expect, it, vi } from 'vitest';
import { type AwsClients, connectAws } from '../../infra/local/connect-aws.ts';
import { createResources, type Resources } from '../../infra/local/create-resources.ts';
import { type OtlpReceiver, startOtlpReceiver } from '../../infra/local/receive-otlp.ts';
import { createSqsSource } from '../../infra/local/sqs-source.ts';
import { type Emulators, startEmulators } from '../../infra/local/start-emulators.ts';
import { encodeBatches } from '../../shared/batch-codec.ts';
import type { Observation } from '../../shared/observation.ts';
import { encodeSpanBatches } from '../../shared/span-batch-codec.ts';
import { makeRollout } from '../spans.ts';
import { rollout } from './correlator/causality/cluster-story.ts';
import { record } from './correlator/pipeline.ts';

let emulators: Emulators;
let aws: AwsClients;
let resources: Resources;
let receiver: OtlpReceiver;
let lines: Record<string, unknown>[];

beforeAll(async () => {
  emulators = await startEmulators();
  aws = connectAws(emulators.endpoints);
  resources = await createResources(aws, { shards: 1 });
  receiver = await startOtlpReceiver();
  /** The emulator's queue URLs have a name that not every system resolves. */
  const queueUrl = (url: string) => new URL(new URL(url).pathname, emulators.endpoints.sqs).href;
  const environment = {
    AWS_REGION: 'us-east-1',
    AWS_ACCESS_KEY_ID: 'local',
    AWS_SECRET_ACCESS_KEY: 'local',
    AWS_ENDPOINT_URL_DYNAMODB: emulators.endpoints.dynamodb,
    AWS_ENDPOINT_URL_SQS: emulators.endpoints.sqs,
    AWS_ENDPOINT_URL_S3: emulators.endpoints.s3,
    TABLE_NAME: resources.tableName,
    TIMERS_QUEUE_URL: queueUrl(resources.timersQueueUrl),
    SPANS_QUEUE_URL: queueUrl(resources.spansQueueUrl),
    SET_ASIDE_BUCKET: resources.setAsideBucket,
    OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: receiver.endpoint,
    POWERTOOLS_METRICS_NAMESPACE: 'Rootspan',
    POWERTOOLS_LOG_LEVEL: 'INFO',
  };
  for (const [name, value] of Object.entries(environment)) vi.stubEnv(name, value);
});
afterAll(async () => {
  vi.unstubAllEnvs();
  vi.restoreAllMocks();
  aws.destroy();
  await receiver.stop();
  await emulators.stop();
});
beforeEach(() => {
  lines = [];
  // The runtime's log is standard output and standard error.
  for (const stream of [process.stdout, process.stderr]) {
    vi.spyOn(stream, 'write').mockImplementation((text) => {
      lines.push(JSON.parse(String(text)));
      return true;
    });
  }
});

const context = {
  functionName: 'rootspan',
  awsRequestId: 'request-1',
  getRemainingTimeInMillis: () => 60_000,
} as Context;

const load = async <Event>(service: string, module: Promise<{ handler: unknown }>) => {
  vi.stubEnv('POWERTOOLS_SERVICE_NAME', service);
  const { handler } = await module;
  return (event: Event) => (handler as (event: Event, context: Context) => Promise<unknown>)(event, context);
};

/** Those of the embedded metric format, as CloudWatch takes them from the log; and the rest. */
const figures = () => lines.filter((line) => '_aws' in line);
const told = () => lines.filter((line) => !('_aws' in line));
const setAside = async () => {
  const list = new ListObjectsV2Command({ Bucket: resources.setAsideBucket });
  return ((await aws.s3.send(list)).Contents ?? []).map(({ Key }) => Key);
};

/** What is a day old is not taken any more. */
const ofToday = (observations: readonly Observation[]): Observation[] =>
  JSON.parse(
    JSON.stringify(observations).replaceAll('2026-03-01T12:00', new Date().toISOString().slice(0, 16)),
  );

it('ingest: files a batch, arms its timer, sets poison aside, and says so', async () => {
  const ingest = await load<object>('ingest', import('../../functions/correlator/ingest-handler.ts'));
  const secret = { type: 'event', observedAt: 'hunter2' } as unknown as Observation;
  const observations = ofToday(rollout(0).observations);
  const [data] = encodeBatches({ uid: 'c1' }, [...observations, secret, observations[0]!]).records;
  expect(await ingest({ Records: [record('1', data!)] })).toEqual({ batchItemFailures: [] });
  const timers = createSqsSource(aws.sqs, resources.timersQueueUrl);
  expect(await timers.count(new AbortController().signal)).toBe(1);
  expect(await setAside()).toEqual([expect.stringMatching(/^set-aside\/ingest\//)]);
  expect(told()).toMatchObject([
    {
      level: 'ERROR',
      service: 'ingest',
      function_request_id: 'request-1',
      message: 'poison is set aside',
      source: 'shardId-000000000000:1',
      reason: 'observedAt is not an RFC 3339 time between 1970 and 2262',
    },
    { level: 'INFO', message: 'ingested', clusters: ['c1'], observations: observations.length + 1 },
  ]);
  expect(figures()).toMatchObject([
    { service: 'ingest', Received: observations.length + 1, Duplicated: 1, SetAside: 1 },
  ]);
  expect(figures()[0]).toMatchObject({
    _aws: { CloudWatchMetrics: [{ Namespace: 'Rootspan', Dimensions: [['service']] }] },
  });
  expect(JSON.stringify(lines)).not.toContain('hunter2');
});

it('settle: a message that is no timer is set aside, a leftover of a timer is nothing to speak of', async () => {
  const settle = await load<object>('settle', import('../../functions/correlator/settle-handler.ts'));
  const leftover = JSON.stringify({ id: 't', activities: ['c1/gone'], dueAt: 1 });
  const Records = ['{"hunter2":1}', leftover].map((body, i) => ({ messageId: `m${i}`, body }));
  expect(await settle({ Records })).toEqual({ batchItemFailures: [] });
  expect(await setAside()).toContainEqual(expect.stringMatching(/^set-aside\/settle\//));
  expect(told()).toMatchObject([{ message: 'poison is set aside', source: 'm0', reason: 'id is missing' }]);
  expect(figures()).toMatchObject([{ service: 'settle', SetAside: 1 }]);
  expect(JSON.stringify(lines)).not.toContain('hunter2');
});

it('emit: exports, sets aside what it cannot read, and puts off what the backend does not take now', async () => {
  const emit = await load<object>('emit', import('../../functions/emitter/emit-handler.ts'));
  const spans = makeRollout({ name: 'web', replicas: 2 });
  for (const body of [encodeSpanBatches(spans)[0]!, 'hunter2']) {
    await aws.sqs.send(new SendMessageCommand({ QueueUrl: resources.spansQueueUrl, MessageBody: body }));
  }
  const source = createSqsSource(aws.sqs, resources.spansQueueUrl);
  const messages = await source.receive(10);
  receiver.respondWith(() => ({ kind: 'status', status: 503, headers: { 'retry-after': '90' } }));
  const waiting = messages.find(({ body }) => body !== 'hunter2')!;
  expect(await emit({ Records: messages })).toEqual({
    batchItemFailures: [{ itemIdentifier: waiting.messageId }],
  });
  expect(await setAside()).toContainEqual(expect.stringMatching(/^set-aside\/emit\//));
  expect(figures()).toMatchObject([{ service: 'emit', Failed: 1, SetAside: 1 }]);
  expect(figures()[0]?.OldestPendingAge ?? 0).toBeLessThan(60);

  lines = [];
  receiver.respondWith(undefined);
  expect(await emit({ Records: [waiting] })).toEqual({ batchItemFailures: [] });
  expect(receiver.spans()).toHaveLength(spans.length);
  expect(told()).toMatchObject([{ message: 'emitted', messages: 1, exported: spans.length, requests: 1 }]);
  expect(figures()).toMatchObject([{ Exported: spans.length }]);
});
