/** Spans that keep the contract and nothing else: for properties. */
import fc from 'fast-check';
import type { Span } from '../shared/span.ts';

const hex = (digits: number) =>
  fc
    .array(fc.constantFrom(...'0123456789abcdef'), { minLength: digits, maxLength: digits })
    .map((all) => all.join(''));

const nanoseconds = fc.bigInt({ min: 0n, max: 9_999_999_999_999_999_999n }).map(String);

const text = fc.string({ unit: 'grapheme', maxLength: 20 });

/** Numbers as JSON and OTLP can hold them: no -0, nothing past int64. */
const number = fc.oneof(
  fc.maxSafeInteger(),
  fc
    .double({ noNaN: true, noDefaultInfinity: true })
    .filter((n) => Math.abs(n) < 2 ** 63 && !Object.is(n, -0)),
);

const attributes = fc.dictionary(
  // `toString` and its like: OpenTelemetry's Resource (2.12) takes them for set already and drops them; `prototype`:
  // valibot's record (1.5) drops it against prototype pollution. No attribute of the contract has such a name.
  fc
    .oneof(fc.constantFrom('k8s.event.count', 'k8s.pod.name'), text)
    .filter((key) => key !== 'prototype' && !(key in Object.prototype)),
  fc.oneof(text, number, fc.boolean(), fc.array(text, { maxLength: 3 })),
  { maxKeys: 6, noNullPrototype: true },
);

const resource = fc.oneof(
  fc.constantFrom(
    { 'service.name': 'kubelet', 'service.instance.id': 'node-1' },
    { 'service.name': 'kubelet' },
  ),
  attributes,
);

export const arbitrarySpan: fc.Arbitrary<Span> = fc.record({
  traceId: hex(32),
  spanId: hex(16),
  parentSpanId: fc.option(hex(16)),
  name: text,
  startTimeUnixNano: nanoseconds,
  endTimeUnixNano: nanoseconds,
  status: fc.oneof(
    fc.constant({ code: 'UNSET' as const }),
    fc.record({ code: fc.constantFrom('UNSET' as const, 'ERROR' as const), message: text }),
  ),
  resource,
  attributes,
  links: fc.array(
    fc.record(
      {
        traceId: hex(32),
        spanId: hex(16),
        attributes: attributes.filter((all) => Object.keys(all).length > 0),
      },
      { requiredKeys: ['traceId', 'spanId'], noNullPrototype: true },
    ),
    { maxLength: 3 },
  ),
});
