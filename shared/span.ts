/**
 * The span contract between correlator and emitter, and what `explain --format json` prints: plain JSON, ids and
 * times as strings, the same bytes for the same facts.
 */
import * as v from 'valibot';
import { FormatVersion, type Parsed, parseWith } from './observation.ts';

const TraceId = v.pipe(v.string(), v.regex(/^[0-9a-f]{32}$/, 'is not 32 hex digits'));
const SpanId = v.pipe(v.string(), v.regex(/^[0-9a-f]{16}$/, 'is not 16 hex digits'));
const UnixNano = v.pipe(v.string(), v.regex(/^\d{1,19}$/, 'is not nanoseconds since 1970'));
const AttributeValue = v.union([v.string(), v.number(), v.boolean(), v.array(v.string())]);
const Attributes = v.record(v.string(), AttributeValue);

const SpanSchema = v.object({
  traceId: TraceId,
  spanId: SpanId,
  parentSpanId: v.nullable(SpanId),
  name: v.string(),
  startTimeUnixNano: UnixNano,
  endTimeUnixNano: UnixNano,
  status: v.object({ code: v.picklist(['UNSET', 'ERROR']), message: v.optional(v.string()) }),
  resource: Attributes,
  attributes: Attributes,
  links: v.array(v.object({ traceId: TraceId, spanId: SpanId, attributes: v.optional(Attributes) })),
});

/** What one message of the spans queue holds. */
const SpanBatchSchema = v.object({ version: FormatVersion, spans: v.array(SpanSchema) });

export type Span = v.InferOutput<typeof SpanSchema>;
export type SpanBatch = v.InferOutput<typeof SpanBatchSchema>;
export type Attributes = v.InferOutput<typeof Attributes>;

export const parseSpanBatch = (input: unknown): Parsed<SpanBatch> => parseWith(SpanBatchSchema, input);

/**
 * Of a change, an episode or a release: no rule put it below another span. A parent it may have all the same, in another process: the
 * caller whose trace it continues, which may have roots of several changes.
 */
export const isRoot = ({ attributes }: Pick<Span, 'attributes'>): boolean =>
  !('rootspan.because' in attributes);

/** The order of `explain`: trace, start, span. */
export function compareSpans(a: Span, b: Span): number {
  if (a.traceId !== b.traceId) return a.traceId < b.traceId ? -1 : 1;
  const start = BigInt(a.startTimeUnixNano) - BigInt(b.startTimeUnixNano);
  if (start !== 0n) return start < 0n ? -1 : 1;
  return a.spanId < b.spanId ? -1 : a.spanId > b.spanId ? 1 : 0;
}
