import http from 'node:http';
import net, { type AddressInfo } from 'node:net';
import { ProtobufTraceSerializer } from '@opentelemetry/otlp-transformer';
import { expect, test } from 'vitest';
import { type ExportOutcome, exportSpans, judgeAnswer } from '../../../functions/emitter/export-spans.ts';
import { createHttpTransport } from '../../../functions/emitter/http-transport.ts';
import type { OtlpEndpoint } from '../../../functions/emitter/read-config.ts';
import { toOtlpJson } from '../../../functions/emitter/to-otlp-json.ts';
import { readOtlpProtobuf } from '../../../infra/local/read-otlp-protobuf.ts';
import { readOtlpSpans } from '../../../infra/local/read-otlp-spans.ts';
import { makeRollout } from '../../spans.ts';
import { answer, type Script, type ScriptedBackend, startBackend } from './scripted-backend.ts';

const spans = makeRollout({ name: 'web', replicas: 2 });
const NOW = Date.parse('2026-11-23T05:11:29Z');

async function exportTo(endpoint: OtlpEndpoint, times = 1): Promise<ExportOutcome[]> {
  const transport = createHttpTransport(endpoint);
  try {
    const outcomes: ExportOutcome[] = [];
    for (let i = 0; i < times; i++) outcomes.push(await exportSpans(spans, { transport, now: () => NOW }));
    return outcomes;
  } finally {
    transport.close();
  }
}

async function outcomeOf(script: Script, settings: Partial<OtlpEndpoint> = {}): Promise<ExportOutcome> {
  await using backend = await startBackend(script, settings);
  return (await exportTo(backend.endpoint))[0]!;
}

test('a request is a POST of OTLP JSON, gzipped, with the headers of the endpoint', async () => {
  await using backend = await startBackend(undefined, {
    headers: { authorization: 'Bearer secret', 'content-type': 'text/plain' },
  });
  expect(await exportTo(backend.endpoint)).toEqual([{ kind: 'accepted' }]);
  expect(backend.requests).toMatchObject([
    {
      method: 'POST',
      path: '/v1/traces',
      headers: {
        authorization: 'Bearer secret',
        'content-type': 'application/json',
        'content-encoding': 'gzip',
        'user-agent': expect.stringMatching(/^rootspan\/\d/),
      },
      body: toOtlpJson(spans),
    },
  ]);
  expect(Number(backend.requests[0]!.headers['content-length'])).toBeLessThan(toOtlpJson(spans).length / 5);
});

test('without compression the bytes go as they are', async () => {
  await using backend = await startBackend(undefined, { compression: 'none' });
  await exportTo(backend.endpoint);
  expect(backend.requests[0]!.headers['content-encoding']).toBeUndefined();
  expect(backend.requests[0]!.body).toBe(toOtlpJson(spans));
});

test('in protobuf the same spans arrive, in half the bytes', async () => {
  await using backend = await startBackend(undefined, { protocol: 'http/protobuf', compression: 'none' });
  expect(await exportTo(backend.endpoint)).toEqual([{ kind: 'accepted' }]);
  const [{ headers, raw }] = backend.requests as [ScriptedBackend['requests'][number]];
  expect(headers['content-type']).toBe('application/x-protobuf');
  expect(readOtlpSpans(readOtlpProtobuf(raw))).toEqual(readOtlpSpans(JSON.parse(toOtlpJson(spans))));
  expect(raw.length).toBeLessThan(toOtlpJson(spans).length / 1.8);
});

test.each([
  ['http/protobuf', 'http/json'],
  ['http/json', 'http/protobuf'],
] as const)(
  'a backend that does not take %s is not down: the message says which setting',
  async (protocol, other) => {
    expect(await outcomeOf(answer(415, 'no'), { protocol })).toEqual({
      kind: 'unavailable',
      status: 415,
      message: `the backend does not take ${protocol} (415): set OTEL_EXPORTER_OTLP_PROTOCOL (otlp.protocol of the stack) to ${other}`,
    });
  },
);

test('one connection serves many requests', async () => {
  await using backend = await startBackend();
  await exportTo(backend.endpoint, 3);
  expect(backend.requests.map(({ connection }) => connection)).toEqual([0, 0, 0]);
});

const protobuf = { 'content-type': 'application/x-protobuf' };
/** ExportTraceServiceResponse{partial_success{rejected_spans: 2, error_message: "no"}} */
const partlyInProtobuf = Uint8Array.of(0x0a, 6, 0x08, 2, 0x12, 2, 0x6e, 0x6f);

test('the protobuf above is what it says', () => {
  expect(ProtobufTraceSerializer.deserializeResponse(partlyInProtobuf)).toEqual({
    partialSuccess: { rejectedSpans: 2, errorMessage: 'no' },
  });
});

test.each<[string, Script]>([
  ['{}', answer(200, '{}')],
  ['an empty partial success', answer(200, '{"partialSuccess":{}}')],
  ['nothing', answer(200)],
  ['204', answer(204)],
  ['202', answer(202, '{}')],
  ['null', answer(200, 'null')],
  ['plain text', answer(200, 'ok')],
  ['an empty protobuf', answer(200, '', protobuf)],
  ['a protobuf that is none', answer(200, 'ok, all taken', protobuf)],
  ['a protobuf that is called JSON', answer(200, partlyInProtobuf)],
])('accepted: %s', async (_, script) => {
  expect(await outcomeOf(script)).toEqual({ kind: 'accepted' });
});

test.each<[string, Script, number, string]>([
  ['a number', answer(200, '{"partialSuccess":{"rejectedSpans":3,"errorMessage":"too old"}}'), 3, 'too old'],
  ['a string, as ProtoJSON has it', answer(200, '{"partialSuccess":{"rejectedSpans":"3"}}'), 3, ''],
  ['in protobuf', answer(200, partlyInProtobuf, protobuf), 2, 'no'],
  ['none, a warning', answer(200, '{"partialSuccess":{"errorMessage":"use https"}}'), 0, 'use https'],
])('partly accepted: %s', async (_, script, rejectedSpans, message) => {
  expect(await outcomeOf(script)).toEqual({ kind: 'partly-accepted', rejectedSpans, message });
});

test.each<[string, Script, number, string]>([
  ['google.rpc.Status', answer(400, '{"code":3,"message":"bad span"}'), 400, 'bad span'],
  ['another JSON', answer(400, '{"error":"bad span"}'), 400, '{"error":"bad span"}'],
  ['plain text', answer(413, 'body too large\n'), 413, 'body too large'],
  ['protobuf', answer(422, partlyInProtobuf, protobuf), 422, ''],
  ['nothing', answer(422), 422, ''],
])('refused: %s', async (_, script, status, message) => {
  expect(await outcomeOf(script)).toEqual({ kind: 'refused', status, message });
});

test('of a long error page only the beginning is read', async () => {
  const outcome = await outcomeOf(answer(400, 'no '.repeat(1_000_000)));
  expect(outcome).toMatchObject({ kind: 'refused', status: 400 });
  expect(outcome.kind === 'refused' && outcome.message.length).toBeLessThanOrEqual(500);
});

test.each([301, 307, 401, 403, 404, 405, 408, 429, 500, 502, 503, 504])(
  'unavailable: %d, without the words of the backend',
  async (status) => {
    const script = answer(status, 'Bearer secret is no good', { location: '/elsewhere' });
    expect(await outcomeOf(script)).toEqual({
      kind: 'unavailable',
      status,
      message: `the backend answered ${status}`,
    });
  },
);

test.each<[string, number | undefined]>([
  ['7', 7000],
  ['0', 0],
  ['Mon, 23 Nov 2026 05:12:29 GMT', 60_000],
  ['Monday, 23-Nov-26 05:12:29 GMT', 60_000],
  ['Mon, 23 Nov 2026 05:00:00 GMT', 0],
  ['soon', undefined],
  ['-5', undefined],
  ['', undefined],
])('Retry-After: %s → %s ms', async (retryAfter, retryAfterMs) => {
  const outcome = await outcomeOf(answer(503, '', { 'retry-after': retryAfter }));
  expect(outcome).toEqual({
    kind: 'unavailable',
    status: 503,
    message: 'the backend answered 503',
    ...(retryAfterMs === undefined ? {} : { retryAfterMs }),
  });
});

test.each<[string, Script]>([
  ['silence', () => {}],
  ['a beginning of headers', (_, response) => response.socket?.write('HTTP/1.1 200 OK\r\n')],
  ['headers and no body', (_, response) => response.writeHead(200, { 'content-length': 2 }).flushHeaders()],
])('unavailable: %s until the time is up', async (_, script) => {
  expect(await outcomeOf(script, { timeoutMs: 50 })).toEqual({
    kind: 'unavailable',
    message: 'the backend did not answer within 50 ms',
  });
});

test.each<[string, Script]>([
  ['before the answer', (_, response) => response.socket?.resetAndDestroy()],
  [
    'in the middle of a success',
    (_, response) => {
      response.writeHead(200, { 'content-length': 100 });
      response.write('{', () => response.socket?.destroy());
    },
  ],
])('unavailable: the connection breaks %s', async (_, script) => {
  expect(await outcomeOf(script)).toEqual({
    kind: 'unavailable',
    message: 'the backend cannot be reached (ECONNRESET)',
  });
});

test('unavailable: nobody listens', async () => {
  let gone: ScriptedBackend;
  {
    await using backend = await startBackend();
    gone = backend;
  }
  expect(await exportTo(gone.endpoint)).toEqual([
    { kind: 'unavailable', message: 'the backend cannot be reached (ECONNREFUSED)' },
  ]);
});

test('unavailable: what answers speaks no HTTP', async () => {
  const server = net.createServer((socket) => {
    socket.on('error', () => {}).end('SSH-2.0\r\n');
    socket.resume();
  });
  const endpoint = await listen(server);
  expect(await exportTo(endpoint)).toEqual([
    { kind: 'unavailable', message: expect.stringContaining('cannot be reached (HPE_') },
  ]);
  await new Promise((resolve) => server.close(resolve));
});

test('a connection that the backend closed while nothing was sent is replaced at once', async () => {
  const used = new Set<number>();
  await using backend = await startBackend(({ connection }, response) => {
    // As after a Lambda's freeze: the second request of a connection finds it dead.
    if (used.has(connection)) return void response.socket?.destroy();
    used.add(connection);
    response.end('{}');
  });
  expect(await exportTo(backend.endpoint, 3)).toEqual([
    { kind: 'accepted' },
    { kind: 'accepted' },
    { kind: 'accepted' },
  ]);
  expect(used.size).toBe(3);
});

test('a refusal that comes before the body was read is a refusal, not a broken connection', async () => {
  const server = http.createServer((_, response) => {
    response.writeHead(413, { connection: 'close' }).end('too large');
  });
  const transport = createHttpTransport(await listen(server));
  const sent = await transport.send(new Uint8Array(20_000_000));
  expect(judgeAnswer(sent, NOW, 'http/json')).toEqual({ kind: 'refused', status: 413, message: 'too large' });
  transport.close();
  await new Promise((resolve) => server.close(resolve));
});

async function listen(server: net.Server): Promise<OtlpEndpoint> {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  return {
    url: new URL(`http://127.0.0.1:${port}`),
    headers: {},
    timeoutMs: 10_000,
    compression: 'none',
    protocol: 'http/json',
  };
}
