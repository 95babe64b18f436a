/** What whoever leads next goes on from, as annotations of the Lease. */
import * as v from 'valibot';
import { type ObjectReference, ObjectReferenceSchema } from '../../../shared/observation.ts';
import type { Json } from './api-server.ts';
import { annotationsOf, withAnnotation } from './lease-annotations.ts';
import { isResourceVersion, newestVersions } from './resource-versions.ts';
import type { Checkpoint } from './watch-signal.ts';

export interface Handover {
  checkpoint: Checkpoint;
  /** Objects whose look-up was under way: the checkpoint may be past the Events that speak of them. */
  lookingUp: readonly ObjectReference[];
}

/** JSON of versions by resource name. */
const checkpointAnnotation = 'rootspan/checkpoint';
/** JSON of references. */
const lookingUpAnnotation = 'rootspan/looking-up';

/**
 * Look-ups that are remembered in the Lease. All annotations of an object have 256 KiB (kubernetes
 * apimachinery/pkg/api/validation, TotalAnnotationSizeLimitB), and names are bounded (shared/bounds.ts): larger, and a Lease full of
 * long names could not be renewed. Smaller: where the API server answers slowly, the checkpoint waits for it.
 */
export const mostRemembered = 200;

const CheckpointSchema = v.record(v.string(), v.custom<string>(isResourceVersion));
const LookingUpSchema = v.pipe(v.array(ObjectReferenceSchema), v.maxLength(mostRemembered));

export type ReadHandover =
  | { type: 'none' }
  | { type: 'handover'; handover: Handover }
  | { type: 'unreadable' };

export function readHandover(lease: Json): ReadHandover {
  const annotations = annotationsOf(lease);
  if (annotations[checkpointAnnotation] === undefined) return { type: 'none' };
  const checkpoint = readAnnotation(CheckpointSchema, annotations[checkpointAnnotation]);
  const lookingUp = readAnnotation(LookingUpSchema, annotations[lookingUpAnnotation] ?? '[]');
  return checkpoint === undefined || lookingUp === undefined
    ? { type: 'unreadable' }
    : { type: 'handover', handover: { checkpoint, lookingUp } };
}

function readAnnotation<T extends v.GenericSchema>(schema: T, text: string): v.InferOutput<T> | undefined {
  try {
    const read = v.safeParse(schema, JSON.parse(text));
    return read.success ? read.output : undefined;
  } catch {
    return undefined;
  }
}

/** The Lease with the newer of what it holds and what was saved, for each resource: a checkpoint never goes back. */
export function writeHandover(lease: Json, saved: Handover | undefined): Json {
  if (saved === undefined) return lease;
  const read = readHandover(lease);
  const before = read.type === 'handover' ? read.handover.checkpoint : undefined;
  const checkpoint = newestVersions(before, saved.checkpoint);
  const written = withAnnotation(lease, checkpointAnnotation, JSON.stringify(checkpoint));
  const isSaid = saved.lookingUp.length > 0 || annotationsOf(lease)[lookingUpAnnotation] !== undefined;
  return isSaid ? withAnnotation(written, lookingUpAnnotation, JSON.stringify(saved.lookingUp)) : written;
}
