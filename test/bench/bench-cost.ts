/**
 * `npm run bench:cost`: what a million Events cost in AWS, and a month without any. The handlers run rollouts in batches
 * of a second, on a clock that jumps, against Amazon's DynamoDB Local, which counts capacity as DynamoDB bills it; the
 * spans go over HTTP to a receiver in this process. Everything is measured but what AWS alone can say, which is assumed
 * below. Prices: us-east-1, on demand, without any free tier.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import type { AttributeValue, DynamoDBClient, WriteRequest } from '@aws-sdk/client-dynamodb';
import { createEmitter, narrowingRequests } from '../../functions/emitter/emit.ts';
import { exportSpans } from '../../functions/emitter/export-spans.ts';
import { createHttpTransport } from '../../functions/emitter/http-transport.ts';
import { otlpPacking } from '../../functions/emitter/pack-requests.ts';
import { startOtlpReceiver } from '../../infra/local/receive-otlp.ts';
import type { Observation } from '../../shared/observation.ts';
import { encodeSpanBatches } from '../../shared/span-batch-codec.ts';
import { startDynamoDbLocal } from '../e2e/start-dynamodb-local.ts';
import { recordsOf, startPipeline } from '../functions/correlator/pipeline.ts';
import { startDynamoDbStore } from '../functions/correlator/start-dynamodb-store.ts';
import { generateRollouts } from './generate-rollouts.ts';

/** Dollars. */
const prices = {
  'Kinesis: PUT payload unit (25 KB)': 0.014e-6,
  'Kinesis: shard, an hour': 0.015,
  'DynamoDB: write request unit': 0.625e-6,
  'DynamoDB: read request unit': 0.125e-6,
  'Lambda: request': 0.2e-6,
  'Lambda: GB-second (arm64)': 0.0000133334,
  'SQS: request': 0.4e-6,
  'CloudWatch: GB of logs': 0.5,
  'CloudWatch: metric, a month': 0.3,
  'CloudWatch: alarm, a month': 0.1,
} as const;
type Price = keyof typeof prices;

const memoryGB = { ingest: 0.5, settle: 1.769, emit: 0.5 };
/** Milliseconds that a call to DynamoDB takes within AWS, at least. */
const dynamoDbLatency = 4;
/** Bytes of a function's log in an invocation: a line, and its figures as another. */
const logBytes = 1200;
/** Seconds of observations in a record, and in an invocation (the event source's batching window). */
const inRecord = 1;
const inInvocation = 5;

interface Tally {
  events: number;
  invocations: Record<keyof typeof memoryGB, number>;
  seconds: Record<keyof typeof memoryGB, number>;
  /** Units. */
  reads: number;
  writes: number;
  /** Of the same units, as far as their kind is known: by kind of item. */
  readsOf: Map<string, number>;
  writesOf: Map<string, number>;
  payloadUnits: number;
  payloadBytes: number;
  /** By purpose. */
  sqsRequests: Map<string, number>;
  spans: number;
}

async function measure(events: number, rate: number, endpoint: string): Promise<Tally> {
  const tally: Tally = {
    events,
    invocations: { ingest: 0, settle: 0, emit: 0 },
    seconds: { ingest: 0, settle: 0, emit: 0 },
    reads: 0,
    writes: 0,
    readsOf: new Map(),
    writesOf: new Map(),
    payloadUnits: 0,
    payloadBytes: 0,
    sqsRequests: new Map(),
    spans: 0,
  };
  const database = await startDynamoDbStore(endpoint, `cost-${events}-${rate}`);
  countCapacity(database.client, tally);
  const observations = generateRollouts({ events, rate, arrival: 'in order' });
  const pipeline = startPipeline({
    start: momentOf(observations[0]!),
    assemblyClock: (now) => BigInt(now) * 1_000_000n,
    store: database.make,
  });
  const timed = async (name: keyof typeof memoryGB, work: () => Promise<unknown>) => {
    const before = performance.now();
    await work();
    tally.seconds[name] += (performance.now() - before) / 1000;
    tally.invocations[name] += 1;
  };
  // What is armed together comes together: some messages in a request, received and deleted as one batch.
  const settle = pipeline.settle.bind(pipeline);
  pipeline.settle = async (timer) => {
    for (const purpose of ['send', 'receive', 'delete']) add(tally.sqsRequests, `timers: ${purpose}`, 1);
    let isDone = false;
    await timed('settle', async () => {
      isDone = await settle(timer);
    });
    return isDone;
  };

  const invocations = Map.groupBy(observations, (o) => Math.floor(momentOf(o) / 1000 / inInvocation));
  let first = 1;
  for (const [turn, some] of [...invocations].sort(([a], [b]) => a - b)) {
    const arrival = (turn + 1) * inInvocation * 1000;
    await pipeline.runTimers(arrival);
    pipeline.now = Math.max(pipeline.now, arrival);
    const groups = [...Map.groupBy(some, (o) => Math.floor(momentOf(o) / 1000 / inRecord)).values()];
    const records = recordsOf(groups, { first });
    first += groups.length;
    for (const { kinesis } of records.Records) {
      const bytes = Buffer.from(kinesis.data, 'base64').byteLength;
      tally.payloadBytes += bytes;
      tally.payloadUnits += Math.ceil(bytes / 25_000);
    }
    await timed('ingest', () => pipeline.ingest(records));
  }
  await pipeline.runTimers();

  await using stack = new AsyncDisposableStack();
  const receiver = await startOtlpReceiver();
  stack.defer(() => receiver.stop());
  const transport = createHttpTransport({
    url: new URL(receiver.endpoint),
    headers: {},
    timeoutMs: 10_000,
    compression: 'gzip',
  });
  stack.defer(() => transport.close());
  const emit = createEmitter(
    {
      exportSpans: (spans) => exportSpans(spans, { transport, now: Date.now }),
      setAside: { keep: () => Promise.reject(new Error('a span was refused')) },
      now: Date.now,
    },
    { ...otlpPacking, narrowingRequests },
  );
  for (const [i, spans] of pipeline.sends.entries()) {
    const messages = encodeSpanBatches(spans).map((body, part) => ({ messageId: `${i}.${part}`, body }));
    if (messages.length === 0) continue;
    await timed('emit', () => emit(messages, Number.POSITIVE_INFINITY));
    const parts = messages.reduce((sum, { body }) => sum + Math.ceil(body.length / 65_536), 0);
    add(tally.sqsRequests, 'spans: send', parts);
    add(tally.sqsRequests, 'spans: receive', parts);
    add(tally.sqsRequests, 'spans: delete', 1);
  }
  tally.spans = receiver.spans().length;
  database.close();
  return tally;
}

const add = (counts: Map<string, number>, name: string, count: number) =>
  counts.set(name, (counts.get(name) ?? 0) + count);

type Attributes = Record<string, AttributeValue>;

/** What one call asks or writes. */
interface Call {
  Item?: Attributes;
  RequestItems?: Record<string, WriteRequest[] | { Keys: Attributes[] }>;
  ExpressionAttributeValues?: Attributes;
}

function countCapacity(client: DynamoDBClient, tally: Tally): void {
  client.middlewareStack.add(
    (next, { commandName }) =>
      async (args) => {
        const [result] = await Promise.all([
          next({ ...args, input: { ...args.input, ReturnConsumedCapacity: 'TOTAL' } as never }),
          sleep(dynamoDbLatency),
        ]);
        const { ConsumedCapacity } = result.output as {
          ConsumedCapacity?: { CapacityUnits?: number } | { CapacityUnits?: number }[];
        };
        const units = [ConsumedCapacity ?? []]
          .flat()
          .reduce((sum, { CapacityUnits = 0 }) => sum + CapacityUnits, 0);
        const { Item, RequestItems, ExpressionAttributeValues } = args.input as Call;
        const requests = Object.values(RequestItems ?? {}).flatMap((some) =>
          Array.isArray(some) ? some : [],
        );
        if (/Put|Write/.test(commandName ?? '')) {
          tally.writes += units;
          for (const { PutRequest, DeleteRequest } of Item ? [{ PutRequest: { Item } }] : requests) {
            const item = PutRequest?.Item;
            if (item !== undefined) add(tally.writesOf, kindOf(item), Math.ceil(sizeOf(item) / 1024));
            else add(tally.writesOf, 'removed', DeleteRequest === undefined ? 0 : 1);
          }
        } else {
          tally.reads += units;
          const partition = ExpressionAttributeValues?.[':pk']?.S;
          add(tally.readsOf, partition === undefined ? 'head' : partition.split('#', 1)[0]!, units);
        }
        return result;
      },
    { step: 'initialize' },
  );
}

const kindOf = ({ pk, sk }: Attributes): string =>
  (pk!.S!.startsWith('activity#') ? sk : pk)!.S!.split('#', 1)[0]!;

/** Bytes: https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/CapacityUnitCalculations.html */
function sizeOf(attributes: Attributes): number {
  let size = 0;
  for (const [name, { S, N, B, M }] of Object.entries(attributes)) {
    size += name.length + (S?.length ?? B?.length ?? (N === undefined ? 3 : Math.ceil(N.length / 2) + 1));
    if (M !== undefined) size += sizeOf(M) + Object.keys(M).length;
  }
  return size;
}

const momentOf = ({ observedAt }: Observation): number => Date.parse(observedAt);

function billOf(tally: Tally): Partial<Record<Price, number>> {
  const invocations = Object.values(tally.invocations).reduce((sum, count) => sum + count);
  const gbSeconds = (['ingest', 'settle', 'emit'] as const).reduce(
    (sum, name) => sum + tally.seconds[name] * memoryGB[name],
    0,
  );
  return {
    'Kinesis: PUT payload unit (25 KB)': tally.payloadUnits,
    'DynamoDB: write request unit': tally.writes,
    'DynamoDB: read request unit': tally.reads,
    'Lambda: request': invocations,
    'Lambda: GB-second (arm64)': gbSeconds,
    'SQS: request': [...tally.sqsRequests.values()].reduce((sum, count) => sum + count),
    'CloudWatch: GB of logs': (invocations * logBytes) / 1e9,
  };
}

/** A month of 730 hours without an Event. Lambda's five pollers of a queue ask every 20 s, which SQS bills. */
const idle: Partial<Record<Price, number>> = {
  'Kinesis: shard, an hour': 730,
  'SQS: request': 2 * 5 * 3 * 60 * 730,
  'CloudWatch: alarm, a month': 15,
};

const dollars = (amount: number) => `$${amount.toFixed(3)}`;

function print(title: string, quantities: Partial<Record<Price, number>>, perEvents = 1): number {
  console.log(`\n${title}`);
  let sum = 0;
  for (const [name, quantity] of Object.entries(quantities) as [Price, number][]) {
    const amount = quantity * perEvents * prices[name];
    sum += amount;
    const units = (quantity * perEvents).toLocaleString('en', { maximumFractionDigits: 3 });
    console.log(`  ${name.padEnd(36)}${units.padStart(14)}  ${dollars(amount).padStart(9)}`);
  }
  console.log(`  ${'together'.padEnd(50)}  ${dollars(sum).padStart(9)}`);
  return sum;
}

function printShares(title: string, counts: ReadonlyMap<string, number>, events: number): void {
  const shares = [...counts].map(([name, count]) => `${name} ${(count / events).toFixed(3)}`);
  console.log(`  ${title}: ${shares.join(', ')}`);
}

const local = await startDynamoDbLocal();
try {
  const floor = print('A month without Events', idle);
  const metrics = 16 * prices['CloudWatch: metric, a month'];
  console.log(
    `  and up to ${dollars(metrics)} for the figures that functions tell, in hours in which there are any`,
  );
  for (const [events, rate] of [
    [1_900, 0.02],
    [3_800, 3],
  ] as const) {
    const tally = await measure(events, rate, local.endpoint);
    const variable = print(
      `A million Events, ${rate} rollouts a second (${tally.events} Events, ${tally.spans} spans measured;` +
        ` ${(tally.payloadBytes / tally.events).toFixed(0)} bytes, ${(tally.writes / tally.events).toFixed(2)} write` +
        ` and ${(tally.reads / tally.events).toFixed(2)} read units an Event)`,
      billOf(tally),
      1e6 / events,
    );
    printShares('write units an Event', tally.writesOf, events);
    printShares('read units an Event', tally.readsOf, events);
    printShares('requests to SQS an Event', tally.sqsRequests, events);
    printShares('milliseconds an Event', new Map(Object.entries(tally.seconds)), events / 1000);
    for (const millions of [1, 100]) {
      console.log(`  a month of ${millions} M Events: ${dollars(floor + metrics + variable * millions)}`);
    }
  }
  console.log('\nPrices');
  for (const [name, price] of Object.entries(prices)) console.log(`  ${name.padEnd(36)} $${price}`);
} finally {
  await local.stop();
}
