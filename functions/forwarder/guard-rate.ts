/** Keeps one object that floods the cluster with Events from filling the pipeline: a token bucket for each. */
import * as v from 'valibot';
import type { ObjectReference } from '../../shared/observation.ts';

const Positive = v.pipe(v.number(), v.minValue(1));

export const EventRateLimitSchema = v.strictObject({
  burst: v.optional(Positive, 300),
  perMinute: v.optional(Positive, 60),
});

export type EventRateLimit = v.InferOutput<typeof EventRateLimitSchema>;

/** Whether an Event about the object may still pass. */
export type RateGuard = (subject: ObjectReference) => boolean;

/** Beyond that the one that was quiet longest starts with a full bucket again. */
const rememberedObjects = 10_000;

/** @param now milliseconds, never backwards */
export function createRateGuard(
  { burst, perMinute }: EventRateLimit,
  now: () => number,
  remembered = rememberedObjects,
): RateGuard {
  /** The one that was quiet longest is first. */
  const buckets = new Map<string, { tokens: number; at: number }>();
  return ({ uid, kind, namespace, name }) => {
    const key = uid ?? `${kind}/${namespace ?? ''}/${name}`;
    const at = now();
    const bucket = buckets.get(key) ?? { tokens: burst, at };
    bucket.tokens = Math.min(burst, bucket.tokens + ((at - bucket.at) / 60_000) * perMinute);
    bucket.at = at;
    buckets.delete(key);
    buckets.set(key, bucket);
    if (buckets.size > remembered) buckets.delete(buckets.keys().next().value!);
    if (bucket.tokens < 1) return false;
    bucket.tokens--;
    return true;
  };
}
