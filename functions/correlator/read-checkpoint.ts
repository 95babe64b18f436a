/**
 * A check of a loud activity by what is new since somebody has read all of it: whether it is still loud, and under no join keys that
 * it is not registered under.
 */
import type { Observation } from '../../shared/observation.ts';
import { type Activity, chunksOf, lastHeard, observationsOf, toActivity, waitingSince } from './activity.ts';
import { joinDigests } from './causality/join-keys.ts';
import type { RuleSet } from './causality/rules/rule-set.ts';
import {
  batchesAndMergesAfter,
  type Checkpoint,
  type CheckpointItem,
  type Chunk,
  chunksSince,
} from './items.ts';
import { isSuperseded, untilJoined, untilQuiet, untilRested, type WaitReason } from './next-step.ts';
import type { Due } from './read-timers.ts';
import type { SettleContext } from './settle-context.ts';
import { activityPartition } from './store.ts';
import { longestPut, muchToRead } from './thresholds.ts';

/**
 * What join keys come from, as whoever checks what is new finds it: of all, and of what it will read again, without what that names of
 * before.
 */
export function checkpointDigests(
  {
    activity,
    chunks,
    observations,
  }: { activity: Activity; chunks: readonly Chunk[]; observations: readonly Observation[] },
  readAt: number,
  rules: RuleSet,
): Set<string> {
  const again = chunks.filter((_, index) => activity.chunks[index]!.at >= readAt - longestPut);
  return joinDigests(observations, rules).union(joinDigests(observationsOf(again), rules));
}

/** For those that check next, where that costs less than what they would read: of one of which all was read at `readAt`. */
export function checkpointOf(
  read: Parameters<typeof checkpointDigests>[0] & { readAt: number },
  rules: RuleSet,
  said: Pick<Checkpoint, 'batch' | 'committedAt' | 'since' | 'acknowledged'>,
): Checkpoint | undefined {
  const { activity, readAt } = read;
  if (activity.bytes < muchToRead) return undefined;
  return {
    ...said,
    at: readAt,
    bytes: activity.bytes,
    isJoined: activity.joinKeys.length > 0,
    digests: checkpointDigests(read, readAt, rules),
  };
}

type Checked =
  | { do: 'finish' }
  | { do: 'wait'; seconds: number; because: WaitReason; news: { activity: Activity } };

/** What a check of all of it would come to. Undefined: all of it has to be read. */
export async function checkNews(
  context: SettleContext,
  due: Due,
  checkpoint: CheckpointItem,
): Promise<Checked | undefined> {
  const { ports, thresholds, rules } = context;
  const now = ports.now();
  // Somebody may have committed since this timer was sent, and not have lived to send it; batches after that one may be sent.
  const { from, to } = checkpoint.acknowledged ?? { from: 1, to: 0 };
  const isSent = from <= due.sent + 1 && to >= checkpoint.batch;
  const armedAt = due.armedAt ?? due.dueAt;
  if (!isSent && checkpoint.committedAt >= armedAt - thresholds.clockSkew * 1000) return undefined;
  const pk = activityPartition(due.activity);
  const [items, others] = await Promise.all([
    ports.store.list(pk, chunksSince(checkpoint.at - longestPut)),
    ports.store.list(pk, batchesAndMergesAfter(checkpoint.batch)),
  ]);
  if (others.length > 0) return undefined;
  const news = toActivity(due.activity, items);
  if (isSuperseded(news, due.since)) return { do: 'finish' };
  const first = waitingSince(news, checkpoint.committedAt, (thresholds.quiet + thresholds.slack) * 1000);
  if (first === undefined) return undefined;
  const since = Math.min(first, checkpoint.since ?? first);
  const heard = lastHeard(news);
  const loud = untilQuiet(heard, since, now, thresholds);
  const isDue = (now - since) / 1000 >= thresholds.maxWait;
  const alone = loud > 0 || isDue ? loud : untilJoined(checkpoint.isJoined, heard, due, now, thresholds);
  const rest = untilRested(checkpoint.bytes, checkpoint.committedAt, now, thresholds);
  const seconds = Math.max(alone, rest);
  if (seconds <= 0) return undefined;
  const digests = joinDigests(observationsOf(chunksOf(news)), rules);
  if (!digests.isSubsetOf(checkpoint.digests)) return undefined;
  return { do: 'wait', seconds, because: alone > 0 ? 'loud' : 'rest', news: { activity: news } };
}
