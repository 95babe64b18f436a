/**
 * From the shared span to the form that OpenTelemetry's serializers read. Nothing is recorded or sampled here: ids
 * and times are given, so a ReadableSpan is made by hand.
 */
import { type HrTime, type SpanContext, SpanKind, SpanStatusCode, TraceFlags } from '@opentelemetry/api';
import { type Resource, resourceFromAttributes } from '@opentelemetry/resources';
import type { ReadableSpan } from '@opentelemetry/sdk-trace-base';
import product from '../../package.json' with { type: 'json' };
import type { Attributes, Span } from '../../shared/span.ts';

const NANOSECONDS = 1_000_000_000n;

/** Which semantic conventions the names of attributes are from. */
const schemaUrl = 'https://opentelemetry.io/schemas/1.44.0';
const instrumentationScope = { name: product.name, version: product.version, schemaUrl };

/**
 * Spans as ReadableSpans, in the same order. Equal resources become one object, since the serializer groups spans by
 * the identity of their Resource: without that each span would repeat it.
 */
export function toReadableSpans(spans: readonly Span[]): ReadableSpan[] {
  const resources = new Map<string, Resource>();
  const intern = (attributes: Attributes): Resource => {
    const key = JSON.stringify(Object.entries(attributes).sort(([a], [b]) => (a < b ? -1 : 1)));
    let resource = resources.get(key);
    if (resource === undefined) {
      resource = resourceFromAttributes(toOtlpAttributes(attributes), { schemaUrl });
      resources.set(key, resource);
    }
    return resource;
  };
  return spans.map((span) => toReadableSpan(span, intern(span.resource)));
}

function toReadableSpan(span: Span, resource: Resource): ReadableSpan {
  const context = toSpanContext(span.traceId, span.spanId);
  const start = BigInt(span.startTimeUnixNano);
  const end = BigInt(span.endTimeUnixNano);
  return {
    name: span.name,
    kind: SpanKind.INTERNAL,
    spanContext: () => context,
    ...(span.parentSpanId === null
      ? {}
      : { parentSpanContext: toSpanContext(span.traceId, span.parentSpanId) }),
    startTime: toHrTime(start),
    endTime: toHrTime(end),
    duration: toHrTime(end - start),
    ended: true,
    status: {
      code: span.status.code === 'ERROR' ? SpanStatusCode.ERROR : SpanStatusCode.UNSET,
      ...(span.status.message === undefined ? {} : { message: span.status.message }),
    },
    attributes: toOtlpAttributes(span.attributes),
    links: span.links.map(({ traceId, spanId, attributes }) => ({
      context: toSpanContext(traceId, spanId),
      ...(attributes !== undefined && { attributes: toOtlpAttributes(attributes) }),
    })),
    events: [],
    resource,
    instrumentationScope,
    droppedAttributesCount: 0,
    droppedEventsCount: 0,
    droppedLinksCount: 0,
  };
}

const toSpanContext = (traceId: string, spanId: string): SpanContext => ({
  traceId,
  spanId,
  traceFlags: TraceFlags.SAMPLED,
});

const toHrTime = (nanoseconds: bigint): HrTime => [
  Number(nanoseconds / NANOSECONDS),
  Number(nanoseconds % NANOSECONDS),
];

/**
 * The serializer writes every integral number as `intValue`, an int64, and Infinity as null: a backend would refuse
 * the request for one such number. What is no int64 goes as text.
 */
function toOtlpAttributes(attributes: Attributes): Attributes {
  const result: Attributes = {};
  for (const [key, value] of Object.entries(attributes)) {
    const inRange =
      typeof value !== 'number' ||
      (Number.isInteger(value) ? Math.abs(value) < 2 ** 63 : Number.isFinite(value));
    result[key] = inRange ? value : String(value);
  }
  return result;
}
