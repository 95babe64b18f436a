/**
 * A workload through ingest and settle, on a clock that jumps: records of a second, invocations of what came in five, as the
 * event source collects them. What is counted is told after each invocation of ingest.
 */
import { setImmediate as eventLoopTurn } from 'node:timers/promises';
import type { Remark } from '../../../functions/correlator/ports.ts';
import type { Store } from '../../../functions/correlator/store.ts';
import { correlatorTellings } from '../../../functions/correlator/tell-remarks.ts';
import type { FunctionName } from '../../../infra/local/simulate/account.ts';
import { loggerBytes } from '../../../infra/local/simulate/prices.ts';
import { recordOfEnd } from '../../../shared/change-record.ts';
import type { Observation } from '../../../shared/observation.ts';
import type { Span } from '../../../shared/span.ts';
import { encodeSpanBatches } from '../../../shared/span-batch-codec.ts';
import { runUntil, startLive } from '../../functions/correlator/arrivals.ts';
import { type Pipeline, recordsOf } from '../../functions/correlator/pipeline.ts';
import { momentOf, start } from '../workloads/observe-cluster.ts';
import { add, type Counts, type Told } from './counts.ts';
import { latencies } from './prices.ts';

/** Seconds of observations in a record, and in an invocation (the event source's batching window). */
const inRecord = 1;
const inInvocation = 5;

export interface Settings {
  counts: Counts;
  store: (now: () => number) => Store;
  /** Each invocation of ingest has an empty memory. Settle has none anyway. */
  isCold: boolean;
  /** What an invocation of settle has sent. */
  emit: (messages: string[], spans: readonly Span[]) => Promise<void>;
  /** Milliseconds since the start. Whether to go on. */
  afterIngest: (time: number) => boolean;
}

export async function runWorkload(observations: Iterable<Observation>, settings: Settings): Promise<void> {
  const { counts, store, isCold, afterIngest } = settings;
  const pipeline = startLive({ start, store, meanwhile: countWaits(counts) });
  countSettles(pipeline, settings);
  let first = 1;
  for (const { turn, some } of inWindows(observations, inInvocation)) {
    const arrival = start + (turn + 1) * inInvocation * 1000;
    await runUntil(pipeline, arrival);
    pipeline.now = Math.max(pipeline.now, arrival);
    const groups = [...inWindows(some, inRecord)].map((window) => window.some);
    const records = recordsOf(groups, { first });
    first += groups.length;
    add(counts, 'events', some.filter(({ type }) => type === 'event').length);
    countPayloads(records, counts);
    if (isCold) pipeline.forget();
    await timed('ingest', counts, () => pipeline.ingest(records));
    tellRemarks(pipeline, counts);
    if (!afterIngest(arrival - start)) return;
  }
  await runUntil(pipeline, Number.POSITIVE_INFINITY);
  tellRemarks(pipeline, counts);
}

/** What is armed together comes together: some messages in a request, received and deleted as one batch. */
function countSettles(pipeline: Pipeline, settings: Settings): void {
  const { counts } = settings;
  const settle = pipeline.settle.bind(pipeline);
  pipeline.settle = async (timer) => {
    for (const purpose of ['send', 'receive', 'delete']) add(counts, `request timers: ${purpose}`, 1);
    let isDone = false;
    await timed('settle', counts, async () => {
      isDone = await settle(timer);
    });
    for (const spans of pipeline.sends.splice(0)) {
      countRecords(spans, counts);
      const messages = encodeSpanBatches(spans);
      const parts = messages.reduce((sum, body) => sum + Math.ceil(body.length / 65_536), 0);
      add(counts, 'request spans: send', parts);
      add(counts, 'request spans: receive', parts);
      add(counts, 'request spans: delete', 1);
      await settings.emit(messages, spans);
    }
    return isDone;
  };
}

/** As the stack's setting `records` puts them, without `outcomes` and with those of trouble. */
function countRecords(spans: readonly Span[], counts: Counts): void {
  const ended = spans.flatMap((span) => recordOfEnd(span)?.outcome ?? []);
  const trouble = ended.filter((outcome) => outcome === 'failed' || outcome === 'stalled');
  const told: [Told, string[]][] = [
    ['all', ended],
    ['trouble', trouble],
  ];
  for (const [which, outcomes] of told) {
    add(counts, `records: ${which}`, outcomes.length);
    add(counts, `puts of records: ${which}`, Math.ceil(outcomes.length / 10));
  }
}

/** Whose calls are counted now; one invocation runs at a time. */
let running: FunctionName = 'ingest';
export const runningFunction = (): FunctionName => running;

export async function timed(name: FunctionName, counts: Counts, work: () => Promise<unknown>): Promise<void> {
  running = name;
  const before = process.cpuUsage();
  await work();
  const { user, system } = process.cpuUsage(before);
  add(counts, `cpu ${name}`, (user + system) / 1000);
  add(counts, `invocation ${name}`, 1);
}

/** Calls that begin in one turn of the event loop are under way together, and a function waits for all of them once. */
function countWaits(counts: Counts): (call: string) => Promise<void> {
  let longest = 0;
  return async (call) => {
    const latency = latencies[call] ?? 0;
    add(counts, `wait ${running}`, Math.max(0, latency - longest));
    longest = Math.max(longest, latency);
    await eventLoopTurn();
    longest = 0;
  };
}

function countPayloads({ Records }: ReturnType<typeof recordsOf>, counts: Counts): void {
  for (const { kinesis } of Records) {
    const bytes = Buffer.from(kinesis.data, 'base64').byteLength;
    add(counts, 'payload bytes', bytes);
    add(counts, 'payload units', Math.ceil(bytes / 25_000));
  }
}

/** What ingest and settle say of what they did. */
function tellRemarks(pipeline: Pipeline, counts: Counts): void {
  const remarks = pipeline.remarks.splice(0);
  for (const remark of remarks) {
    add(counts, `remark ${remark.kind}`, 1);
    add(counts, 'log bytes', bytesOfLine(remark));
  }
}

function bytesOfLine(remark: Remark): number {
  const { level, message, fields } = correlatorTellings[remark.kind](remark as never);
  return level === 'debug' ? 0 : loggerBytes + JSON.stringify({ message, ...fields }).length;
}

/** By windows of so many seconds since the start. */
function* inWindows(observations: Iterable<Observation>, seconds: number) {
  let turn = Number.NaN;
  const some: Observation[] = [];
  for (const observation of observations) {
    const own = Math.floor((momentOf(observation) - start) / 1000 / seconds);
    if (own !== turn && some.length > 0) yield { turn, some: some.splice(0) };
    turn = own;
    some.push(observation);
  }
  if (some.length > 0) yield { turn, some };
}
