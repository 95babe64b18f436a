/** A trace: a change or an episode with all that it caused, and which occurrences are in it. */
import { changeSpanId, occurrenceSpanId } from '../../../shared/ids.ts';
import type { Change } from './change.ts';
import type { Occurrence } from './gather-occurrences.ts';
import type { KubernetesObject } from './kubernetes-object.ts';
import type { Evidence } from './placement/placement-rule.ts';
import type { Caller } from './read-traceparent.ts';
import { MINUTE } from './time.ts';

/**
 * A trace's root is a span made from the change, or the Event that its controller marked to be that; of an episode, its
 * first occurrence.
 */
export type TraceRoot =
  | { kind: 'change'; change: Change; marked?: Occurrence }
  | { kind: 'episode'; first: Occurrence /** Its object's episode before it. */; before?: Trace };

/** The occurrence that is the root itself; undefined where the root is made from the change. */
export const rootOccurrence = ({ root }: Trace): Occurrence | undefined =>
  root.kind === 'episode' ? root.first : root.marked;

export interface Trace {
  traceId: string;
  root: TraceRoot;
  /** The object whose change or episode it is. */
  object: KubernetesObject;
  /** Whose trace it is a part of. */
  caller?: Caller;
}

export interface Membership {
  trace: Trace;
  /** In the same trace; undefined directly under the root. An episode's first occurrence has no parent. */
  parent: Occurrence | undefined;
  /** The rule that put it there, and the ground that it rests on. */
  because: string;
  evidence: Evidence;
  /** Where it would be, had that not been too long ago. */
  late?: Trace | undefined;
}

export interface Traces {
  /** Of each trace its occurrences, parents before their children; none where only the change was seen. */
  members: ReadonlyMap<Trace, readonly Occurrence[]>;
  /** Undefined of a transition that belongs to no trace: alone it opens none. */
  membershipOf(occurrence: Occurrence): Membership | undefined;
  /** Undefined where the change has no trace here: no root of it will be sent. */
  traceOf(change: Change): Trace | undefined;
  /** The trace itself, if it is one of these. */
  live(trace: Trace): Trace | undefined;
}

/** The kubelet's back-off and the Event rate limit are 5 minutes: three of them without a word, and it is over. */
export const recentGap = 15n * MINUTE;
/** Of the span that a trace's others hang under: an occurrence's, or the one made from the change. */
export function rootSpanIdOf(trace: Trace): string {
  const { root } = trace;
  const occurrence = rootOccurrence(trace);
  if (occurrence !== undefined) return occurrenceSpanId(occurrence.event.uid, occurrence.event.count);
  const { object, id } = (root as { change: Change }).change;
  return changeSpanId(object.uid, id);
}
