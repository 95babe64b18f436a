/** Spans as the body of an OTLP/HTTP request: an ExportTraceServiceRequest in OTLP's JSON encoding. */
import { JsonTraceSerializer } from '@opentelemetry/otlp-transformer';
import type { Span } from '../../shared/span.ts';
import { toReadableSpans } from './to-readable-span.ts';

/**
 * What an export of these spans as http/json sends, byte for byte, on one line: `explain --format otlp`. One string holds it
 * all, some 1.5 KB a span.
 */
export function toOtlpJson(spans: readonly Span[]): string {
  const bytes = JsonTraceSerializer.serializeRequest(toReadableSpans(spans));
  if (bytes === undefined) throw new Error('the OTLP serializer returned nothing');
  return new TextDecoder().decode(bytes);
}
