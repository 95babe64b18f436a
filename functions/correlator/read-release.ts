/** The activity of a release: of no cluster, and of no object. */
import { hash } from 'node:crypto';
import { type Activity, bytesOf, toActivity, whatWasSent } from './activity.ts';
import { type AssembledReleases, assembleReleases } from './releases/assemble-releases.ts';
import type { ReleaseChange } from './releases/release-change.ts';
import type { SettleContext } from './settle-context.ts';
import { activityPartition } from './store.ts';
import { releaseTimes } from './thresholds.ts';

/** Where an activity has its cluster. No cluster's key begins so: a digest after the tilde is longer (`clusterKey`). */
const ofReleases = '~release/';

export const releaseActivity = ({ key }: Pick<ReleaseChange, 'key'>): string =>
  ofReleases + hash('sha256', key.text, 'base64url');

export const isReleaseActivity = (activity: string): boolean => activity.startsWith(ofReleases);

/**
 * Items of a release that are read: three times as many changes as it tells, and what was sent. Fewer: of a key that is used all day the
 * later ones are never told. More: who writes one annotation each second makes each check as dear as a day of its changes.
 */
const mostItems = 3_500;

/** @throws UnreadableBodyError */
export async function readRelease(
  { ports: { store, log } }: Pick<SettleContext, 'ports'>,
  activity: string,
): Promise<Activity> {
  const items = await store.list(activityPartition(activity), { most: mostItems });
  if (items.length === mostItems) log({ kind: 'large', activity, bytes: bytesOf(items) });
  return toActivity(activity, items);
}

/** What is to be told of it by now. */
export const assembleRelease = (
  { thresholds }: Pick<SettleContext, 'thresholds'>,
  activity: Activity,
  now: bigint,
): AssembledReleases =>
  assembleReleases({
    changes: activity.releaseChanges,
    open: activity.openChanges,
    sent: whatWasSent([activity]),
    ...releaseTimes(thresholds),
    now,
  });
