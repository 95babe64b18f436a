import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { KubeConfig } from '@kubernetes/client-node/dist/config.js';
import { expect, it } from 'vitest';
import { ApiError } from '../../../../functions/forwarder/kubernetes/api-server.ts';
import {
  type ConnectSettings,
  createApiServer,
} from '../../../../functions/forwarder/kubernetes/connect-api-server.ts';
import { certificate, privateKey } from './test-certificate.ts';

type Answer = (request: IncomingMessage, response: ServerResponse) => void;

/** A server that does what the test says, and a client of it. */
async function connect(answer: Answer, settings: Partial<ConnectSettings> = {}, prefix = '') {
  const server = createServer(answer);
  let connections = 0;
  server.on('connection', () => connections++);
  const api = createApiServer(kubeConfig(`${await listen(server)}${prefix}`), settings);
  return {
    api,
    server,
    connections: () => connections,
    lines: (signal: AbortSignal, idleTimeout = 10_000) =>
      api.lines('/api/v1/pods?watch=true', { signal, idleTimeout })[Symbol.asyncIterator](),
    async [Symbol.asyncDispose]() {
      api.close();
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

async function listen(server: Server): Promise<string> {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

function kubeConfig(
  server: string,
  user: Record<string, unknown> = {},
  cluster: Record<string, unknown> = {},
) {
  const config = new KubeConfig();
  config.loadFromOptions({
    clusters: [{ name: 'test', server, ...cluster }],
    users: [{ name: 'me', ...user }],
    contexts: [{ name: 'test', cluster: 'test', user: 'me' }],
    currentContext: 'test',
  });
  return config;
}

const forever = new AbortController().signal;

const echo: Answer = (request, response) => {
  let body = '';
  request.on('data', (chunk) => {
    body += chunk;
  });
  request.on('end', () => {
    const { method, url, headers } = request;
    response.end(
      JSON.stringify({ method, url, body, type: headers['content-type'], auth: headers.authorization }),
    );
  });
};

it('calls with JSON, under the path of the server, and keeps the connection', async () => {
  await using fixture = await connect(echo, {}, '/k8s/clusters/c-1/');
  expect(await fixture.api.call('PUT', '/api/v1/x', { body: { a: 'ü' } })).toEqual({
    method: 'PUT',
    url: '/k8s/clusters/c-1/api/v1/x',
    body: '{"a":"ü"}',
    type: 'application/json',
  });
  expect(await fixture.api.call('GET', '/api/v1/pods?limit=5')).toMatchObject({
    url: '/k8s/clusters/c-1/api/v1/pods?limit=5',
    body: '',
  });
  expect(fixture.connections()).toBe(1);
});

it('sends the credentials of the moment', async () => {
  let token = 'first';
  const server = createServer(echo);
  const config = kubeConfig(await listen(server), { authProvider: { name: 'turning', config: {} } });
  config.addAuthenticator({
    isAuthProvider: (user) => user.authProvider?.name === 'turning',
    async applyAuthentication(_, options) {
      options.headers!.Authorization = `Bearer ${token}`;
    },
  });
  const api = createApiServer(config);
  expect(await api.call('GET', '/')).toMatchObject({ auth: 'Bearer first' });
  token = 'second';
  expect(await api.call('GET', '/')).toMatchObject({ auth: 'Bearer second' });
  api.close();
  server.close();
});

it('speaks TLS with the CA of the kubeconfig, over one connection, and with no other', async () => {
  const server = createTlsServer({ key: privateKey, cert: certificate }, echo);
  let connections = 0;
  server.on('secureConnection', () => connections++);
  const url = (await listen(server as unknown as Server)).replace('http:', 'https:');
  const caData = Buffer.from(certificate).toString('base64');
  const api = createApiServer(kubeConfig(url, {}, { caData }));
  for (let call = 0; call < 3; call++) expect(await api.call('GET', '/')).toMatchObject({ method: 'GET' });
  expect(connections).toBe(1);
  await expect(createApiServer(kubeConfig(url)).call('GET', '/')).rejects.toThrow(/self-signed/);
  api.close();
  server.closeAllConnections();
  server.close();
});

it('tells of a refusal what the Status says, and when to come again', async () => {
  await using fixture = await connect((_, response) => {
    response.writeHead(429, { 'retry-after': '7' });
    response.end(
      JSON.stringify({ kind: 'Status', message: 'slow down', reason: 'TooManyRequests', code: 429 }),
    );
  });
  const error = await fixture.api.call('GET', '/').catch((error: unknown) => error);
  expect(error).toBeInstanceOf(ApiError);
  expect(error).toMatchObject({
    message: 'slow down',
    status: 429,
    reason: 'TooManyRequests',
    retryAfterSeconds: 7,
  });
  await expect(fixture.lines(forever).next()).rejects.toMatchObject({ status: 429 });
});

it('makes something of an answer that no API server gave', async () => {
  await using fixture = await connect((request, response) => {
    if (request.url === '/ok') response.end('<html>');
    else response.writeHead(502).end('<html>');
  });
  await expect(fixture.api.call('GET', '/bad')).rejects.toMatchObject({
    status: 502,
    message: 'HTTP status 502',
  });
  await expect(fixture.api.call('GET', '/ok')).rejects.toThrow('the answer to GET /ok is no JSON');
});

it('gives up a call that gets no answer, or only half of one', async () => {
  await using fixture = await connect(
    (request, response) => {
      if (request.url === '/half') response.write('{"a":');
    },
    { callTimeout: 50 },
  );
  await expect(fixture.api.call('GET', '/none')).rejects.toThrow('no answer to GET /none for 50 ms');
  await expect(fixture.api.call('GET', '/half')).rejects.toThrow('no answer to GET /half for 50 ms');
  await expect(fixture.lines(forever).next()).rejects.toThrow(/no answer to the watch/);
});

it('asks again where the server had closed the connection that was kept, but never writes twice', async () => {
  const methods: string[] = [];
  let resets = 0;
  await using fixture = await connect((request, response) => {
    methods.push(request.method!);
    if (methods.length > 1 && resets-- > 0) (request.socket as import('node:net').Socket).resetAndDestroy();
    else response.end('{}');
  });
  await fixture.api.call('GET', '/');
  resets = 1;
  await fixture.api.call('GET', '/');
  expect(methods).toEqual(['GET', 'GET', 'GET']);
  resets = 1;
  await expect(fixture.api.call('PUT', '/', { body: {} })).rejects.toThrow(/ECONNRESET|hang up/);
  expect(methods).toEqual(['GET', 'GET', 'GET', 'PUT']);
});

it('takes lines apart wherever the network cut them', async () => {
  const long = 'x'.repeat(2 * 1024 * 1024);
  const bytes = Buffer.from(`{"a":"grün"}\n\n{"b":"🚀"}\n${long}\nlast, without an end`);
  await using fixture = await connect(async (_, response) => {
    for (let at = 0; at < 30; at++) {
      response.write(bytes.subarray(at, at + 1));
      await delay(1);
    }
    response.end(bytes.subarray(30));
  });
  const got: string[] = [];
  for await (const line of fixture.api.lines('/', { signal: forever, idleTimeout: 10_000 })) got.push(line);
  expect(got).toEqual(['{"a":"grün"}', '{"b":"🚀"}', long, 'last, without an end']);
});

it('slows the server down when nobody reads, and nobody counts as silent meanwhile', async () => {
  const line = `${'y'.repeat(1000)}\n`;
  let written = 0;
  let ended = false;
  await using fixture = await connect((_, response) => {
    const more = () => {
      while (written < 64_000 && !ended) {
        written++;
        if (!response.write(line)) return void response.once('drain', more);
      }
      response.end();
      ended = true;
    };
    more();
  });
  const lines = fixture.lines(forever, 500);
  await lines.next();
  await delay(1200);
  // What the kernel holds for both sides is some megabytes; the whole is 64.
  expect(written).toBeLessThan(32_000);
  let read = 1;
  while (!(await lines.next()).done) read++;
  expect(read).toBe(64_000);
});

it('gives up a watch that went silent', async () => {
  await using fixture = await connect((_, response) => void response.write('one\n'));
  const lines = fixture.lines(forever, 50);
  expect(await lines.next()).toEqual({ done: false, value: 'one' });
  await expect(lines.next()).rejects.toThrow('the watch of /api/v1/pods went silent for 50 ms');
});

it('tells of a watch that was cut', async () => {
  await using fixture = await connect((request, response) => {
    response.write('one\n', () => (request.socket as import('node:net').Socket).resetAndDestroy());
  });
  const lines = fixture.lines(forever);
  await expect(
    (async () => {
      while (!(await lines.next()).done);
    })(),
  ).rejects.toThrow(/aborted|ECONNRESET/);
});

it('stops at once when told to, before, in, and between lines, and leaves nothing behind', async () => {
  await using fixture = await connect((_, response) => void response.write('one\ntwo\n'));
  const stop = new AbortController();
  const lines = fixture.lines(stop.signal);
  await lines.next();
  stop.abort(new Error('enough'));
  await expect(lines.next()).rejects.toThrow('enough');

  const stopWaiting = new AbortController();
  const waiting = fixture.lines(stopWaiting.signal);
  await waiting.next();
  await waiting.next();
  const next = waiting.next();
  stopWaiting.abort(new Error('enough'));
  await expect(next).rejects.toThrow();
  await expect(fixture.lines(stop.signal).next()).rejects.toThrow('enough');

  const left = fixture.lines(forever);
  await left.next();
  await left.return!(undefined);
  const open = () => new Promise((resolve) => fixture.server.getConnections((_, count) => resolve(count)));
  await expect.poll(open).toBe(0);
});
