/**
 * Where the time of a change went: walks back from its end along what it waited for, pod after pod, and charges each stretch
 * to a phase. The phases add up to the duration to the nanosecond.
 */
import type { Change } from './change.ts';
import { nextOf } from './find-change.ts';
import { type KubernetesObject, saysReadiness } from './kubernetes-object.ts';
import type { Phase } from './phases.ts';
import type { World } from './placement/world.ts';
import { gatherPodLives, goneAt, type PodLife, type PodLives, stagesUntil } from './pod-life.ts';
import { isPaused } from './read-status.ts';
import { compare, max, min, SECOND } from './time.ts';
import type { TimedTrace } from './time-spans.ts';

export interface TimeSpent {
  /** Nanoseconds from the change until it ended. */
  duration: bigint;
  /** Nanoseconds along the critical path. */
  phases: ReadonlyMap<Phase, bigint>;
}

export function timeSpent(world: World, timed: TimedTrace, change: Change, status: StatusTimes): TimeSpent {
  const { start } = timed.root;
  const end = endOf(world, timed, change);
  const path = new Path(start, end);
  const pods = gatherPodLives(world, timed, end);
  if (pods.lives.length > 0)
    walkBack(path, milestonesOf(pods, end, change.outcome.verdict === 'complete'), status);
  else chargeReaction(path, timed, change);
  path.back(start, pausedBetween(status, start, path.at) ? 'other' : 'queue');
  return { duration: end - start, phases: path.phases };
}

/** The verdict; without one the last word, or the next change where that came before. */
function endOf(world: World, { root }: TimedTrace, change: Change): bigint {
  const { at } = change.outcome;
  if (at !== undefined) return max(root.start, min(at, root.end));
  const next = nextOf(world, change)?.moment?.at;
  return next === undefined ? root.end : max(root.start, min(next, root.end));
}

/** From its end back to its start: what is charged is always between the two, and never twice. */
class Path {
  readonly phases = new Map<Phase, bigint>();
  readonly start: bigint;
  at: bigint;

  constructor(start: bigint, end: bigint) {
    this.start = start;
    this.at = end;
  }

  /** Everything since `time` that is not charged yet. */
  back(time: bigint, phase: Phase): void {
    const from = max(this.start, time);
    if (from >= this.at) return;
    this.phases.set(phase, (this.phases.get(phase) ?? 0n) + this.at - from);
    this.at = from;
  }
}

/** A change without pods: its controller's reaction, then work that no pod tells of. */
function chargeReaction(path: Path, { occurrences, intervalOf }: TimedTrace, change: Change): void {
  if (occurrences.length === 0) {
    const seen = takenNoteOf(change);
    if (seen !== undefined) path.back(seen, 'other');
    return;
  }
  // What makes pods and made none is still at the beginning.
  if (makesPods(change.object)) return;
  const first = occurrences.map((occurrence) => intervalOf(occurrence).start).reduce(min);
  path.back(first, 'other');
}

/** When the status first said that its controller has seen the generation. */
const takenNoteOf = ({ object: { history }, generation }: Change): bigint | undefined =>
  generation === undefined
    ? undefined
    : history?.versions.find(({ object }) => (object.status?.observedGeneration ?? 0) >= generation)
        ?.observedAt;

const makesPods = ({ history }: KubernetesObject): boolean =>
  history?.versions.some(
    ({ object: { replicas, completions } }) => (replicas ?? completions) !== undefined,
  ) === true;

/** What the object's status says, as times in ascending order. */
export interface StatusTimes {
  /** It does not go on by itself. */
  paused: readonly bigint[];
  /** One more pod counted as available: with minReadySeconds that is later than its readiness. */
  counted: readonly bigint[];
}

export function readStatusTimes({ history }: KubernetesObject): StatusTimes {
  const paused: bigint[] = [];
  const counted: bigint[] = [];
  let before = 0;
  for (const version of history?.versions ?? []) {
    const {
      object: { status },
      observedAt,
    } = version;
    if (isPaused(version)) paused.push(observedAt);
    const available = status?.availableReplicas ?? status?.numberAvailable ?? 0;
    if (available > before) counted.push(observedAt);
    before = available;
  }
  // Versions are in order of their writing; who tells of them may be late.
  return { paused: paused.sort(compare), counted: counted.sort(compare) };
}

function pausedBetween({ paused }: StatusTimes, from: bigint, to: bigint): boolean {
  const first = firstAfter(paused, from - 1n);
  return first !== undefined && first < to;
}

/** A pod had come as far as it was waited for: it was ready, or it was gone. */
interface Milestone {
  life: PodLife;
  at: bigint;
  /** Whether somebody said so; else the next step tells that it had. */
  isKnown: boolean;
}

/** The last ones first. */
interface Milestones {
  arrivals: readonly Milestone[];
  departures: readonly Milestone[];
}

function milestonesOf({ lives, steps }: PodLives, end: bigint, isComplete: boolean): Milestones {
  const rank = isComplete ? byLatestStart : byLeastProgress;
  const arrivals: Milestone[] = [];
  const departures: Milestone[] = [];
  for (const life of lives) {
    if (life.created !== undefined) arrivals.push(...arrivalsOf(life, steps, end, isComplete));
    if (life.removed !== undefined) departures.push(departureOf(life, steps, end));
  }
  return {
    arrivals: arrivals.sort((a, b) => compare(b.at, a.at) || rank(a.life, b.life) || byUid(a, b)),
    departures: departures.sort((a, b) => compare(b.at, a.at) || byUid(a, b)),
  };
}

const byUid = (a: Milestone, b: Milestone): number => (a.life.pod.uid < b.life.pod.uid ? -1 : 1);

/** From one milestone to the one that it waited for. */
function walkBack(path: Path, { arrivals, departures }: Milestones, status: StatusTimes): void {
  const used = new Set<PodLife>();
  let [i, k] = [0, 0];
  for (let isEnd = true; ; isEnd = false) {
    while (i < arrivals.length && (arrivals[i]!.at > path.at || used.has(arrivals[i]!.life))) i++;
    const arrival = arrivals[i];
    // What was asked to go before the last one came is not what was waited for since.
    const isWaitedFor = ({ at, life }: Milestone) =>
      at <= path.at && (arrival === undefined || life.removed! >= arrival.at);
    const isLater = ({ at }: Milestone) => arrival === undefined || at >= arrival.at;
    while (k < departures.length && isLater(departures[k]!) && !isWaitedFor(departures[k]!)) k++;
    const departure = departures[k];
    const react = (time: bigint) =>
      path.back(time, isEnd || pausedBetween(status, time, path.at) ? 'other' : 'queue');
    if (departure !== undefined && isLater(departure)) {
      k++;
      react(departure.at);
      path.back(departure.life.removed!, 'stop');
    } else if (arrival !== undefined) {
      used.add(arrival.life);
      chargeArrival(path, arrival, status, react);
    } else return;
  }
}

/** @param react charges what its controller took to see it */
function chargeArrival(
  path: Path,
  { life, at, isKnown }: Milestone,
  { counted }: StatusTimes,
  react: (time: bigint) => void,
): void {
  if (isKnown && !life.isRun) {
    // The status may be seen a second after the step that followed it.
    const last = lastUpTo(counted, path.at + SECOND);
    if (last !== undefined && last > at) {
      react(last);
      path.back(at, 'ready');
    }
  }
  react(at);
  for (const { phase, from } of stagesUntil(life, at).reverse()) path.back(from, phase);
}

/** When it was there: as it says, else by what its controller did next; or never. */
function arrivalsOf(life: PodLife, steps: readonly bigint[], end: bigint, isComplete: boolean): Milestone[] {
  const milestones = life.arrivals.map((at) => ({ life, at: min(at, end), isKnown: true }));
  const { lastStart, lastTrouble } = life;
  if (milestones.length === 0 && lastStart !== undefined && (isComplete || !saysReadiness(life.pod)))
    milestones.push({ life, at: min(firstAfter(steps, lastStart) ?? end, end), isKnown: false });
  const last = milestones.at(-1)?.at;
  const isThere = last !== undefined && (lastTrouble === undefined || lastTrouble <= last);
  if (!isComplete && !isThere && life.removed === undefined)
    milestones.push({ life, at: end, isKnown: false });
  return milestones;
}

const byLatestStart = (a: PodLife, b: PodLife): number => compare(b.lastStart ?? 0n, a.lastStart ?? 0n);

/** What is furthest behind is what it did not get over: what never started, then what went wrong since. */
const byLeastProgress = (a: PodLife, b: PodLife): number =>
  progressOf(a) - progressOf(b) || byLatestStart(a, b) || compare(a.created!, b.created!);

function progressOf({ lastStart, lastTrouble }: PodLife): number {
  if (lastStart === undefined) return 0;
  return lastTrouble !== undefined && lastTrouble > lastStart ? 1 : 2;
}

function departureOf(life: PodLife, steps: readonly bigint[], end: bigint): Milestone {
  const removed = life.removed!;
  const gone = goneAt(life);
  // Its replacement is made at once, but who tells of either may be a second late.
  const step = firstAfter(steps, gone === undefined ? removed : max(removed, gone - SECOND)) ?? end;
  return { life, at: min(gone ?? step, min(step, end)), isKnown: gone !== undefined };
}

/** Of times in ascending order. */
const firstAfter = (times: readonly bigint[], time: bigint): bigint | undefined =>
  times[countUpTo(times, time)];

const lastUpTo = (times: readonly bigint[], time: bigint): bigint | undefined =>
  times[countUpTo(times, time) - 1];

function countUpTo(times: readonly bigint[], time: bigint): number {
  let [from, to] = [0, times.length];
  while (from < to) {
    const middle = (from + to) >> 1;
    if (times[middle]! > time) to = middle;
    else from = middle + 1;
  }
  return from;
}
