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
import { forEachOf } from './for-each-of.ts';
import type { IngestPorts } from './ports.ts';
import { expiryAfter, type Item, type Key } from './store.ts';
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

/** What one batch takes of a share. */
interface Taking {
  key: Key;
  /** As it was read. */
  seen: Item | undefined;
  bucket: Bucket | undefined;
  /** Tokens. */
  taken: number;
}

/** @param retention seconds for which a share is remembered; then it is whole again */
export function createShares(
  limit: RateLimit,
  { store, now }: Pick<IngestPorts, 'store' | 'now'>,
  retention: number,
): OpenShares {
  const write = async ({ key, seen, bucket, taken }: Taking): Promise<void> => {
    if (bucket === undefined) return;
    const item = {
      ...key,
      expiresAt: expiryAfter(now(), retention),
      revision: (seen?.revision ?? 0) + 1,
      fields: { ...bucket },
    };
    if (await store.replace(item, seen?.revision)) return;
    // Of a cluster with several keys another invocation has read from the same shard meanwhile: both have taken, and who asks next waits.
    const [other] = await store.read([key]);
    const left = takeTokens(limit, bucketOf(other), 0, bucket.at).bucket;
    await write({ key, seen: other, taken, bucket: { ...left, tokens: left.tokens - taken } });
  };
  return async (demands) => {
    const loud = findLoud(demands, limit);
    const items = loud.length === 0 ? [] : await store.read(loud);
    const seen = new Map(items.map((item) => [nameOf(item), item]));
    const takings = new Map(
      loud.map((key): [string, Taking] => {
        const item = seen.get(nameOf(key));
        return [nameOf(key), { key, seen: item, bucket: bucketOf(item), taken: 0 }];
      }),
    );
    return {
      isWithin(demand) {
        const taking = takings.get(nameOf(keyOf(demand)));
        if (taking === undefined) return true;
        const { bucket, isTaken } = takeTokens(limit, taking.bucket, demand.takes, demand.at);
        taking.bucket = bucket;
        if (isTaken) taking.taken += demand.takes;
        return isTaken;
      },
      keep: () => forEachOf([...takings.values()], write),
    };
  };
}

const bucketOf = (item: Item | undefined): Bucket | undefined =>
  item && { tokens: Number(item.fields?.tokens), at: Number(item.fields?.at) };

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
