/**
 * Keeps a flood of Events from filling the pipeline: of one object that is in trouble, and of the cluster as a whole. What is beyond is
 * dropped and counted, not held up: an API server keeps Events for an hour, and what is lost there nobody could count.
 */
import * as v from 'valibot';
import type { ObjectReference } from '../../shared/observation.ts';
import { createTokenBuckets } from '../../shared/token-buckets.ts';

const Positive = v.pipe(v.number(), v.minValue(1));

export const EventRateLimitSchema = v.strictObject({
  burst: v.optional(Positive, 300),
  perMinute: v.optional(Positive, 60),
  /**
   * Of all Events of the cluster. What is far beyond would be held by the stack (its setting `clusterRate`, which counts snapshots, too), at a
   * price. Smaller: a large cluster loses Events in an upgrade. Larger: a flood is paid for.
   */
  cluster: v.optional(
    v.strictObject({
      burst: v.optional(Positive, 180_000),
      perSecond: v.optional(Positive, 3_000),
    }),
    {},
  ),
});

export type EventRateLimit = v.InferOutput<typeof EventRateLimitSchema>;

/** Of what there are too many: of Events about one object, or of all. */
export type RateExceeded = 'rate' | 'cluster-rate';

/** Why an Event about the object may not pass; undefined: it may. */
export type RateGuard = (subject: ObjectReference) => RateExceeded | undefined;

/** Beyond that the one that was quiet longest starts with a full bucket again. */
const rememberedObjects = 10_000;

/** @param now milliseconds, never backwards */
export function createRateGuard(
  { burst, perMinute, cluster }: EventRateLimit,
  now: () => number,
  remembered = rememberedObjects,
): RateGuard {
  const objects = createTokenBuckets({ burst, perSecond: perMinute / 60 }, remembered);
  const all = createTokenBuckets(cluster, 1);
  return ({ uid, kind, namespace, name }) => {
    const at = now();
    // Of one object that floods, what is dropped takes nothing of what all may say.
    if (!objects.take(uid ?? `${kind}/${namespace ?? ''}/${name}`, 1, at)) return 'rate';
    return all.take('', 1, at) ? undefined : 'cluster-rate';
  };
}
