/** A Kinesis stream in memory, which can be split and merged, and whose calls can fail. */
import type { KinesisSource, SourceRecord } from '../../../infra/local/poll-kinesis.ts';

interface MemoryShard {
  parents: string[];
  records: SourceRecord[];
  closed: boolean;
}

export interface MemoryStream extends KinesisSource {
  put(shardId: string, data: string): void;
  /** Closes the parents and opens the children. */
  reshard(parents: string[], children: string[]): void;
  /** Every call asks it first, and rejects with what it returns. */
  trouble: (call: string) => Error | undefined;
  reads: number;
}

export function createMemoryStream(shardIds: string[], now: () => number): MemoryStream {
  const shards = new Map<string, MemoryShard>();
  const open = (id: string, parents: string[]) => shards.set(id, { parents, records: [], closed: false });
  for (const id of shardIds) open(id, []);
  // Crosses a power of ten: as text 9… would come after 10….
  let sequence = 99_999_999_999_999_999_995n;
  const stream: MemoryStream = {
    arn: 'arn:aws:kinesis:us-east-1:000000000000:stream/memory',
    region: 'us-east-1',
    reads: 0,
    trouble: () => undefined,
    put(shardId, data) {
      const shard = shards.get(shardId);
      if (shard === undefined || shard.closed) throw new Error(`${shardId} is not open`);
      const record = {
        sequenceNumber: String(sequence++),
        partitionKey: data.slice(0, 256),
        arrivedAt: now(),
      };
      shard.records.push({ ...record, data: Buffer.from(data) });
    },
    reshard(parents, children) {
      for (const id of parents) shards.get(id)!.closed = true;
      for (const id of children) open(id, parents);
    },
    async listShards() {
      throwIf(stream.trouble('list'));
      return [...shards].map(([shardId, { parents }]) => ({ shardId, parentShardIds: parents }));
    },
    openShard(shardId) {
      let place = 0;
      return {
        async read(limit) {
          stream.reads += 1;
          throwIf(stream.trouble(shardId));
          const { records, closed } = shards.get(shardId)!;
          const some = records.slice(place, place + limit);
          place += some.length;
          const next = place < records.length ? 'more' : closed ? 'end' : 'tip';
          return { records: some, next };
        },
      };
    },
  };
  return stream;
}

function throwIf(error: Error | undefined): void {
  if (error !== undefined) throw error;
}
