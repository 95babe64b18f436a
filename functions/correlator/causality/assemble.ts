/**
 * Assembly: from a set of observations to spans. Pure, and a function of the set: the order of arrival, duplicates and
 * how observations were batched change not one byte of the result.
 */
import { changeSpanId, occurrenceSpanId, traceIdOf } from '../../../shared/ids.ts';
import type { Cluster, Observation } from '../../../shared/observation.ts';
import type { Span } from '../../../shared/span.ts';
import { closingTime } from './closing.ts';
import { cutTraces, type SentRoots } from './cut-traces.ts';
import { type Occurrence, rowOf } from './gather-occurrences.ts';
import { keepPromises } from './keep-promises.ts';
import { placeOccurrences } from './placement/place-occurrences.ts';
import { createWorld } from './placement/world.ts';
import { resolveObjects } from './resolve-objects.ts';
import { builtInRules } from './rules/built-in-rules.ts';
import type { RuleSet } from './rules/rule-set.ts';
import { min } from './time.ts';
import { type TimedTrace, timeSpans } from './time-spans.ts';
import { rootOccurrence, type Traces } from './trace.ts';
import { createSpanWriter, type WrittenSpan } from './write-spans.ts';

/** A span that is with the emitter already: what it says is never contradicted. */
export type SentSpan = Pick<
  Span,
  'spanId' | 'traceId' | 'parentSpanId' | 'startTimeUnixNano' | 'endTimeUnixNano'
>;

export interface Assembly {
  cluster: Cluster;
  observations: Iterable<Observation>;
  /** What is known of reasons; the built-in rows where it is left out. */
  rules?: RuleSet | undefined;
  /** By span id. */
  sent?: ReadonlyMap<string, SentSpan>;
  /** Nanoseconds since 1970; a time past every bound closes every trace. */
  now: bigint;
}

export interface AssembledSpan extends WrittenSpan {
  /** Nothing that can still happen changes it. */
  final: boolean;
  /** From when on it can be sent if nothing more is heard, in nanoseconds since 1970; not after the clock's now where it is final. */
  finalAt: bigint;
}

export function assemble({
  cluster,
  observations,
  rules = builtInRules,
  sent = new Map(),
  now,
}: Assembly): AssembledSpan[] {
  const resolved = resolveObjects(observations, rules);
  const world = createWorld(resolved);
  const traces = cutTraces(world, placeOccurrences(world), sentRoots(sent));
  const write = createSpanWriter(cluster, world, traces);
  const assembled: AssembledSpan[] = [];
  for (const timed of timeSpans(resolved, traces)) {
    const closes = closingTime(timed, world, now);
    const isFinal = closes <= now ? () => true : finalIn(timed, traces);
    for (const written of write(timed)) {
      const { span, key, occurrence, standsStillSince } = written;
      const final = isFinal(written);
      const finalAt = final ? min(now, closes) : closes;
      assembled.push({
        span,
        key,
        occurrence,
        final,
        finalAt,
        ...(standsStillSince !== undefined && { standsStillSince }),
      });
    }
  }
  if (sent.size === 0) return assembled;
  return keepPromises(
    assembled,
    sent,
    now,
    ({ occurrence }) =>
      occurrence && traceIdOf(world.rootOf(world.subjectOf(occurrence)).uid, occurrence.key),
  );
}

const sentRoots = (sent: ReadonlyMap<string, SentSpan>): SentRoots => ({
  hasOccurrence: ({ event }) => sent.get(occurrenceSpanId(event.uid, event.count))?.parentSpanId === null,
  hasChange: ({ object, id }) => sent.has(changeSpanId(object.uid, id)),
});

/** Of an open trace: its root, which is no occurrence's, never. */
function finalIn(timed: TimedTrace, { membershipOf }: Traces): (written: WrittenSpan) => boolean {
  const parents = new Set(timed.occurrences.map((occurrence) => membershipOf(occurrence)?.parent));
  const final = new Set(timed.occurrences.filter((occurrence) => !mayStillGrow(occurrence, timed, parents)));
  return ({ occurrence }) => occurrence !== undefined && final.has(occurrence);
}

/** While its trace is open: what has children or may get some, and a phase without a successor. */
function mayStillGrow(
  occurrence: Occurrence,
  { trace, intervalOf }: TimedTrace,
  parents: ReadonlySet<Occurrence | undefined>,
): boolean {
  if (parents.has(occurrence)) return true;
  if (rootOccurrence(trace) === occurrence) return true;
  const { start, end } = intervalOf(occurrence);
  if (occurrence.transition !== undefined) return false;
  const { phase, direction } = rowOf(occurrence);
  if (phase === true) return start === end;
  // Whatever a controller says may be the cause of something; what a container says on its way up mostly is not.
  return (
    occurrence.event.subject.kind !== 'Pod' ||
    direction !== 'start-up' ||
    occurrence.event.reason === 'Killing'
  );
}
