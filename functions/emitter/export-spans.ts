/**
 * One export: spans to an OTLP/HTTP request, and the backend's answer to what that means for the spans.
 *
 * The exporter is the one that `@opentelemetry/exporter-trace-otlp-http` (0.223) is made of: OTLPExporterBase, the
 * network delegate and a serializer. Its class OTLPTraceExporter only adds a transport of its own, which cannot
 * be replaced and will not do here: it reports a partial success as success, loses the status of 429 and 503, retries
 * inside by its own clock, takes 500 for final, and its header hook cannot see the body that a signature needs. So the
 * transport is ours, and since the exporter's callback knows success and failure only, the outcome is noted on the way.
 */
import {
  createOtlpNetworkExportDelegate,
  ExporterMetrics,
  OTLPExporterBase,
} from '@opentelemetry/otlp-exporter-base';
import {
  JsonTraceSerializer,
  ProtobufTraceSerializer,
  TraceExporterMetricsHelper,
} from '@opentelemetry/otlp-transformer';
import type { Span } from '../../shared/span.ts';
import { type OtlpProtocol, otlpProtocols } from './read-config.ts';
import { toReadableSpans } from './to-readable-span.ts';

/** Takes a request's body to the backend and brings back what it said. Never rejects. */
export interface OtlpTransport {
  /** What the body has to be. */
  protocol: OtlpProtocol;
  send(body: Uint8Array): Promise<TransportAnswer>;
}

export type TransportAnswer =
  | {
      kind: 'answered';
      status: number;
      contentType?: string | undefined;
      /** The header Retry-After as it came. */
      retryAfter?: string | undefined;
      body: Uint8Array;
    }
  | { kind: 'unanswered'; message: string };

export type ExportOutcome =
  | { kind: 'accepted' }
  /** Final by OTLP's specification: not to be sent again. 0 rejected spans with a message is a warning. */
  | { kind: 'partly-accepted'; rejectedSpans: number; message: string }
  /** This payload will never be taken. */
  | { kind: 'refused'; status: number; message: string }
  /** The backend is down or misconfigured: keep, wait, retry. */
  | { kind: 'unavailable'; status?: number; retryAfterMs?: number; message: string };

export interface ExportPorts {
  transport: OtlpTransport;
  /** Milliseconds since 1970. */
  now: () => number;
}

/** The delegate asks for metrics; without a meter provider they go nowhere. */
const metrics = new ExporterMetrics({
  componentType: 'otlp_http_span_exporter',
  metricsHelper: TraceExporterMetricsHelper,
  url: undefined,
  meterProvider: undefined,
  responseAttributesFromError: () => ({}),
});

const serializers = { 'http/protobuf': ProtobufTraceSerializer, 'http/json': JsonTraceSerializer } as const;

/** Sends the spans (at least one) in one request. Rejects only where they cannot be serialized, which is a defect. */
export function exportSpans(spans: readonly Span[], ports: ExportPorts): Promise<ExportOutcome> {
  return new Promise((resolve, reject) => {
    let outcome: ExportOutcome | undefined;
    const delegate = createOtlpNetworkExportDelegate(
      // The transport has the time-out and the compression of its endpoint.
      { timeoutMillis: 0, compression: 'none', concurrencyLimit: 1 },
      serializers[ports.transport.protocol],
      metrics,
      {
        async send(body) {
          outcome = judgeAnswer(await ports.transport.send(body), ports.now(), ports.transport.protocol);
          return outcome.kind === 'accepted' || outcome.kind === 'partly-accepted'
            ? { status: 'success' }
            : { status: 'failure', error: new Error(outcome.message) };
        },
        shutdown() {},
      },
    );
    new OTLPExporterBase(delegate).export(toReadableSpans(spans), ({ error }) => {
      if (outcome === undefined) reject(error ?? new Error('the exporter sent nothing'));
      else resolve(outcome);
    });
  });
}

/** Bad request, too large, unprocessable: the same bytes will never do. */
const REFUSALS = new Set([400, 413, 422]);

const MAX_MESSAGE_LENGTH = 500;

/**
 * What an answer means. The backend's own words are kept for partial success and refusals, where they say what is
 * wrong with the spans; not for the rest, where an echo of the credentials is likelier than help.
 * @param now milliseconds since 1970, for a Retry-After that is a date
 */
export function judgeAnswer(answer: TransportAnswer, now: number, protocol: OtlpProtocol): ExportOutcome {
  if (answer.kind === 'unanswered') return { kind: 'unavailable', message: answer.message };
  const { status } = answer;
  if (status >= 200 && status <= 299) {
    const partial = readPartialSuccess(answer.body, answer.contentType);
    return partial === undefined ? { kind: 'accepted' } : { kind: 'partly-accepted', ...partial };
  }
  if (REFUSALS.has(status)) {
    return { kind: 'refused', status, message: readErrorMessage(answer.body, answer.contentType) };
  }
  const retryAfterMs = parseRetryAfter(answer.retryAfter, now);
  return {
    kind: 'unavailable',
    status,
    ...(retryAfterMs === undefined ? {} : { retryAfterMs }),
    message: status === 415 ? wrongProtocol(protocol) : `the backend answered ${status}`,
  };
}

/** Nothing is wrong with the spans, and nothing is down: one setting is. */
function wrongProtocol(protocol: OtlpProtocol): string {
  const other = otlpProtocols.find((known) => known !== protocol);
  return `the backend does not take ${protocol} (415): set OTEL_EXPORTER_OTLP_PROTOCOL (otlp.protocol of the stack) to ${other}`;
}

/**
 * A backend should answer in the request's encoding; some always answer in protobuf, some say "ok" in plain text. The
 * status has said that the spans are taken, so what cannot be read is no error.
 */
function readPartialSuccess(
  body: Uint8Array,
  contentType: string | undefined,
): { rejectedSpans: number; message: string } | undefined {
  if (body.length === 0) return undefined;
  let partial: { rejectedSpans?: unknown; errorMessage?: unknown } | null | undefined;
  try {
    partial = isProtobuf(contentType)
      ? ProtobufTraceSerializer.deserializeResponse(body).partialSuccess
      : JsonTraceSerializer.deserializeResponse(body)?.partialSuccess;
  } catch {
    return undefined;
  }
  // ProtoJSON writes an int64 as a string, the collector as a number.
  const rejectedSpans = Number(partial?.rejectedSpans ?? 0);
  const message = typeof partial?.errorMessage === 'string' ? shorten(partial.errorMessage) : '';
  const counted = Number.isSafeInteger(rejectedSpans) && rejectedSpans > 0 ? rejectedSpans : 0;
  return counted === 0 && message === '' ? undefined : { rejectedSpans: counted, message };
}

/** The text of a google.rpc.Status in JSON, else plain text. */
function readErrorMessage(body: Uint8Array, contentType: string | undefined): string {
  if (isProtobuf(contentType)) return '';
  const text = new TextDecoder().decode(body);
  try {
    const status: unknown = JSON.parse(text);
    if (typeof status === 'object' && status !== null && 'message' in status) {
      return typeof status.message === 'string' ? shorten(status.message) : '';
    }
  } catch {
    // Plain text.
  }
  return shorten(text);
}

const isProtobuf = (contentType: string | undefined) => contentType?.includes('protobuf') === true;

const shorten = (text: string) => text.replace(/\s+/g, ' ').trim().slice(0, MAX_MESSAGE_LENGTH);

/** Retry-After is whole seconds or an HTTP date (RFC 9110, 10.2.3); anything else counts as not there. */
function parseRetryAfter(text: string | undefined, now: number): number | undefined {
  if (text === undefined) return undefined;
  if (/^\d{1,9}$/.test(text)) return Number(text) * 1000;
  // Date.parse takes much that is no HTTP date, "-5" among it.
  const date = /^[A-Z][a-z]+,? /.test(text) ? Date.parse(text) : Number.NaN;
  return Number.isNaN(date) ? undefined : Math.max(0, date - now);
}
