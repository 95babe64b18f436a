/**
 * Which trace each occurrence is in. A change explains what it caused while that is recent; what no recent change
 * explains is an episode: a trace of its own.
 */
import { traceIdOf } from '../../../shared/ids.ts';
import { inOrder, type Occurrence, OccurrenceTable } from './gather-occurrences.ts';
import { type Change, isMarked } from './list-changes.ts';
import type { Placed, Placement } from './place-occurrences.ts';
import { type Caller, callerOf } from './read-traceparent.ts';
import { type KubernetesObject, type Resolved, rootOf } from './resolve-objects.ts';
import { beginsEpisode, phases } from './rules.ts';
import { compare, HOUR, MINUTE, min } from './time.ts';

/**
 * A trace's root is a span made from the change, or the Event that its controller marked to be that; of an episode, its
 * first occurrence.
 */
export type TraceRoot =
  | { kind: 'change'; change: Change; marked?: Occurrence }
  | { kind: 'episode'; first: Occurrence };

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
}

export const traceIdOfChange = ({ object, id, caller }: Change): string =>
  caller?.traceId ?? traceIdOf(object.uid, id);

/** The kubelet's back-off and the Event rate limit are 5 minutes: three of them without a word, and it is over. */
export const recentGap = 15n * MINUTE;
const longestTrace = HOUR;

/** Roots that were sent: they stay what they are, whatever comes late. */
export interface SentRoots {
  /** As the first occurrence of an episode. */
  hasOccurrence(occurrence: Occurrence): boolean;
  hasChange(change: Change): boolean;
}

export interface Traces {
  /** Of each trace its occurrences, parents before their children. */
  members: ReadonlyMap<Trace, readonly Occurrence[]>;
  membershipOf(occurrence: Occurrence): Membership;
}

export function cutTraces(resolved: Resolved, placed: Placed, sent: SentRoots): Traces {
  const placements = withoutCircles(resolved.occurrences, placed);
  const effective = effectiveTimes(resolved.occurrences, placements);
  const depths = new OccurrenceTable<number>();
  const byTime = [...resolved.occurrences].sort(
    (a, b) => compare(effective.get(a)!, effective.get(b)!) || depth(a) - depth(b) || inOrder(a, b),
  );

  /** How many causes are above it. */
  function depth(occurrence: Occurrence): number {
    const path: Occurrence[] = [];
    let levels = -1;
    for (let at: Occurrence | undefined = occurrence; at !== undefined; ) {
      const known = depths.get(at);
      if (known !== undefined) {
        levels = known;
        break;
      }
      path.push(at);
      const placement: Placement = placements.get(at)!;
      at = placement.under === 'occurrence' ? placement.occurrence : undefined;
    }
    for (const step of path.reverse()) depths.set(step, ++levels);
    return levels;
  }

  const memberships = new OccurrenceTable<Membership>();
  const members = new Map<Trace, Occurrence[]>();
  const open = new Map<Trace, Span>();
  const ofChanges = new Map<Change, Trace>();
  const followed = new Set<Trace>();
  const newestEpisode = new Map<KubernetesObject, Trace>();

  for (const occurrence of byTime) {
    const placement = placements.get(occurrence)!;
    const at = effective.get(occurrence)!;
    const wanted = traceOf(placement);
    const joined = wanted !== undefined && isRecent(open.get(wanted)!, occurrence, at) ? wanted : undefined;
    if (joined !== undefined) {
      join(joined, occurrence, at, placement.under === 'occurrence' ? placement.occurrence : undefined);
    } else {
      joinEpisode(occurrence, at);
    }
  }
  return { members, membershipOf: (occurrence) => memberships.get(occurrence)! };

  function traceOf(placement: Placement): Trace | undefined {
    switch (placement.under) {
      case 'change':
        return changeTrace(placement.change);
      case 'occurrence':
        return memberships.get(placement.occurrence)?.trace;
      case 'nothing':
        return undefined;
    }
  }

  function changeTrace(change: Change): Trace | undefined {
    // Without a time nothing tells whether it is recent.
    if (change.moment === undefined) return undefined;
    let trace = ofChanges.get(change);
    if (trace === undefined) {
      trace = {
        traceId: traceIdOfChange(change),
        root: { kind: 'change', change },
        object: change.object,
        ...(change.caller !== undefined && { caller: change.caller }),
      };
      ofChanges.set(change, trace);
      open.set(trace, { start: change.moment.at, last: change.moment.latest, unfinished: new Map() });
    }
    return trace;
  }

  function join(trace: Trace, occurrence: Occurrence, at: bigint, parent: Occurrence | undefined): void {
    memberships.set(occurrence, { trace, parent });
    const others = members.get(trace);
    if (others === undefined) members.set(trace, [occurrence]);
    else others.push(occurrence);
    const { root } = trace;
    if (parent === undefined) followCaller(trace, occurrence);
    if (
      root.kind === 'change' &&
      parent === undefined &&
      isMarked(occurrence) &&
      !sent.hasChange(root.change)
    ) {
      root.marked ??= occurrence;
    }
    const span = open.get(trace)!;
    if (at > span.last) span.last = at;
    span.unfinished.set(containerOf(occurrence), phases.has(occurrence.event.reason));
  }

  /** What an Event right under the root says of its caller wins over what the object says. */
  function followCaller(trace: Trace, { event }: Occurrence): void {
    const caller = callerOf(event.annotations);
    if (caller === undefined || followed.has(trace)) return;
    followed.add(trace);
    trace.caller = caller;
    trace.traceId = caller.traceId;
  }

  function joinEpisode(occurrence: Occurrence, at: bigint): void {
    const object = rootOf(resolved.subjectOf(occurrence));
    const current = newestEpisode.get(object);
    if (
      current !== undefined &&
      !beginsEpisode(occurrence.event.subject.kind, occurrence.event.reason) &&
      !isMarked(occurrence) &&
      !sent.hasOccurrence(occurrence) &&
      isRecent(open.get(current)!, occurrence, at)
    ) {
      join(current, occurrence, at, undefined);
      return;
    }
    const trace: Trace = {
      traceId: traceIdOf(object.uid, occurrence.key),
      root: { kind: 'episode', first: occurrence },
      object,
    };
    newestEpisode.set(object, trace);
    open.set(trace, { start: at, last: at, unfinished: new Map() });
    join(trace, occurrence, at, undefined);
  }
}

interface Span {
  start: bigint;
  last: bigint;
  /** By container: whether its latest occurrence is a phase that still lasts. */
  unfinished: Map<string, boolean>;
}

function isRecent({ start, last, unfinished }: Span, occurrence: Occurrence, at: bigint): boolean {
  if (at - start > longestTrace) return false;
  return at - last <= recentGap || unfinished.get(containerOf(occurrence)) === true;
}

const containerOf = ({ event: { subject } }: Occurrence): string =>
  `${subject.uid ?? subject.name}|${subject.fieldPath ?? ''}`;

/** A cause never starts after its effect: the earliest time of an occurrence and of all below it. */
function effectiveTimes(
  occurrences: readonly Occurrence[],
  placements: OccurrenceTable<Placement>,
): OccurrenceTable<bigint> {
  const times = new OccurrenceTable<bigint>();
  for (const occurrence of occurrences) times.set(occurrence, occurrence.at);
  for (const occurrence of occurrences) {
    let placement = placements.get(occurrence)!;
    while (placement.under === 'occurrence') {
      const known = times.get(placement.occurrence)!;
      if (known <= occurrence.at) break;
      times.set(placement.occurrence, min(known, occurrence.at));
      placement = placements.get(placement.occurrence)!;
    }
  }
  return times;
}

/** Rules look at one occurrence at a time; where together they close a circle, its first occurrence comes loose. */
function withoutCircles(occurrences: readonly Occurrence[], placed: Placed): OccurrenceTable<Placement> {
  const placements = new OccurrenceTable<Placement>();
  for (const occurrence of occurrences) {
    const placement = placed.placementOf(occurrence);
    const self = placement.under === 'occurrence' && placement.occurrence === occurrence;
    placements.set(occurrence, self ? { under: 'nothing' } : placement);
  }
  const safe = new OccurrenceTable<true>();
  for (const occurrence of occurrences) {
    const path = new Set<Occurrence>();
    for (let at: Occurrence | undefined = occurrence; at !== undefined && safe.get(at) === undefined; ) {
      if (path.has(at)) {
        const circle = [...path].slice([...path].indexOf(at)).sort(inOrder);
        placements.set(circle[0]!, { under: 'nothing' });
        break;
      }
      path.add(at);
      const placement: Placement = placements.get(at)!;
      at = placement.under === 'occurrence' ? placement.occurrence : undefined;
    }
    for (const step of path) safe.set(step, true);
  }
  return placements;
}
