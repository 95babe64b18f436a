import { request as httpRequest } from 'node:http';
import { gzipSync } from 'node:zlib';
import { ProtobufTraceSerializer } from '@opentelemetry/otlp-transformer';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { toOtlpJson } from '../../../functions/emitter/to-otlp-json.ts';
import { toReadableSpans } from '../../../functions/emitter/to-readable-span.ts';
import { type OtlpReceiver, startOtlpReceiver } from '../../../infra/local/receive-otlp.ts';
import { compareSpans, type Span } from '../../../shared/span.ts';
import { arbitrarySpan } from '../../arbitrary-spans.ts';
import { checkProperty } from '../../check-property.ts';

const span: Span = {
  traceId: 'a'.repeat(32),
  spanId: 'b'.repeat(16),
  parentSpanId: null,
  name: 'Pod.Pulling',
  startTimeUnixNano: '1700000000000000001',
  endTimeUnixNano: '1700000000000000002',
  status: { code: 'ERROR', message: 'no such image' },
  resource: { 'service.name': 'kubelet' },
  attributes: { 'k8s.event.count': 3, 'k8s.event.reason': 'Pulling' },
  links: [{ traceId: 'c'.repeat(32), spanId: 'd'.repeat(16) }],
};
const other: Span = { ...span, spanId: '0'.repeat(16), parentSpanId: span.spanId, status: { code: 'UNSET' } };

let receiver: OtlpReceiver;
beforeEach(async () => {
  receiver = await startOtlpReceiver();
});
afterEach(() => receiver.stop());

interface Answer {
  status: number;
  headers: Record<string, unknown>;
  body: string;
}

/** One request on a connection of its own: no agent is left behind. */
function post(body: Uint8Array | string, headers: Record<string, string> = {}, method = 'POST', path = '') {
  return new Promise<Answer>((resolve, reject) => {
    const request = httpRequest(receiver.endpoint + path, {
      method,
      agent: false,
      headers: { 'content-type': 'application/json', ...headers },
    });
    request.on('error', reject);
    request.on('response', (response) => {
      let text = '';
      response.setEncoding('utf8');
      response.on('data', (chunk: string) => {
        text += chunk;
      });
      response.on('error', reject);
      response.on('end', () =>
        resolve({ status: response.statusCode ?? 0, headers: response.headers, body: text }),
      );
    });
    request.end(body);
  });
}

describe('what is posted', () => {
  it('comes back as the spans that were sent, in the order of explain, each as often as it came', async () => {
    expect((await post(toOtlpJson([span, other]))).status).toBe(200);
    expect((await post(toOtlpJson([span]))).status).toBe(200);
    expect(receiver.spans()).toEqual([other, span, span]);
  });

  it('may be zipped', async () => {
    const { status } = await post(gzipSync(toOtlpJson([span])), { 'content-encoding': 'gzip' });
    expect(status).toBe(200);
    expect(receiver.spans()).toEqual([span]);
  });

  it('protobuf', async () => {
    const body = ProtobufTraceSerializer.serializeRequest(toReadableSpans([span]))!;
    const { status } = await post(body, { 'content-type': 'application/x-protobuf' });
    expect(status).toBe(200);
    expect(receiver.spans()).toEqual([span]);
  });

  it('whatever the spans are, they are the same again', async () => {
    await checkProperty(
      fc.asyncProperty(fc.array(arbitrarySpan, { maxLength: 5 }), async (spans) => {
        const before = receiver.spans().length;
        const seen: Span[] = [];
        receiver.respondWith((request) => {
          seen.push(...request.spans);
          return { kind: 'status', status: 200 };
        });
        await post(toOtlpJson(spans));
        const normal = spans.map(toNormal).sort(compareSpans);
        expect(seen.map(toNormal).sort(compareSpans)).toEqual(normal);
        expect(receiver.spans()).toHaveLength(before);
      }),
      100,
    );
  });
});

/** OTLP knows no empty status message, and one Map for attributes: their order says nothing. */
function toNormal({ status: { code, message }, ...rest }: Span): Span {
  return { ...rest, status: { code, ...(message ? { message } : {}) } };
}

describe('scripted answers', () => {
  it('a status with headers and a body; what is refused is not kept', async () => {
    receiver.respondWith(({ index, spans }) =>
      index === 0
        ? { kind: 'status', status: 429, headers: { 'retry-after': '7' }, body: `{"n":${spans.length}}` }
        : { kind: 'accept' },
    );
    const first = await post(toOtlpJson([span]));
    expect(first).toMatchObject({ status: 429, headers: { 'retry-after': '7' }, body: '{"n":1}' });
    expect(receiver.spans()).toEqual([]);
    expect((await post(toOtlpJson([span]))).status).toBe(200);
    expect(receiver.spans()).toEqual([span]);
  });

  it('a connection cut after the spans were taken', async () => {
    receiver.respondWith(() => ({ kind: 'reset', keep: true }));
    await expect(post(toOtlpJson([span]))).rejects.toThrow(/ECONNRESET|hang up/);
    expect(receiver.spans()).toEqual([span]);
    receiver.respondWith(undefined);
    expect((await post(toOtlpJson([span]))).status).toBe(200);
  });

  it('no answer, until the receiver is stopped', async () => {
    const asked = new Promise<void>((resolve) => {
      receiver.respondWith(() => {
        resolve();
        return { kind: 'hang' };
      });
    });
    const answer = post(toOtlpJson([span]));
    answer.catch(() => undefined);
    await asked;
    await receiver.stop();
    await expect(answer).rejects.toThrow(/ECONNRESET|hang up/);
    expect(receiver.spans()).toEqual([]);
  });
});

describe('what is no OTLP/JSON', () => {
  it.each([
    ['no JSON', '{', {}, 400],
    ['no object', '1', {}, 400],
    ['a span without ids', '{"resourceSpans":[{"scopeSpans":[{"spans":[{"name":"x"}]}]}]}', {}, 400],
    ['broken zip', 'plain', { 'content-encoding': 'gzip' }, 400],
    ['another encoding', '{}', { 'content-encoding': 'br' }, 415],
    ['JSON that says it is protobuf', '{}', { 'content-type': 'application/x-protobuf' }, 400],
    ['another form', '', { 'content-type': 'application/x-thrift' }, 415],
    ['a zip bomb', gzipSync(Buffer.alloc(65 * 1024 * 1024)), { 'content-encoding': 'gzip' }, 413],
  ])('%s', async (_, body, headers: Record<string, string>, status) => {
    expect((await post(body, headers)).status).toBe(status);
    expect(receiver.spans()).toEqual([]);
  });

  it('another method, another path', async () => {
    expect((await post('', {}, 'PUT')).status).toBe(405);
    expect((await post('{}', {}, 'POST', '/more')).status).toBe(404);
  });
});
