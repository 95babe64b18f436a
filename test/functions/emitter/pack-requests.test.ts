import fc from 'fast-check';
import { describe, expect, it, test } from 'vitest';
import {
  findExcess,
  otlpPacking,
  packRequests,
  xrayPacking,
} from '../../../functions/emitter/pack-requests.ts';
import type { Span } from '../../../shared/span.ts';
import { checkProperty } from '../../check-property.ts';
import { makeSpan } from '../../spans.ts';

const hour = 3_600_000;
const now = Date.parse('2026-11-23T12:00:00Z');

/** A span from `from` to `to`, in hours from now. */
const spanAt = (from: number, to = from): Span => ({
  ...makeSpan({ name: 'Pod.Pulling', object: `${from}` }),
  startTimeUnixNano: `${BigInt(now + from * hour) * 1_000_000n}`,
  endTimeUnixNano: `${BigInt(now + to * hour) * 1_000_000n}`,
});
const itemsAt = (...hours: number[]) => hours.map((at) => ({ at, span: spanAt(at) }));
const hoursOf = (requests: { at: number }[][]) => requests.map((request) => request.map(({ at }) => at));

test.each([
  ['now', spanAt(0), undefined],
  ['two weeks ago, nearly', spanAt(-14 * 24 + 1), undefined],
  ['two weeks ago and more', spanAt(-14 * 24 - 1, 0), 'it began more than 336 h ago'],
  ['in an hour', spanAt(1), undefined],
  ['in three hours', spanAt(0, 3), 'it ends more than 2 h from now'],
  [
    'too large',
    { ...spanAt(0), attributes: { text: 'x'.repeat(200_000) } },
    'it is larger than 200000 bytes',
  ],
])('X-Ray and a span of %s', (_, span, excess) => {
  expect(findExcess(span, xrayPacking, now)).toBe(excess);
});

test('anybody else takes any span', () => {
  const span = { ...spanAt(-10_000, 10_000), attributes: { text: 'x'.repeat(5_000_000) } };
  expect(findExcess(span, otlpPacking, now)).toBeUndefined();
});

describe('times too far apart for one request', () => {
  it('are split, in their order', () => {
    const items = itemsAt(-1, -30, -2, -31, -3);
    expect(hoursOf(packRequests(items, xrayPacking))).toEqual([
      [-31, -30],
      [-3, -2, -1],
    ]);
  });

  it('of nobody who does not mind', () => {
    const items = itemsAt(-1, -300, -2);
    expect(hoursOf(packRequests(items, otlpPacking))).toEqual([[-1, -300, -2]]);
  });

  it('in one span go alone: the backend decides', () => {
    const items = [
      { at: 0, span: spanAt(-1) },
      { at: 1, span: spanAt(-40, -2) },
    ];
    expect(hoursOf(packRequests(items, xrayPacking))).toEqual([[1], [0]]);
  });
});

test('whatever the spans: each is in one request, no request is beyond a limit or empty', () => {
  const times = fc.array(fc.integer({ min: -13 * 24, max: 2 }), { maxLength: 60 });
  checkProperty(
    fc.property(times, fc.integer({ min: 1, max: 20 }), (hours, requestSpans) => {
      const requests = hoursOf(packRequests(itemsAt(...hours), { ...xrayPacking, requestSpans }));
      expect(requests.flat().sort()).toEqual([...hours].sort());
      for (const request of requests) {
        expect(request.length).toBeGreaterThan(0);
        expect(request.length).toBeLessThanOrEqual(requestSpans);
        expect(Math.max(...request) - Math.min(...request)).toBeLessThanOrEqual(24);
      }
    }),
  );
});
