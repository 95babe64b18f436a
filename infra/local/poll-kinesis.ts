/**
 * A Kinesis stream to a handler, as AWS Lambda's event source mapping does it, from TRIM_HORIZON: one batch in flight
 * for each shard, strictly in order, and no shard before its parents are read to their ends. What happens to a batch
 * that fails is told in run-batch.ts. ReportBatchItemFailures is on.
 * https://docs.aws.amazon.com/lambda/latest/dg/with-kinesis.html
 *
 * As in Lambda a record can reach the handler more than once. Unlike there, progress is kept in memory only, and a
 * handler has no time limit.
 */
import { backoff, type Clock, insist } from './clock.ts';
import { type GivenUp, type RetrySettings, runBatch } from './run-batch.ts';

/** The narrow view of a stream that the poller needs. Rejections are passing troubles: it asks again. */
export interface KinesisSource {
  arn: string;
  region: string;
  /** All shards, open and closed. A parent that is not among them is past its retention. */
  listShards(signal: AbortSignal): Promise<ShardInfo[]>;
  /** From the oldest record of the shard. */
  openShard(shardId: string): ShardReader;
}

export interface ShardInfo {
  shardId: string;
  /** One after a split, two after a merge. */
  parentShardIds: string[];
}

export interface ShardReader {
  /** What comes next, at most `limit` records. A call that rejects leaves the place where it is. */
  read(limit: number, signal: AbortSignal): Promise<ShardRead>;
}

export interface ShardRead {
  records: SourceRecord[];
  /**
   * `more`: there may be more at once; `tip`: nothing was behind these when they were read; `end`: the shard is
   * closed and this was the last of it.
   */
  next: 'more' | 'tip' | 'end';
}

export interface SourceRecord {
  sequenceNumber: string;
  partitionKey: string;
  data: Uint8Array;
  /** Milliseconds since 1970. */
  arrivedAt: number;
}

/** What the handler gets: a KinesisStreamEvent of AWS Lambda. */
export interface KinesisStreamEvent {
  Records: KinesisStreamRecord[];
}

export interface KinesisStreamRecord {
  /** `shardId:sequenceNumber`. */
  eventID: string;
  eventName: 'aws:kinesis:record';
  eventSource: 'aws:kinesis';
  eventSourceARN: string;
  eventVersion: '1.0';
  invokeIdentityArn: string;
  awsRegion: string;
  kinesis: {
    kinesisSchemaVersion: '1.0';
    partitionKey: string;
    sequenceNumber: string;
    /** Base64. */
    data: string;
    /** Seconds since 1970, with fractions. */
    approximateArrivalTimestamp: number;
  };
}

export interface KinesisPollSettings extends RetrySettings {
  /** Records. */
  batchSize: number;
  /** Milliseconds to wait, from a batch's first record, for the batch to fill. */
  batchingWindow: number;
  /** Milliseconds between looks at a shard that has nothing new. */
  pollInterval: number;
}

export interface KinesisPollPorts {
  clock: Clock;
  handle(event: KinesisStreamEvent): Promise<unknown>;
  /** Keeps the records that are given up; a rejection is told to `onError` and tried again: nothing is dropped. */
  onFailure(records: KinesisStreamRecord[], why: GivenUp & { shardId: string }): Promise<void>;
  /** The poller's own troubles (network and the like), before it tries again. */
  onError(error: unknown): void;
}

export interface Poller {
  /**
   * Resolves once everything that was in the source at the call, and what handlers added since, has been handled.
   * Rejects where the poller is stopped before.
   */
  drained(): Promise<void>;
  /** Lets running handlers finish, starts nothing more, and resolves. May be called again. */
  stop(): Promise<void>;
}

/** Lambda's limit for a synchronous call's payload. */
const largestEvent = 6 * 1024 * 1024;
/** Of a record's JSON beside its data, generously. */
const recordEnvelope = 700;

/** Starts at once. */
export function pollKinesis(
  source: KinesisSource,
  settings: KinesisPollSettings,
  ports: KinesisPollPorts,
): Poller {
  const stopping = new AbortController();
  const polling: Polling = {
    source,
    settings,
    ports,
    signal: stopping.signal,
    shards: new Map(),
    waiters: new Set(),
    running: [],
    moment: 0,
    lastHandled: 0,
    lastListing: 0,
    wake: () => {},
  };
  const supervising = supervise(polling);
  return {
    drained() {
      if (stopping.signal.aborted) return Promise.reject(new Error('the poller has been stopped'));
      return new Promise((resolve, reject) => {
        polling.waiters.add({ asked: ++polling.moment, resolve, reject });
        polling.wake();
      });
    },
    async stop() {
      stopping.abort();
      polling.wake();
      await supervising;
      await Promise.all(polling.running);
      for (const { reject } of polling.waiters)
        reject(new Error('the poller was stopped before the stream was drained'));
      polling.waiters.clear();
    },
  };
}

/** What the readers of all shards share. */
interface Polling {
  readonly source: KinesisSource;
  readonly settings: KinesisPollSettings;
  readonly ports: KinesisPollPorts;
  readonly signal: AbortSignal;
  readonly shards: Map<string, Shard>;
  readonly waiters: Set<Waiter>;
  readonly running: Promise<void>[];
  /** Counts what happens, so that "since" means something that no clock can blur. */
  moment: number;
  lastHandled: number;
  lastListing: number;
  /** There is something to supervise. */
  wake(): void;
}

/** Lists at the start, when a shard ended (its children are listed by then), and while somebody waits. */
async function supervise(polling: Polling): Promise<void> {
  const { settings, ports, signal } = polling;
  while (!signal.aborted) {
    const woken = new Promise<void>((resolve) => {
      polling.wake = resolve;
    });
    await listShards(polling);
    startReady(polling);
    settleWaiters(polling);
    if (polling.waiters.size > 0) await ports.clock.sleep(settings.pollInterval, signal);
    else await woken;
  }
}

async function listShards(polling: Polling): Promise<void> {
  const { source, signal, shards } = polling;
  await insist(polling, async () => {
    const asked = ++polling.moment;
    const infos = await source.listShards(signal);
    const listed = new Set(infos.map(({ shardId }) => shardId));
    for (const { shardId, parentShardIds } of infos) {
      if (shards.has(shardId)) continue;
      const parents = parentShardIds.filter((id) => listed.has(id) || shards.has(id));
      shards.set(shardId, { shardId, parents, state: { kind: 'waiting' } });
    }
    polling.lastListing = asked;
  });
}

/** Those whose parents are read to their ends. */
function startReady(polling: Polling): void {
  const { shards, source, settings, running } = polling;
  for (const shard of shards.values()) {
    const ready =
      shard.state.kind === 'waiting' && shard.parents.every((id) => shards.get(id)?.state.kind === 'ended');
    if (!ready) continue;
    shard.state = { kind: 'reading' };
    running.push(readShard(shard, source, settings, shardPorts(polling)).then(() => polling.wake()));
  }
}

const shardPorts = (polling: Polling): ShardPorts => ({
  ...polling.ports,
  signal: polling.signal,
  nextMoment: () => ++polling.moment,
  noteHandled() {
    polling.lastHandled = ++polling.moment;
  },
  noteState: () => settleWaiters(polling),
});

function settleWaiters({ waiters, shards, lastHandled, lastListing }: Polling): void {
  for (const waiter of waiters) {
    const since = Math.max(waiter.asked, lastHandled);
    const quiet = [...shards.values()].every(
      ({ state }) => state.kind === 'ended' || (state.kind === 'tip' && state.readAt > since),
    );
    if (!quiet || lastListing < since) continue;
    waiters.delete(waiter);
    waiter.resolve();
  }
}

interface Waiter {
  asked: number;
  resolve(): void;
  reject(error: Error): void;
}

interface Shard {
  shardId: string;
  parents: string[];
  state: ShardState;
}

type ShardState =
  | { kind: 'waiting' }
  | { kind: 'reading' }
  /** Nothing read that is not handled; `readAt`: the moment at which the look that found nothing began. */
  | { kind: 'tip'; readAt: number }
  | { kind: 'ended' };

interface ShardPorts extends KinesisPollPorts {
  signal: AbortSignal;
  nextMoment(): number;
  noteHandled(): void;
  noteState(): void;
}

/** Reads one shard to its end, or until stopped. */
async function readShard(
  shard: Shard,
  source: KinesisSource,
  settings: KinesisPollSettings,
  ports: ShardPorts,
): Promise<void> {
  const { clock, signal } = ports;
  const reader = source.openShard(shard.shardId);
  let pending: SourceRecord[] = [];
  let windowEnd = 0;
  let ended = false;
  let failures = 0;
  while (!signal.aborted) {
    let next: ShardRead['next'] = 'more';
    const full = () =>
      ended || pending.length >= settings.batchSize || countFitting(pending) < pending.length;
    if (!full()) {
      const readAt = ports.nextMoment();
      try {
        const read = await reader.read(settings.batchSize - pending.length, signal);
        failures = 0;
        next = read.next;
        ended = next === 'end';
        if (pending.length === 0) windowEnd = clock.now() + settings.batchingWindow;
        pending.push(...read.records);
      } catch (error) {
        if (signal.aborted) return;
        ports.onError(error);
        await clock.sleep(backoff(++failures), signal);
        continue;
      }
      if (pending.length > 0) {
        shard.state = { kind: 'reading' };
      } else if (next === 'tip') {
        shard.state = { kind: 'tip', readAt };
        ports.noteState();
      }
    }
    if (pending.length === 0) {
      if (ended) break;
      if (next === 'tip') await clock.sleep(settings.pollInterval, signal);
      continue;
    }
    const left = windowEnd - clock.now();
    if (left > 0 && !full()) {
      if (next === 'tip') await clock.sleep(Math.min(settings.pollInterval, left), signal);
      continue;
    }
    const batch = pending.slice(0, countFitting(pending));
    pending = pending.slice(batch.length);
    if (!(await handleBatch(shard.shardId, batch, source, settings, ports))) return;
    windowEnd = clock.now() + settings.batchingWindow;
  }
  if (signal.aborted) return;
  shard.state = { kind: 'ended' };
  ports.noteState();
}

/** How many of the records, at least one, one event can carry. */
function countFitting(records: readonly SourceRecord[]): number {
  let bytes = 0;
  for (const [index, { data, partitionKey }] of records.entries()) {
    bytes += Math.ceil(data.byteLength / 3) * 4 + Buffer.byteLength(partitionKey) + recordEnvelope;
    if (index > 0 && bytes > largestEvent) return index;
  }
  return records.length;
}

/** True once each record is handled or given up, false when stopped before. */
function handleBatch(
  shardId: string,
  batch: readonly SourceRecord[],
  source: KinesisSource,
  settings: KinesisPollSettings,
  ports: ShardPorts,
): Promise<boolean> {
  const { clock, signal } = ports;
  const toStreamRecords = (records: readonly SourceRecord[]) =>
    records.map((record) => toStreamRecord(record, shardId, source));
  return runBatch(batch, settings, {
    now: () => clock.now(),
    stopped: () => signal.aborted,
    pause: (attempt) => clock.sleep(backoff(attempt), signal),
    async invoke(records) {
      try {
        return await ports.handle({ Records: toStreamRecords(records) });
      } finally {
        ports.noteHandled();
      }
    },
    async giveUp(records, why) {
      for (let failures = 0; !signal.aborted; ) {
        try {
          await ports.onFailure(toStreamRecords(records), { ...why, shardId });
          return;
        } catch (error) {
          ports.onError(error);
          await clock.sleep(backoff(++failures), signal);
        } finally {
          ports.noteHandled();
        }
      }
    },
  });
}

const toStreamRecord = (
  { sequenceNumber, partitionKey, data, arrivedAt }: SourceRecord,
  shardId: string,
  { arn, region }: KinesisSource,
): KinesisStreamRecord => ({
  eventID: `${shardId}:${sequenceNumber}`,
  eventName: 'aws:kinesis:record',
  eventSource: 'aws:kinesis',
  eventSourceARN: arn,
  eventVersion: '1.0',
  invokeIdentityArn: 'arn:aws:iam::000000000000:role/local',
  awsRegion: region,
  kinesis: {
    kinesisSchemaVersion: '1.0',
    partitionKey,
    sequenceNumber,
    data: Buffer.from(data.buffer, data.byteOffset, data.byteLength).toString('base64'),
    approximateArrivalTimestamp: arrivedAt / 1000,
  },
});
