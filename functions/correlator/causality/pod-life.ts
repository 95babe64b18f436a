/** What a pod went through inside one trace, as the stretches of time that a change waits for. */
import { type Occurrence, rowOf } from './gather-occurrences.ts';
import type { KubernetesObject } from './kubernetes-object.ts';
import type { World } from './placement/world.ts';
import { runsToCompletion } from './runs.ts';
import { max, min } from './time.ts';
import type { TimedTrace } from './time-spans.ts';

type Stage = 'schedule' | 'pull' | 'start' | 'ready' | 'other';

export interface PodLife {
  uid: string;
  /** Undefined of a pod that was there before the change. */
  created: bigint | undefined;
  /** When its removal was asked for, if that was before the change ended. */
  removed: bigint | undefined;
  /** Undefined where nobody saw it go. */
  gone: bigint | undefined;
  /** Its containers run to completion: nobody waits for it to be ready. */
  isRun: boolean;
  lastStart: bigint | undefined;
  /** The times at which it became ready, or its containers' last end if it is a run; none where nothing tells. */
  arrivals: readonly bigint[];
  /** Its status is not known, so that nothing can tell when it was ready. */
  isSilent: boolean;
  /** The last time that something went wrong, or that it was started again. */
  lastTrouble: bigint | undefined;
  /** What it went through up to then, the newest stage first. */
  stagesUntil(time: bigint): { phase: Stage; from: bigint }[];
}

/** Of the pods that the change made or removed before it ended. */
export function podLives(world: World, timed: TimedTrace, end: bigint): PodLife[] {
  const { trace, occurrences, intervalOf } = timed;
  const told = new Map<KubernetesObject, Told>();
  const toldOf = (pod: KubernetesObject): Told => {
    const known = told.get(pod);
    if (known !== undefined) return known;
    const added: Told = { created: undefined, removed: undefined, steps: [] };
    told.set(pod, added);
    return added;
  };
  for (const occurrence of occurrences) {
    const subject = world.subjectOf(occurrence);
    const at = intervalOf(occurrence).start;
    if (subject.kind === 'Pod') toldOf(subject).steps.push({ occurrence, at });
    const driver = world.driverOf(occurrence);
    if (driver?.target?.kind !== 'Pod') continue;
    if (driver.effect === 'creates') toldOf(driver.target).created ??= at;
    if (driver.effect === 'removes') toldOf(driver.target).removed ??= at;
  }
  const lives: PodLife[] = [];
  for (const [pod, said] of told) {
    if (world.rootOf(pod) !== trace.object) continue;
    const life = lifeOf(world, pod, said, timed.root.start, end);
    if (life.created !== undefined || life.removed !== undefined) lives.push(life);
  }
  return lives;
}

interface Step {
  occurrence: Occurrence;
  at: bigint;
}

/** Of one pod what its trace tells. */
interface Told {
  created: bigint | undefined;
  removed: bigint | undefined;
  steps: Step[];
}

function lifeOf(world: World, pod: KubernetesObject, told: Told, start: bigint, end: bigint): PodLife {
  const steps = told.steps.sort((a, b) => a.occurrence.index - b.occurrence.index);
  const removed = removedAt(pod, told, start, end);
  const created = createdAt(pod, told, start);
  const isNew = created !== undefined && created <= end && (removed === undefined || created < removed);
  const isRun = isOfRun(world, pod);
  return {
    uid: pod.uid,
    created: isNew ? created : undefined,
    removed,
    gone: removed === undefined ? undefined : goneAt(pod, steps, removed),
    isRun,
    lastStart: lastStartIn(steps, end),
    arrivals: isRun ? endsOf(steps, end) : readyTimesOf(steps),
    isSilent: !saysReadiness(pod),
    lastTrouble: steps.findLast(({ occurrence, at }) => at <= end && isTrouble(occurrence))?.at,
    stagesUntil: (time) => stagesOf(created ?? start, steps, time, isRun).reverse(),
  };
}

/** A creation is known by who made it, by what was first said of it, and to the second by itself. */
function createdAt(pod: KubernetesObject, { created, steps }: Told, start: bigint): bigint | undefined {
  const latest = pod.created?.latest;
  if (created === undefined && (latest === undefined || latest < start)) return undefined;
  const first = steps[0]?.at;
  const known = [created, first, latest].filter((time) => time !== undefined);
  return max(start, known.reduce(min));
}

function removedAt(
  { removal }: KubernetesObject,
  told: Told,
  start: bigint,
  end: bigint,
): bigint | undefined {
  const asked = removal === undefined || removal.latest < start ? undefined : max(start, removal.at);
  const known = [told.removed, asked].filter((time) => time !== undefined);
  const first = known.length === 0 ? undefined : known.reduce(min);
  return first === undefined || first > end ? undefined : first;
}

/** When it was seen gone, else when the last of its containers ended. */
function goneAt({ history }: KubernetesObject, steps: readonly Step[], removed: bigint): bigint | undefined {
  const seen = history?.versions.find(({ deleted }) => deleted)?.observedAt;
  const ended = steps.findLast(({ occurrence }) => occurrence.event.reason === 'Terminated')?.at;
  const gone = seen ?? ended;
  return gone === undefined || gone < removed ? undefined : gone;
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

const saysReadiness = ({ history }: KubernetesObject): boolean =>
  history?.versions.some(({ object: { status } }) => status?.containers !== undefined) === true;

const readyTimesOf = (steps: readonly Step[]): bigint[] =>
  steps.flatMap(({ occurrence: { transition, event } }) =>
    transition !== undefined && event.reason === 'Ready' ? [transition.until] : [],
  );

function endsOf(steps: readonly Step[], end: bigint): bigint[] {
  const last = steps.findLast(
    ({ occurrence: { transition, event }, at }) =>
      transition !== undefined && event.reason === 'Terminated' && at <= end,
  );
  return last === undefined ? [] : [last.at];
}

/** The status tells it as well, where no Event does: a pod's way to readiness begins there. */
const isStart = ({ event, transition }: Occurrence): boolean =>
  transition === undefined ? event.reason === 'Started' : event.reason === 'Ready';

const lastStartIn = (steps: readonly Step[], time: bigint): bigint | undefined =>
  steps.findLast(({ occurrence, at }) => at <= time && isStart(occurrence))?.at;

const isTrouble = ({ event, transition }: Occurrence): boolean =>
  transition === undefined
    ? event.type === 'Warning' || event.reason === 'Started'
    : (transition.exitCode ?? 0) !== 0;

function stagesOf(
  created: bigint,
  steps: readonly Step[],
  time: bigint,
  isRun: boolean,
): { phase: Stage; from: bigint }[] {
  const lastStart = lastStartIn(steps, time);
  const stages: { phase: Stage; from: bigint }[] = [{ phase: 'schedule', from: created }];
  for (const { occurrence, at } of steps) {
    if (at > time) break;
    const isUp = lastStart !== undefined && at >= lastStart;
    const next = isStart(occurrence)
      ? startedStage(at === lastStart, isRun)
      : stageAfter(occurrence, stages.at(-1)!.phase, isUp);
    if (next !== undefined) stages.push({ phase: next, from: at });
  }
  return stages;
}

/** Causes that keep an image from being there. */
const imageTrouble: ReadonlySet<string> = new Set([
  'ErrImagePull',
  'ErrImageNeverPull',
  'ImageInspectError',
  'InvalidImageName',
]);

/** What starts before the last one is an init container, or will crash. */
function startedStage(isLast: boolean, isRun: boolean): Stage {
  if (!isLast) return 'start';
  return isRun ? 'other' : 'ready';
}

/** Undefined where it goes on as it was. */
function stageAfter(occurrence: Occurrence, stage: Stage, isUp: boolean): Stage | undefined {
  const { event, transition } = occurrence;
  const { cause } = rowOf(occurrence);
  if (event.reason === 'Pulling' || (cause !== undefined && imageTrouble.has(cause))) return 'pull';
  // It runs: only a crash sets it back.
  if (isUp) return (transition?.exitCode ?? 0) !== 0 || cause === 'CrashLoopBackOff' ? 'start' : undefined;
  if (event.reason === 'Pulled' || event.reason === 'Scheduled') return 'start';
  return stage === 'schedule' && event.reporter.component === 'kubelet' ? 'start' : undefined;
}
