/**
 * Which trace each occurrence is in. A change explains what it caused while that is recent; what no recent change
 * explains is an episode: a trace of its own.
 */
import { traceIdOf } from '../../../shared/ids.ts';
import { type Change, isMarked } from './change.ts';
import { type Occurrence, OccurrenceTable, rowOf } from './gather-occurrences.ts';
import type { KubernetesObject } from './kubernetes-object.ts';
import { beginsStory, isStart } from './node-turns.ts';
import { effectiveTimes, inCausalOrder } from './order-by-cause.ts';
import { eviction } from './placement/driver-rules.ts';
import { disruption } from './placement/node-rules.ts';
import { podDeleted } from './placement/owner-rules.ts';
import type { Placement } from './placement/placement-rule.ts';
import { episode } from './placement/placement-rules.ts';
import type { World } from './placement/world.ts';
import { callerOf } from './read-traceparent.ts';
import { readySince } from './recovery.ts';
import type { NodeTurn } from './rules/event-row.ts';
import { HOUR, max, SECOND } from './time.ts';
import { type Membership, recentGap, type Trace, type Traces } from './trace.ts';

const longestTrace = HOUR;
/** Clocks of nodes differ by a second or two. */
const atOnce = 2n * SECOND;
/**
 * Shorter: the kubelet of a slow machine is not through with its first look at what it runs. Longer: a Node that is lost after its
 * kubelet was started anew is told as a part of that.
 */
const atStart = 30n * SECOND;

/** Roots that were sent: they stay what they are, whatever comes late. */
export interface SentRoots {
  /** As the first occurrence of an episode. */
  hasOccurrence(occurrence: Occurrence): boolean;
  hasChange(change: Change): boolean;
}

/** The traces as far as they are cut. */
interface Cut {
  world: World;
  sent: SentRoots;
  memberships: OccurrenceTable<Membership>;
  members: Map<Trace, Occurrence[]>;
  spans: Map<Trace, Span>;
  ofChanges: Map<Change, Trace>;
  /** Those that an Event has put into its caller's trace. */
  followed: Set<Trace>;
  newestEpisode: Map<KubernetesObject, Trace>;
}

/** How long a trace has lasted, and what of it goes on. */
interface Span {
  start: bigint;
  last: bigint;
  /** By container: whether its latest occurrence is a phase that still lasts. */
  unfinished: Map<string, boolean>;
  /** What happened to the Node whose episode it is. */
  turns: Set<NodeTurn>;
}

export function cutTraces(world: World, placements: OccurrenceTable<Placement>, sent: SentRoots): Traces {
  const cut: Cut = {
    world,
    sent,
    memberships: new OccurrenceTable(),
    members: new Map(),
    spans: new Map(),
    ofChanges: new Map(),
    followed: new Set(),
    newestEpisode: new Map(),
  };
  const effective = effectiveTimes(world.occurrences, placements);
  for (const occurrence of inCausalOrder(world.occurrences, placements, effective))
    add(cut, occurrence, effective.get(occurrence)!, placements.get(occurrence)!);
  for (const object of world.objects.values()) {
    if (world.rootOf(object) !== object) continue;
    for (const change of world.changesOf(object)) if (change.isSeen) open(cut, change);
  }
  return tracesOf(cut);
}

/** After all that is above it: into the trace of what it hangs under while that is recent, else into an episode. */
function add(cut: Cut, occurrence: Occurrence, at: bigint, placement: Placement): void {
  const wanted = traceOf(cut, placement);
  if (wanted === undefined || !isRecentIn(wanted, cut.spans.get(wanted)!, occurrence, at)) {
    joinEpisode(cut, occurrence, at, placement, wanted);
    return;
  }
  const parent = placement.under === 'occurrence' ? placement.occurrence : undefined;
  const { because, evidence } = placement;
  join(cut, occurrence, at, { trace: wanted, parent, because, evidence });
}

/** A change that nothing follows has a trace as well. */
function open(cut: Cut, change: Change): void {
  const trace = changeTrace(cut, change);
  if (trace !== undefined && !cut.members.has(trace)) cut.members.set(trace, []);
}

function tracesOf({ members, memberships, ofChanges }: Cut): Traces {
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
}

/** Transitions alone open no trace. */
const isUntold = ({ root }: Trace, occurrences: readonly Occurrence[]): boolean =>
  occurrences.every(({ transition }) => transition !== undefined) &&
  !(root.kind === 'change' && root.change.isSeen);

function traceOf(cut: Cut, placement: Placement): Trace | undefined {
  switch (placement.under) {
    case 'change':
      return changeTrace(cut, placement.change);
    case 'occurrence':
      return cut.memberships.get(placement.occurrence)?.trace;
    case 'nothing':
      return undefined;
  }
}

function changeTrace({ ofChanges, spans }: Cut, change: Change): Trace | undefined {
  const { object, id, moment, sync, caller } = change;
  // Without a time nothing tells whether it is recent.
  if (moment === undefined) return undefined;
  const known = ofChanges.get(change);
  if (known !== undefined) return known;
  const trace: Trace = {
    traceId: caller?.traceId ?? traceIdOf(object.uid, id),
    root: { kind: 'change', change, ...(sync !== undefined && { marked: sync.first }) },
    object,
    ...(caller !== undefined && { caller }),
  };
  ofChanges.set(change, trace);
  spans.set(trace, newSpan(moment.at, moment.latest));
  return trace;
}

const newSpan = (start: bigint, last: bigint): Span => ({
  start,
  last,
  unfinished: new Map(),
  turns: new Set(),
});

function join(cut: Cut, occurrence: Occurrence, at: bigint, membership: Membership): void {
  const { trace, parent } = membership;
  cut.memberships.set(occurrence, membership);
  const others = cut.members.get(trace);
  if (others === undefined) cut.members.set(trace, [occurrence]);
  else others.push(occurrence);
  if (parent === undefined) markRoot(cut, trace, occurrence);
  const span = cut.spans.get(trace)!;
  span.last = max(span.last, max(at, occurrence.transition?.until ?? at));
  const turn = cut.world.nodes.turnOf(occurrence);
  if (turn !== undefined) span.turns.add(turn);
  if (occurrence.transition === undefined)
    span.unfinished.set(containerOf(occurrence), rowOf(occurrence).phase === true);
}

/** What an Event right under the root says of itself and of its caller wins over what the object says. */
function markRoot({ sent, followed }: Cut, trace: Trace, occurrence: Occurrence): void {
  const { root } = trace;
  if (root.kind === 'change' && isMarked(occurrence) && !sent.hasChange(root.change))
    root.marked ??= occurrence;
  const caller = callerOf(occurrence.event.annotations);
  if (caller === undefined || followed.has(trace)) return;
  followed.add(trace);
  trace.caller = caller;
  trace.traceId = caller.traceId;
}

/**
 * Into its object's newest one while that is recent, else it is the first of a new one.
 * @param late the trace that it would be in, were that not too long ago
 */
function joinEpisode(
  cut: Cut,
  occurrence: Occurrence,
  at: bigint,
  placement: Placement,
  late: Trace | undefined,
): void {
  const { world, spans, newestEpisode } = cut;
  const object = world.rootOf(world.subjectOf(occurrence));
  const current = newestEpisode.get(object);
  const { because, evidence } =
    placement.under === 'nothing' ? placement : ({ because: episode.name, evidence: 'time' } as const);
  if (current !== undefined && goesOn(cut, current, occurrence, at, placement)) {
    join(cut, occurrence, at, { trace: current, parent: undefined, because, evidence, late });
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
  spans.set(trace, newSpan(at, at));
  join(cut, occurrence, at, { trace, parent: undefined, because, evidence, late });
}

/** Whether an episode goes on with this occurrence. */
function goesOn(cut: Cut, current: Trace, occurrence: Occurrence, at: bigint, placement: Placement): boolean {
  const span = cut.spans.get(current)!;
  return (
    !beginsEpisode(cut, occurrence, span, at) &&
    !isOtherRemoval(cut, occurrence, placement, at, current) &&
    (isRecent(span, occurrence, at) || isStarting(cut, current, occurrence, at))
  );
}

function beginsEpisode({ world, sent }: Cut, occurrence: Occurrence, span: Span, at: bigint): boolean {
  const turn = world.nodes.turnOf(occurrence);
  return (
    (turn !== undefined && beginsStory(turn, span.turns) && !isStillStarting(turn, span, at)) ||
    rowOf(occurrence).begins === 'episode' ||
    // Each rescale is a change, told by a generation or not.
    rowOf(occurrence).effect === 'rescales' ||
    isMarked(occurrence) ||
    sent.hasOccurrence(occurrence)
  );
}

/** A kubelet that starts anew says for some seconds that its Node is not ready: no loss, which is told after 40 s at the soonest. */
const isStillStarting = (turn: NodeTurn, { start, turns }: Span, at: bigint): boolean =>
  turn === 'lost' && isStart(turns) && !turns.has('ready') && at - start <= atStart;

/** A Node's start is a phase that its first Ready ends; a kubelet that starts anew may leave its Node ready. */
function isStarting({ world, spans }: Cut, current: Trace, occurrence: Occurrence, at: bigint): boolean {
  const { start, turns } = spans.get(current)!;
  const node = world.subjectOf(occurrence);
  if (node.kind !== 'Node' || !isStart(turns) || turns.has('ready') || at - start > longestTrace)
    return false;
  const since = readySince(node);
  return since === undefined || since > start;
}

/** Rules that find nothing which took the pod away but who speaks of it, or nobody. */
const removals: ReadonlySet<string> = new Set([podDeleted.name, eviction.name, disruption.name]);

/** One command may take several pods away; what comes later, or what went before, is another story. */
function isOtherRemoval(
  { world, memberships }: Cut,
  occurrence: Occurrence,
  { because, under }: Placement,
  at: bigint,
  { root }: Trace,
): boolean {
  if (under !== 'nothing' || !removals.has(because) || root.kind !== 'episode') return false;
  if (world.subjectOf(occurrence).kind !== 'Pod') return false;
  return memberships.get(root.first)?.because !== because || at - root.first.at > atOnce;
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
