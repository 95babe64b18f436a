/** Spans to requests that a backend takes: as few as its limits allow. */
import type { Attributes, Span } from '../../shared/span.ts';

export interface PackingLimits {
  /** Of OTLP JSON before compression, by estimate; the same spans in protobuf are about half of it. */
  requestBytes: number;
  requestSpans: number;
  /** Milliseconds between the earliest and the latest time in one request. */
  requestSpread: number;
  /** As `requestBytes`, of one span. */
  spanBytes: number;
  /** Milliseconds that a span may lie back, and ahead. */
  spanAge: number;
  spanLead: number;
}

/** 4 MB is the least of the limits in use (gRPC's default, which gateways in front of a collector keep). */
export const otlpPacking: PackingLimits = {
  requestBytes: 4_000_000,
  requestSpans: 5000,
  requestSpread: Number.POSITIVE_INFINITY,
  spanBytes: Number.POSITIVE_INFINITY,
  spanAge: Number.POSITIVE_INFINITY,
  spanLead: Number.POSITIVE_INFINITY,
};

const hour = 3_600_000;

/**
 * What X-Ray's endpoint refuses, whole requests at a time
 * (https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch-OTLPEndpoint.html). Its 5 MB and 10,000
 * spans a request are more than is packed anyway.
 */
export const xrayPacking: PackingLimits = {
  ...otlpPacking,
  requestSpread: 24 * hour,
  spanBytes: 200_000,
  spanAge: 14 * 24 * hour,
  spanLead: 2 * hour,
};

/**
 * Why no request with this span would be taken; undefined where one might.
 * @param now milliseconds since 1970
 */
export function findExcess(span: Span, limits: PackingLimits, now: number): string | undefined {
  const { start, end } = timesOf(span);
  if (start < now - limits.spanAge) return `it began more than ${limits.spanAge / hour} h ago`;
  if (end > now + limits.spanLead) return `it ends more than ${limits.spanLead / hour} h from now`;
  if (estimateOtlpBytes(span) > limits.spanBytes) return `it is larger than ${limits.spanBytes} bytes`;
  return undefined;
}

/** In order, unless their times lie too far apart for one request. */
export function packRequests<T extends { span: Span }>(items: readonly T[], limits: PackingLimits): T[][] {
  const requests: T[][] = [];
  let request: T[] = [];
  let bytes = 0;
  let from = Number.POSITIVE_INFINITY;
  let to = Number.NEGATIVE_INFINITY;
  for (const item of sortWhereApart(items, limits)) {
    const more = estimateOtlpBytes(item.span);
    const { start, end } = timesOf(item.span);
    const isFull =
      request.length === limits.requestSpans ||
      bytes + more > limits.requestBytes ||
      Math.max(to, end) - Math.min(from, start) > limits.requestSpread;
    if (request.length > 0 && isFull) {
      requests.push(request);
      request = [];
      bytes = 0;
      from = Number.POSITIVE_INFINITY;
      to = Number.NEGATIVE_INFINITY;
    }
    request.push(item);
    bytes += more;
    from = Math.min(from, start);
    to = Math.max(to, end);
  }
  if (request.length > 0) requests.push(request);
  return requests;
}

function sortWhereApart<T extends { span: Span }>(
  items: readonly T[],
  { requestSpread }: PackingLimits,
): readonly T[] {
  const times = items.map(({ span }) => timesOf(span));
  const from = times.reduce((least, { start }) => Math.min(least, start), Number.POSITIVE_INFINITY);
  const to = times.reduce((most, { end }) => Math.max(most, end), Number.NEGATIVE_INFINITY);
  if (!(to - from > requestSpread)) return items;
  return items.toSorted((a, b) => timesOf(a.span).start - timesOf(b.span).start);
}

/** Milliseconds since 1970, with fractions as far as they go: limits are not that sharp. */
const timesOf = ({ startTimeUnixNano, endTimeUnixNano }: Span) => ({
  start: Number(startTimeUnixNano) / 1e6,
  end: Number(endTimeUnixNano) / 1e6,
});

/**
 * What a span takes in OTLP JSON, without serializing it twice. Within a few per cent: escapes are not counted, nor
 * resources, which spans share. Where that is too little, the backend's 413 halves the request.
 */
function estimateOtlpBytes(span: Span): number {
  let bytes = 420 + Buffer.byteLength(span.name) + Buffer.byteLength(span.status.message ?? '');
  bytes += estimateAttributes(span.attributes);
  for (const { attributes = {} } of span.links) bytes += 130 + estimateAttributes(attributes);
  return bytes;
}

function estimateAttributes(attributes: Attributes): number {
  let bytes = 0;
  for (const [key, value] of Object.entries(attributes)) {
    bytes += 40 + Buffer.byteLength(key);
    if (typeof value === 'string') bytes += Buffer.byteLength(value);
    else if (Array.isArray(value)) for (const text of value) bytes += 20 + Buffer.byteLength(text);
    else bytes += 8;
  }
  return bytes;
}
