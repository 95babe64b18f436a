/**
 * The pipeline of one AWS account in memory: the real handlers of ingest, settle and emit with the real adapters of the queues, on parts
 * that behave as AWS does, with the settings of infra/aws.
 */

import type { RuleSet } from '../../../functions/correlator/causality/rules/rule-set.ts';
import { createIngest } from '../../../functions/correlator/ingest.ts';
import type { Ports, Remark } from '../../../functions/correlator/ports.ts';
import type { Admission } from '../../../functions/correlator/read-admission.ts';
import type { KinesisEvent } from '../../../functions/correlator/read-records.ts';
import { createSettle } from '../../../functions/correlator/settle.ts';
import { createSpansQueue } from '../../../functions/correlator/spans-queue-sqs.ts';
import { correlatorTellings } from '../../../functions/correlator/tell-remarks.ts';
import { defaultThresholds } from '../../../functions/correlator/thresholds.ts';
import { createTimers } from '../../../functions/correlator/timers-sqs.ts';
import { createDelivery } from '../../../functions/emitter/deliver-messages.ts';
import { createEmitter, narrowingRequests } from '../../../functions/emitter/emit.ts';
import { exportSpans } from '../../../functions/emitter/export-spans.ts';
import { otlpPacking } from '../../../functions/emitter/pack-requests.ts';
import { createRedelivery } from '../../../functions/emitter/redelivery-sqs.ts';
import type { Poison } from '../../../shared/set-aside.ts';
import type { ClusterObservations } from '../read-clusters.ts';
import { readSetAside } from '../read-set-aside.ts';
import { type Account, openAccount } from './account.ts';
import { type Backend, createBackend, type Delivery } from './backend.ts';
import { type Bucket, createBucket } from './bucket.ts';
import { type Bus, createBus, type Told } from './bus.ts';
import { noFaults, planFaults } from './faults.ts';
import { createFunction, type Instance, type Invoke, type World } from './function.ts';
import { computing, loggerBytes, memoryGB } from './prices.ts';
import { createQueue, type Queue, type QueueEvent } from './queue.ts';
import { arrivalOf, shipObservations } from './ship-observations.ts';
import { createSqsClient } from './sqs-client.ts';
import { createStream, type ShardLag, type Stream, type StreamSettings } from './stream.ts';
import { createTable, type Table } from './table.ts';
import { createVirtualTime } from './virtual-time.ts';

export interface RunSettings {
  seed: number;
  faults: 'none' | 'all';
  rules: RuleSet;
  /** As the stack says it where it has several clusters. */
  releasesByImages?: boolean;
  /** Change records go to a bus, as the stack's setting has it. */
  records?: boolean;
  /** Of these alone. */
  recordOutcomes?: ReadonlySet<string>;
  /** Of each cluster: partition keys, and as many shards unless `shards` says otherwise. */
  partitions?: number;
  shards?: number;
  /** What the stack's settings say of who may send, and how much. */
  admission?: Admission;
  /** When somebody runs `replay-set-aside`, in milliseconds since 1970, and every so many milliseconds until nothing is held any more. */
  replay?: { from: number; every: number };
  /** When a shard is not read. */
  lags?: readonly ShardLag[];
  /** Between settle and its ports; what the tests break to see that it is found. */
  wrapPorts?(ports: Ports): Ports;
  /** How far the simulated clock is, and when the input ends: in milliseconds since 1970. */
  onMoment?(now: number, inputEnds: number): void;
  /** Each step, for whoever looks for the cause of something. */
  tell?(line: string): void;
}

export interface Run {
  deliveries: readonly Delivery[];
  account: Account;
  records: readonly Told[];
  setAside: readonly Poison[];
  deadLetters: readonly string[];
  /** Activities that were begun and neither settled nor moved into another. */
  neverSettled: readonly string[];
  /** What went wrong in handlers by itself: neither a part that was away nor a function that died. */
  defects: readonly string[];
  /** Whether nothing was left to be done. */
  isOver: boolean;
}

const second = 1000;
const minute = 60 * second;
const day = 24 * 60 * minute;

/** What is not over by then never is: SQS keeps a message for 14 days. */
const longestEpilogue = 30 * day;

/** The stream's, as rootspan-stack.ts has it. */
export const eventSource = {
  batchSize: 100,
  batchingWindow: 5 * second,
  maximumRetryAttempts: 100,
  maximumRecordAge: 22 * 60 * minute,
  bisectBatchOnFunctionError: true,
};

/** As rootspan-stack.ts has them. Six times the function's time-out, in which it may be throttled. */
export const timeouts = { ingest: minute, settle: 2 * minute, emit: minute };
const urls = { timers: 'https://sqs.local/timers', spans: 'https://sqs.local/spans' };
/** What emit-handler.ts leaves for the last request and the answer. */
const toFinish = 15 * second;

export async function runPipeline(
  clusters: readonly ClusterObservations[],
  settings: RunSettings,
): Promise<Run> {
  const { first, last } = spanOfInput(clusters);
  const world = createWorld(settings, { first, last });
  const { partitions = 1, shards = Math.max(2, partitions), lags = [] } = settings;
  const parts = createParts(world, { shards, lags });
  const watch = createWatch(world);
  connect(parts, startFunctions(world, parts, settings, watch));
  for (const cluster of clusters)
    world.time.watch(shipObservations(world, cluster, parts.stream, partitions));
  if (settings.replay !== undefined) planReplays(world, parts, settings.replay);
  const isOver = await world.time.run(last + longestEpilogue, (now) => settings.onMoment?.(now, last));
  return {
    deliveries: parts.backend.deliveries,
    account: world.account,
    records: parts.bus.told,
    setAside: parts.bucket.kept(),
    deadLetters: [...parts.timers.deadLetters, ...parts.spans.deadLetters],
    neverSettled: watch.neverSettled(),
    defects: watch.defects(),
    isOver,
  };
}

/** What ingest set aside goes into the stream again, as the command reads it. What was held may be beyond its share once more. */
function planReplays(
  { time }: World,
  { bucket, stream }: Parts,
  { from, every }: { from: number; every: number },
) {
  const replay = () => {
    const objects = bucket.takeOut();
    for (const object of objects) {
      const read = readSetAside('set-aside/ingest/', JSON.stringify(object));
      if (read.ok) stream.put(read.value.records);
    }
    if (objects.length > 0) time.after(every, replay);
  };
  time.at(from, replay);
}

/** Its first and last moment, in milliseconds since 1970; 1970 where nothing is there. */
function spanOfInput(clusters: readonly ClusterObservations[]): { first: number; last: number } {
  const arrivals = clusters.flatMap(({ observations }) => observations.map(arrivalOf));
  const first = arrivals.reduce((least, at) => Math.min(least, at), Number.POSITIVE_INFINITY);
  const last = arrivals.reduce((most, at) => Math.max(most, at), 0);
  return arrivals.length === 0 ? { first: second, last: second } : { first, last };
}

function createWorld({ seed, faults, tell }: RunSettings, input: { first: number; last: number }): World {
  const account = openAccount();
  const time = createVirtualTime(input.first - second);
  return {
    time,
    account,
    faults: faults === 'none' ? noFaults : planFaults(seed, input, time.now, account),
    tell: (line) => tell?.(`${new Date(time.now()).toISOString()} ${line()}`),
  };
}

interface Parts {
  stream: Stream;
  timers: Queue;
  spans: Queue;
  table: Table;
  bucket: Bucket;
  bus: Bus;
  backend: Backend;
}

const createParts = (world: World, ofStream: Pick<StreamSettings, 'shards' | 'lags'>): Parts => ({
  stream: createStream(world, { ...ofStream, ...eventSource }),
  timers: createQueue(world, {
    name: 'timers',
    visibilityTimeout: 6 * timeouts.settle,
    maxReceiveCount: 100,
    batchSize: 2,
    concurrency: 20,
  }),
  spans: createQueue(world, {
    name: 'spans',
    visibilityTimeout: 6 * timeouts.emit,
    maxReceiveCount: 1000,
    batchSize: 10,
    concurrency: 5,
  }),
  table: createTable(world),
  bucket: createBucket(world),
  bus: createBus(world),
  backend: createBackend(world),
});

interface Functions {
  ingest: Invoke<KinesisEvent>;
  settle: Invoke<QueueEvent>;
  emit: Invoke<QueueEvent>;
}

function connect({ stream, timers, spans, bucket }: Parts, { ingest, settle, emit }: Functions) {
  stream.consume(ingest, async ({ Records }) =>
    bucket.keep({
      reason: 'given up by the event source',
      source: Records[0]!.eventID,
      payload: JSON.stringify(Records.map(({ kinesis }) => kinesis.data)),
    }),
  );
  timers.consume(settle);
  spans.consume(emit);
}

const queuesOf = ({ timers, spans }: Parts): ReadonlyMap<string, Queue> =>
  new Map([
    [urls.timers, timers],
    [urls.spans, spans],
  ]);

const kilobytes = (texts: readonly string[]) => texts.reduce((sum, { length }) => sum + length, 0) / 1024;
const computingOf = (texts: readonly string[]) =>
  computing.invocation + computing.kilobyte * kilobytes(texts);

function startFunctions(world: World, parts: Parts, settings: RunSettings, watch: Watch): Functions {
  const { wrapPorts = (ports) => ports } = settings;
  const portsOf = (instance: Instance): Ports => {
    const sqs = createSqsClient(world, instance, queuesOf(parts));
    const timers = createTimers(sqs, urls.timers);
    return {
      store: parts.table.of(instance),
      timers: {
        arm(timer, delaySeconds) {
          if (instance.name === 'ingest') watch.begin(timer.activities);
          return timers.arm(timer, delaySeconds);
        },
      },
      spansQueue: createSpansQueue(sqs, urls.spans),
      setAside: parts.bucket.of(instance),
      ...(settings.records === true && { records: parts.bus.of(instance, sqs, urls.timers) }),
      log: (remark) => watch.hear(instance, remark),
      now: instance.now,
      assemblyClock: () => BigInt(instance.now()) * 1_000_000n,
    };
  };
  return {
    ingest: createFunction<KinesisEvent>(world, {
      name: 'ingest',
      timeout: timeouts.ingest,
      memoryGB: memoryGB.ingest,
      computing: ({ Records }) => computingOf(Records.map(({ kinesis }) => kinesis.data)),
      start: (instance) => createIngest(wrapPorts(portsOf(instance)), defaultThresholds, settings.admission),
    }),
    settle: createFunction<QueueEvent>(world, {
      name: 'settle',
      timeout: timeouts.settle,
      memoryGB: memoryGB.settle,
      computing: ({ Records }) => computingOf(Records.map(({ body }) => body)),
      start: (instance) =>
        createSettle(wrapPorts(portsOf(instance)), defaultThresholds, settings.rules, settings),
    }),
    emit: createFunction<QueueEvent>(world, {
      name: 'emit',
      timeout: timeouts.emit,
      memoryGB: memoryGB.emit,
      computing: ({ Records }) => computingOf(Records.map(({ body }) => body)),
      start: (instance) => startEmit(world, parts, instance),
    }),
  };
}

function startEmit(world: World, parts: Parts, instance: Instance) {
  const { bucket, backend } = parts;
  const { now } = instance;
  const transport = backend.of(instance);
  const deliver = createDelivery({
    emit: createEmitter(
      {
        exportSpans: (spans) => exportSpans(spans, { transport, now }),
        setAside: bucket.of(instance),
        now,
      },
      { ...otlpPacking, narrowingRequests },
    ),
    redelivery: createRedelivery(createSqsClient(world, instance, queuesOf(parts)), urls.spans),
    log: (remark) => world.tell(() => `emit says ${JSON.stringify(remark)}`),
    now,
  });
  return (event: QueueEvent, deadline: number) => deliver(event, deadline - toFinish);
}

type Watch = ReturnType<typeof createWatch>;

/** What the correlator says of what it does. */
function createWatch({ account, tell }: World) {
  const open = new Set<string>();
  const defects = new Set<string>();
  return {
    begin(activities: readonly string[]) {
      for (const activity of activities) open.add(activity);
    },
    hear(instance: Instance, remark: Remark) {
      const figures = account.functions[instance.name];
      const { level, message, fields } = correlatorTellings[remark.kind](remark as never);
      if (level !== 'debug') figures.logBytes += loggerBytes + JSON.stringify({ message, ...fields }).length;
      tell(() => `${instance.name} says ${JSON.stringify(remark)}`);
      if (remark.kind === 'held') account.held += remark.observations;
      if (remark.kind === 'settled' || remark.kind === 'merged') open.delete(remark.activity);
      if (remark.kind === 'settle-failed' && isDefect(remark.error)) defects.add(String(remark.error));
    },
    neverSettled: () => [...open].sort(),
    defects: () => [...defects].sort(),
  };
}

/** A mistake of the code, whatever the parts do. */
const isDefect = (error: unknown): boolean =>
  error instanceof TypeError || error instanceof RangeError || error instanceof ReferenceError;
