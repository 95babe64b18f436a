/** A Kinesis stream through the SDK, as the poller sees it. */
import {
  GetRecordsCommand,
  GetShardIteratorCommand,
  type KinesisClient,
  ListShardsCommand,
} from '@aws-sdk/client-kinesis';
import { localAccount, localRegion } from './connect-aws.ts';
import type { KinesisSource, ShardInfo, ShardReader } from './poll-kinesis.ts';

export function createKinesisSource(client: KinesisClient, streamName: string): KinesisSource {
  return {
    arn: `arn:aws:kinesis:${localRegion}:${localAccount}:stream/${streamName}`,
    region: localRegion,
    async listShards(abortSignal) {
      const infos: ShardInfo[] = [];
      let next: string | undefined;
      do {
        const page = await client.send(
          new ListShardsCommand(next === undefined ? { StreamName: streamName } : { NextToken: next }),
          { abortSignal },
        );
        for (const { ShardId, ParentShardId, AdjacentParentShardId } of page.Shards ?? []) {
          if (ShardId === undefined) throw new Error('ListShards named a shard without an id');
          const parents = [ParentShardId, AdjacentParentShardId].filter((id) => id !== undefined);
          infos.push({ shardId: ShardId, parentShardIds: parents });
        }
        next = page.NextToken;
      } while (next !== undefined);
      return infos;
    },
    openShard: (shardId) => openShard(client, streamName, shardId),
  };
}

function openShard(client: KinesisClient, streamName: string, shardId: string): ShardReader {
  let last: string | undefined;
  let iterator: string | undefined;
  const place = async (abortSignal: AbortSignal): Promise<string> => {
    const { ShardIterator } = await client.send(
      new GetShardIteratorCommand({
        StreamName: streamName,
        ShardId: shardId,
        ...(last === undefined
          ? { ShardIteratorType: 'TRIM_HORIZON' }
          : {
              ShardIteratorType: 'AFTER_SEQUENCE_NUMBER',
              StartingSequenceNumber: last,
            }),
      }),
      { abortSignal },
    );
    if (ShardIterator === undefined) throw new Error(`no iterator for ${shardId}`);
    return ShardIterator;
  };
  return {
    async read(limit, abortSignal) {
      iterator ??= await place(abortSignal);
      const used = iterator;
      // Iterators live five minutes: after any failure the next read starts from the last record instead.
      iterator = undefined;
      const answer = await client.send(
        new GetRecordsCommand({
          ShardIterator: used,
          Limit: Math.min(limit, 10_000),
        }),
        { abortSignal },
      );
      const records = (answer.Records ?? []).map((record) => {
        if (record.SequenceNumber === undefined) throw new Error('GetRecords gave a record without a number');
        return {
          sequenceNumber: record.SequenceNumber,
          partitionKey: record.PartitionKey ?? '',
          data: record.Data ?? new Uint8Array(),
          arrivedAt: record.ApproximateArrivalTimestamp?.getTime() ?? Date.now(),
        };
      });
      last = records.at(-1)?.sequenceNumber ?? last;
      iterator = answer.NextShardIterator;
      if (iterator === undefined) return { records, next: 'end' };
      // kinesalite says 0 also where the limit cut the answer short.
      const atTip = answer.MillisBehindLatest === 0 && records.length < limit;
      return { records, next: atTip ? 'tip' : 'more' };
    },
  };
}
