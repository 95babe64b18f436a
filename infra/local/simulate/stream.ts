/**
 * A Kinesis stream and the event source that reads it: shards in order, one invocation of each at a time, a window for small batches,
 * retries with halving (run-batch.ts), and what nobody could read goes to the bucket. Batches come again, at once or an hour later.
 */
import type { KinesisEvent } from '../../../functions/correlator/read-records.ts';
import type { StreamRecord } from '../../../functions/forwarder/record-sink.ts';
import { type RetrySettings, runBatch } from '../run-batch.ts';
import type { Invoke, World } from './function.ts';

export interface StreamSettings extends RetrySettings {
  shards: number;
  /** Records. */
  batchSize: number;
  /** Milliseconds. */
  batchingWindow: number;
  /** When a shard is not read; milliseconds since 1970. */
  lags?: readonly ShardLag[];
}

export interface ShardLag {
  shard: number;
  from: number;
  until: number;
}

export interface Stream {
  put(records: readonly StreamRecord[]): void;
  consume(invoke: Invoke<KinesisEvent>, giveUp: (records: KinesisEvent) => Promise<void>): void;
  /** What was handed out, in order. */
  reads: readonly StreamRead[];
}

/** One invocation's records; times in milliseconds since 1970. */
export interface StreamRead {
  at: number;
  /** When the first of them came, and the last. */
  oldest: number;
  newest: number;
}

interface ShardRecord {
  sequenceNumber: string;
  /** Milliseconds since 1970. */
  arrivedAt: number;
  data: Uint8Array;
}

interface Shard {
  id: string;
  waiting: ShardRecord[];
  /** Batches that were read before. */
  again: ShardRecord[][];
  isBusy: boolean;
  /** Takes back when it is read next. */
  forget(): void;
}

/** Milliseconds: a shard is asked once a second. */
const readPause = 500;
/** Bytes of an invocation's event: 6 MB, in base64. */
const mostBytes = 4_500_000;
const firstPause = 1_000;
const longestPause = 60_000;
/** Bytes that Kinesis bills as one unit. */
const payloadUnit = 25_000;

/** What a stream is in at a moment, and its event source. */
interface StreamState {
  readonly world: World;
  readonly settings: StreamSettings;
  readonly shards: readonly Shard[];
  readonly reads: StreamRead[];
  /** Records. */
  written: number;
  invoke: Invoke<KinesisEvent>;
  giveUp(records: KinesisEvent): Promise<void>;
}

export function createStream(world: World, settings: StreamSettings): Stream {
  const stream: StreamState = {
    world,
    settings,
    shards: Array.from({ length: settings.shards }, (_, index): Shard => {
      const id = `shardId-${String(index).padStart(12, '0')}`;
      return { id, waiting: [], again: [], isBusy: false, forget: () => {} };
    }),
    reads: [],
    written: 0,
    invoke: () => Promise.reject(new Error('nobody reads')),
    giveUp: async () => {},
  };
  return {
    reads: stream.reads,
    put(records) {
      for (const record of records) write(stream, record);
      world.account.services.stream.requests += 1;
    },
    consume(invoke, giveUp) {
      stream.invoke = invoke;
      stream.giveUp = giveUp;
    },
  };
}

function write(stream: StreamState, { data, partitionKey, hashKey }: StreamRecord) {
  const { time, account } = stream.world;
  const { length } = stream.shards;
  const place =
    hashKey === undefined
      ? placeOf(partitionKey, length)
      : Number((BigInt(hashKey) * BigInt(length)) >> 128n);
  const shard = stream.shards[place]!;
  const sequenceNumber = `${1_000_000_000 + stream.written++}`;
  account.payloadUnits += Math.ceil(data.byteLength / payloadUnit);
  account.services.stream.bytes += data.byteLength;
  shard.waiting.push({ sequenceNumber, arrivedAt: time.now(), data });
  plan(stream, shard);
}

/** Reads a full batch at once, a smaller one when its window is over. */
function plan(stream: StreamState, shard: Shard) {
  const { settings, world } = stream;
  const { time, faults } = world;
  shard.forget();
  const [first] = shard.waiting;
  if (shard.isBusy || (first === undefined && shard.again.length === 0)) return;
  const isFull = shard.again.length > 0 || shard.waiting.length >= settings.batchSize;
  const due = isFull ? time.now() : first!.arrivedAt + readPause + settings.batchingWindow;
  const when = Math.max(due, time.now());
  const own = settings.lags?.find(
    (lag) => stream.shards[lag.shard] === shard && lag.from <= when && when < lag.until,
  );
  const lag = own?.until ?? faults.awayUntil('shard', when);
  shard.forget = time.at(lag ?? due, () => {
    shard.isBusy = true;
    time.watch(read(stream, shard));
  });
}

async function read(stream: StreamState, shard: Shard) {
  const { settings, world } = stream;
  const batch = shard.again.shift() ?? takeBatch(shard, settings.batchSize);
  const invoke = (records: readonly ShardRecord[]) => handOut(stream, shard, records);
  planCopy(stream, shard, batch);
  await runBatch(batch, settings, {
    invoke,
    giveUp: (records) => stream.giveUp(eventOf(shard, records)),
    pause: (attempt) => world.time.sleep(Math.min(longestPause, firstPause * 2 ** Math.min(attempt - 1, 10))),
    now: world.time.now,
    stopped: () => false,
  });
  shard.isBusy = false;
  plan(stream, shard);
}

/** The function's answer; its failure thrown. */
async function handOut(
  { world, invoke, reads }: StreamState,
  shard: Shard,
  records: readonly ShardRecord[],
): Promise<unknown> {
  world.account.services.stream.requests += 1;
  reads.push({ at: world.time.now(), oldest: records[0]!.arrivedAt, newest: records.at(-1)!.arrivedAt });
  world.tell(
    () => `${shard.id} hands out ${records[0]!.sequenceNumber} to ${records.at(-1)!.sequenceNumber}`,
  );
  const invocation = await invoke(eventOf(shard, records));
  if (invocation.kind === 'failed') throw invocation.error;
  return invocation.answer;
}

/** Whether the batch comes a second time: beside itself, of a reader that nobody waits for any more, or later and in order. */
function planCopy(stream: StreamState, shard: Shard, batch: ShardRecord[]) {
  const { time, faults } = stream.world;
  const copy = faults.copyOfBatch();
  if (copy?.at === 'once') time.after(copy.after, () => void handOut(stream, shard, batch).catch(() => {}));
  if (copy?.at === 'later')
    time.after(copy.after, () => {
      shard.again.push(batch);
      plan(stream, shard);
    });
}

const eventOf = ({ id }: Shard, records: readonly ShardRecord[]): KinesisEvent => ({
  Records: records.map(({ sequenceNumber, data, arrivedAt }) => ({
    eventID: `${id}:${sequenceNumber}`,
    kinesis: {
      sequenceNumber,
      data: Buffer.from(data).toString('base64'),
      approximateArrivalTimestamp: arrivedAt / 1000,
    },
  })),
});

function takeBatch({ waiting }: Shard, most: number): ShardRecord[] {
  let records = 0;
  for (let bytes = 0; records < Math.min(most, waiting.length); records += 1) {
    bytes += waiting[records]!.data.byteLength;
    if (records > 0 && bytes > mostBytes) break;
  }
  return waiting.splice(0, records);
}

/** Of a key that does not say its place itself. */
export function placeOf(partitionKey: string, shards: number): number {
  let sum = 0;
  for (const character of partitionKey) sum = (sum * 31 + character.codePointAt(0)!) % 65_521;
  return sum % shards;
}
