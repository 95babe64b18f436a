/**
 * The stack as a platform team gets it: `cdk deploy`, recordings put on the stream with the forwarder's own client and
 * the values that the stack's outputs name, spans taken by an OTLP backend, `cdk destroy`.
 *
 * What ministack cannot show: of Kinesis it ignores batch item failures (records are lost) and retries a crash for ever,
 * whatever the event source says of attempts, age, halving and the failure destination; reads cost nothing and rights are
 * not looked at. That is tested on pollers of our own (test/infra/local/poll-kinesis.test.ts) and in the template
 * (test/infra/aws/rootspan-stack.test.ts).
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
import { GetQueueAttributesCommand } from '@aws-sdk/client-sqs';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { readRulesFile } from '../../functions/correlator/read-rules-file.ts';
import { forward } from '../../functions/forwarder/forward.ts';
import { createKinesisSink } from '../../functions/forwarder/kinesis-sink.ts';
import { type AwsClients, connectAws } from '../../infra/local/connect-aws.ts';
import { explain, explainClusters } from '../../infra/local/explain.ts';
import { clusterOf } from '../../infra/local/read-recording.ts';
import { type OtlpReceiver, type OtlpRequest, startOtlpReceiver } from '../../infra/local/receive-otlp.ts';
import type { Observation } from '../../shared/observation.ts';
import { compareSpans } from '../../shared/span.ts';
import { moveTimes } from '../move-times.ts';
import { readRecording } from '../read-recordings.ts';
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
};
const headers: OtlpRequest['headers'][] = [];

const cdk = (...args: string[]) =>
  run(join(root, 'node_modules/.bin/cdk'), args, {
    cwd: root,
    env: { ...process.env, ...ministack.environment },
    maxBuffer: 64 * 1024 * 1024,
  });
/** Of the app, which is synthesized for it. */
const cdkOfApp = (...args: string[]) => cdk(...args, '--output', synthesized(), '-c', context);
const synthesized = () => join(folder, 'cdk.out');

interface MetricQuery {
  MetricStat?: {
    Metric: { MetricName: string; Namespace: string; Dimensions?: unknown };
    Period: number;
    Stat: string;
  };
}

/** The emulator's alarms know no metric math: of each that needs some it gets the first metric alone. */
async function leaveOutMetricMath(): Promise<void> {
  const file = join(synthesized(), 'Rootspan.template.json');
  const template: { Resources: Record<string, { Type: string; Properties: Record<string, unknown> }> } =
    JSON.parse(await readFile(file, 'utf8'));
  for (const { Type, Properties } of Object.values(template.Resources)) {
    if (Type !== 'AWS::CloudWatch::Alarm' || Properties.Metrics === undefined) continue;
    const stat = (Properties.Metrics as MetricQuery[]).find(({ MetricStat }) => MetricStat)!.MetricStat!;
    delete Properties.Metrics;
    Object.assign(Properties, { ...stat.Metric, Period: stat.Period, Statistic: stat.Stat });
  }
  await writeFile(file, JSON.stringify(template));
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
  context = `rootspan=${JSON.stringify({ clusters, otlp, rules })}`;

  await cdkOfApp('bootstrap', 'aws://000000000000/us-east-1');
  const outputsFile = join(folder, 'outputs.json');
  await cdkOfApp('synth', '--quiet');
  await leaveOutMetricMath();
  await cdk('deploy', '--app', synthesized(), '--require-approval', 'never', '--outputs-file', outputsFile);
  const outputs: Record<string, string> = JSON.parse(await readFile(outputsFile, 'utf8')).Rootspan;
  const outputOf = (output: string) => outputs[Object.keys(outputs).find((name) => name.includes(output))!]!;
  const replay = outputOf('ReplaySetAside');
  const option = (name: string) => new RegExp(`--${name} (\\S+)`).exec(replay)![1]!;
  deployed = {
    streamName: /--set stream\.name=(\S+)/.exec(outputOf('HelmValues'))![1]!,
    bucket: option('bucket'),
    queues: [option('timers-queue'), option('spans-queue')],
    replay,
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

const ship = (observations: readonly Observation[]) =>
  forward(
    (async function* () {
      yield* observations;
    })(),
    clusterOf(observations),
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

test('the stack goes as it came; what was set aside stays', async () => {
  await cdkOfApp('destroy', '--force');
  const { Buckets = [] } = await aws.s3.send(new ListBucketsCommand());
  expect(Buckets.map(({ Name }) => Name)).toContain(deployed.bucket);
});
