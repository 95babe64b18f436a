/**
 * The registry of join keys: where activities of different roots that may cause each other find each other
 * (causality/join-keys.ts). Who comes second finds the other there.
 */

import type { Observation } from '../../shared/observation.ts';
import { type Activity, chunksOf, lastHeard, observationsOf, readActivity } from './activity.ts';
import { isLinkKey, soughtBy } from './causality/join-key.ts';
import { joinKeys } from './causality/join-keys.ts';
import { findRoot } from './find-root.ts';
import { forEachOf } from './for-each-of.ts';
import { activityOfJoin, type Chunk, joinedSince, joinItem, registrationItem } from './items.ts';
import { type Known, needsRoot } from './next-step.ts';
import { UnreadableBodyError } from './pack-body.ts';
import { expiresIn, type SettleContext } from './settle-context.ts';
import { clusterOf, joinPartition } from './store.ts';
import { mostRelated } from './thresholds.ts';

/** An activity of another root that may cause something here, or the other way round. */
export interface Related extends Known {
  chunks: readonly Chunk[];
}

export function unregisteredKeys(
  activity: Activity,
  observations: readonly Observation[],
  { rules }: Pick<SettleContext, 'rules'>,
): string[] {
  const registered = new Set(activity.joinKeys);
  return joinKeys(observations, rules).filter((key) => !registered.has(key));
}

/** Before it is read who else is there, so that of two one finds the other. Under which keys it is registered then. */
export async function register(
  context: SettleContext,
  { key, joinKeys: before }: Activity,
  added: readonly string[],
): Promise<string[]> {
  const { ports, thresholds } = context;
  const { retention, joinRetention } = thresholds;
  const [now, expiresAt] = [ports.now(), expiresIn(context, retention)];
  await ports.store.put(added.map((joinKey) => joinItem(key, joinKey, now, expiresAt)));
  const all = [...new Set([...before, ...added])].sort();
  // Expires first, so that a long activity registers again before others do not find it any more.
  await ports.store.put([registrationItem(key, all, expiresIn(context, joinRetention / 2))]);
  return all;
}

/** What several settles of one invocation read of others, once. */
export interface SharedReads {
  /** Milliseconds since 1970: all of it was read after this. */
  since: number;
  /** Keys of activities by partition, registered since then. */
  registered(partition: string, since: number): Promise<string[]>;
  /** Undefined: it cannot be read, and waits for a function that can. */
  activity(key: string): Promise<Related | undefined>;
}

/** Those that began not long ago: what was read earlier is read anew for whoever begins now. */
export function createFreshReads(context: SettleContext): () => SharedReads {
  const { ports, thresholds } = context;
  let reads = createSharedReads(context);
  return () => {
    if (ports.now() - reads.since > (thresholds.registration * 1000) / 2) reads = createSharedReads(context);
    return reads;
  };
}

export function createSharedReads(context: SettleContext): SharedReads {
  const { store, now } = context.ports;
  return {
    since: now(),
    registered: once(async (partition, since) => [
      ...new Set((await store.list(partition, joinedSince(since))).map(activityOfJoin)),
    ]),
    activity: once((key) => readRelated(context, key)),
  };
}

async function readRelated(context: SettleContext, key: string): Promise<Related | undefined> {
  const { ports, thresholds } = context;
  try {
    const activity = await readActivity(ports.store, key);
    const chunks = chunksOf(activity);
    const observations = observationsOf(chunks);
    const root = needsRoot(activity, ports.now(), thresholds)
      ? await findRoot(ports.store, activity, observations)
      : undefined;
    return { activity, chunks, observations, root };
  } catch (error) {
    if (!(error instanceof UnreadableBodyError)) throw error;
    ports.log({ kind: 'unreadable', activity: key, error });
    return undefined;
  }
}

/** Those it is related to, those they are related to, and so on. */
export async function readRelatedOf(
  activity: Activity,
  reads: SharedReads,
  { ports, thresholds }: Pick<SettleContext, 'ports' | 'thresholds'>,
): Promise<Related[]> {
  // Whole hours, so that several settles ask the same. Not from now: this settle may be hours late.
  const hour = 3_600_000;
  const since = Math.floor((lastHeard(activity) - thresholds.joinRetention * 1000) / hour) * hour;
  const related = new Map<string, Related>();
  const asked = new Set<string>();
  let left = 0;
  for (let ring = [activity]; ring.length > 0; ) {
    // Who is found by a link is read, and not whom that one links to: a GitOps tool links to all that it applies.
    const isOwn = ring[0] === activity;
    const found = await findRegistered(ring, isOwn, asked, activity.key, since, reads);
    const news = [...found].filter((key) => key !== activity.key && !related.has(key)).sort();
    const most = mostRelated - 1 - related.size;
    left += Math.max(0, news.length - most);
    ring = [];
    await forEachOf(news.slice(0, most), async (key) => {
      const read = await reads.activity(key);
      if (read === undefined) return;
      related.set(key, read);
      ring.push(read.activity);
    });
  }
  if (left > 0) ports.log({ kind: 'too-many-related', activity: activity.key, left });
  return [...related.values()];
}

async function findRegistered(
  ring: readonly Activity[],
  isOwn: boolean,
  asked: Set<string>,
  activity: string,
  since: number,
  { registered }: SharedReads,
): Promise<Set<string>> {
  const sought = new Set(
    ring.flatMap(({ joinKeys: keys }) =>
      keys.filter((key) => isOwn || !isLinkKey(key)).flatMap((key) => soughtBy(key) ?? []),
    ),
  ).difference(asked);
  for (const key of sought) asked.add(key);
  const found = new Set<string>();
  await forEachOf([...sought], async (key) => {
    for (const other of await registered(joinPartition(clusterOf(activity), key), since)) found.add(other);
  });
  return found;
}

/** Asks once for each. */
function once<Args extends (string | number)[], T>(
  ask: (...args: Args) => Promise<T>,
): (...args: Args) => Promise<T> {
  const answers = new Map<string, Promise<T>>();
  return (...args) => {
    const key = args.join(' ');
    const answer = answers.get(key) ?? ask(...args);
    answers.set(key, answer);
    return answer;
  };
}
