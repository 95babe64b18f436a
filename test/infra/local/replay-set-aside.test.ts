import { DeleteObjectCommand, ListObjectsV2Command, PutObjectCommand } from '@aws-sdk/client-s3';
import { beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { createDoubt } from '../../../functions/correlator/doubt-sender.ts';
import type { StreamRecord } from '../../../functions/forwarder/record-sink.ts';
import { readSetAside } from '../../../infra/local/read-set-aside.ts';
import { type ReplayPorts, replaySetAside } from '../../../infra/local/replay-set-aside.ts';
import { decodeBatch, encodeBatches, encodeLines } from '../../../shared/batch-codec.ts';
import type { SetAside } from '../../../shared/set-aside.ts';
import { createSetAside } from '../../../shared/set-aside-s3.ts';
import { decodeSpanBatch, encodeSpanBatches } from '../../../shared/span-batch-codec.ts';
import { rollout } from '../../functions/correlator/causality/cluster-story.ts';
import { makeMorning } from '../../spans.ts';
import { newSigningKey } from '../../support/signing-key.ts';
import { useEmulators } from '../../support/use-emulators.ts';

const aws = useEmulators();
let bucket: string;
let setAside: Record<'ingest' | 'settle' | 'emit', SetAside>;
let sent: string[];
let put: StreamRecord[];
beforeAll(() => {
  bucket = aws.setAsideBucket;
  const of = (origin: 'ingest' | 'settle' | 'emit') => createSetAside(aws.s3, { bucket, origin });
  setAside = { ingest: of('ingest'), settle: of('settle'), emit: of('emit') };
});
beforeEach(async () => {
  sent = [];
  put = [];
  for (const key of await keys()) await aws.s3.send(new DeleteObjectCommand({ Bucket: bucket, Key: key }));
});

async function keys(): Promise<string[]> {
  const { Contents = [] } = await aws.s3.send(new ListObjectsV2Command({ Bucket: bucket }));
  return Contents.map(({ Key = '' }) => Key);
}

const replay = ({
  meanwhile = async () => {},
  ...more
}: { meanwhile?: () => Promise<void> } & Pick<ReplayPorts, 'onProgress'> = {}) =>
  replaySetAside(
    {
      ...more,
      s3: aws.s3,
      stream: {
        async put(records) {
          put.push(...records);
          return [];
        },
      },
      async send(queue, body) {
        await meanwhile();
        sent.push(`${queue}: ${body}`);
      },
    },
    bucket,
  );

const timer = { reason: 'is no timer', payload: '{"activity":1}', source: 'm1' };

describe('what was set aside goes back to where it came from', () => {
  it('a timer to its queue, a record that was none to the stream', async () => {
    await setAside.settle.keep(timer);
    const payload = Buffer.from('not a batch').toString('base64');
    await setAside.ingest.keep({ reason: 'not a compressed batch', payload, source: 'shardId-0:1' });
    const told: string[] = [];
    const onProgress = (done: number, of: number) => told.push(`${done} of ${of}`);
    expect(await replay({ onProgress })).toEqual({ replayed: 2, unreadable: [] });
    expect(told).toEqual(['0 of 2', '1 of 2', '2 of 2']);
    expect(sent).toEqual(['timers: {"activity":1}']);
    expect(put.map(({ data }) => Buffer.from(data).toString())).toEqual(['not a batch']);
    expect(await keys()).toEqual([]);
  });

  it('an observation as a batch of its cluster', () => {
    const { observations } = rollout(0);
    const cluster = { uid: 'c1', name: 'prod' };
    const payload = `${JSON.stringify({ version: 1, cluster })}\n${JSON.stringify(observations[0])}`;
    const read = readSetAside(
      'set-aside/ingest/x.json',
      JSON.stringify({ reason: 'r', payload, source: 's' }),
    );
    const [record] = read.ok ? read.value.records : [];
    expect(record!.partitionKey).toBe('c1');
    expect(decodeBatch(record!.data)).toEqual({
      cluster,
      observations: [observations[0]],
      poison: undefined,
    });
  });

  it('the poison of a record in one piece, of the cluster that it is of, and nothing of it is lost', () => {
    const cluster = { uid: 'c'.repeat(300) };
    const bad = Array.from({ length: 9_000 }, (_, i) => `{"line":${i},"${'\ufffd'.repeat(50)}":1}`);
    const payload = [JSON.stringify({ version: 1, cluster }), ...bad].join('\n');
    const read = readSetAside(
      'set-aside/ingest/x.json',
      JSON.stringify({ reason: 'r', payload, source: 's' }),
    );
    const records = read.ok ? read.value.records : [];
    expect(records.length).toBeGreaterThan(1);
    const decoded = records.map(({ data }) => decodeBatch(data));
    expect(decoded.flatMap(({ poison }) => poison!.payload.split('\n').slice(1))).toEqual(bad);
    // What Kinesis takes for a key.
    for (const { partitionKey } of records) expect(partitionKey.length).toBeLessThanOrEqual(256);
  });

  it('records that were held as they came, each with the signature that it has', () => {
    const { publicKey, sign } = newSigningKey();
    const cluster = { uid: 'c1', name: 'prod' };
    const lines = rollout(0).observations.map((observation) => JSON.stringify(observation));
    const held = [lines.slice(0, 3), lines.slice(3)].map(
      (some) => encodeLines(cluster, some, { sign }).records[0]!,
    );
    const payload = held.map((record) => Buffer.from(record).toString('base64')).join('\n');
    const body = JSON.stringify({ reason: 'r', payload, source: 's' });
    const read = readSetAside('set-aside/ingest/x.json', body);
    const records = read.ok ? read.value.records : [];
    expect(records.map(({ partitionKey }) => partitionKey)).toEqual(['c1', 'c1']);
    const doubt = createDoubt({
      clusters: [{ ...cluster, publicKeys: [publicKey] }],
      requireSignatures: true,
    });
    const counts = records.map(({ data }) => decodeBatch(data, undefined, doubt).observations.length);
    expect(counts).toEqual([3, lines.length - 3]);
  });

  it('how far a partition key was, when it was held or given up, is not said again', () => {
    const { publicKey, sign } = newSigningKey();
    const cluster = { uid: 'c1', name: 'prod' };
    const lines = rollout(0).observations.map((observation) => JSON.stringify(observation));
    const mark = { key: 1, keys: 4, at: 1_000 };
    const [record] = encodeLines(cluster, lines, { sign, mark }).records;
    expect(decodeBatch(record!).mark).toEqual(mark);
    const data = Buffer.from(record!).toString('base64');
    const doubt = createDoubt({
      clusters: [{ ...cluster, publicKeys: [publicKey] }],
      requireSignatures: true,
    });
    for (const [key, payload] of [
      ['set-aside/ingest/x.json', data],
      ['aws/lambda/x', JSON.stringify({ Records: [{ kinesis: { partitionKey: 'c1', data } }] })],
    ] as const) {
      const read = readSetAside(key, JSON.stringify({ reason: 'r', payload, source: 's' }));
      const [again] = read.ok ? read.value.records : [];
      const { mark: none, observations } = decodeBatch(again!.data, undefined, doubt);
      expect(none).toBeUndefined();
      expect(observations).toHaveLength(lines.length);
    }
  });

  it('a part of a batch that was signed: with a key of whoever brings it back, else without one', () => {
    const [own, operator] = [newSigningKey(), newSigningKey()];
    const cluster = { uid: 'c1', name: 'prod' };
    const [line, ...others] = rollout(0).observations.map((observation) => JSON.stringify(observation));
    const [record] = encodeLines(cluster, ['{"type":"odd"}', line!, ...others], { sign: own.sign }).records;
    const { payload } = decodeBatch(record!).poison!;
    const body = JSON.stringify({ reason: 'r', payload, source: 's' });
    const doubt = createDoubt({
      clusters: [{ ...cluster, publicKeys: [own.publicKey, operator.publicKey] }],
      requireSignatures: true,
    });
    const bringBack = (sign?: typeof own.sign) => {
      const read = readSetAside('set-aside/ingest/x.json', body, sign);
      return decodeBatch(read.ok ? read.value.records[0]!.data : new Uint8Array(), undefined, doubt);
    };
    expect(bringBack(operator.sign).poison).toMatchObject({ count: 1 });
    expect(() => bringBack()).toThrow('it says that it is of the cluster prod, and is not signed');
  });

  it('refused spans in as many messages as they need, a message that could not be read as it came', () => {
    const spans = Array.from({ length: 60 }, makeMorning).flat();
    const bodiesOf = (payload: string) => {
      const read = readSetAside(
        'set-aside/emit/x.json',
        JSON.stringify({ reason: 'r', payload, source: 's' }),
      );
      return read.ok ? read.value.messages.map(({ queue, body }) => (queue === 'spans' ? body : '')) : [];
    };
    const bodies = bodiesOf(JSON.stringify({ version: 1, spans }));
    expect(bodies).toEqual(encodeSpanBatches(spans));
    expect(bodies.length).toBeGreaterThan(1);
    expect(bodies.flatMap((body) => (decodeSpanBatch(body).ok ? [] : [body]))).toEqual([]);
    expect(bodiesOf('{"version":9}')).toEqual(['{"version":9}']);
  });

  it('a batch that Lambda gave up, record by record', async () => {
    const [data] = encodeBatches({ uid: 'c1' }, rollout(0).observations).records;
    const event = {
      Records: [{ kinesis: { partitionKey: 'c1', data: Buffer.from(data!).toString('base64') } }],
    };
    const key =
      'aws/lambda/b9e3f6f4-0c3a-4d0e-9a52-6a4f3c2b1d00/shardId-000000000000/2026/11/23/2026-11-23T05.11.29-7d1c5a90-1111-4222-8333-944455566677';
    const Body = JSON.stringify({
      requestContext: { condition: 'RetryAttemptsExhausted', approximateInvokeCount: 4 },
      version: '1.0',
      KinesisBatchInfo: { shardId: 'shardId-000000000000', batchSize: 1 },
      payload: JSON.stringify(event),
    });
    await aws.s3.send(new PutObjectCommand({ Bucket: bucket, Key: key, Body }));
    expect(await replay()).toEqual({ replayed: 1, unreadable: [] });
    expect(
      put.map(({ partitionKey, data: bytes }) => [partitionKey, decodeBatch(bytes).observations.length]),
    ).toEqual([['c1', rollout(0).observations.length]]);
  });
});

it('what cannot be read stays, and is told', async () => {
  await aws.s3.send(new PutObjectCommand({ Bucket: bucket, Key: 'aws/lambda/x', Body: '{"version":"1.0"}' }));
  await aws.s3.send(
    new PutObjectCommand({ Bucket: bucket, Key: 'set-aside/else/x.json', Body: '{"payload":""}' }),
  );
  const { replayed, unreadable } = await replay();
  expect(replayed).toBe(0);
  expect(unreadable.sort((a, b) => (a.key < b.key ? -1 : 1))).toEqual([
    { key: 'aws/lambda/x', reason: 'payload is missing' },
    { key: 'set-aside/else/x.json', reason: 'is of no function of the pipeline' },
  ]);
  expect(await keys()).toEqual(['aws/lambda/x', 'set-aside/else/x.json']);
});

it('what the stream refuses stays, and is told', async () => {
  await setAside.ingest.keep({ reason: 'r', payload: 'AAAA', source: 's' });
  const [key] = await keys();
  const refusing = {
    put: async ([record]: readonly StreamRecord[]) => [{ record: record!, why: 'too large' }],
  };
  const report = await replaySetAside({ s3: aws.s3, stream: refusing, send: async () => {} }, bucket);
  expect(report).toEqual({
    replayed: 0,
    unreadable: [{ key: `replaying/${key}`, reason: 'the stream refuses it: too large' }],
  });
  expect(await keys()).toEqual([`replaying/${key}`]);
  expect(await replay()).toEqual({ replayed: 1, unreadable: [] });
});

it('what is set aside again while it is replayed is kept', async () => {
  await setAside.settle.keep(timer);
  const before = await keys();
  await replay({ meanwhile: () => setAside.settle.keep(timer) });
  expect(sent).toHaveLength(1);
  expect(await keys()).toEqual(before);
});

it('a replay that was cut off is taken up by the next', async () => {
  await setAside.settle.keep(timer);
  const [key = ''] = await keys();
  await expect(replay({ meanwhile: () => Promise.reject(new Error('SQS is away')) })).rejects.toThrow('away');
  expect(await keys()).toEqual([`replaying/${key}`]);
  expect(await replay()).toEqual({ replayed: 1, unreadable: [] });
  expect(sent).toEqual(['timers: {"activity":1}']);
  expect(await keys()).toEqual([]);
});

it('more than one page of the bucket', async () => {
  await Promise.all(
    Array.from({ length: 1100 }, (_, i) => setAside.settle.keep({ ...timer, payload: `timer ${i}` })),
  );
  expect(await replay()).toEqual({ replayed: 1100, unreadable: [] });
  expect(new Set(sent).size).toBe(1100);
});
