/** The release that a change brought, by the annotation on its object that says so. */
import { releaseAnnotation } from '../../../shared/snapshot-fields.ts';
import type { Change } from './change.ts';
import { differencesOf } from './compare-specs.ts';
import type { Version } from './gather-objects.ts';
import type { World } from './placement/world.ts';

/**
 * An annotation outlives the change that it came with: the mark is of the first one that was made under it, and of one of which nobody
 * saw what was there before. Who marks the object and then changes it (`kubectl annotate`, `kubectl set image`) has marked that change.
 */
export function findReleaseMark(world: World, change: Change): string | undefined {
  const mark = markIn(change.version);
  if (mark === undefined || change.type !== 'generation') return undefined;
  const changes = world.changesOf(change.object);
  const before = changes
    .slice(0, changes.indexOf(change))
    .findLast((earlier) => earlier.type === 'generation' && !wroteAnnotationsAlone(earlier));
  return markIn(before?.version) === mark ? undefined : mark;
}

function markIn(version: Version | undefined): string | undefined {
  const mark = version?.object.annotations?.[releaseAnnotation];
  return mark === '' ? undefined : mark;
}

/** Of a Deployment that is a generation. */
function wroteAnnotationsAlone(change: Change): boolean {
  const differences = differencesOf(change);
  return differences.length > 0 && differences.every(({ path }) => path === 'metadata.annotations');
}
