/** How much comes more than once: a forwarder that starts again lists again, a put that is retried may be stored twice. */
import type { Observation } from '../../shared/observation.ts';
import { subjectId } from './file-observations.ts';
import { mostRemembered } from './thresholds.ts';

/** For the figures only: what it remembers is this process's, and no more than `mostRemembered`. */
export function createDuplicateCounter(): (cluster: string, observations: readonly Observation[]) => number {
  const seen = new Set<string>();
  return (cluster, observations) => {
    let duplicates = 0;
    for (const observation of observations) {
      const key = `${cluster}/${versionOf(observation)}`;
      if (seen.delete(key)) duplicates += 1;
      seen.add(key);
      if (seen.size > mostRemembered) seen.delete(seen.values().next().value!);
    }
    return duplicates;
  };
}

function versionOf(observation: Observation): string {
  if (observation.type === 'event') return `${observation.event.uid}/${observation.event.count}`;
  const { object, deleted } = observation;
  return `${subjectId(observation)}/${object.resourceVersion}/${deleted}`;
}
