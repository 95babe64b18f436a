/**
 * Since when a change stands still that is not through: no new pod, no pod ready for the first time, and no counter of its status moved.
 * It says nothing of whether that is bad: a change that waits for something slow stands still, too.
 */
import { shippedStatus } from '../../../shared/snapshot-fields.ts';
import type { Change } from './change.ts';
import type { Version } from './gather-objects.ts';
import type { Occurrence } from './gather-occurrences.ts';
import type { World } from './placement/world.ts';
import { max } from './time.ts';

/** Undefined where it is over, or was paused by somebody. */
export function standsStillSince(
  world: World,
  change: Change,
  occurrences: readonly Occurrence[],
): bigint | undefined {
  const { outcome, moment } = change;
  if (outcome.isFinal || outcome.pausedSince !== undefined || moment === undefined) return undefined;
  const ready = new Set<string>();
  let since = moment.at;
  for (const occurrence of occurrences)
    if (isProgress(world, occurrence, ready))
      since = max(since, occurrence.transition?.until ?? occurrence.latest);
  return max(since, lastCount(change) ?? since);
}

/** @param ready UIDs of pods that were ready before: of each only the first time counts */
function isProgress(world: World, occurrence: Occurrence, ready: Set<string>): boolean {
  const { transition, event } = occurrence;
  if (transition === undefined) {
    const driver = world.driverOf(occurrence);
    return driver?.effect === 'creates' && driver.target?.kind === 'Pod';
  }
  const { uid } = event.subject;
  if (event.reason !== 'Ready' || uid === undefined || ready.has(uid)) return false;
  ready.add(uid);
  return true;
}

/** When a counter of the object's status differed from the version before, of those since the change. */
function lastCount({ object, generation, moment }: Change): bigint | undefined {
  const versions = object.history?.versions ?? [];
  let last: bigint | undefined;
  for (const [i, version] of versions.entries()) {
    const before = versions[i - 1];
    if (before === undefined || version.observedAt < moment!.at) continue;
    if (generation !== undefined && (version.object.generation ?? generation) < generation) continue;
    if (countersOf(version) !== countersOf(before))
      last = max(last ?? version.observedAt, version.observedAt);
  }
  return last;
}

const countersOf = ({ object: { status } }: Version): string =>
  JSON.stringify(shippedStatus.map((name) => status?.[name as keyof typeof status]));
