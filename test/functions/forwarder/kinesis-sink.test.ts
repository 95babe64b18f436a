import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { json } from 'node:stream/consumers';
import { KinesisClient } from '@aws-sdk/client-kinesis';
import { NodeHttpHandler } from '@smithy/node-http-handler';
import { describe, expect, it } from 'vitest';
import { createKinesisSink } from '../../../functions/forwarder/kinesis-sink.ts';

type Answer = { status: number; body: object };
type Put = { Data: string; PartitionKey: string };

const stored = { SequenceNumber: '1', ShardId: 'shardId-000000000000' };
const throttled = { ErrorCode: 'ProvisionedThroughputExceededException', ErrorMessage: 'Rate exceeded' };
const results = (...Records: object[]): Answer => ({ status: 200, body: { FailedRecordCount: 0, Records } });

const record = (text: string, size = text.length) => ({
  data: new TextEncoder().encode(text.padEnd(size)),
  partitionKey: 'c1',
});

/** Puts through the real client to a stream that answers as told (else stores all); what each call held, by name. */
async function put(
  records: ReturnType<typeof record>[],
  answers: Answer[],
  patience: 'records' | 'everything' = 'records',
) {
  const troubles: string[] = [];
  const calls: string[][] = [];
  const slept: number[] = [];
  const server = createServer(async (request, response) => {
    const { Records } = (await json(request)) as { Records: Put[] };
    calls.push(Records.map(({ Data }) => Buffer.from(Data, 'base64').toString().trim()));
    const { status, body } = answers.shift() ?? results(...Records.map(() => stored));
    response.writeHead(status, { 'content-type': 'application/x-amz-json-1.1' }).end(JSON.stringify(body));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const client = new KinesisClient({
    region: 'us-east-1',
    credentials: { accessKeyId: 'a', secretAccessKey: 'b' },
    endpoint: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    requestHandler: new NodeHttpHandler(),
    maxAttempts: 1,
  });
  const sleep = async (duration: number) => slept.push(duration);
  try {
    const onTrouble = ({ reason }: { reason: string }) => void troubles.push(reason);
    const settings = { streamName: 'observations', sleep, random: () => 0, patience, onTrouble };
    await createKinesisSink(client, settings).put(records);
    return { calls, slept, troubles, error: undefined };
  } catch (error) {
    return { calls, slept, troubles, error };
  } finally {
    client.destroy();
    server.close();
  }
}

describe('the Kinesis sink', () => {
  it('puts what was throttled again, alone, with growing delay', async () => {
    const { calls, slept } = await put(
      [record('a'), record('b'), record('c')],
      [results(stored, throttled, throttled), results(throttled, stored), results(throttled)],
    );
    expect(calls).toEqual([['a', 'b', 'c'], ['b', 'c'], ['b'], ['b']]);
    expect(slept).toEqual([100, 200, 400]);
  });

  it('does not wait longer than five seconds between attempts, and does not give up', async () => {
    const { calls, slept } = await put(
      [record('a')],
      Array.from({ length: 9 }, () => results(throttled)),
    );
    expect(calls).toHaveLength(10);
    expect(slept.slice(-3)).toEqual([5_000, 5_000, 5_000]);
  });

  it('keeps to 500 records a call', async () => {
    const records = Array.from({ length: 1_001 }, (_, i) => record(String(i)));
    const { calls } = await put(records, []);
    expect(calls.map((call) => call.length)).toEqual([500, 500, 1]);
    expect(calls.flat()).toEqual(records.map((_, i) => String(i)));
  });

  it('keeps to 5 MiB a call', async () => {
    const { calls } = await put(
      ['a', 'b', 'c', 'd', 'e', 'f'].map((name) => record(name, 1_000_000)),
      [],
    );
    expect(calls).toEqual([
      ['a', 'b', 'c', 'd'],
      ['e', 'f'],
    ]);
  });

  it('makes no call for no records', async () => {
    expect((await put([], [])).calls).toEqual([]);
  });

  it('hands on what is wrong with the call itself', async () => {
    const missing = { status: 400, body: { __type: 'ResourceNotFoundException', message: 'no such stream' } };
    const { calls, error } = await put([record('a')], [missing]);
    expect(calls).toEqual([['a']]);
    expect(error).toMatchObject({ name: 'ResourceNotFoundException' });
  });

  it('in a live cluster waits out whatever is no mistake of ours, and says why', async () => {
    const failure = (status: number, __type: string): Answer => ({ status, body: { __type, message: 'no' } });
    const { calls, troubles, error } = await put(
      [record('a')],
      [
        failure(400, 'ResourceNotFoundException'),
        failure(403, 'AccessDeniedException'),
        failure(400, 'ExpiredTokenException'),
        failure(500, 'InternalFailure'),
        failure(400, 'ProvisionedThroughputExceededException'),
        failure(400, 'KMSDisabledException'),
        results({ ErrorCode: 'InternalFailure' }),
      ],
      'everything',
    );
    expect(error).toBeUndefined();
    expect(calls).toHaveLength(8);
    expect(troubles).toEqual([
      'no-stream',
      'credentials',
      'credentials',
      'server',
      'throttled',
      'other',
      'server',
    ]);
  });

  it('does not repeat a call that the service finds wrong', async () => {
    const wrong = { status: 400, body: { __type: 'ValidationException', message: 'no' } };
    const { calls, error } = await put([record('a')], [wrong], 'everything');
    expect(calls).toHaveLength(1);
    expect(error).toMatchObject({ name: 'ValidationException' });
  });
});
