/** A process of the benchmark: Kinesis, and somebody who reads it and counts which Events arrived, when, how often. */
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { zstdDecompressSync } from 'node:zlib';
import {
  CreateStreamCommand,
  DescribeStreamSummaryCommand,
  GetRecordsCommand,
  GetShardIteratorCommand,
  KinesisClient,
} from '@aws-sdk/client-kinesis';
import { NodeHttpHandler } from '@smithy/node-http-handler';
import kinesalite from 'kinesalite';
import { readEventUid } from './event-uid.ts';
import { type FromStream, streamName } from './stream-messages.ts';

const server = kinesalite({ createStreamMs: 0, updateStreamMs: 0, shardLimit: 1 });
server.listen(0, '127.0.0.1');
await once(server, 'listening');
const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
const client = new KinesisClient({
  endpoint: url,
  region: 'us-east-1',
  credentials: { accessKeyId: 'bench', secretAccessKey: 'bench' },
  requestHandler: new NodeHttpHandler(),
});
await client.send(new CreateStreamCommand({ StreamName: streamName, ShardCount: 1 }));
for (;;) {
  const { StreamDescriptionSummary } = await client.send(
    new DescribeStreamSummaryCommand({ StreamName: streamName }),
  );
  if (StreamDescriptionSummary?.StreamStatus === 'ACTIVE') break;
  await sleep(20);
}

const send = (message: FromStream) => process.send!(message);
process.on('disconnect', () => process.exit());
send({ type: 'ready', url });

const seen = new Set<string>();
let [duplicates, snapshots, records, bytes] = [0, 0, 0, 0];
let lags: number[] = [];
let { ShardIterator: iterator } = await client.send(
  new GetShardIteratorCommand({
    StreamName: streamName,
    ShardId: 'shardId-000000000000',
    ShardIteratorType: 'TRIM_HORIZON',
  }),
);

function count(data: Uint8Array, arrivedAt: number): void {
  records++;
  bytes += data.byteLength;
  for (const line of zstdDecompressSync(data).toString().split('\n').slice(1)) {
    const { type, event } = JSON.parse(line) as { type: string; event?: { uid: string; count?: number } };
    if (type !== 'event') {
      snapshots++;
      continue;
    }
    const { uid, count = 1 } = event!;
    const key = `${uid}/${count}`;
    if (seen.has(key)) duplicates++;
    seen.add(key);
    if (count === 1) lags.push(arrivedAt - readEventUid(uid).at);
  }
}

for (;;) {
  const { Records = [], NextShardIterator } = await client.send(
    new GetRecordsCommand({ ShardIterator: iterator, Limit: 1000 }),
  );
  iterator = NextShardIterator;
  for (const { Data, ApproximateArrivalTimestamp } of Records)
    count(Data!, ApproximateArrivalTimestamp!.getTime());
  send({ type: 'state', events: seen.size, duplicates, snapshots, records, bytes, lags });
  lags = [];
  await sleep(200);
}
