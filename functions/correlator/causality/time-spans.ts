/**
 * When each span starts and ends. A phase lasts until the next occurrence, a parent covers its children, and a cause
 * never starts after its effect.
 */

import { type Occurrence, OccurrenceTable, rowOf } from './gather-occurrences.ts';
import type { Resolved } from './resolve-objects.ts';
import { max, min, SECOND, secondOf } from './time.ts';
import { rootOccurrence, type Trace, type Traces } from './trace.ts';

export interface Interval {
  start: bigint;
  end: bigint;
}

export interface TimedTrace {
  trace: Trace;
  /** Parents before their children. */
  occurrences: readonly Occurrence[];
  root: Interval;
  intervalOf(occurrence: Occurrence): Interval;
}

export function timeSpans(resolved: Resolved, traces: Traces): TimedTrace[] {
  const intervals = new OccurrenceTable<Interval>();
  const intervalOf = (occurrence: Occurrence) => intervals.get(occurrence)!;
  return [...traces.members].map(([trace, occurrences]) => ({
    trace,
    occurrences,
    root: timeTrace(resolved, traces, trace, occurrences, intervals),
    intervalOf,
  }));
}

/** Fills in the intervals; the answer is the root's. */
function timeTrace(
  resolved: Resolved,
  { membershipOf }: Traces,
  trace: Trace,
  occurrences: readonly Occurrence[],
  intervals: OccurrenceTable<Interval>,
): Interval {
  const parentOf = (occurrence: Occurrence): Interval | undefined => {
    const parent = membershipOf(occurrence)?.parent;
    return parent === undefined ? undefined : intervals.get(parent)!;
  };
  for (const occurrence of occurrences) {
    const parent = parentOf(occurrence);
    const start = parent === undefined ? occurrence.at : movedUp(occurrence, parent.start);
    intervals.set(occurrence, { start, end: start });
  }
  for (let i = occurrences.length - 1; i >= 0; i--) {
    const parent = parentOf(occurrences[i]!);
    const { start } = intervals.get(occurrences[i]!)!;
    if (parent !== undefined && start < parent.start) parent.start = start;
  }
  const bySubject = Map.groupBy(
    [...occurrences].sort((a, b) => a.index - b.index),
    (occurrence) => resolved.subjectOf(occurrence),
  );
  for (const onObject of bySubject.values()) {
    for (const [i, occurrence] of onObject.entries()) {
      const interval = intervals.get(occurrence)!;
      interval.end = max(interval.start, untilOf(onObject, i, intervals) ?? interval.start);
    }
  }
  for (let i = occurrences.length - 1; i >= 0; i--) {
    const parent = parentOf(occurrences[i]!);
    const { end } = intervals.get(occurrences[i]!)!;
    if (parent !== undefined && end > parent.end) parent.end = end;
  }
  const root = rootInterval(
    trace,
    occurrences.map((occurrence) => intervals.get(occurrence)!),
  );
  // An occurrence that is the root covers what it did not cause as well.
  const first = rootOccurrence(trace);
  if (first !== undefined) intervals.set(first, root);
  return root;
}

/** Inside its second a child moves up to its parent. */
function movedUp(child: Occurrence, parentStart: bigint): bigint {
  const { at, exact } = child;
  if (exact || at >= parentStart) return at;
  return parentStart < secondOf(at) + SECOND ? parentStart : at;
}

/** A phase lasts until the next occurrence, a transition until it is over; everything else is an instant. */
function untilOf(
  onObject: readonly Occurrence[],
  index: number,
  intervals: OccurrenceTable<Interval>,
): bigint | undefined {
  const occurrence = onObject[index]!;
  if (occurrence.transition !== undefined) return occurrence.transition.until;
  if (rowOf(occurrence).phase !== true) return undefined;
  const successor = successorOf(onObject, index);
  return successor === undefined ? undefined : intervals.get(successor)!.start;
}

/** The next occurrence on the same field path; of a phase of the whole object, the next on any. */
function successorOf(onObject: readonly Occurrence[], index: number): Occurrence | undefined {
  const fieldPath = onObject[index]!.event.subject.fieldPath;
  for (let i = index + 1; i < onObject.length; i++) {
    const candidate = onObject[i]!;
    if (candidate.event.reason === 'Ready' && candidate.transition !== undefined) continue;
    if (fieldPath === undefined || candidate.event.subject.fieldPath === fieldPath) return candidate;
  }
  return undefined;
}

function rootInterval({ root }: Trace, intervals: readonly Interval[]): Interval {
  const starts = intervals.map((interval) => interval.start);
  const ends = intervals.map((interval) => interval.end);
  if (root.kind === 'change') {
    const { moment, outcome } = root.change;
    starts.push(moment!.at);
    ends.push(outcome.at ?? moment!.at);
  }
  const start = starts.reduce(min);
  return { start, end: max(start, ends.reduce(max)) };
}
