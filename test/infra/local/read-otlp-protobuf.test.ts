/** The receiver's reader of protobuf, against the exporter's own writer. */
import { ProtobufTraceSerializer } from '@opentelemetry/otlp-transformer';
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { toOtlpJson } from '../../../functions/emitter/to-otlp-json.ts';
import { toReadableSpans } from '../../../functions/emitter/to-readable-span.ts';
import { readOtlpProtobuf } from '../../../infra/local/read-otlp-protobuf.ts';
import { readOtlpSpans } from '../../../infra/local/read-otlp-spans.ts';
import type { Span } from '../../../shared/span.ts';
import { arbitrarySpan } from '../../arbitrary-spans.ts';
import { checkProperty } from '../../check-property.ts';
import { makeRollout } from '../../spans.ts';

const written = (spans: readonly Span[]) => ProtobufTraceSerializer.serializeRequest(toReadableSpans(spans))!;

it('reads the same spans in both forms', () => {
  checkProperty(
    fc.property(fc.array(arbitrarySpan, { maxLength: 8 }), (spans) => {
      expect(readOtlpSpans(readOtlpProtobuf(written(spans)))).toEqual(
        readOtlpSpans(JSON.parse(toOtlpJson(spans))),
      );
    }),
  );
});

it('refuses what ends too early, wherever that is', () => {
  const bytes = written(makeRollout({ name: 'web', replicas: 1 }));
  checkProperty(
    fc.property(fc.integer({ min: 1, max: bytes.length - 1 }), (length) => {
      expect(() => readOtlpProtobuf(bytes.subarray(0, length))).toThrow('it ends too early');
    }),
  );
});

it('refuses what is no protobuf of spans', () => {
  expect(() => readOtlpProtobuf(new TextEncoder().encode('{"resourceSpans":[]}'))).toThrow(
    'not an OTLP request',
  );
});
