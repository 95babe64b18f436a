/** Which Event announced which change of replicas: an autoscaler says what it asks for, and the object has it as a generation. */
import { inOrder, type Occurrence } from './gather-occurrences.ts';
import type { KubernetesObject } from './kubernetes-object.ts';
import type { Change } from './list-changes.ts';
import type { Resolved } from './resolve-objects.ts';
import { compare, distance, MINUTE } from './time.ts';

export interface Rescales {
  rescaleOf(change: Change): Occurrence | undefined;
  rescaledBy(occurrence: Occurrence): Change | undefined;
}

/** What is further away speaks of another rescale to the same size. */
const nearby = MINUTE;

export function matchRescales(
  resolved: Resolved,
  changesOf: (object: KubernetesObject) => readonly Change[],
): Rescales {
  const announcements = new Map<Change, Occurrence>();
  for (const occurrence of resolved.occurrences) {
    const driver = resolved.driverOf(occurrence);
    if (driver?.effect !== 'rescales' || driver.target === undefined) continue;
    const [written] = changesOf(driver.target)
      .filter(({ type, version, moment }) => {
        if (type !== 'generation' || moment === undefined || version?.object.replicas !== driver.to)
          return false;
        return distance(moment.at, occurrence.at) <= nearby;
      })
      .sort((a, b) => compare(distance(a.moment!.at, occurrence.at), distance(b.moment!.at, occurrence.at)));
    if (written === undefined) continue;
    const known = announcements.get(written);
    if (known === undefined || closer(occurrence, known, written.moment!.at))
      announcements.set(written, occurrence);
  }
  const changes = new Map([...announcements].map(([change, occurrence]) => [occurrence, change]));
  return {
    rescaleOf: (change) => announcements.get(change),
    rescaledBy: (occurrence) => changes.get(occurrence),
  };
}

function closer(a: Occurrence, b: Occurrence, time: bigint): boolean {
  const [awayA, awayB] = [distance(a.at, time), distance(b.at, time)];
  return awayA === awayB ? inOrder(a, b) < 0 : awayA < awayB;
}
