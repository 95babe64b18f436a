/**
 * A cluster's share of what is filed. A shard is filed in order, by one invocation at a time: who floods it makes all others on it late,
 * and is billed to all. What is beyond a cluster's share is held: kept whole in the bucket, where nothing is lost and nobody waits for it, and
 * brought back by the same command as whatever else is there.
 *
 * Rates go by when the stream took a record and not by when it is read: what waited through an outage of ingest is no flood. What is left of a
 * share is in the table, since any of the functions that run for the shards may read the next batch of this one; only who is loud is looked
 * up there, so that nobody else pays for it.
 */
import { type Bucket, type RateLimit, takeTokens } from '../../shared/token-buckets.ts';
import type { IngestPorts } from './ports.ts';
import { expiryAfter, type Key } from './store.ts';
import { loudShare } from './thresholds.ts';

/** What a record asks for. */
export interface Demand {
  shard: string;
  cluster: string;
  /** Observations, or as much work. */
  takes: number;
  /** When the stream took it, in milliseconds since 1970. */
  at: number;
}

/** Of one attempt at a batch. */
export interface Shares {
  /** In the order of the stream. */
  isWithin(demand: Demand): boolean;
  /** The attempt is done: what it took is written down. One that fails comes again, and has taken nothing. */
  keep(): Promise<void>;
}

/** Rejects when the store is away. */
export type OpenShares = (demands: readonly Demand[]) => Promise<Shares>;

/** @param retention seconds for which a share is remembered; then it is whole again */
export function createShares(
  limit: RateLimit,
  { store, now }: Pick<IngestPorts, 'store' | 'now'>,
  retention: number,
): OpenShares {
  return async (demands) => {
    const loud = findLoud(demands, limit);
    const buckets = new Map<string, Bucket>();
    for (const { pk, sk, fields = {} } of loud.length === 0 ? [] : await store.read(loud))
      buckets.set(nameOf({ pk, sk }), { tokens: Number(fields.tokens), at: Number(fields.at) });
    const isLoud = new Set(loud.map(nameOf));
    return {
      isWithin(demand) {
        const name = nameOf(keyOf(demand));
        if (!isLoud.has(name)) return true;
        const { bucket, isTaken } = takeTokens(limit, buckets.get(name), demand.takes, demand.at);
        buckets.set(name, bucket);
        return isTaken;
      },
      async keep() {
        const expiresAt = expiryAfter(now(), retention);
        const items = loud.flatMap((key) => {
          const bucket = buckets.get(nameOf(key));
          return bucket === undefined ? [] : { ...key, expiresAt, fields: { ...bucket } };
        });
        if (items.length > 0) await store.put(items);
      },
    };
  };
}

const keyOf = ({ shard, cluster }: Demand): Key => ({ pk: `share#${shard}`, sk: cluster });
const nameOf = ({ pk, sk }: Key): string => `${pk} ${sk}`;

/** Those who ask, of one shard, for more than a tenth of their share: a share is never used up by less. */
function findLoud(demands: readonly Demand[], { perSecond }: RateLimit): Key[] {
  const own = Map.groupBy(demands, (demand) => nameOf(keyOf(demand)));
  return [...own.values()].flatMap((some) => {
    const takes = some.reduce((sum, one) => sum + one.takes, 0);
    const times = some.map(({ at }) => at);
    const seconds = (Math.max(...times) - Math.min(...times)) / 1000;
    return takes > loudShare * perSecond * Math.max(1, seconds) ? keyOf(some[0]!) : [];
  });
}
