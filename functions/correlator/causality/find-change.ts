/** Which of an object's changes is meant: by a version of it, or by a time. */
import { type Change, generationOf } from './change.ts';
import type { ObjectHistory } from './gather-objects.ts';
import type { World } from './placement/world.ts';
import { versionInHand } from './resource-version.ts';
import { secondOf } from './time.ts';
import { recentGap } from './trace.ts';

/**
 * The change that an Event about its object speaks of, by the version that the controller had in hand. Undefined where
 * the reference says nothing: it is absent, or older than every snapshot.
 */
export function changeByVersion(
  changes: readonly Change[],
  { versions }: ObjectHistory,
  resourceVersion: string | undefined,
): Change | undefined {
  const version = versionInHand(versions, resourceVersion);
  if (version === undefined) return undefined;
  const generation = generationOf(version);
  const byGeneration =
    generation === undefined
      ? undefined
      : changes.find(
          ({ type, generation: first = 1, lastGeneration }) =>
            type === 'generation' && generation >= first && generation <= lastGeneration!,
        );
  if (byGeneration !== undefined) return byGeneration;
  return version.object.deletionTimestamp !== undefined
    ? changes.find(({ type }) => type === 'deletion')
    : undefined;
}

/**
 * The latest change at or before a time that may be as late as `latest`. A change is seen a moment after it was made: where none
 * that is recent was seen by then, the first one written in the second before that counts.
 */
export function changeInEffect(changes: readonly Change[], latest: bigint): Change | undefined {
  const seen = changes.findLast(({ moment }) => moment === undefined || moment.at <= latest);
  if (seen?.moment !== undefined && latest - seen.moment.at <= recentGap) return seen;
  return (
    changes.find(
      ({ moment }) => moment !== undefined && moment.at > latest && secondOf(moment.at) <= latest,
    ) ?? seen
  );
}

/** Of the same object. */
export function nextOf(world: World, change: Change): Change | undefined {
  const changes = world.changesOf(change.object);
  return changes[changes.indexOf(change) + 1];
}
