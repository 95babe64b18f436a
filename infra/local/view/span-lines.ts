import type { Span } from '../../../shared/span.ts';

/** An array with a span a line: as readable as it is small, and never one string of hundreds of megabytes. */
export function* spanLines(spans: readonly Span[]): Generator<string> {
  for (const [i, span] of spans.entries()) yield `${i === 0 ? '[' : ','}\n${JSON.stringify(span)}`;
  yield spans.length === 0 ? '[]\n' : '\n]\n';
}
