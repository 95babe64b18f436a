/** One activity, from its timer to what is to be sent: each step is decided by next-step.ts and done here. */
import type { ChangeRecord } from '../../shared/change-record.ts';
import type { Observation } from '../../shared/observation.ts';
import type { Span } from '../../shared/span.ts';
import {
  type Activity,
  bytesOf,
  chunksOf,
  lastBatch,
  lastCommit,
  observationsOf,
  readActivity,
  toActivity,
} from './activity.ts';
import { commitActivity, commitClosed, hasClosed } from './commit-activity.ts';
import { findRoot } from './find-root.ts';
import { type Acknowledged, type Checkpoint, type Chunk, parseItem } from './items.ts';
import { readRelatedOf, register, type SharedReads, unregisteredKeys } from './join-registry.ts';
import { mergeChain, mergeInto } from './merge-activities.ts';
import { ageOf, type Facts, nextStep, type Step, type WaitReason, waitsSince } from './next-step.ts';
import { readArchivedBatches, spansOfBatches, unsentBatches } from './outbox.ts';
import type { Remark } from './ports.ts';
import { checkNews, checkpointOf } from './read-checkpoint.ts';
import { isReleaseActivity } from './read-release.ts';
import { type Due, timerOf } from './read-timers.ts';
import type { OpenChange } from './releases/release-change.ts';
import type { OwnRecheck } from './send-rechecks.ts';
import type { SettleContext } from './settle-context.ts';
import { checkRelease } from './settle-release.ts';
import { activityPartition, clusterOf, type Item } from './store.ts';
import { readLag } from './stream-marks.ts';
import { fewItems, goodEnough, largeActivity, mostAtOnce, mostSteps } from './thresholds.ts';

/** What came of an activity's timer. It is done once this is: the spans first. */
export interface Outcome {
  /** To be sent, together with those of others. */
  spans: Span[];
  /** The last batch of which it is known that it, and those before, are sent once these are. */
  sentUpTo?: number;
  /** Seconds until it is checked again; undefined: another timer sees to that, or nothing is left. */
  next?: number | undefined;
  /** Because what it had read was too old to commit on. */
  isPutOff?: boolean;
  remark?: Remark;
  /** Of one that is related to others and has settled. */
  recheck?: OwnRecheck;
  checkpoint?: Checkpoint;
  /** Batches that timers which were sent before need not send again; undefined where there are none. */
  acknowledged?: Acknowledged | undefined;
  /** Of a release that is open: when it is checked next, in milliseconds since 1970. */
  releaseDueAt?: number;
  /** Changes that are under way for so long that their release is to know. */
  openChanges?: OpenChange[];
  /** Records of changes that stand still; that they were told is written down. */
  stalled?: ChangeRecord[];
}

/** An activity in the middle of its check. */
export interface Check extends Facts {
  chunks: readonly Chunk[];
  /** Milliseconds since 1970: it was read after this. */
  readAt: number;
  /** Milliseconds since 1970: those that are related were read after this. Undefined: they were not. */
  relatedReadAt?: number;
  /** Batches that were committed before, and are to be sent again. */
  resent: Span[];
}

/**
 * Until related activities have to be read, which others register with as well.
 * @throws UnreadableBodyError, OutboxConflictError
 */
export async function beginCheck(context: SettleContext, due: Due): Promise<Outcome | Check> {
  if (isReleaseActivity(due.activity)) return checkRelease(context, due);
  const read = await readDue(context, due);
  if (!('due' in read)) return read;
  let check = read;
  for (let steps = 0; steps < mostSteps; steps += 1) {
    const step = nextStep(check, context.ports.now(), context.thresholds);
    const taken = await take(context, check, step);
    if (taken === 'read-related') return check;
    if (!('due' in taken)) return taken;
    check = taken;
  }
  throw new Error(`${due.activity} does not come to an end`);
}

/** @throws UnreadableBodyError, OutboxConflictError */
export async function finishCheck(
  context: SettleContext,
  begun: Check,
  reads: SharedReads,
): Promise<Outcome> {
  const related = await readRelatedOf(begun.activity, reads, context);
  const check = { ...begun, relatedReadAt: reads.since };
  const step = nextStep({ ...check, related }, context.ports.now(), context.thresholds);
  switch (step.do) {
    case 'wait':
      return (
        (step.closesIn === 0 && (await commitClosed(context, check, related, step))) ||
        waitFor(context, check, step)
      );
    case 'commit':
      return commitActivity(context, check, related);
    default:
      // Time went by since related ones were asked for, and something else is to be done first.
      return { ...sendAgain(check), next: 1 };
  }
}

async function take(
  context: SettleContext,
  check: Check,
  step: Step,
): Promise<Outcome | Check | 'read-related'> {
  const { activity, due } = check;
  switch (step.do) {
    case 'finish':
      return sendAgain(check);
    case 'resolve':
      return resolve(context, check);
    case 'merge-into': {
      const chain = mergeChain(due.chain, activity.key);
      const merge = { from: activity.key, into: step.root, family: step.family };
      await mergeInto(context, merge, () => armFirst(context, chain, step.root));
      return sendAgain(check);
    }
    case 'merge-from': {
      // This timer comes again until it is done with what is merged.
      for (const { from, sk } of step.merges)
        await mergeInto(
          context,
          { from, into: activity.key, family: step.family, asked: sk },
          async () => {},
        );
      return reread(context, check);
    }
    case 'register': {
      const joinKeys = await register(context, activity, step.joinKeys);
      return { ...check, activity: { ...activity, joinKeys }, unregistered: [], isNewlyRegistered: true };
    }
    case 'wait':
      if (step.closesIn === undefined || !hasClosed(context, check)) return waitFor(context, check, step);
      // Whether they have a verdict can be said only with those that are related.
      if (step.closesIn === 0) return 'read-related';
      return waitFor(context, check, { ...step, seconds: Math.min(step.seconds, step.closesIn) });
    case 'read-related':
      return 'read-related';
    case 'commit':
      throw new Error('nothing is committed before related activities are read');
    default:
      return step satisfies never;
  }
}

async function resolve(context: SettleContext, check: Check): Promise<Check> {
  const { store } = context.ports;
  const isPartitioned = check.activity.chunks.some((chunk) => chunk.isPartitioned);
  const [root, lag] = await Promise.all([
    findRoot(store, check.activity, check.observations),
    isPartitioned ? readLag(store, clusterOf(check.activity.key)) : undefined,
  ]);
  const isOwn = root.key === check.activity.key;
  const unregistered = isOwn ? unregisteredKeys(check.activity, check.observations, context) : [];
  return { ...check, root, unregistered, lag };
}

async function reread(context: SettleContext, check: Check): Promise<Check> {
  const readAt = context.ports.now();
  const activity = await readActivity(context.ports.store, check.activity.key);
  const { chunks, observations } = contentOf(activity);
  return { ...check, activity, chunks, observations, readAt, unregistered: undefined };
}

function contentOf(activity: Activity): { chunks: Chunk[]; observations: Observation[] } {
  const chunks = chunksOf(activity);
  return { chunks, observations: observationsOf(chunks) };
}

/** All of it, which is mostly little; else what somebody has found who has read all, and then what is new. */
async function readDue(context: SettleContext, due: Due): Promise<Outcome | Check> {
  const { store, log, now } = context.ports;
  const pk = activityPartition(due.activity);
  const readAt = now();
  const first = await store.list(pk, { most: fewItems });
  const isWhole = first.length < fewItems;
  const checkpoint = isWhole ? undefined : checkpointIn(first, due.activity);
  const checked = checkpoint && (await checkNews(context, due, checkpoint));
  if (checked !== undefined)
    return checked.do === 'wait' ? waitFor(context, { due, ...checked.news }, checked) : nothing;
  const bytes = isWhole ? bytesOf(first) : (checkpoint?.bytes ?? 0);
  if (bytes > mostAtOnce && !due.isAlone) {
    // In a message of its own, now.
    await context.ports.timers.arm(timerOf([due]), 0);
    return nothing;
  }
  if (bytes > largeActivity) log({ kind: 'large', activity: due.activity, bytes });
  const rest = isWhole ? [] : await store.list(pk, { within: [`${first.at(-1)!.sk}!`, '~'] });
  const activity = toActivity(due.activity, [...first, ...rest]);
  const archived = await readArchivedBatches(context, due);
  const batches = unsentBatches(
    { ...activity, batches: [...activity.batches, ...archived] },
    due,
    context.thresholds,
  );
  return {
    due,
    activity,
    ...contentOf(activity),
    root: undefined,
    unregistered: undefined,
    isNewlyRegistered: false,
    related: undefined,
    readAt,
    resent: spansOfBatches(batches),
  };
}

const nothing: Outcome = { spans: [] };

function checkpointIn(items: readonly Item[], activity: string) {
  for (const item of items) {
    const parsed = parseItem(item, activity);
    if (parsed?.kind === 'checkpoint') return parsed;
  }
  return undefined;
}

/** Of what was committed before, what this timer has to send; nothing new is committed. */
const sendAgain = ({ due, resent, activity }: Pick<Check, 'due' | 'resent' | 'activity'>): Outcome => ({
  spans: resent,
  sentUpTo: Math.max(due.sent, lastBatch(activity)),
});

/** A timer of its own, or the one that comes anyway. */
function waitFor(
  context: SettleContext,
  check: Pick<Check, 'due' | 'activity'> & Partial<Check>,
  { seconds, because }: { seconds: number; because: WaitReason },
): Outcome {
  const { activity, due, resent = [] } = check;
  const now = context.ports.now();
  const coming = activity.chunks.reduce((last, { dueAt }) => Math.max(last, dueAt), 0);
  // A timer that is due sooner may have come already, by the clock of another function, and gone on under another time.
  const isToCome = coming >= now + context.thresholds.margin * 1000;
  const isLeft = isToCome && coming !== due.dueAt && coming <= now + (seconds + goodEnough) * 1000;
  const age = ageOf(activity, now, context.thresholds);
  const checkpoint =
    because === 'loud' || because === 'rest' || because === 'registration'
      ? toCheckpoint(context, check)
      : undefined;
  return {
    ...sendAgain({ due, resent, activity }),
    next: isLeft && because !== 'related' ? undefined : seconds,
    remark: { kind: 'postponed', activity: activity.key, seconds, age },
    ...(checkpoint !== undefined && { checkpoint }),
  };
}

/** Of one of which only what is new was read there is one already. */
function toCheckpoint(context: SettleContext, check: Partial<Check>): Checkpoint | undefined {
  const { activity, chunks, observations, readAt } = check;
  if (activity === undefined || observations === undefined || chunks === undefined || readAt === undefined)
    return undefined;
  return checkpointOf({ activity, chunks, observations, readAt }, context.rules, {
    batch: lastBatch(activity),
    committedAt: lastCommit(activity),
    since: waitsSince(activity, context.thresholds),
    acknowledged: activity.checkpoint?.acknowledged,
  });
}

/** The first check of an activity of which nobody else knows. */
async function armFirst({ ports, thresholds }: SettleContext, id: string, activity: string): Promise<void> {
  const armedAt = ports.now();
  const seconds = thresholds.quiet + thresholds.slack;
  await ports.timers.arm({ id, activities: [activity], dueAt: armedAt + seconds * 1000, armedAt }, seconds);
}
