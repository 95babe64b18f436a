/**
 * The state machine of one activity: what is to be done next, from what is known of it. Pure. The first rule that says something
 * decides; whoever does it asks again, with what is known then.
 */
import type { Observation } from '../../shared/observation.ts';
import { type Activity, hasSeenAll, lastCommit, lastHeard, waitingSince } from './activity.ts';
import type { Due } from './read-timers.ts';
import type { Lag } from './stream-marks.ts';
import { betweenLags, muchToRead, type Thresholds, usualLag } from './thresholds.ts';

export type Step =
  /** Another timer does what is to be done, or nothing is. */
  | { do: 'finish'; because: 'superseded' | 'rechecked-later' | 'empty' }
  /** Its root has to be found, and its join keys. */
  | { do: 'resolve' }
  /** All of it goes into the activity of its root. */
  | { do: 'merge-into'; root: string; family: string }
  /** Activities turned out to be parts of this one. */
  | { do: 'merge-from'; merges: Activity['merges']; family: string }
  /** It writes itself where others find it. */
  | { do: 'register'; joinKeys: readonly string[] }
  /** `closesIn`: seconds until traces with a verdict, that are quiet themselves, need wait no longer; undefined: they wait with all else. */
  | { do: 'wait'; seconds: number; because: WaitReason; closesIn?: number }
  /** Related activities have to be read. */
  | { do: 'read-related' }
  /** What can no longer change is written down, and sent. */
  | { do: 'commit' };

export type WaitReason =
  /** Debounce: it is not quiet. */
  | 'loud'
  /** All of it, which is much, was read not long ago. */
  | 'rest'
  /** Nobody has described its object, or its owner's settle has not merged it yet. */
  | 'owner'
  /** Others are to be merged into it. */
  | 'merge'
  /** It was registered just now, or those that went quiet with it were not yet. */
  | 'registration'
  /** A partition key of its cluster is behind the others: what it is related to, or the rest of it, may still be in the stream. */
  | 'lag'
  /** Related activities are not ready. */
  | 'related';

/** What is known of an activity by itself. */
export interface Known {
  activity: Activity;
  /** Of its chunks. */
  observations: readonly Observation[];
  /**
   * As far as it is known now. Undefined: of the activity that is checked, nobody has asked yet; of a related one, it has waited for
   * so long that it does not matter.
   */
  root: Root | undefined;
}

export interface Root {
  /** The activity's key. */
  key: string;
  family: string;
  /** Its own object was described. */
  isKnown: boolean;
}

export interface Facts extends Known {
  due: Due;
  /** Join keys of its observations under which it is not registered. Undefined: not looked for. */
  unregistered: readonly string[] | undefined;
  /** It was registered under new join keys since its timer came. */
  isNewlyRegistered: boolean;
  /** Of the partition keys of its cluster; undefined: it has one. */
  lag?: Lag | undefined;
  /** Undefined: not read. */
  related: readonly Known[] | undefined;
}

/** @param now milliseconds since 1970 */
export function nextStep(facts: Facts, now: number, thresholds: Thresholds): Step {
  const { due, activity, root, unregistered, related } = facts;
  if (isSuperseded(activity, due.since)) return { do: 'finish', because: 'superseded' };
  if (isRecheckedLater(activity, due.dueAt)) return { do: 'finish', because: 'rechecked-later' };
  if (activity.chunks.length + activity.merges.length === 0) return { do: 'finish', because: 'empty' };
  if (root === undefined || unregistered === undefined) return { do: 'resolve' };
  if (root.key !== activity.key) return { do: 'merge-into', root: root.key, family: root.family };
  if (activity.merges.length > 0) return { do: 'merge-from', merges: activity.merges, family: root.family };
  if (unregistered.length > 0) return { do: 'register', joinKeys: unregistered };
  if (isExpiring(activity, now, thresholds))
    return related === undefined ? { do: 'read-related' } : { do: 'commit' };
  const alone = waitAlone(facts, now, thresholds) ?? waitForRegistration(facts, now, thresholds);
  const lagging = waitForKeys(facts, now, thresholds);
  if (alone !== undefined)
    return withClosing(alone, lagging === undefined ? closesIn(alone, facts, now, thresholds) : undefined);
  if (lagging !== undefined) return lagging;
  const rest = untilRested(activity.bytes, lastCommit(activity), now, thresholds);
  if (rest > 0) return { do: 'wait', seconds: rest, because: 'rest' };
  if (related === undefined) return { do: 'read-related' };
  return waitForRelated(facts, related, now, thresholds) ?? { do: 'commit' };
}

/** Its timer came nearly a horizon late: what waits now is forgotten before it is sent. */
const isExpiring = (activity: Activity, now: number, { retention, maxWait }: Thresholds): boolean =>
  (now - lastHeard(activity)) / 1000 > retention - 2 * maxWait;

type Wait = Extract<Step, { do: 'wait' }>;

const withClosing = (wait: Wait, seconds: number | undefined): Wait =>
  seconds === undefined ? wait : { ...wait, closesIn: seconds };

/**
 * In an activity that is loud, because one change follows the other or something crashes, a verdict need not wait until all is quiet.
 * Not where so much would have to be read each time, and not before those that it may be related to are registered, too.
 */
function closesIn(
  { because }: Wait,
  { activity, isNewlyRegistered, related = [] }: Facts,
  now: number,
  thresholds: Thresholds,
): number | undefined {
  const { quiet, slack, registration } = thresholds;
  if (because !== 'loud' || activity.bytes >= muchToRead) return undefined;
  if (!related.every((known) => isPlaced(known, now, thresholds))) return undefined;
  const needed = activity.joinKeys.length > 0 ? quiet + slack + registration : quiet;
  return Math.max(0, needed - ageOf(activity, now, thresholds), isNewlyRegistered ? registration : 0);
}

/** Nobody waits for its owner, or for what is to be merged into it: it is loud at most. */
const isPlaced = (known: Known, now: number, thresholds: Thresholds): boolean => {
  const wait = waitAlone(known, now, thresholds);
  return wait === undefined || wait.because === 'loud';
};

/** What came since the timer was armed has a timer of its own, which does what this one would. */
export const isSuperseded = ({ chunks }: Pick<Activity, 'chunks'>, since: number | undefined): boolean =>
  since !== undefined && chunks.some(({ at, dueAt }) => at > since && dueAt > since);

/** A recheck of which another is to come, or none is needed: nothing came since that was said. */
const isRecheckedLater = (activity: Activity, dueAt: number): boolean =>
  hasSeenAll(activity) &&
  activity.merges.length === 0 &&
  (activity.recheck!.next ?? Number.POSITIVE_INFINITY) > dueAt;

/** Milliseconds since 1970; undefined: nothing waits. */
export const waitsSince = (activity: Activity, { quiet, slack }: Thresholds): number | undefined =>
  waitingSince(activity, lastCommit(activity), (quiet + slack) * 1000);

/** Seconds that something of it has been waiting. */
export const ageOf = (activity: Activity, now: number, thresholds: Thresholds): number =>
  (now - (waitsSince(activity, thresholds) ?? now)) / 1000;

/** Debounce, with a max wait. Seconds; 0 where it is quiet, or has been loud for too long. */
export const untilQuiet = (
  heard: number,
  since: number,
  now: number,
  { quiet, maxWait }: Thresholds,
): number => Math.max(0, Math.min(quiet - (now - heard) / 1000, maxWait - (now - since) / 1000));

/** Seconds until an activity of so many bytes may be read whole again. */
export function untilRested(
  bytes: number,
  committedAt: number,
  now: number,
  { rest, maxWait }: Thresholds,
): number {
  if (bytes < muchToRead) return 0;
  return Math.max(0, Math.min(maxWait, (rest * bytes) / muchToRead) - (now - committedAt) / 1000);
}

/** Whether it matters whose it is: `root` has to be known. */
export function needsRoot(activity: Activity, now: number, thresholds: Thresholds): boolean {
  const since = waitsSince(activity, thresholds);
  return since !== undefined && (now - since) / 1000 < thresholds.ownerWait;
}

/** Until it may be settled, by what is known of it alone. */
function waitAlone(known: Known, now: number, thresholds: Thresholds): Wait | undefined {
  const { activity, root } = known;
  const since = waitsSince(activity, thresholds);
  if (since === undefined) return undefined;
  const age = (now - since) / 1000;
  if (age >= thresholds.maxWait) return undefined;
  const loud = untilQuiet(lastHeard(activity), since, now, thresholds);
  if (loud > 0) return { do: 'wait', seconds: loud, because: 'loud' };
  if (activity.merges.length > 0) return { do: 'wait', seconds: thresholds.registration, because: 'merge' };
  const isOwn = root === undefined || (root.isKnown && root.key === activity.key);
  if (age < thresholds.ownerWait && !isOwn)
    return { do: 'wait', seconds: thresholds.ownerWait - age, because: 'owner' };
  return undefined;
}

/**
 * Until a key that is behind has caught up, and those that were filed late have been checked, too: what is related to this one has to be
 * registered. Not for ever: a shard that stands still is no reason to say nothing of the others.
 */
function waitForKeys({ activity, lag }: Facts, now: number, thresholds: Thresholds): Wait | undefined {
  const { quiet, slack, registration, maxWait } = thresholds;
  const since = waitsSince(activity, thresholds);
  if (lag === undefined || since === undefined) return undefined;
  const untilChecked = (lag.lateAt - now) / 1000 + quiet + slack + registration;
  const wanted = lag.seconds > usualLag ? betweenLags : untilChecked;
  const seconds = Math.min(wanted, maxWait - (now - since) / 1000);
  return seconds > 0 ? { do: 'wait', seconds, because: 'lag' } : undefined;
}

/**
 * Seconds that the timers' queue is behind, as far as one timer says so: one that comes half a day late does so by itself, and what
 * waits half a day more is gone before it is sent.
 */
export const behind = (
  { dueAt }: Pick<Due, 'dueAt'>,
  now: number,
  { maxWait }: Pick<Thresholds, 'maxWait'>,
): number => Math.min(maxWait, Math.max(0, (now - dueAt) / 1000));

/**
 * Whoever is registered gives those that went quiet with it the time for their first check, which is late where this one is. Not
 * beyond the max wait: an activity that finds new join keys all the time settles, too.
 */
function waitForRegistration(facts: Facts, now: number, thresholds: Thresholds): Wait | undefined {
  const { activity, due, isNewlyRegistered } = facts;
  if (ageOf(activity, now, thresholds) >= thresholds.maxWait) return undefined;
  const seconds = isNewlyRegistered
    ? thresholds.registration + behind(due, now, thresholds)
    : untilJoined(activity.joinKeys.length > 0, lastHeard(activity), due, now, thresholds);
  return seconds > 0 ? { do: 'wait', seconds, because: 'registration' } : undefined;
}

/** Seconds; 0 for one without join keys. */
export function untilJoined(
  isJoined: boolean,
  heard: number,
  due: Pick<Due, 'dueAt'>,
  now: number,
  thresholds: Thresholds,
): number {
  const { quiet, slack, registration } = thresholds;
  if (!isJoined) return 0;
  const longest = registration + behind(due, now, thresholds);
  return Math.min((heard - now) / 1000 + quiet + slack + longest, longest);
}

/** Not for ever: counted from when this one went quiet, or was no longer waited for. */
function waitForRelated(
  { activity }: Facts,
  related: readonly Known[],
  now: number,
  thresholds: Thresholds,
): Wait | undefined {
  const { quiet, maxWait, holdForRelated } = thresholds;
  const held = Math.max(
    (now - lastHeard(activity)) / 1000 - quiet,
    ageOf(activity, now, thresholds) - maxWait,
  );
  const longest = Math.max(0, ...related.map((known) => waitAlone(known, now, thresholds)?.seconds ?? 0));
  const seconds = Math.min(longest, holdForRelated - held);
  if (seconds <= 0) return undefined;
  const arePlaced = related.every((known) => isPlaced(known, now, thresholds));
  return withClosing({ do: 'wait', seconds, because: 'related' }, arePlaced ? 0 : undefined);
}
