/**
 * `npm run bench:cost`: what a million Events cost in AWS, and a month without any. The handlers run rollouts in batches
 * of a second, on a clock that jumps, against Amazon's DynamoDB Local, which counts capacity as DynamoDB bills it; the
 * spans go over HTTP to a receiver in this process. Everything is measured but what AWS alone can say (how long its
 * answers take, what its logger adds), which is assumed below. Prices: us-east-1, on demand, without any free tier.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import type { AttributeValue, DynamoDBClient, WriteRequest } from '@aws-sdk/client-dynamodb';
import type { Remark } from '../../functions/correlator/ports.ts';
import type { Store } from '../../functions/correlator/store.ts';
import { createMemoryStore } from '../../functions/correlator/store-memory.ts';
import { correlatorTellings } from '../../functions/correlator/tell-remarks.ts';
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
type FunctionName = keyof typeof memoryGB;
/** What Lambda gives a whole CPU for: a function with less of it computes so much longer. */
const memoryOfCpu = 1.769;
/** Milliseconds that a call takes within AWS. */
const latencies: Readonly<Record<string, number>> = {
  read: 4,
  list: 4,
  put: 5,
  replace: 5,
  remove: 5,
  arm: 10,
  send: 10,
};
/** Milliseconds of a backend's answer. */
const exportLatency = 50;
/** Bytes of log: of an invocation's figures, and of what the logger adds to each line. */
const logBytes = 700;
const loggerBytes = 250;
/** Seconds of observations in a record, and in an invocation (the event source's batching window). */
const inRecord = 1;
const inInvocation = 5;

interface Tally {
  invocations: Record<FunctionName, number>;
  /** Seconds. */
  wall: Record<FunctionName, number>;
  cpu: Record<FunctionName, number>;
  payloadUnits: number;
  payloadBytes: number;
  /** By purpose. */
  sqsRequests: Map<string, number>;
  logBytes: number;
  spans: number;
}

/** Units; by kind of item as well. */
interface Capacity {
  reads: number;
  writes: number;
  readsOf: Map<string, number>;
  writesOf: Map<string, number>;
}

interface Run {
  events: number;
  rate: number;
  store: (now: () => number) => Store;
  /** Milliseconds that each call to a port waits. */
  latencies: Readonly<Record<string, number>>;
}

async function run({ events, rate, store, latencies }: Run): Promise<Tally> {
  const tally: Tally = {
    invocations: { ingest: 0, settle: 0, emit: 0 },
    wall: { ingest: 0, settle: 0, emit: 0 },
    cpu: { ingest: 0, settle: 0, emit: 0 },
    payloadUnits: 0,
    payloadBytes: 0,
    sqsRequests: new Map(),
    logBytes: 0,
    spans: 0,
  };
  const observations = generateRollouts({ events, rate, arrival: 'in order' });
  const pipeline = startPipeline({
    start: momentOf(observations[0]!),
    assemblyClock: (now) => BigInt(now) * 1_000_000n,
    store,
    meanwhile: (name) => sleep(latencies[name]),
  });
  const timed = async (name: FunctionName, work: () => Promise<unknown>) => {
    const [before, cpuBefore] = [performance.now(), process.cpuUsage()];
    await work();
    const { user, system } = process.cpuUsage(cpuBefore);
    tally.wall[name] += (performance.now() - before) / 1000;
    tally.cpu[name] += (user + system) / 1e6;
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
    protocol: 'http/protobuf',
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
    await timed('emit', () => emit(messages, Number.POSITIVE_INFINITY));
    const parts = messages.reduce((sum, { body }) => sum + Math.ceil(body.length / 65_536), 0);
    add(tally.sqsRequests, 'spans: send', parts);
    add(tally.sqsRequests, 'spans: receive', parts);
    add(tally.sqsRequests, 'spans: delete', 1);
  }
  tally.spans = receiver.spans().length;
  const all = Object.values(tally.invocations).reduce((sum, count) => sum + count);
  tally.logBytes = all * logBytes + bytesOfLines(pipeline.remarks);
  return tally;
}

/** What ingest and settle say of what they did, without what the logger adds to each line. */
function bytesOfLines(remarks: readonly Remark[]): number {
  return remarks
    .map((remark) => correlatorTellings[remark.kind](remark as never))
    .filter(({ level }) => level !== 'debug')
    .reduce(
      (sum, { message, fields }) => sum + loggerBytes + JSON.stringify({ message, ...fields }).length,
      0,
    );
}

/**
 * Twice: on DynamoDB Local for units and for the time of the CPU, the SDK's included; and on the store in memory, with the
 * latencies of AWS, for the time in which a function waits.
 */
async function measure(events: number, rate: number, endpoint: string) {
  const database = await startDynamoDbStore(endpoint, `cost-${events}-${rate}`);
  const capacity: Capacity = { reads: 0, writes: 0, readsOf: new Map(), writesOf: new Map() };
  countCapacity(database.client, capacity);
  const tally = await run({ events, rate, store: database.make, latencies: {} });
  database.close();
  const waiting = await run({ events, rate, store: createMemoryStore, latencies });
  const gbSeconds = (['ingest', 'settle', 'emit'] as const).map((name) => {
    const waits = waiting.wall[name] - waiting.cpu[name];
    const backend = name === 'emit' ? (tally.invocations.emit * exportLatency) / 1000 : 0;
    return [name, (Math.max(0, waits) + backend) * memoryGB[name] + tally.cpu[name] * memoryOfCpu] as const;
  });
  return { ...tally, ...capacity, events, gbSeconds: new Map(gbSeconds) };
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

function countCapacity(client: DynamoDBClient, tally: Capacity): void {
  client.middlewareStack.add(
    (next, { commandName }) =>
      async (args) => {
        const result = await next({
          ...args,
          input: { ...args.input, ReturnConsumedCapacity: 'TOTAL' } as never,
        });
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
          // A consistent read of what is not there is one of 4 KB all the same; DynamoDB Local counts less.
          const keys = Object.values(RequestItems ?? {}).flatMap((some) => ('Keys' in some ? some.Keys : []));
          const billed = Math.max(units, keys.length, 1);
          tally.reads += billed;
          const partition = ExpressionAttributeValues?.[':pk']?.S;
          add(tally.readsOf, partition === undefined ? 'head' : partition.split('#', 1)[0]!, billed);
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

type Measured = Awaited<ReturnType<typeof measure>>;

const sumOf = (counts: ReadonlyMap<string, number>): number =>
  [...counts.values()].reduce((sum, count) => sum + count, 0);

const billOf = (measured: Measured): Partial<Record<Price, number>> => ({
  'Kinesis: PUT payload unit (25 KB)': measured.payloadUnits,
  'DynamoDB: write request unit': measured.writes,
  'DynamoDB: read request unit': measured.reads,
  'Lambda: request': sumOf(new Map(Object.entries(measured.invocations))),
  'Lambda: GB-second (arm64)': sumOf(measured.gbSeconds),
  'SQS: request': sumOf(measured.sqsRequests),
  'CloudWatch: GB of logs': measured.logBytes / 1e9,
});

/** A month of 730 hours without an Event. Lambda's five pollers of a queue ask every 20 s, which SQS bills. */
const idle: Partial<Record<Price, number>> = {
  'Kinesis: shard, an hour': 730,
  'SQS: request': 2 * 5 * 3 * 60 * 730,
  'CloudWatch: alarm, a month': 16,
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
  const metrics = 17 * prices['CloudWatch: metric, a month'];
  console.log(
    `  and up to ${dollars(metrics)} for the figures that functions tell, in hours in which there are any`,
  );
  for (const [events, rate] of [
    [1_900, 0.02],
    [7_600, 3],
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
    printShares('GB-milliseconds an Event', tally.gbSeconds, events / 1000);
    printShares('milliseconds of CPU an Event', new Map(Object.entries(tally.cpu)), events / 1000);
    for (const millions of [1, 100]) {
      console.log(`  a month of ${millions} M Events: ${dollars(floor + metrics + variable * millions)}`);
    }
  }
  console.log('\nPrices');
  for (const [name, price] of Object.entries(prices)) console.log(`  ${name.padEnd(36)} $${price}`);
} finally {
  await local.stop();
}
