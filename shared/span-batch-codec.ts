/**
 * How finished spans travel from the correlator to the emitter: bodies of SQS messages, each one a `SpanBatch`, as JSON
 * or, where that is shorter (nearly always), as the base64 of gzipped JSON. The first character tells which: JSON
 * starts with `{`, base64 never does.
 */
import { gunzipSync, gzipSync } from 'node:zlib';
import type { Parsed } from './observation.ts';
import { parseSpanBatch, type Span, type SpanBatch } from './span.ts';

/** SQS took 256 KiB for a message until August 2025, 1 MiB since; emulators and other regions' quotas may lag. */
const MAX_BODY_BYTES = 240_000;

/** What one body may unpack to: a bound on the emitter's memory, and what a retry of one message costs at most. */
const MAX_JSON_BYTES = 1024 * 1024;

/** Far above what is ever written (a span too large for any limit goes alone), far below what hurts a Lambda. */
const MAX_UNPACKED_BYTES = 32 * 1024 * 1024;

/**
 * Bodies for the spans queue, in the order of the spans and as few as the limits allow within a factor of two; none
 * for no spans. Equal spans (with keys in equal order) give equal bodies from the same build of zlib. A body is ASCII
 * when packed; its length in UTF-8 stays within `maxBytes`, except where one span by itself is larger: that one goes
 * alone, since SQS may still take it.
 */
export function encodeSpanBatches(spans: readonly Span[], maxBytes = MAX_BODY_BYTES): string[] {
  const bodies: string[] = [];
  let pending: string[] = [];
  let pendingBytes = 0;
  const flush = () => {
    if (pending.length > 0) packInto(bodies, pending, maxBytes);
    pending = [];
    pendingBytes = 0;
  };
  for (const span of spans) {
    const json = JSON.stringify(span);
    const bytes = Buffer.byteLength(json) + 1;
    if (pendingBytes + bytes > MAX_JSON_BYTES) flush();
    pending.push(json);
    pendingBytes += bytes;
  }
  flush();
  return bodies;
}

/** The size of gzip's output is known only afterwards: halve until it fits. */
function packInto(bodies: string[], spans: string[], maxBytes: number): void {
  const body = pack(`{"version":1,"spans":[${spans.join(',')}]}`);
  if (spans.length === 1 || Buffer.byteLength(body) <= maxBytes) {
    bodies.push(body);
    return;
  }
  const half = Math.ceil(spans.length / 2);
  packInto(bodies, spans.slice(0, half), maxBytes);
  packInto(bodies, spans.slice(half), maxBytes);
}

/** What SQS takes; JSON has all others escaped. */
const isPlain = (json: string): boolean => !/[\ufffe\uffff]/.test(json);

function pack(json: string): string {
  const packed = gzipSync(json).toString('base64');
  return packed.length < Buffer.byteLength(json) || !isPlain(json) ? packed : json;
}

/** The batch in a body of the spans queue. `reason` never quotes the body (JSON.parse's own messages would). */
export function decodeSpanBatch(body: string): Parsed<SpanBatch> {
  let json = body;
  if (!body.startsWith('{')) {
    try {
      json = gunzipSync(Buffer.from(body, 'base64'), { maxOutputLength: MAX_UNPACKED_BYTES }).toString();
    } catch {
      return { ok: false, reason: 'is neither JSON nor gzipped JSON in base64' };
    }
  }
  let input: unknown;
  try {
    input = JSON.parse(json);
  } catch {
    return { ok: false, reason: 'is not JSON' };
  }
  return parseSpanBatch(input);
}
