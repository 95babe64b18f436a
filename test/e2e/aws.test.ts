/**
 * The stack as a platform team gets it: `cdk deploy`, recordings put on the stream with the forwarder's own client and
 * the values that the stack's outputs name, spans taken by an OTLP backend, `cdk destroy`.
 *
 * What ministack cannot show: of Kinesis it ignores batch item failures (records are lost) and retries a crash for ever,
 * whatever the event source says of attempts, age, halving and the failure destination; reads cost nothing and rights are
 * not looked at. That is tested on pollers of our own (test/infra/local/poll-kinesis.test.ts) and in the template
 * (test/infra/aws/rootspan-stack.test.ts). EventBridge's buses, rules and patterns are there; each event has the time at which it was
 * put, no target is tried twice or has a queue for dead letters, and CloudFormation knows neither connections nor API destinations:
 * of the example that tells of troubles the topic is deployed, and the chat is not.
 */
import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import { PutRecordCommand } from '@aws-sdk/client-kinesis';
import { ListBucketsCommand, ListObjectsV2Command } from '@aws-sdk/client-s3';
import { CreateSecretCommand, SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import { GetQueueAttributesCommand, SendMessageCommand } from '@aws-sdk/client-sqs';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { readRulesFile } from '../../functions/correlator/read-rules-file.ts';
import { forward } from '../../functions/forwarder/forward.ts';
import { createKinesisSink } from '../../functions/forwarder/kinesis-sink.ts';
import { type AwsClients, connectAws } from '../../infra/local/connect-aws.ts';
import { explain, explainClusters } from '../../infra/local/explain.ts';
import { clusterOf } from '../../infra/local/read-recording.ts';
import { type OtlpReceiver, type OtlpRequest, startOtlpReceiver } from '../../infra/local/receive-otlp.ts';
import { type ChangeRecord, recordOfEnd } from '../../shared/change-record.ts';
import type { Observation } from '../../shared/observation.ts';
import { compareSpans } from '../../shared/span.ts';
import { faultsOf } from '../check-record.ts';
import { movedBy, moveTimes } from '../move-times.ts';
import { readRecording } from '../read-recordings.ts';
import { type Delivered, synthesizeListeners, takeMessages } from './listen-to-records.ts';
import { type Ministack, startMinistack } from './start-ministack.ts';

const root = resolve(import.meta.dirname, '../..');
const run = promisify(execFile);

let ministack: Ministack;
let backend: OtlpReceiver;
let aws: AwsClients;
let folder: string;
let context: string;
let deployed: {
  streamName: string;
  bucket: string;
  queues: [timers: string, spans: string];
  replay: string;
  recordsBus: string;
};
const headers: OtlpRequest['headers'][] = [];
const traceUrl = 'https://traces.test/{traceId}';

const cdk = (...args: string[]) =>
  run(join(root, 'node_modules/.bin/cdk'), args, {
    cwd: root,
    env: { ...process.env, ...ministack.environment },
    maxBuffer: 64 * 1024 * 1024,
  });
/** Of the app, which is synthesized for it. */
const cdkOfApp = (...args: string[]) => cdk(...args, '--output', synthesized(), '-c', context);
const synthesized = () => join(folder, 'cdk.out');

/** Its outputs. */
async function deploy(stack: string, ...args: string[]): Promise<Record<string, string>> {
  const outputsFile = join(folder, `${stack}.json`);
  await cdk('deploy', stack, ...args, '--require-approval', 'never', '--outputs-file', outputsFile);
  return JSON.parse(await readFile(outputsFile, 'utf8'))[stack];
}

interface MetricQuery {
  MetricStat?: {
    Metric: { MetricName: string; Namespace: string; Dimensions?: unknown };
    Period: number;
    Stat: string;
  };
}

interface Resource {
  Type: string;
  Properties: Record<string, unknown> & {
    Metrics?: MetricQuery[];
    Environment?: { Variables: Record<string, unknown> };
  };
}

async function fitToEmulator(): Promise<void> {
  const file = join(synthesized(), 'Rootspan.template.json');
  const template: { Resources: Record<string, Resource> } = JSON.parse(await readFile(file, 'utf8'));
  for (const resource of Object.values(template.Resources)) {
    leaveOutMetricMath(resource);
    // The one request that no SDK client makes, so that AWS_ENDPOINT_URL does not turn it.
    const variables = resource.Properties?.Environment?.Variables;
    if (variables?.RECORDS_ENDPOINT !== undefined) variables.RECORDS_ENDPOINT = `${ministack.endpoint}/`;
  }
  await writeFile(file, JSON.stringify(template));
}

/** The emulator's alarms know no metric math: of each that needs some it gets the first metric alone. */
function leaveOutMetricMath({ Type, Properties }: Resource): void {
  if (Type !== 'AWS::CloudWatch::Alarm' || Properties.Metrics === undefined) return;
  const stat = Properties.Metrics.find(({ MetricStat }) => MetricStat)!.MetricStat!;
  delete Properties.Metrics;
  Object.assign(Properties, { ...stat.Metric, Period: stat.Period, Statistic: stat.Stat });
}

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'rootspan-e2e-'));
  ministack = await startMinistack();
  backend = await startOtlpReceiver();
  backend.respondWith(takeAll);
  const { endpoint } = ministack;
  aws = connectAws({ kinesis: endpoint, dynamodb: endpoint, sqs: endpoint, s3: endpoint });
  const secrets = new SecretsManagerClient({
    endpoint,
    region: 'us-east-1',
    credentials: { accessKeyId: 'test', secretAccessKey: 'test' },
  });
  const { ARN: headersSecretArn } = await secrets.send(
    new CreateSecretCommand({ Name: 'otlp-headers', SecretString: '{"x-team":"platform"}' }),
  );
  secrets.destroy();
  const otlp = { endpoint: new URL(backend.endpoint).origin, headersSecretArn };
  const clusters = { prod: { principalArn: 'arn:aws:iam::000000000000:root' } };
  const rules = join(folder, 'rules.yaml');
  await writeFile(rules, rulesOfOurOwn);
  context = `rootspan=${JSON.stringify({ clusters, otlp, rules, records: { traceUrl } })}`;

  await cdkOfApp('bootstrap', 'aws://000000000000/us-east-1');
  await cdkOfApp('synth', '--quiet');
  await fitToEmulator();
  const outputs = await deploy('Rootspan', '--app', synthesized());
  const outputOf = (output: string) => outputs[Object.keys(outputs).find((name) => name.includes(output))!]!;
  const replay = outputOf('ReplaySetAside');
  const option = (name: string) => new RegExp(`--${name} (\\S+)`).exec(replay)![1]!;
  deployed = {
    streamName: /--set stream\.name=(\S+)/.exec(outputOf('HelmValues'))![1]!,
    bucket: option('bucket'),
    queues: [option('timers-queue'), option('spans-queue')],
    replay,
    recordsBus: outputOf('RecordsBus'),
  };
});

afterAll(async () => {
  aws?.destroy();
  await backend?.stop();
  await ministack?.[Symbol.asyncDispose]();
  await rm(folder, { recursive: true, force: true });
});

const rulesOfOurOwn = `
rules:
  - { subject: ShopCluster, reason: Settled, outcome: complete, example: All 3 replicas are ready }
`;

/** What an operator of the users' own makes of one object, from a time on in milliseconds since 1970. */
function shopCluster(begun: number): Observation[] {
  const at = (seconds: number) => new Date(begun + seconds * 1000).toISOString();
  const is = {
    apiVersion: 'shop.example/v1',
    kind: 'ShopCluster',
    namespace: 'shop',
    name: 'main',
    uid: 'shop-1',
  };
  const version = { resourceVersion: '100', generation: 1, creationTimestamp: at(0) };
  const settled: Observation = {
    type: 'event',
    observedAt: at(9),
    event: {
      uid: 'settled-1',
      name: 'main.1',
      namespace: 'shop',
      count: 1,
      reason: 'Settled',
      message: 'All 3 replicas are ready',
      type: 'Normal',
      subject: is,
      reporter: { component: 'shop-operator' },
      lastTimestamp: at(9),
    },
  };
  return [{ type: 'object', observedAt: at(0), deleted: false, object: { ...is, ...version } }, settled];
}

const takeAll = (request: OtlpRequest) => {
  headers.push(request.headers);
  return { kind: 'accept' } as const;
};

const ship = (observations: readonly Observation[], cluster = clusterOf(observations)) =>
  forward(
    (async function* () {
      yield* observations;
    })(),
    cluster,
    createKinesisSink(aws.kinesis, { streamName: deployed.streamName, sleep, random: Math.random }),
    { batchSize: 100 },
  );

/** Until nothing waits in either queue, visible or not, for some looks on end: a settle may have just armed another. */
async function drained(): Promise<void> {
  const names = [
    'ApproximateNumberOfMessages',
    'ApproximateNumberOfMessagesNotVisible',
    'ApproximateNumberOfMessagesDelayed',
  ] as const;
  for (let quiet = 0; quiet < 5; ) {
    await sleep(1000);
    const counts = await Promise.all(
      deployed.queues.map(async (QueueUrl) => {
        const { Attributes } = await aws.sqs.send(
          new GetQueueAttributesCommand({ QueueUrl, AttributeNames: [...names] }),
        );
        return names.reduce((sum, name) => sum + Number(Attributes?.[name]), 0);
      }),
    );
    quiet = counts.every((count) => count === 0) ? quiet + 1 : 0;
  }
}

/** Recorded two hours ago: nothing of it is open any more. */
const readLately = async (file: string) => moveTimes(await readRecording(file), Date.now() - 2 * 3_600_000);

const expectedSpans = (observations: readonly Observation[]) => [...explain(observations)].sort(compareSpans);

const setAside = async () => {
  const { Contents = [] } = await aws.s3.send(new ListObjectsV2Command({ Bucket: deployed.bucket }));
  return Contents.map(({ Key }) => Key!.replace(/\/[^/]*$/, '')).sort();
};

test('what is put on the stream, even twice, comes out as the spans that explain tells', async () => {
  const observations = await readLately('deployment-image-update.jsonl');
  await ship(observations);
  await ship(observations);
  await drained();
  expect(backend.spans()).toEqual(expectedSpans(observations));
  expect(headers.every((header) => header['x-team'] === 'platform')).toBe(true);
});

test('a backend that is down, a span that it refuses and a record that is none: all else arrives', async () => {
  const before = backend.spans();
  const observations = await readLately('drain.jsonl');
  const expected = expectedSpans(observations);
  const refused = expected.find(({ name }) => name.startsWith('Pod.'))!;
  let requests = 0;
  backend.respondWith(({ spans }) => {
    if (++requests <= 2) return { kind: 'status', status: 503 };
    const isRefused = spans.some(({ spanId }) => spanId === refused.spanId);
    return isRefused ? { kind: 'status', status: 400 } : { kind: 'accept' };
  });
  await aws.kinesis.send(
    new PutRecordCommand({
      StreamName: deployed.streamName,
      PartitionKey: 'nobody',
      Data: Buffer.from('no batch'),
    }),
  );
  await ship(observations);
  await drained();
  expect(backend.spans()).toEqual(
    [...before, ...expected.filter(({ spanId }) => spanId !== refused.spanId)].sort(compareSpans),
  );
  expect(await setAside()).toEqual(['set-aside/emit', 'set-aside/ingest']);
});

test("a rule of the users' own, deployed with the stack, says how a change of their operator ended", async () => {
  const observations = shopCluster(Date.now() - 2 * 3_600_000);
  const told = [{ cluster: clusterOf(observations), observations }];
  const expected = explainClusters(told, { userRows: readRulesFile(join(folder, 'rules.yaml')) });
  const outcomes = expected.flatMap(({ attributes }) => attributes['rootspan.change.outcome'] ?? []);
  expect(outcomes).toEqual(['complete']);
  await ship(observations);
  await drained();
  expect(backend.spans().filter(({ name }) => name.startsWith('ShopCluster.'))).toEqual(expected);
});

test('what was set aside is replayed once its cause is mended, with the command that the stack names', async () => {
  const before = backend.spans().length;
  backend.respondWith(takeAll);
  const { stdout } = await run('sh', ['-c', deployed.replay], {
    cwd: root,
    env: { ...process.env, ...ministack.environment },
  });
  expect(stdout).toContain('2 replayed, 0 left');
  await drained();
  expect(backend.spans()).toHaveLength(before + 1);
  // The record that is none comes back to where it was.
  await expect.poll(setAside, { timeout: 30_000 }).toEqual(['set-aside/ingest']);
});

describe('change records', () => {
  const cluster = { name: 'eu-3' };
  const namespace = 'deadline';
  let queues: Record<'all' | 'failed' | 'topic', string>;
  const take = (name: keyof typeof queues) => takeMessages(aws.sqs, queues[name]);
  const takeEvents = async (name: keyof typeof queues) =>
    (await take(name)).map((body): Delivered => JSON.parse(body));
  /** One of each id: whoever is told twice is told the same. */
  function once(events: readonly Delivered[]): ChangeRecord[] {
    const records = new Map<string, ChangeRecord>();
    for (const { detail } of events) {
      expect(records.get(detail.id) ?? detail).toEqual(detail);
      records.set(detail.id, detail);
    }
    return [...records.values()].sort(byId);
  }
  const byId = (a: ChangeRecord, b: ChangeRecord) => (a.id < b.id ? -1 : 1);
  const recordsOf = (observations: readonly Observation[]) =>
    explainClusters([{ cluster, observations }])
      .flatMap((span) => recordOfEnd(span, { traceUrl }) ?? [])
      .sort(byId);

  beforeAll(async () => {
    const busName = deployed.recordsBus;
    const example = await deploy(
      'RootspanNotify',
      ...['--app', 'node_modules/.bin/node infra/aws/examples/app.ts', '--output', join(folder, 'examples')],
      ...['-c', `busName=${busName}`, '-c', `namespace=${namespace}`],
    );
    const outdir = join(folder, 'listeners');
    const source = ['rootspan'];
    const patterns = { all: { source }, failed: { source, detail: { outcome: ['failed'] } } };
    synthesizeListeners(outdir, { busName, topicArn: example.Told!, patterns });
    queues = (await deploy('Listeners', '--app', outdir)) as typeof queues;
  });

  test('of each change that ended come to whoever has a rule, and what failed to a topic', async () => {
    const observations = await readLately('progress-deadline.jsonl');
    const expected = recordsOf(observations);
    const failed = expected.filter(({ outcome }) => outcome === 'failed');
    expect([expected.length, failed.length]).toEqual([3, 1]);
    await ship(observations, cluster);
    await drained();
    const events = await takeEvents('all');
    expect(events.flatMap(({ detail }) => faultsOf(detail))).toEqual([]);
    expect(new Set(events.map((event) => `${event.source}: ${event['detail-type']}`))).toEqual(
      new Set(['rootspan: Change ended']),
    );
    expect(once(events)).toEqual(expected);
    expect(once(await takeEvents('failed'))).toEqual(failed);
    const sentence =
      'Deployment deadline/web failed in eu-3: image app tiny:v1 → tiny:missing-1 (ErrImagePull) ' +
      failed[0]!.trace.url;
    // Text is handed to a topic as JSON.
    expect((await take('topic')).map((body) => JSON.parse(body))).toEqual([sentence]);
  });

  test('that are put again, as after a bus that was away, are the same', async () => {
    const records = recordsOf(await readLately('progress-deadline.jsonl'));
    for (let times = 0; times < 2; times++)
      await aws.sqs.send(
        new SendMessageCommand({
          QueueUrl: deployed.queues[0],
          MessageBody: JSON.stringify({ records }),
        }),
      );
    await drained();
    const events = await takeEvents('all');
    expect(events).toHaveLength(2 * records.length);
    expect(once(events)).toEqual(records);
  });

  test('of what stands still come while its trace is open', async () => {
    const stuck = (await readRecording('bad-image.jsonl')).filter(
      ({ observedAt }) => observedAt < '2026-11-23T04:54:50Z',
    );
    const minute = 60_000;
    const by = Math.floor((Date.now() - Date.parse(stuck.at(-1)!.observedAt)) / minute - 4) * minute;
    await ship(movedBy(stuck, by) as Observation[], { name: 'eu-4' });
    const told: Delivered[] = [];
    await expect
      .poll(
        async () => {
          told.push(...(await takeEvents('all')));
          return told.filter((event) => event['detail-type'] === 'Change stalled').length;
        },
        { timeout: 180_000, interval: 1000 },
      )
      .toBe(1);
    const { detail } = told.find((event) => event['detail-type'] === 'Change stalled')!;
    expect(faultsOf(detail)).toEqual([]);
    expect(detail).toMatchObject({
      outcome: 'stalled',
      cause: { type: 'ErrImagePull' },
      cluster: { name: 'eu-4' },
    });
    const { traceId } = detail.trace;
    expect(backend.spans().filter((span) => span.traceId === traceId && span.parentSpanId === null)).toEqual(
      [],
    );
  });
});

test('the stack goes as it came; what was set aside stays', async () => {
  await cdkOfApp('destroy', '--force');
  const { Buckets = [] } = await aws.s3.send(new ListBucketsCommand());
  expect(Buckets.map(({ Name }) => Name)).toContain(deployed.bucket);
});
