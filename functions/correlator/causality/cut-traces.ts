/**
 * Which trace each occurrence is in. A change explains what it caused while that is recent; what no recent change
 * explains is an episode: a trace of its own.
 */
import { changeSpanId, occurrenceSpanId, traceIdOf } from '../../../shared/ids.ts';
import { inOrder, type Occurrence, OccurrenceTable, rowOf } from './gather-occurrences.ts';
import { type Change, isMarked } from './list-changes.ts';
import { beginsStory, turnOf } from './node-turns.ts';
import type { Evidence, Placement } from './placement/placement-rule.ts';
import { episode } from './placement/placement-rules.ts';
import type { World } from './placement/world.ts';
import { type Caller, callerOf } from './read-traceparent.ts';
import type { KubernetesObject } from './resolve-objects.ts';
import type { NodeTurn } from './rules/event-row.ts';
import { compare, HOUR, MINUTE, max, min } from './time.ts';

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
}

const traceIdOfChange = ({ object, id, caller }: Change): string =>
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
  /** Of each trace its occurrences, parents before their children; none where only the change was seen. */
  members: ReadonlyMap<Trace, readonly Occurrence[]>;
  /** Undefined of a transition that belongs to no trace: alone it opens none. */
  membershipOf(occurrence: Occurrence): Membership | undefined;
  /** Undefined where the change has no trace here: no root of it will be sent. */
  traceOf(change: Change): Trace | undefined;
  /** The trace itself, if it is one of these. */
  live(trace: Trace): Trace | undefined;
}

/** Of the span that a trace's others hang under: an occurrence's, or the one made from the change. */
export function rootSpanIdOf(trace: Trace): string {
  const { root } = trace;
  const occurrence = rootOccurrence(trace);
  if (occurrence !== undefined) return occurrenceSpanId(occurrence.event.uid, occurrence.event.count);
  const { object, id } = (root as { change: Change }).change;
  return changeSpanId(object.uid, id);
}

export function cutTraces(world: World, placements: OccurrenceTable<Placement>, sent: SentRoots): Traces {
  const cutter = createCutter(world, sent);
  const effective = effectiveTimes(world.occurrences, placements);
  for (const occurrence of inCausalOrder(world.occurrences, placements, effective)) {
    cutter.add(occurrence, placements.get(occurrence)!, effective.get(occurrence)!);
  }
  for (const object of world.objects.values()) {
    if (world.rootOf(object) !== object) continue;
    for (const change of world.changesOf(object)) if (change.isSeen) cutter.open(change);
  }
  return cutter.traces();
}

/** By the earliest time of an occurrence and of all below it, causes before their effects. */
function inCausalOrder(
  occurrences: readonly Occurrence[],
  placements: OccurrenceTable<Placement>,
  effective: OccurrenceTable<bigint>,
): Occurrence[] {
  const depths = new OccurrenceTable<number>();
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
  return [...occurrences].sort(
    (a, b) => compare(effective.get(a)!, effective.get(b)!) || depth(a) - depth(b) || inOrder(a, b),
  );
}

/** Takes occurrences in causal order, each into the trace where it belongs. */
function createCutter(world: World, sent: SentRoots) {
  const memberships = new OccurrenceTable<Membership>();
  const members = new Map<Trace, Occurrence[]>();
  const spans = new Map<Trace, Span>();
  const ofChanges = new Map<Change, Trace>();
  const followed = new Set<Trace>();
  const newestEpisode = new Map<KubernetesObject, Trace>();

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
    const known = ofChanges.get(change);
    if (known !== undefined) return known;
    const trace: Trace = {
      traceId: traceIdOfChange(change),
      root: { kind: 'change', change, ...(change.sync !== undefined && { marked: change.sync.first }) },
      object: change.object,
      ...(change.caller !== undefined && { caller: change.caller }),
    };
    ofChanges.set(change, trace);
    spans.set(trace, {
      start: change.moment.at,
      last: change.moment.latest,
      unfinished: new Map(),
      turns: new Set(),
    });
    return trace;
  }

  function join(
    trace: Trace,
    occurrence: Occurrence,
    at: bigint,
    { parent, because, evidence }: Omit<Membership, 'trace'>,
  ): void {
    memberships.set(occurrence, { trace, parent, because, evidence });
    const others = members.get(trace);
    if (others === undefined) members.set(trace, [occurrence]);
    else others.push(occurrence);
    if (parent === undefined) markRoot(trace, occurrence);
    const span = spans.get(trace)!;
    span.last = max(span.last, max(at, occurrence.transition?.until ?? at));
    const turn = turnOf(occurrence);
    if (turn !== undefined) span.turns.add(turn);
    if (occurrence.transition === undefined)
      span.unfinished.set(containerOf(occurrence), rowOf(occurrence).phase === true);
  }

  /** What an Event right under the root says of itself and of its caller wins over what the object says. */
  function markRoot(trace: Trace, occurrence: Occurrence): void {
    const { root } = trace;
    if (root.kind === 'change' && isMarked(occurrence) && !sent.hasChange(root.change))
      root.marked ??= occurrence;
    const caller = callerOf(occurrence.event.annotations);
    if (caller === undefined || followed.has(trace)) return;
    followed.add(trace);
    trace.caller = caller;
    trace.traceId = caller.traceId;
  }

  function joinEpisode(occurrence: Occurrence, at: bigint, placement: Placement): void {
    const object = world.rootOf(world.subjectOf(occurrence));
    const current = newestEpisode.get(object);
    const because =
      placement.under === 'nothing' ? placement : ({ because: episode.name, evidence: 'time' } as const);
    const membership = { parent: undefined, because: because.because, evidence: because.evidence };
    if (
      current !== undefined &&
      !beginsEpisode(occurrence, spans.get(current)!) &&
      isRecent(spans.get(current)!, occurrence, at)
    ) {
      join(current, occurrence, at, membership);
      return;
    }
    // A transition says more of what is there: it is no beginning.
    if (occurrence.transition !== undefined) return;
    const trace: Trace = {
      traceId: traceIdOf(object.uid, occurrence.key),
      root: { kind: 'episode', first: occurrence, ...(current !== undefined && { before: current }) },
      object,
    };
    newestEpisode.set(object, trace);
    spans.set(trace, { start: at, last: at, unfinished: new Map(), turns: new Set() });
    join(trace, occurrence, at, membership);
  }

  function beginsEpisode(occurrence: Occurrence, { turns }: Span): boolean {
    const turn = turnOf(occurrence);
    return (
      (turn !== undefined && beginsStory(turn, turns)) ||
      rowOf(occurrence).begins === 'episode' ||
      isMarked(occurrence) ||
      sent.hasOccurrence(occurrence)
    );
  }

  return {
    add(occurrence: Occurrence, placement: Placement, at: bigint): void {
      const wanted = traceOf(placement);
      if (wanted === undefined || !isRecentIn(wanted, spans.get(wanted)!, occurrence, at))
        joinEpisode(occurrence, at, placement);
      else {
        const parent = placement.under === 'occurrence' ? placement.occurrence : undefined;
        const { because, evidence } = placement;
        join(wanted, occurrence, at, { parent, because, evidence });
      }
    },
    open(change: Change): void {
      const trace = changeTrace(change);
      if (trace !== undefined && !members.has(trace)) members.set(trace, []);
    },
    traces(): Traces {
      for (const [trace, occurrences] of members) {
        if (!isUntold(trace, occurrences)) continue;
        members.delete(trace);
        for (const occurrence of occurrences) memberships.remove(occurrence);
      }
      return {
        members,
        membershipOf: (occurrence) => memberships.get(occurrence),
        traceOf(change) {
          const trace = ofChanges.get(change);
          return trace !== undefined && members.has(trace) ? trace : undefined;
        },
        live: (trace) => (members.has(trace) ? trace : undefined),
      };
    },
  };
}

/** Transitions alone open no trace. */
const isUntold = ({ root }: Trace, occurrences: readonly Occurrence[]): boolean =>
  occurrences.every(({ transition }) => transition !== undefined) &&
  !(root.kind === 'change' && root.change.isSeen);

interface Span {
  start: bigint;
  last: bigint;
  /** By container: whether its latest occurrence is a phase that still lasts. */
  unfinished: Map<string, boolean>;
  /** What happened to the Node whose episode it is. */
  turns: Set<NodeTurn>;
}

function isRecent({ start, last, unfinished }: Span, occurrence: Occurrence, at: bigint): boolean {
  if (at - start > longestTrace) return false;
  return at - last <= recentGap || unfinished.get(containerOf(occurrence)) === true;
}

/** A change is not over while its object's status moves toward it, or says that it is paused. */
function isRecentIn({ root }: Trace, span: Span, occurrence: Occurrence, at: bigint): boolean {
  if (isRecent(span, occurrence, at)) return true;
  if (root.kind === 'episode') return false;
  const { moved, pausedSince, at: ended } = root.change.outcome;
  if (ended !== undefined && ended < at - recentGap) return false;
  if (pausedSince !== undefined && pausedSince <= at) return true;
  return moved.some((time) => time <= at && at - time <= recentGap);
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
