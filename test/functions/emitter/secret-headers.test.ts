import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { SecretsProvider } from '@aws-lambda-powertools/parameters/secrets';
import { afterEach, expect, test, vi } from 'vitest';
import { exportSpans } from '../../../functions/emitter/export-spans.ts';
import { createHttpTransport } from '../../../functions/emitter/http-transport.ts';
import { createSecretHeaders, renewHeaders } from '../../../functions/emitter/secret-headers.ts';
import { createSecretSource } from '../../../functions/emitter/secrets-manager.ts';
import { makeRollout } from '../../spans.ts';
import { answer, type ScriptedBackend, startBackend } from './scripted-backend.ts';

const spans = makeRollout({ name: 'web', replicas: 2 });
afterEach(() => void vi.useRealTimers());

/** Secrets Manager as far as GetSecretValue goes: the value it gives now, or the error. */
async function startSecretsManager(initial: string) {
  const vault = { value: initial, error: '', reads: 0 };
  const server = createServer((_, response) => {
    vault.reads += 1;
    const type = { 'content-type': 'application/x-amz-json-1.1' };
    if (vault.error === '') response.writeHead(200, type).end(JSON.stringify({ SecretString: vault.value }));
    else response.writeHead(400, type).end(JSON.stringify({ __type: vault.error, message: 'hunter2' }));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const provider = new SecretsProvider({
    clientConfig: {
      endpoint: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
      region: 'us-east-1',
      credentials: { accessKeyId: 'a', secretAccessKey: 'b' },
      maxAttempts: 1,
    },
  });
  const source = createSecretSource('arn:aws:secretsmanager:us-east-1:000000000000:secret:otlp', provider);
  return {
    vault,
    source,
    [Symbol.asyncDispose]: async () => {
      server.closeAllConnections();
      server.close();
    },
  };
}

function connect({ endpoint }: ScriptedBackend, { source }: Awaited<ReturnType<typeof startSecretsManager>>) {
  const secret = createSecretHeaders(source);
  const http = createHttpTransport(endpoint, secret.authorize);
  const transport = renewHeaders(http, secret);
  return {
    send: () => exportSpans(spans, { transport, now: Date.now }),
    [Symbol.dispose]: () => http.close(),
  };
}

test.each([
  ['as OTEL_EXPORTER_OTLP_HEADERS', 'Api-Key=one%2Ctwo, x-tenant=7'],
  ['as a JSON object', '{"Api-Key": "one,two", "x-tenant": "7"}'],
])('the secret, %s, goes beside the headers that are no secret', async (_, value) => {
  await using manager = await startSecretsManager(value);
  await using backend = await startBackend(undefined, { headers: { 'x-team': 'shop' } });
  using connection = connect(backend, manager);
  expect(await connection.send()).toEqual({ kind: 'accepted' });
  expect(backend.requests[0]!.headers).toMatchObject({
    'api-key': 'one,two',
    'x-tenant': '7',
    'x-team': 'shop',
    'content-encoding': 'gzip',
  });
});

test('it is kept for five minutes', async () => {
  vi.useFakeTimers({ toFake: ['Date'], now: Date.now() });
  await using manager = await startSecretsManager('api-key=old');
  await using backend = await startBackend();
  using connection = connect(backend, manager);
  await connection.send();
  manager.vault.value = 'api-key=new';
  vi.setSystemTime(Date.now() + 299_000);
  await connection.send();
  vi.setSystemTime(Date.now() + 2_000);
  await connection.send();
  expect(backend.requests.map(({ headers }) => headers['api-key'])).toEqual(['old', 'old', 'new']);
  expect(manager.vault.reads).toBe(2);
});

test.each([401, 403])(
  'rotated: where the backend answers %i it is read anew, and what was to be sent is sent',
  async (status) => {
    await using manager = await startSecretsManager('api-key=old');
    let accepted = 'old';
    await using backend = await startBackend((request, response) =>
      answer(request.headers['api-key'] === accepted ? 200 : status, '{}')(request, response),
    );
    using connection = connect(backend, manager);
    await connection.send();
    accepted = 'new';
    manager.vault.value = 'api-key=new';
    expect(await connection.send()).toEqual({ kind: 'accepted' });
    expect(backend.requests.map(({ headers }) => headers['api-key'])).toEqual(['old', 'old', 'new']);
  },
);

test('where it has not changed the spans wait: one request, one look', async () => {
  await using manager = await startSecretsManager('api-key=old');
  await using backend = await startBackend(answer(401));
  using connection = connect(backend, manager);
  expect(await connection.send()).toMatchObject({ kind: 'unavailable', status: 401 });
  expect(backend.requests).toHaveLength(1);
  expect(manager.vault.reads).toBe(2);
});

test.each([
  ['may not be read', { error: 'AccessDeniedException' }, 'cannot be read (AccessDeniedException)'],
  ['is no list', { value: 'hunter2' }, 'header 1 should be name=value'],
  ['is broken JSON', { value: '{"api-key": hunter2' }, 'is not JSON'],
  ['has a value that is no text', { value: '{"api-key": {"hunter2": 1}}' }, 'a value is no text'],
  ['has a header that is none', { value: '{"hunter2 hunter2": "x"}' }, 'header 1 should be name=value'],
])(
  'a secret that %s: nothing is sent, the spans wait, and nothing of it is told',
  async (_, state, message) => {
    await using manager = await startSecretsManager('');
    Object.assign(manager.vault, state);
    await using backend = await startBackend();
    using connection = connect(backend, manager);
    const outcome = await connection.send();
    expect(outcome).toMatchObject({ kind: 'unavailable', message: expect.stringContaining(message) });
    expect(JSON.stringify(outcome)).not.toContain('hunter2');
    expect(backend.requests).toEqual([]);
  },
);
