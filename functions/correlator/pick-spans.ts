/** Which of the assembled spans an activity sends: those that its own observations tell, that were not sent, and cannot change. */
import type { Observation } from '../../shared/observation.ts';
import { compareSpans, type Span } from '../../shared/span.ts';
import type { AssembledSpan, SentSpan } from './causality/assemble.ts';

/** Times in nanoseconds since 1970. */
export interface Bounds {
  /** Of what is older nobody knows whether it was sent, and only snapshots tell of it, which come again and again. */
  horizon: bigint;
  /** Until then observations were left out: of what snapshots tell of that time, only the `unsent` are still to be sent. */
  compactedUntil: bigint;
  /** Span ids. */
  unsent: ReadonlySet<string>;
}

export interface Picked {
  final: Span[];
  /** Spans that may still change. */
  open: AssembledSpan[];
}

export function pickSpans(
  assembled: readonly AssembledSpan[],
  own: ReadonlySet<string>,
  sent: ReadonlyMap<string, SentSpan>,
  bounds: Bounds,
): Picked {
  const unsent = assembled.filter(
    (entry) => own.has(entry.key) && !sent.has(entry.span.spanId) && isTold(entry, bounds),
  );
  const final = unsent.filter((entry) => entry.final).map(({ span }) => span);
  return { final: final.sort(compareSpans), open: unsent.filter((entry) => !entry.final) };
}

/** An Event is told once; what snapshots tell they tell for as long as there are any. */
function isTold({ span, occurrence }: AssembledSpan, { horizon, compactedUntil, unsent }: Bounds): boolean {
  if (occurrence !== undefined && occurrence.transition === undefined) return true;
  const start = BigInt(span.startTimeUnixNano);
  return start >= horizon && (start > compactedUntil || unsent.has(span.spanId));
}

/** Of traces that are over, in an activity that goes on. */
export interface Closed {
  spans: Span[];
  /** The last word of the one that is quiet next, in nanoseconds since 1970; undefined where there is none. */
  next: bigint | undefined;
}

/** Of the final spans those of traces with a verdict of which nothing is open, and that have been quiet since `until`. */
export function pickClosed(
  assembled: readonly AssembledSpan[],
  { final, open }: Picked,
  until: bigint,
): Closed {
  const going = new Set(open.map(({ span }) => span.traceId));
  const traces = Map.groupBy(assembled, ({ span }) => span.traceId);
  const closed: Closed = { spans: [], next: undefined };
  for (const [traceId, spans] of Map.groupBy(final, (span) => span.traceId)) {
    if (going.has(traceId)) continue;
    const all = traces.get(traceId)!;
    // Its root is somebody else's, and may wait for more; or nobody has said yet that it is over, and others may come of whom it is a part.
    if (!all.every((entry) => entry.final) || !all.some(hasVerdict)) continue;
    const last = all.map(({ span }) => BigInt(span.endTimeUnixNano)).reduce(later);
    if (last <= until) closed.spans.push(...spans);
    else if (closed.next === undefined || last < closed.next) closed.next = last;
  }
  closed.spans.sort(compareSpans);
  return closed;
}

const hasVerdict = ({ span }: AssembledSpan): boolean =>
  ['complete', 'failed'].includes(String(span.attributes['rootspan.change.outcome']));

const later = (a: bigint, b: bigint): bigint => (a < b ? b : a);

/** When the first of them can be sent if nothing more is heard, in milliseconds since 1970; undefined for none. */
export function firstClosing(open: readonly AssembledSpan[]): number | undefined {
  if (open.length === 0) return undefined;
  return Math.min(...open.map(({ finalAt }) => Number(finalAt / 1_000_000n))) + 1;
}

/**
 * Keys of the spans that these observations tell: an Event's first occurrence is its repeats', a transition its pod's, the root of a
 * change its object's.
 */
export function keysOf(observations: readonly Observation[]): Set<string> {
  const keys = new Set<string>();
  for (const observation of observations) {
    if (observation.type === 'object') keys.add(observation.object.uid);
    else for (const count of [1, observation.event.count]) keys.add(`${observation.event.uid}/${count}`);
  }
  return keys;
}
