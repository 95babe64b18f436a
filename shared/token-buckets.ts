/** Token buckets: so much at once, then so much a second. */

export interface RateLimit {
  burst: number;
  perSecond: number;
}

export interface Bucket {
  tokens: number;
  /** Milliseconds: when there were so many. */
  at: number;
}

/**
 * Whether there were so many tokens; then they are gone, else none is.
 * @param before undefined: nothing was taken yet
 * @param at milliseconds; a time before the last one counts as that
 */
export function takeTokens(
  { burst, perSecond }: RateLimit,
  before: Bucket | undefined,
  wanted: number,
  at: number,
): { bucket: Bucket; isTaken: boolean } {
  const since = before === undefined ? 0 : Math.max(0, at - before.at);
  const tokens = Math.min(burst, (before?.tokens ?? burst) + (since / 1000) * perSecond);
  const isTaken = tokens >= wanted;
  return {
    bucket: { tokens: isTaken ? tokens - wanted : tokens, at: Math.max(at, before?.at ?? at) },
    isTaken,
  };
}

/** One for each key. */
export interface TokenBuckets {
  take(key: string, tokens: number, at: number): boolean;
}

/** @param remembered beyond that the key that was quiet longest starts with a full bucket again */
export function createTokenBuckets(limit: RateLimit, remembered: number): TokenBuckets {
  const buckets = new Map<string, Bucket>();
  return {
    take(key, tokens, at) {
      const { bucket, isTaken } = takeTokens(limit, buckets.get(key), tokens, at);
      buckets.delete(key);
      buckets.set(key, bucket);
      if (buckets.size > remembered) buckets.delete(buckets.keys().next().value!);
      return isTaken;
    },
  };
}
