/**
 * A cluster's share of what is filed. A shard is filed in order, by one invocation at a time: who floods it makes all others on it late,
 * and is billed to all. What is beyond a cluster's share is held: kept whole in the bucket, where nothing is lost and nobody waits for it, and
 * brought back by the same command as whatever else is there.
 *
 * Rates go by when the stream took a record and not by when it is read: what waited through an outage of ingest is no flood.
 */
import { createTokenBuckets, type RateLimit } from '../../shared/token-buckets.ts';

/** Of one attempt at a batch. */
export interface Shares {
  /**
   * @param takes observations, or as much work
   * @param at milliseconds since 1970, when the stream took it
   */
  isWithin(cluster: string, takes: number, at: number): boolean;
  /** The attempt is done: what it took is taken. One that fails comes again, and has taken nothing. */
  keep(): void;
}

/** Clusters of one shard; of one that is forgotten the next flood may be a burst longer. */
const rememberedClusters = 1_000;

/** In a warm function: one that starts anew gives each cluster its burst again. */
export function createShares(limit: RateLimit): { begin(): Shares } {
  const buckets = createTokenBuckets(limit, rememberedClusters);
  return {
    begin() {
      const attempt = buckets.fork();
      return {
        isWithin: (cluster, takes, at) => attempt.take(cluster, takes, at),
        keep: () => attempt.keep(),
      };
    },
  };
}
