/** The checkpoint as an annotation of the Lease: JSON of versions by resource name. */
import type { Json } from './api-server.ts';
import { annotationsOf, withAnnotation } from './lease-annotations.ts';
import { isResourceVersion, newestVersions } from './resource-versions.ts';
import type { Checkpoint } from './watch-signal.ts';

const checkpointAnnotation = 'rootspan/checkpoint';

export type ReadCheckpoint =
  | { type: 'none' }
  | { type: 'checkpoint'; checkpoint: Checkpoint }
  | { type: 'unreadable' };

export function readCheckpoint(lease: Json): ReadCheckpoint {
  const text = annotationsOf(lease)[checkpointAnnotation];
  if (text === undefined) return { type: 'none' };
  try {
    const checkpoint: unknown = JSON.parse(text);
    const isOurs =
      typeof checkpoint === 'object' &&
      checkpoint !== null &&
      !Array.isArray(checkpoint) &&
      Object.values(checkpoint).every(isResourceVersion);
    return isOurs ? { type: 'checkpoint', checkpoint: checkpoint as Checkpoint } : { type: 'unreadable' };
  } catch {
    return { type: 'unreadable' };
  }
}

/** The Lease with the newer of what it holds and what was saved, for each resource: a checkpoint never goes back. */
export function writeCheckpoint(lease: Json, saved: Checkpoint | undefined): Json {
  if (saved === undefined) return lease;
  const read = readCheckpoint(lease);
  const newest = newestVersions(read.type === 'checkpoint' ? read.checkpoint : undefined, saved);
  return withAnnotation(lease, checkpointAnnotation, JSON.stringify(newest));
}
