import fc from 'fast-check';
import { expect, test } from 'vitest';
import { packSpans } from '../../../../infra/local/view/pack-spans.ts';
import { unpackSpans } from '../../../../infra/local/view/unpack-spans.ts';
import type { Span } from '../../../../shared/span.ts';
import { checkProperty } from '../../../check-property.ts';
import { anySpans, HOSTILE, makeMorning, makeRollout, makeSpan } from '../../../spans.ts';

const byTrace = (spans: readonly Span[]) => [...Map.groupBy(spans, ({ traceId }) => traceId).values()];

/** By way of JSON, as a page has it. */
function thereAndBack(spans: readonly Span[]): Span[] {
  const { shared, traces } = JSON.parse(JSON.stringify(packSpans(byTrace(spans)))) as ReturnType<
    typeof packSpans
  >;
  return traces.flatMap((trace) => unpackSpans(trace, shared));
}

test('nothing is lost', () => {
  expect(thereAndBack(makeMorning())).toEqual(byTrace(makeMorning()).flat());
});

test('whatever the spans, nothing is lost', () => {
  checkProperty(
    fc.property(anySpans, (spans) => {
      expect(thereAndBack(spans)).toEqual(byTrace(spans).flat());
    }),
    200,
  );
});

test('texts that look like what packing writes come back as they were', () => {
  const texts = [
    ...HOSTILE,
    '\ue000',
    '\ue001',
    '\ue001a',
    'a web-1 and \ue000',
    'web-1web-1',
    '__proto__',
    'constructor',
  ];
  const spans = texts.flatMap((text, i) => [
    makeSpan({
      name: 'Pod.X',
      object: 'web-1',
      at: i,
      message: text,
      attributes: { [text]: text, n: i, yes: true },
    }),
    makeSpan({ name: text, object: text, at: i, message: `of ${text}`, attributes: { list: [text, text] } }),
  ]);
  const unique = [...new Map(spans.map((span) => [span.spanId, span])).values()];
  expect(thereAndBack(unique)).toEqual(unique);
});

test('what is alike costs little: pods of one rollout a tenth of an array of spans', () => {
  const spans = makeRollout({ name: 'big', replicas: 200 });
  const size = (value: unknown) => JSON.stringify(value).length;
  expect(size(packSpans([spans])) / size(spans)).toBeLessThan(0.1);
});
