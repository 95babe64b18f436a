/** What a pod went through while a change lasted, as the stretches of time that the change waits for. */
import { seenGone } from './gather-objects.ts';
import { isFailedEnd, type Occurrence, rowOf } from './gather-occurrences.ts';
import type { KubernetesObject } from './kubernetes-object.ts';
import type { World } from './placement/world.ts';
import { runsToCompletion } from './runs.ts';
import { compare, max, min } from './time.ts';
import type { TimedTrace } from './time-spans.ts';

export interface PodLife {
  pod: KubernetesObject;
  /** Undefined of a pod that was there before the change. */
  created: bigint | undefined;
  /** When its removal was asked for, if that was before the change ended. */
  removed: bigint | undefined;
  /** Its containers run to completion: nobody waits for it to be ready. */
  isRun: boolean;
  /** The last time that a container was started. */
  lastStart: bigint | undefined;
  /** The times at which it became ready, or its containers' last end if it is a run; none where nothing tells. */
  arrivals: readonly bigint[];
  /** The last time that something went wrong, or that it was started again. */
  lastTrouble: bigint | undefined;
}

export interface PodLives {
  /** Of the pods that the change made or removed before it ended. */
  lives: PodLife[];
  /** When a controller made, removed or scaled something, in ascending order: whatever it waited for was there by then. */
  steps: bigint[];
}

export function gatherPodLives(world: World, timed: TimedTrace, end: bigint): PodLives {
  const { trace, occurrences, root, intervalOf } = timed;
  const pods = new Set<KubernetesObject>();
  const steps: bigint[] = [];
  for (const occurrence of occurrences) {
    const subject = world.subjectOf(occurrence);
    if (subject.kind === 'Pod') pods.add(subject);
    const driver = world.driverOf(occurrence);
    if (driver === undefined) continue;
    if (driver.target?.kind === 'Pod') pods.add(driver.target);
    const { effect } = driver;
    if (effect === 'creates' || effect === 'removes' || effect === 'scales')
      steps.push(intervalOf(occurrence).start);
  }
  const lives: PodLife[] = [];
  for (const pod of pods) {
    const life = world.rootOf(pod) === trace.object ? lifeOf(world, pod, root.start, end) : undefined;
    if (life === undefined) continue;
    lives.push(life);
    if (life.created !== undefined) steps.push(life.created);
    if (life.removed !== undefined) steps.push(life.removed);
  }
  return { lives, steps: steps.sort(compare) };
}

function lifeOf(world: World, pod: KubernetesObject, start: bigint, end: bigint): PodLife | undefined {
  const removed = removedAt(pod, start, end);
  const created = createdAt(pod, start, removed ?? end);
  if (created === undefined && removed === undefined) return undefined;
  const isRun = isOfRun(world, pod);
  const life: PodLife = {
    pod,
    created,
    removed,
    isRun,
    lastStart: undefined,
    arrivals: isRun ? endsOf(pod, end) : readyTimesOf(pod),
    lastTrouble: undefined,
  };
  for (const occurrence of pod.occurrences) {
    if (occurrence.at > end) break;
    if (isStart(occurrence)) life.lastStart = occurrence.at;
    if (isTrouble(occurrence)) life.lastTrouble = occurrence.at;
  }
  return life;
}

/** A creation is known by who made it, by what was first said of it, and to the second by itself. */
function createdAt({ created, creator, occurrences }: KubernetesObject, start: bigint, end: bigint) {
  if (created === undefined || created.latest < start) return undefined;
  let at = created.latest;
  if (creator !== undefined) at = min(at, creator.occurrence.at);
  if (occurrences[0] !== undefined) at = min(at, occurrences[0].at);
  at = max(at, start);
  return at < end ? at : undefined;
}

function removedAt({ removal }: KubernetesObject, start: bigint, end: bigint): bigint | undefined {
  if (removal === undefined || removal.latest < start || removal.at > end) return undefined;
  return max(start, removal.at);
}

/** When it was seen gone, else when the last of its containers ended. Undefined where nobody saw that. */
export function goneAt({ pod: { history, occurrences }, removed }: PodLife): bigint | undefined {
  const seen = history && seenGone(history);
  const gone = seen ?? occurrences.findLast(({ event }) => event.reason === 'Terminated')?.at;
  return gone === undefined || gone < removed! ? undefined : gone;
}

/** What keeps its pods running, whatever is above it: a Rollout's status says Completed, too. */
const keepsRunning: ReadonlySet<string> = new Set([
  'ReplicaSet',
  'ReplicationController',
  'StatefulSet',
  'DaemonSet',
]);

/** By what made it; of a pod that nobody made, since it is over by itself. */
function isOfRun(world: World, pod: KubernetesObject): boolean {
  if (pod.owner !== undefined)
    return !keepsRunning.has(pod.owner.kind) && runsToCompletion(world.rootOf(pod));
  return (
    pod.removal === undefined &&
    pod.history?.versions.some(({ object: { status } }) => status?.phase === 'Succeeded') === true
  );
}

const none: readonly bigint[] = [];

function readyTimesOf({ occurrences }: KubernetesObject): readonly bigint[] {
  let times = none;
  for (const { transition, event } of occurrences)
    if (transition !== undefined && event.reason === 'Ready') times = [...times, transition.until];
  return times;
}

function endsOf({ occurrences }: KubernetesObject, end: bigint): readonly bigint[] {
  const last = occurrences.findLast(
    ({ transition, event, at }) => transition !== undefined && event.reason === 'Terminated' && at <= end,
  );
  return last === undefined ? none : [last.at];
}

/** The status tells it as well, where no Event does: a pod's way to readiness begins there. */
const isStart = ({ event, transition }: Occurrence): boolean =>
  event.reason === (transition === undefined ? 'Started' : 'Ready');

const isTrouble = (occurrence: Occurrence): boolean =>
  occurrence.transition === undefined
    ? occurrence.event.type === 'Warning' || occurrence.event.reason === 'Started'
    : isFailedEnd(occurrence);

type Phase = 'schedule' | 'pull' | 'start' | 'ready' | 'other';

export interface Stage {
  phase: Phase;
  from: bigint;
}

/** What it went through from its creation up to then, in order. */
export function stagesUntil({ pod, created, isRun }: PodLife, time: bigint): Stage[] {
  const said = pod.occurrences.filter(({ at }) => at <= time);
  const lastStart = said.findLast(isStart)?.at;
  const stages: Stage[] = [{ phase: 'schedule', from: created! }];
  for (const occurrence of said) {
    const { at } = occurrence;
    const isUp = lastStart !== undefined && at >= lastStart;
    const phase = isStart(occurrence)
      ? startedPhase(at === lastStart, isRun)
      : phaseAfter(occurrence, stages.at(-1)!.phase, isUp);
    if (phase !== undefined) stages.push({ phase, from: max(created!, at) });
  }
  return stages;
}

/** What starts before the last one is an init container, or will crash. */
function startedPhase(isLast: boolean, isRun: boolean): Phase {
  if (!isLast) return 'start';
  return isRun ? 'other' : 'ready';
}

/** Causes that keep an image from being there. */
const imageTrouble: ReadonlySet<string> = new Set([
  'ErrImagePull',
  'ErrImageNeverPull',
  'ImageInspectError',
  'InvalidImageName',
]);

/** Undefined where it goes on as it was. */
function phaseAfter(occurrence: Occurrence, phase: Phase, isUp: boolean): Phase | undefined {
  const { event } = occurrence;
  const { cause } = rowOf(occurrence);
  if (event.reason === 'Pulling' || (cause !== undefined && imageTrouble.has(cause))) return 'pull';
  // It runs: only a crash sets it back.
  if (isUp) return isFailedEnd(occurrence) || cause === 'CrashLoopBackOff' ? 'start' : undefined;
  if (event.reason === 'Pulled' || event.reason === 'Scheduled') return 'start';
  return phase === 'schedule' && event.reporter.component === 'kubelet' ? 'start' : undefined;
}
