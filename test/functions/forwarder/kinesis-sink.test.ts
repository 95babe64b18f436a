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

const textOf = ({ data }: { data: Uint8Array }) => new TextDecoder().decode(data).trim();

/** Puts through the real client to a stream that answers as told (else stores all); what each call held, by name. */
async function put(
  records: ReturnType<typeof record>[],
  answers: (Answer | ((names: string[]) => Answer))[],
  patience: 'records' | 'everything' = 'records',
) {
  const troubles: string[] = [];
  const calls: string[][] = [];
  const slept: number[] = [];
  const server = createServer(async (request, response) => {
    const { Records } = (await json(request)) as { Records: Put[] };
    calls.push(Records.map(({ Data }) => Buffer.from(Data, 'base64').toString().trim()));
    const answer = answers.shift() ?? results(...Records.map(() => stored));
    const { status, body } = typeof answer === 'function' ? answer(calls.at(-1)!) : answer;
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
    const refused = await createKinesisSink(client, settings).put(records);
    return { calls, slept, troubles, refused: refused.map(({ record }) => textOf(record)), error: undefined };
  } catch (error) {
    return { calls, slept, troubles, refused: [], error };
  } finally {
    client.destroy();
    server.close();
  }
}

const failure = (status: number, __type: string, message = 'no'): Answer => ({
  status,
  body: { __type, message },
});
const ofStreamName =
  "1 validation error detected: Value 'a b' at 'streamName' failed to satisfy constraint: Member must satisfy regular expression pattern: [a-zA-Z0-9_.-]+";
const ofRecord =
  "1 validation error detected: Value at 'records.1.member.data' failed to satisfy constraint: Member must have length less than or equal to 1048576";

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
    const { calls, troubles, error } = await put(
      [record('a')],
      [
        failure(400, 'ResourceNotFoundException'),
        failure(
          403,
          'AccessDeniedException',
          'not authorized to perform: kinesis:PutRecords on resource: arn:aws:…',
        ),
        failure(403, 'AccessDenied', 'Not authorized to perform sts:AssumeRoleWithWebIdentity'),
        failure(400, 'ValidationException', ofStreamName),
        failure(400, 'SerializationException'),
        failure(400, 'ExpiredTokenException'),
        failure(500, 'InternalFailure'),
        failure(400, 'ProvisionedThroughputExceededException'),
        failure(400, 'KMSDisabledException'),
        failure(400, 'WhoKnowsException'),
        results({ ErrorCode: 'InternalFailure' }),
      ],
      'everything',
    );
    expect(error).toBeUndefined();
    expect(calls).toHaveLength(12);
    expect(troubles).toEqual([
      'no-stream',
      'denied',
      'credentials',
      'invalid',
      'invalid',
      'credentials',
      'server',
      'throttled',
      'key',
      'other',
      'server',
    ]);
  });

  it('asks less and less often, up to once a minute, where nothing changes before somebody changes it', async () => {
    const missing = Array.from({ length: 12 }, () => failure(400, 'ResourceNotFoundException'));
    const { slept } = await put([record('a')], missing, 'everything');
    expect(slept.slice(-4)).toEqual([25_600, 51_200, 60_000, 60_000]);
  });

  it('gives back a record that is refused for what it is, and stores all the others', async () => {
    const finicky = (names: string[]): Answer =>
      names.includes('c')
        ? failure(400, 'ValidationException', ofRecord)
        : results(...names.map(() => stored));
    const { calls, refused, slept, error } = await put(
      ['a', 'b', 'c', 'd'].map((name) => record(name)),
      Array.from({ length: 9 }, () => finicky),
      'everything',
    );
    expect({ refused, slept, error }).toEqual({ refused: ['c'], slept: [], error: undefined });
    expect(calls).toEqual([['a', 'b', 'c', 'd'], ['a', 'b'], ['c', 'd'], ['c'], ['d']]);
  });

  it('takes a name of a stream that is none for no fault of the records', async () => {
    const wrong = Array.from({ length: 3 }, () => failure(400, 'ValidationException', ofStreamName));
    const { calls, refused } = await put([record('a')], wrong, 'everything');
    expect([calls.length, refused]).toEqual([4, []]);
  });

  it('hands on what is no error of the service, but of this program', async () => {
    const { error } = await put(
      [{ data: undefined as unknown as Uint8Array<ArrayBuffer>, partitionKey: 'c1' }],
      [],
      'everything',
    );
    expect(error).toBeInstanceOf(TypeError);
  });
});
