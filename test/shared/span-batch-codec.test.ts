import { randomBytes } from 'node:crypto';
import { gzipSync } from 'node:zlib';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { Span } from '../../shared/span.ts';
import { decodeSpanBatch, encodeSpanBatches } from '../../shared/span-batch-codec.ts';
import { arbitrarySpan } from '../arbitrary-spans.ts';
import { checkProperty } from '../check-property.ts';
import { makeMorning, makeSpan } from '../spans.ts';

const decodeAll = (bodies: string[]): Span[] =>
  bodies.flatMap((body) => {
    const batch = decodeSpanBatch(body);
    if (!batch.ok) throw new Error(batch.reason);
    return batch.value.spans;
  });

test('a morning of spans is one small body', () => {
  const spans = makeMorning();
  const bodies = encodeSpanBatches(spans);
  expect(bodies).toHaveLength(1);
  expect(bodies[0]!.length).toBeLessThan(JSON.stringify(spans).length / 5);
  expect(decodeAll(bodies)).toEqual(spans);
});

test('no spans, no bodies', () => {
  expect(encodeSpanBatches([])).toEqual([]);
});

test('any spans come back in order, in bodies within the limit, the same each time', () => {
  checkProperty(
    fc.property(
      fc.array(arbitrarySpan, { maxLength: 20 }),
      fc.integer({ min: 1000, max: 5000 }),
      (spans, maxBytes) => {
        const bodies = encodeSpanBatches(spans, maxBytes);
        expect(decodeAll(bodies)).toEqual(spans);
        expect(encodeSpanBatches(structuredClone(spans), maxBytes)).toEqual(bodies);
        for (const body of bodies) {
          expect(Buffer.byteLength(body) <= maxBytes || decodeAll([body]).length === 1).toBe(true);
        }
      },
    ),
  );
});

test('a span that is too large by itself goes alone, and costs the others nothing', () => {
  const small = makeSpan({ name: 'Pod.Pulling', object: 'web-1' });
  const large = makeSpan({
    name: 'Pod.Pulling',
    object: 'web-2',
    message: randomBytes(3000).toString('hex'),
  });
  const bodies = encodeSpanBatches([small, large, small], 2000);
  expect(bodies.map((body) => decodeAll([body]))).toEqual([[small], [large], [small]]);
});

test('what does not compress is split by its packed size', () => {
  const spans = Array.from({ length: 40 }, (_, i) =>
    makeSpan({ name: 'Pod.Pulling', object: `web-${i}`, message: randomBytes(10_000).toString('base64') }),
  );
  const bodies = encodeSpanBatches(spans);
  expect(bodies.length).toBeGreaterThan(1);
  expect(Math.max(...bodies.map((body) => body.length))).toBeLessThanOrEqual(240_000);
  expect(decodeAll(bodies)).toEqual(spans);
});

test('plain JSON is read as well', () => {
  const spans = [makeSpan({ name: 'Pod.Pulling', object: 'web-1' })];
  expect(decodeAll([JSON.stringify({ version: 1, spans })])).toEqual(spans);
});

const zipped = (text: string) => gzipSync(text).toString('base64');

test.each([
  ['secret words', 'is neither JSON nor gzipped JSON in base64'],
  ['', 'is neither JSON nor gzipped JSON in base64'],
  [zipped('{"version":1,"spans":[]}').slice(0, 20), 'is neither JSON nor gzipped JSON in base64'],
  ['{"secret', 'is not JSON'],
  [zipped('secret words'), 'is not JSON'],
  ['{"version":3,"spans":[]}', 'version should be (1 | 2), is number'],
  [zipped('{"version":1,"spans":[{"traceId":"secret"}]}'), /^spans\.0\.traceId/],
])('%j: says what is wrong and quotes nothing', (body, reason) => {
  const batch = decodeSpanBatch(body);
  expect(batch).toEqual({
    ok: false,
    reason: typeof reason === 'string' ? reason : expect.stringMatching(reason),
  });
  expect(JSON.stringify(batch)).not.toContain('secret');
});

test('a body that unpacks beyond all bounds is not unpacked', () => {
  expect(decodeSpanBatch(zipped(`{"version":1,"spans":[],"x":"${'0'.repeat(40 * 1024 * 1024)}"}`)).ok).toBe(
    false,
  );
});
