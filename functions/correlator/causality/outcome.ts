/**
 * How a change ended: the first verdict about what it wrote, by the object's status or by an Event that says so; `superseded`
 * only if none came before the next change.
 */

import type { Begun, Change } from './change.ts';
import { type ObjectHistory, seenGone, type Version } from './gather-objects.ts';
import { rowOf } from './gather-occurrences.ts';
import type { KubernetesObject } from './kubernetes-object.ts';
import { isPaused, readStatus, tellsOutcome, type Verdict } from './read-status.ts';
import { compare, HOUR, parseTime, SECOND } from './time.ts';
import { endBy } from './verdict-words.ts';

export interface Outcome {
  /**
   * `unfinished`: nothing more was heard of it; `unknown`: its status says nothing. That it stalled is told by what keeps it
   * from getting there (causes.ts).
   */
  verdict: 'complete' | 'failed' | 'superseded' | 'unfinished' | 'unknown';
  /** Undefined where nobody saw when. */
  at: bigint | undefined;
  message: string;
  /** The status' own word for a failure. */
  reason: string | undefined;
  /** Times at which its status moved toward it, or said that it is paused: the trace is not over then. */
  moved: readonly bigint[];
  /** Since when it has been paused, where that is the last word. */
  pausedSince: bigint | undefined;
  /** Nothing that is still to come can tell otherwise: a verdict, or the next change came. */
  isFinal: boolean;
}

export function outcomesOf(
  begun: readonly Begun[],
  object: KubernetesObject,
  history: ObjectHistory,
): Change[] {
  return begun.map((change, i) => ({ ...change, outcome: outcomeOf(change, begun[i + 1], object, history) }));
}

const unknown: Outcome = {
  verdict: 'unknown',
  at: undefined,
  message: '',
  reason: undefined,
  moved: [],
  pausedSince: undefined,
  isFinal: false,
};

function outcomeOf(
  change: Begun,
  next: Begun | undefined,
  object: KubernetesObject,
  history: ObjectHistory,
): Outcome {
  if (change.type === 'deletion') {
    const at = seenGone(history);
    return at === undefined
      ? { ...unknown, verdict: 'unfinished' }
      : { ...unknown, verdict: 'complete', at, isFinal: true };
  }
  const status = statusVerdict(change, next, object, history);
  const isSilent = status.verdict === undefined && status.moved.length === 0;
  const { moved, pausedSince } = status;
  const event = eventVerdict(change, next, object, isSilent && !saysHowItEnds(object));
  const isEarly = event !== undefined && isTooEarly(event, moved, object);
  const first = firstOf(status.verdict, isEarly ? undefined : event);
  if (first !== undefined) {
    const { verdict, at, message, reason } = first;
    return { verdict, at, message, reason, moved, pausedSince, isFinal: true };
  }
  const isFinal = next !== undefined && !tellsOfBoth(change, next);
  const isTold = moved.length > 0 || tellsOutcome(object);
  // Where the status never says how far it is, nobody knows whether it was through when the next one came.
  if (!isTold) return { ...unknown, isFinal };
  if (next === undefined) return { ...unknown, verdict: 'unfinished', moved, pausedSince };
  if (isLongBefore(next, change)) return { ...unknown, isFinal };
  return { ...unknown, verdict: 'superseded', at: next.moment?.at, moved, pausedSince, isFinal };
}

/** Of a creation that nobody saw, how far it had come when the next change came: where that was hours later, it was over. */
const isLongBefore = (next: Begun, { type, version, moment }: Begun): boolean =>
  type === 'generation' &&
  version === undefined &&
  next.moment !== undefined &&
  moment !== undefined &&
  next.moment.at - moment.latest > HOUR;

type Found = Omit<Outcome, 'moved' | 'pausedSince' | 'isFinal'>;
type FoundByStatus = Found & { seenAt: bigint };
type FoundByEvent = Found & { at: bigint; latest: bigint };

/**
 * A controller may speak of a step of its own: Argo Rollouts completes the update of a first deployment before it has a pod. Where the
 * status tells how far it is, and says afterwards that it is under way, it is.
 */
const isTooEarly = (
  { verdict, latest }: FoundByEvent,
  moved: readonly bigint[],
  object: KubernetesObject,
): boolean => verdict === 'complete' && tellsOutcome(object) && moved.some((at) => at > latest);

/** Of two verdicts the earlier one; where nobody saw when the status said it, what the Event says of the time. */
function firstOf(status: FoundByStatus | undefined, event: FoundByEvent | undefined): Found | undefined {
  if (status === undefined || event === undefined) return status ?? event;
  if (status.at === undefined) {
    // It failed, and was mended before anybody looked.
    const isMended = event.verdict === 'failed' && event.at <= status.seenAt;
    return isMended || status.verdict === event.verdict ? event : status;
  }
  return compare(status.at, event.at) <= 0 ? status : event;
}

/** Of these the status tells; what an Event calls Failed is not the whole of a Pod (an image, a container). */
const saysHowItEnds = (object: KubernetesObject): boolean => object.kind === 'Pod' || tellsOutcome(object);

/** The first Event's word. @param isRead whether a reason that no row declares is taken at its word */
function eventVerdict(
  change: Begun,
  next: Begun | undefined,
  { kind, occurrences }: KubernetesObject,
  isRead: boolean,
): FoundByEvent | undefined {
  for (const occurrence of occurrences) {
    const { at, latest, event, match } = occurrence;
    const { cause, outcome: declared } = rowOf(occurrence);
    const read = isRead && match === undefined ? endBy(kind, event.reason, event.message) : undefined;
    const outcome = declared ?? read;
    if (outcome === undefined) continue;
    const isBefore = change.moment !== undefined && latest < change.moment.at;
    if (isBefore || (next?.moment !== undefined && at >= next.moment.at)) continue;
    const isFailed = outcome === 'failed';
    return {
      verdict: outcome,
      at,
      latest,
      message: isFailed ? event.message : '',
      reason: isFailed ? (cause ?? event.reason) : undefined,
    };
  }
  return undefined;
}

interface StatusVerdict {
  verdict: FoundByStatus | undefined;
  moved: bigint[];
  pausedSince: bigint | undefined;
}

function statusVerdict(
  change: Begun,
  next: Begun | undefined,
  object: KubernetesObject,
  history: ObjectHistory,
): StatusVerdict {
  const moved: bigint[] = [];
  let pausedSince: bigint | undefined;
  let wasSilent = false;
  for (const version of versionsOf(change, next, history)) {
    const said = readStatus(object, version);
    if (said === undefined) {
      wasSilent = true;
      continue;
    }
    if (said === 'under way' || isOfBefore(said, change)) {
      pausedSince = isPaused(version) ? (pausedSince ?? version.observedAt) : undefined;
      moved.push(version.observedAt);
      continue;
    }
    // A sync is not over because the one before it is.
    if (change.type === 'sync' && moved.length === 0) continue;
    // What nobody saw before it was over may have ended long before it was looked at.
    const at = moved.length > 0 || wasSilent ? version.observedAt : undefined;
    const verdict = { ...foundOf(said, at), seenAt: version.observedAt };
    return { verdict, moved, pausedSince };
  }
  return { verdict: undefined, moved, pausedSince };
}

/** It had failed before this change, whose template it is not about. */
const isOfBefore = (said: Exclude<Verdict, 'under way' | undefined>, { moment, before }: Begun): boolean =>
  said !== 'complete' &&
  said.since !== undefined &&
  before !== undefined &&
  moment !== undefined &&
  parseTime(said.since) + SECOND <= moment.at;

function foundOf(said: Exclude<Verdict, 'under way' | undefined>, at: bigint | undefined): Found {
  if (said === 'complete') return { verdict: 'complete', at, message: '', reason: undefined };
  return { verdict: 'failed', at, message: said.failed, reason: said.reason };
}

/** Those that speak of the change: of its generations, before the next change. */
function versionsOf(change: Begun, next: Begun | undefined, { versions }: ObjectHistory): readonly Version[] {
  const last = lastToldBy(change, next);
  const until = next?.type === 'sync' || change.type === 'sync' ? next?.moment?.at : undefined;
  return versions.filter(({ object: { generation }, observedAt, deleted }) => {
    if (deleted || (until !== undefined && observedAt >= until)) return false;
    if (change.type === 'sync') return observedAt >= change.moment!.at;
    const own = generation ?? 1;
    return own >= (change.generation ?? 1) && own <= last;
  });
}

/** Whether the template that it wrote became real, a version that was only scaled since tells as well. */
const lastToldBy = (change: Begun, next: Begun | undefined): number =>
  (next !== undefined && tellsOfBoth(change, next) ? next : change).lastGeneration!;

const tellsOfBoth = ({ version }: Begun, next: Begun): boolean =>
  version === undefined && next.verb === 'Scale';
