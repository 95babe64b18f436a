/** The way back from OTLP/JSON: an ExportTraceServiceRequest as the spans of shared/span.ts. */
import { type Attributes, parseSpanBatch, type Span } from '../../shared/span.ts';

interface AnyValue {
  stringValue?: string;
  /** int64: a number or, past what JSON numbers hold, text. */
  intValue?: number | string;
  doubleValue?: number;
  boolValue?: boolean;
  arrayValue?: { values?: AnyValue[] };
}

interface KeyValue {
  key?: string;
  value?: AnyValue;
}

interface OtlpTraces {
  resourceSpans?: {
    resource?: { attributes?: KeyValue[] };
    scopeSpans?: { spans?: OtlpSpan[] }[];
  }[];
}

interface OtlpSpan {
  traceId?: string;
  spanId?: string;
  parentSpanId?: string;
  name?: string;
  startTimeUnixNano?: string | number;
  endTimeUnixNano?: string | number;
  attributes?: KeyValue[];
  status?: { code?: number | string; message?: string };
  links?: { traceId?: string; spanId?: string; attributes?: KeyValue[] }[];
}

/** STATUS_CODE_ERROR of opentelemetry/proto/trace/v1/trace.proto. */
const errorCode = 2;

/** In the order of the request. Throws, saying what is wrong, where they are not the spans that the emitter sends. */
export function readOtlpSpans(request: unknown): Span[] {
  if (typeof request !== 'object' || request === null) throw new Error('the body is no JSON object');
  const spans = ((request as OtlpTraces).resourceSpans ?? []).flatMap(({ resource, scopeSpans = [] }) => {
    const attributes = toAttributes(resource?.attributes);
    return scopeSpans.flatMap(({ spans: all = [] }) => all.map((span) => toSpan(span, attributes)));
  });
  const parsed = parseSpanBatch({ version: 1, spans });
  if (!parsed.ok) throw new Error(`the request ${parsed.reason}`);
  return parsed.value.spans;
}

const toSpan = (span: OtlpSpan, resource: Attributes) => ({
  traceId: span.traceId?.toLowerCase(),
  spanId: span.spanId?.toLowerCase(),
  // Both are how a root is written.
  parentSpanId:
    span.parentSpanId === undefined || span.parentSpanId === '' ? null : span.parentSpanId.toLowerCase(),
  name: span.name ?? '',
  startTimeUnixNano: String(span.startTimeUnixNano ?? '0'),
  endTimeUnixNano: String(span.endTimeUnixNano ?? '0'),
  status: {
    code: span.status?.code === errorCode || span.status?.code === 'STATUS_CODE_ERROR' ? 'ERROR' : 'UNSET',
    ...(span.status?.message === undefined || span.status.message === ''
      ? {}
      : { message: span.status.message }),
  },
  resource,
  attributes: toAttributes(span.attributes),
  links: (span.links ?? []).map(({ traceId, spanId, attributes = [] }) => ({
    traceId,
    spanId,
    ...(attributes.length > 0 && { attributes: toAttributes(attributes) }),
  })),
});

function toAttributes(list: KeyValue[] = []): Attributes {
  return Object.fromEntries(list.map(({ key = '', value }) => [key, toValue(value)]));
}

function toValue(value: AnyValue | undefined): Attributes[string] {
  if (value?.arrayValue !== undefined) return (value.arrayValue.values ?? []).map(toText);
  if (value?.stringValue !== undefined) return value.stringValue;
  if (value?.intValue !== undefined) return Number(value.intValue);
  if (value?.doubleValue !== undefined) return value.doubleValue;
  if (value?.boolValue !== undefined) return value.boolValue;
  return refuse(value);
}

const toText = (value: AnyValue): string => value.stringValue ?? refuse(value);

/** The exporter writes an empty value for none of the kinds that spans have. */
function refuse(value: AnyValue | undefined): never {
  throw new Error(`an attribute of a kind that no span has: ${JSON.stringify(value)}`);
}
