/** Token buckets by key: so much at once, then so much a second. */

export interface RateLimit {
  burst: number;
  perSecond: number;
}

export interface TokenBuckets {
  /**
   * Whether there were so many tokens; then they are gone, else none is.
   * @param at milliseconds; a time before the last one counts as that
   */
  take(key: string, tokens: number, at: number): boolean;
  /** What is taken from the fork is taken here once it is `kept`. */
  fork(): Pick<TokenBuckets, 'take'> & { keep(): void };
}

interface Bucket {
  tokens: number;
  at: number;
}

/** @param remembered beyond that the key that was quiet longest starts with a full bucket again */
export function createTokenBuckets(limit: RateLimit, remembered: number): TokenBuckets {
  const { burst, perSecond } = limit;
  const buckets = new Map<string, Bucket>();
  const store = (key: string, bucket: Bucket) => {
    buckets.delete(key);
    buckets.set(key, bucket);
    if (buckets.size > remembered) buckets.delete(buckets.keys().next().value!);
  };
  const take = (before: Bucket | undefined, wanted: number, at: number): Bucket & { taken: boolean } => {
    const since = before === undefined ? 0 : Math.max(0, at - before.at);
    const tokens = Math.min(burst, (before?.tokens ?? burst) + (since / 1000) * perSecond);
    const taken = tokens >= wanted;
    return { tokens: taken ? tokens - wanted : tokens, at: Math.max(at, before?.at ?? at), taken };
  };
  return {
    take(key, tokens, at) {
      const { taken, ...bucket } = take(buckets.get(key), tokens, at);
      store(key, bucket);
      return taken;
    },
    fork() {
      const own = new Map<string, Bucket>();
      return {
        take(key, tokens, at) {
          const { taken, ...bucket } = take(own.get(key) ?? buckets.get(key), tokens, at);
          own.set(key, bucket);
          return taken;
        },
        keep() {
          for (const [key, bucket] of own) store(key, bucket);
        },
      };
    },
  };
}
