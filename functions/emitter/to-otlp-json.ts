/** Spans as the body of an OTLP/HTTP request: an ExportTraceServiceRequest in OTLP's JSON encoding. */
import { JsonTraceSerializer } from '@opentelemetry/otlp-transformer';
import type { Span } from '../../shared/span.ts';
import { toReadableSpans } from './to-readable-span.ts';

/** The request's bytes: what OpenTelemetry's own exporter would send for these spans. */
export function toOtlpBytes(spans: readonly Span[]): Uint8Array {
  const bytes = JsonTraceSerializer.serializeRequest(toReadableSpans(spans));
  if (bytes === undefined) throw new Error('the OTLP serializer returned nothing');
  return bytes;
}

/** The same as text, on one line: `explain --format otlp`. One string holds it all, some 1.5 KB a span. */
export const toOtlpJson = (spans: readonly Span[]): string => new TextDecoder().decode(toOtlpBytes(spans));
