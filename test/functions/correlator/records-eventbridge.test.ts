/** PutEvents as EventBridge answers it, by a server that says what a test tells it to. */
import { createServer, type IncomingHttpHeaders } from 'node:http';
import type { AddressInfo } from 'node:net';
import { SQSClient } from '@aws-sdk/client-sqs';
import { afterAll, beforeEach, expect, it } from 'vitest';
import type { BusRecord } from '../../../functions/correlator/ports.ts';
import { createRecordsBus } from '../../../functions/correlator/records-eventbridge.ts';

interface Request {
  headers: IncomingHttpHeaders;
  entries: { EventBusName: string; Source: string; DetailType: string; Time: number; Detail: string }[];
}

const requests: Request[] = [];
type Answer = (entries: Request['entries']) => { status: number; body: unknown };
const taken: Answer = (entries) => ({
  status: 200,
  body: { FailedEntryCount: 0, Entries: entries.map(() => ({ EventId: 'e' })) },
});
let answer = taken;
const server = createServer((request, response) => {
  const chunks: Buffer[] = [];
  request.on('data', (chunk) => chunks.push(chunk));
  request.on('end', () => {
    const { Entries: entries } = JSON.parse(Buffer.concat(chunks).toString('utf8'));
    requests.push({ headers: request.headers, entries });
    const { status, body } = answer(entries);
    response.writeHead(status, { 'content-type': 'application/x-amz-json-1.1' }).end(JSON.stringify(body));
  });
});
await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
afterAll(() => server.close());
beforeEach(() => {
  requests.length = 0;
  answer = taken;
});

const credentials = { accessKeyId: 'AKIATEST', secretAccessKey: 'secret' };
const sqs = new SQSClient({ region: 'eu-west-1', credentials });
const { sha256, region } = sqs.config;
let now = Date.parse('2026-03-01T12:00:00Z');
const bus = (port = (server.address() as AddressInfo).port) =>
  createRecordsBus({
    bus: 'records',
    url: new URL(`http://127.0.0.1:${port}/`),
    sqs,
    queueUrl: 'https://sqs.local/timers',
    credentials: sqs.config.credentials,
    region,
    sha256,
    now: () => now,
  });

const record = (id: string, more: object = {}): BusRecord => ({
  id,
  kind: 'ended',
  time: '2026-03-01T11:59:00.000Z',
  ...more,
});

it('puts each record as an event of its kind, signed', async () => {
  expect(await bus().put([record('a'), { ...record('b'), kind: 'stalled' }])).toEqual({
    later: [],
    refused: [],
  });
  const [{ headers, entries }] = requests as [Request];
  expect(headers['x-amz-target']).toBe('AWSEvents.PutEvents');
  expect(headers.authorization).toContain('/eu-west-1/events/aws4_request');
  expect(entries.map(({ Detail, ...entry }) => ({ ...entry, id: JSON.parse(Detail).id }))).toEqual([
    { EventBusName: 'records', Source: 'rootspan', DetailType: 'Change ended', Time: 1772366340, id: 'a' },
    { EventBusName: 'records', Source: 'rootspan', DetailType: 'Change stalled', Time: 1772366340, id: 'b' },
  ]);
});

it('ten to a request, and no more than fits', async () => {
  await bus().put(Array.from({ length: 25 }, (_, i) => record(String(i))));
  expect(requests.map(({ entries }) => entries.length)).toEqual([10, 10, 5]);
  requests.length = 0;
  await bus().put(Array.from({ length: 4 }, (_, i) => record(String(i), { text: 'x'.repeat(35_000) })));
  expect(requests.map(({ entries }) => entries.length)).toEqual([2, 2]);
});

it('of those that were not taken says which may be put again, and which never get in', async () => {
  answer = (entries) => ({
    status: 200,
    body: {
      FailedEntryCount: 2,
      Entries: entries.map(
        (_, i) =>
          [{ EventId: 'e' }, { ErrorCode: 'ThrottlingException' }, { ErrorCode: 'MalformedDetail' }][i],
      ),
    },
  });
  const { later, refused } = await bus().put([record('a'), record('b'), record('c')]);
  expect([later, refused].map((some) => some.map(({ id }) => id))).toEqual([['b'], ['c']]);
});

it.each(['InvalidArgument', 'MalformedDetail'])(
  'an entry that is refused with %s never gets in',
  async (code) => {
    answer = () => ({ status: 200, body: { FailedEntryCount: 1, Entries: [{ ErrorCode: code }] } });
    expect((await bus().put([record('a')])).refused).toHaveLength(1);
  },
);

it.each([
  'RequestEntityTooLargeException',
  'ValidationError',
  'ValidationException',
  'com.amazon.coral.validate#ValidationException',
])('a request that is refused with %s never gets in', async (code) => {
  answer = () => ({ status: 400, body: { __type: code } });
  expect((await bus().put([record('a')])).refused).toHaveLength(1);
});

it.each([
  'AccessDeniedException',
  'InternalFailure',
  'InvalidAccountIdException',
  'NotAuthorizedForDetailTypeException',
  'NotAuthorizedForSourceException',
  'RedactionFailure',
  'ThrottlingException',
])('an entry that is not taken with %s is tried again', async (code) => {
  answer = () => ({ status: 200, body: { FailedEntryCount: 1, Entries: [{ ErrorCode: code }] } });
  expect(await bus().put([record('a')])).toMatchObject({ later: [{ id: 'a' }], refused: [] });
});

it.each([
  [400, { __type: 'ThrottlingException' }],
  [400, { __type: 'AccessDeniedException' }],
  // A clock that is wrong, credentials that are being replaced.
  [400, { __type: 'com.amazon.coral.service#InvalidSignatureException' }],
  [400, { __type: 'ExpiredTokenException' }],
  [400, { __type: 'IncompleteSignature' }],
  [400, { __type: 'RequestExpired' }],
  [403, { __type: 'InvalidClientTokenId' }],
  [403, { __type: 'UnrecognizedClientException' }],
  [400, { __type: 'MalformedHttpRequestException' }],
  [503, 'not JSON of theirs'],
  [200, { Entries: 'nonsense' }],
])('an answer %i %j is tried again', async (status, body) => {
  answer = () => ({ status, body });
  expect((await bus().put([record('a')])).later).toHaveLength(1);
});

it('a bus that gives no answer is not asked for a minute, so that nothing waits for it', async () => {
  const records = bus();
  answer = () => ({ status: 200, body: 'nonsense' });
  expect((await records.put(Array.from({ length: 25 }, (_, i) => record(String(i))))).later).toHaveLength(25);
  answer = taken;
  expect((await records.put([record('a')])).later).toHaveLength(1);
  expect(requests).toHaveLength(1);
  now += 60_000;
  expect((await records.put([record('a')])).later).toEqual([]);
});

it('no answer is tried again', async () => expect((await bus(9).put([record('a')])).later).toHaveLength(1));
