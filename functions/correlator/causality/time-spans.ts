/**
 * When each span starts and ends. A phase lasts until the next occurrence, a parent covers its children, and a cause
 * never starts after its effect.
 */
import { type Membership, rootOccurrence, type Trace } from './cut-traces.ts';
import { inOrder, type Occurrence } from './gather-occurrences.ts';
import type { Resolved } from './resolve-objects.ts';
import { phases } from './rules.ts';
import { max, min, SECOND, secondOf } from './time.ts';

export interface Interval {
  start: bigint;
  end: bigint;
}

export interface TimedTrace {
  trace: Trace;
  /** Parents before their children. */
  occurrences: readonly Occurrence[];
  root: Interval;
  intervals: ReadonlyMap<Occurrence, Interval>;
}

export function timeSpans(
  resolved: Resolved,
  memberships: ReadonlyMap<Occurrence, Membership>,
): TimedTrace[] {
  const members = new Map<Trace, Occurrence[]>();
  for (const [occurrence, { trace }] of memberships) {
    const list = members.get(trace);
    if (list === undefined) members.set(trace, [occurrence]);
    else list.push(occurrence);
  }
  return [...members].map(([trace, occurrences]) => timeTrace(resolved, memberships, trace, occurrences));
}

function timeTrace(
  resolved: Resolved,
  memberships: ReadonlyMap<Occurrence, Membership>,
  trace: Trace,
  occurrences: readonly Occurrence[],
): TimedTrace {
  const parentOf = (occurrence: Occurrence) => memberships.get(occurrence)!.parent;
  // `memberships` was filled parents first.
  const starts = new Map<Occurrence, bigint>();
  for (const occurrence of occurrences) {
    const parent = parentOf(occurrence);
    const parentStart = parent === undefined ? undefined : starts.get(parent);
    starts.set(occurrence, parentStart === undefined ? occurrence.at : movedUp(occurrence, parentStart));
  }
  for (let i = occurrences.length - 1; i >= 0; i--) {
    const parent = parentOf(occurrences[i]!);
    if (parent !== undefined) starts.set(parent, min(starts.get(parent)!, starts.get(occurrences[i]!)!));
  }
  const ends = new Map<Occurrence, bigint>();
  const bySubject = Map.groupBy([...occurrences].sort(inOrder), (occurrence) =>
    resolved.subjectOf(occurrence),
  );
  for (const onObject of bySubject.values()) {
    for (const [i, occurrence] of onObject.entries()) {
      const start = starts.get(occurrence)!;
      const successor = phases.has(occurrence.event.reason) ? successorOf(onObject, i) : undefined;
      ends.set(occurrence, successor === undefined ? start : max(start, starts.get(successor)!));
    }
  }
  for (let i = occurrences.length - 1; i >= 0; i--) {
    const parent = parentOf(occurrences[i]!);
    if (parent !== undefined) ends.set(parent, max(ends.get(parent)!, ends.get(occurrences[i]!)!));
  }
  const intervals = new Map<Occurrence, Interval>();
  for (const occurrence of occurrences) {
    intervals.set(occurrence, { start: starts.get(occurrence)!, end: ends.get(occurrence)! });
  }
  const root = rootInterval(trace, intervals);
  // An occurrence that is the root covers what it did not cause as well.
  const first = rootOccurrence(trace);
  if (first !== undefined) intervals.set(first, root);
  return { trace, occurrences, root, intervals };
}

/** Inside its second a child moves up to its parent. */
function movedUp(child: Occurrence, parentStart: bigint): bigint {
  const latest = child.exact ? child.at : secondOf(child.at) + SECOND - 1n;
  return child.at < parentStart && parentStart <= latest ? parentStart : child.at;
}

/** The next occurrence on the same field path; of a phase of the whole object, the next on any. */
function successorOf(onObject: readonly Occurrence[], index: number): Occurrence | undefined {
  const fieldPath = onObject[index]!.event.subject.fieldPath;
  for (let i = index + 1; i < onObject.length; i++) {
    const candidate = onObject[i]!;
    if (fieldPath === undefined || candidate.event.subject.fieldPath === fieldPath) return candidate;
  }
  return undefined;
}

function rootInterval({ root }: Trace, intervals: ReadonlyMap<Occurrence, Interval>): Interval {
  let covered: Interval | undefined;
  for (const { start, end } of intervals.values()) {
    covered =
      covered === undefined
        ? { start, end }
        : { start: min(covered.start, start), end: max(covered.end, end) };
  }
  if (root.kind === 'episode') return covered!;
  const { moment, outcome } = root.change;
  const start = min(moment!.at, covered!.start);
  return { start, end: max(max(start, outcome.at ?? start), covered!.end) };
}
