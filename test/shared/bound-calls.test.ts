import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { DynamoDBClient, GetItemCommand } from '@aws-sdk/client-dynamodb';
import { S3Client } from '@aws-sdk/client-s3';
import { SQSClient } from '@aws-sdk/client-sqs';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { boundCalls } from '../../shared/bound-calls.ts';

const requests: string[] = [];
/** Takes what comes; of `Begun` it begins an answer. */
const silent = createServer(async (request, response) => {
  const body = Buffer.concat(await Array.fromAsync(request)).toString();
  requests.push(body);
  if (body.includes('Begun')) response.writeHead(200, { 'content-length': '100' }).write('{');
});
let settings: object;

beforeAll(async () => {
  silent.listen(0, '127.0.0.1');
  await once(silent, 'listening');
  settings = {
    ...boundCalls,
    endpoint: `http://127.0.0.1:${(silent.address() as AddressInfo).port}`,
    region: 'eu-west-1',
    credentials: { accessKeyId: 'a', secretAccessKey: 's' },
    maxAttempts: 1,
  };
});
afterAll(() => {
  silent.close();
  silent.closeAllConnections();
});

it.concurrent.each(['Silent', 'Begun'])(
  'a call that gets no answer ends: %s',
  async (TableName) => {
    const client = new DynamoDBClient(settings);
    const call = client.send(new GetItemCommand({ TableName, Key: { pk: { S: 'a' } } })).then(
      () => 'answered',
      (error: Error) => error.name,
    );
    expect(await Promise.race([call, sleep(9_000, 'hangs')])).not.toBe('hangs');
    expect(requests.some((body) => body.includes(TableName))).toBe(true);
    client.destroy();
  },
  15_000,
);

it('three attempts are over within a quarter of the shortest time-out of a function', () => {
  const { connectionTimeout, requestTimeout } = boundCalls.requestHandler;
  expect(3 * (connectionTimeout + requestTimeout)).toBeLessThan(20_000);
});

it('the clients take them', async () => {
  for (const client of [new DynamoDBClient(settings), new SQSClient(settings), new S3Client(settings)]) {
    const handler = client.config.requestHandler as unknown as { configProvider: Promise<object> };
    expect(await handler.configProvider).toMatchObject(boundCalls.requestHandler);
    client.destroy();
  }
});
