import { expect, test } from 'vitest';
import { createEmitter, narrowingRequests } from '../../../functions/emitter/emit.ts';
import { exportSpans } from '../../../functions/emitter/export-spans.ts';
import { createHttpTransport } from '../../../functions/emitter/http-transport.ts';
import { otlpPacking } from '../../../functions/emitter/pack-requests.ts';
import { compareSpans, type Span } from '../../../shared/span.ts';
import { decodeSpanBatch, encodeSpanBatches } from '../../../shared/span-batch-codec.ts';
import { makeMorning } from '../../spans.ts';
import { fromOtlpJson } from './otlp-json.ts';
import { answer, type Script, startBackend } from './scripted-backend.ts';

const morning = makeMorning().sort(compareSpans);

/** The morning in messages of 50 spans, through HTTP, to a backend that follows the script. */
async function emitMorning(script: Script) {
  const taken: Span[] = [];
  const setAside: { reason: string; payload: string }[] = [];
  await using backend = await startBackend((request, response) => {
    script(request, response);
    if (response.statusCode === 200) taken.push(...fromOtlpJson(request.body));
  });
  const transport = createHttpTransport(backend.endpoint);
  const emitter = createEmitter(
    {
      exportSpans: (spans) => exportSpans(spans, { transport, now: () => 0 }),
      setAside: { keep: async (item) => void setAside.push(item) },
      now: () => 0,
    },
    { ...otlpPacking, narrowingRequests },
  );
  const messages = Array.from({ length: Math.ceil(morning.length / 50) }, (_, i) => ({
    messageId: `m${i}`,
    body: encodeSpanBatches(morning.slice(i * 50, i * 50 + 50))[0]!,
  }));
  const result = await emitter(messages, Number.POSITIVE_INFINITY);
  transport.close();
  return { taken: taken.sort(compareSpans), setAside, result };
}

test('what the queue holds is what the backend gets', async () => {
  const { taken, result } = await emitMorning(answer(200, '{}'));
  expect(taken).toEqual(morning);
  expect(result.batchItemFailures).toEqual([]);
});

test('a backend that refuses one span gets all the others', async () => {
  const bad = morning[123]!;
  const { taken, setAside, result } = await emitMorning((request, response) => {
    const status = request.body.includes(`"spanId":"${bad.spanId}","parentSpanId"`) ? 400 : 200;
    answer(status, '{"message":"no"}')(request, response);
  });
  expect(taken).toEqual(morning.filter((span) => span !== bad));
  expect(setAside.map(({ payload }) => decodeSpanBatch(payload))).toEqual([
    { ok: true, value: { version: 1, spans: [bad] } },
  ]);
  expect(result.batchItemFailures).toEqual([]);
});

test('a backend that is down costs nothing but time', async () => {
  const { taken, setAside, result } = await emitMorning(answer(503, '', { 'retry-after': '30' }));
  expect([taken, setAside]).toEqual([[], []]);
  expect(result.batchItemFailures).toHaveLength(Math.ceil(morning.length / 50));
  expect(result).toMatchObject({ requests: 1, retryAfterMs: 30_000, exported: 0, kept: morning.length });
});
