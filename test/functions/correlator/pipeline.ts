/**
 * The correlator in a few lines: handlers, a clock that jumps from timer to timer, and ports that remember, and that
 * can be told to fail at the n-th call.
 */
import { setImmediate as turn } from 'node:timers/promises';
import { assemble } from '../../../functions/correlator/causality/assemble.ts';
import { createIngest } from '../../../functions/correlator/ingest.ts';
import type { Ports, Remark, Timer } from '../../../functions/correlator/ports.ts';
import type { KinesisEvent } from '../../../functions/correlator/read-records.ts';
import { createSettle } from '../../../functions/correlator/settle.ts';
import type { Store } from '../../../functions/correlator/store.ts';
import { createMemoryStore } from '../../../functions/correlator/store-memory.ts';
import { defaultThresholds, type Thresholds } from '../../../functions/correlator/thresholds.ts';
import { encodeBatches } from '../../../shared/batch-codec.ts';
import type { Cluster, Observation } from '../../../shared/observation.ts';
import type { Poison } from '../../../shared/set-aside.ts';
import { compareSpans, type Span } from '../../../shared/span.ts';
import { atTheEnd } from './causality/cluster-story.ts';

export const cluster: Cluster = { uid: 'c1', name: 'test' };

class Crash extends Error {}

export interface Pipeline {
  /** Milliseconds since 1970. */
  now: number;
  timers: Timer[];
  sends: Span[][];
  poison: Poison[];
  remarks: Remark[];
  calls: number;
  /** One invocation of ingest; rejects where Lambda would see a failure. */
  ingest(event: KinesisEvent): Promise<{ batchItemFailures: { itemIdentifier: string }[] }>;
  /** Like Lambda: until it succeeds. */
  ingestUntilDone(event: KinesisEvent): Promise<void>;
  /** The clock jumps to the next timer, until none is left. */
  runTimers(until?: number): Promise<void>;
  wait(seconds: number): void;
  /** Ingest is another process from now on, which remembers nothing. */
  forget(): void;
  /** One message, as SQS brings it; whether it succeeded. */
  settle(timer: Timer): Promise<boolean>;
  store: Store;
}

export interface PipelineSettings {
  assemblyClock?: (now: number) => bigint;
  /** Whether the n-th call (from 1) of any port crashes the invocation, before or after it took effect. */
  crash?: (call: number, name: string, args: unknown[]) => 'before' | 'after' | undefined;
  /** What happens elsewhere while a call is under way. */
  meanwhile?: (name: string, pipeline: Pipeline) => Promise<void>;
  /** What happens between a settle that failed and the next attempt. */
  onFailure?: (pipeline: Pipeline) => Promise<void>;
  /** Milliseconds since 1970; an hour after the stories where nothing else is said. */
  start?: number;
  store?: (now: () => number) => Store;
  thresholds?: Thresholds;
}

export function startPipeline({
  assemblyClock = () => atTheEnd,
  crash = () => undefined,
  store: makeStore = createMemoryStore,
  onFailure = async () => {},
  meanwhile = async () => {},
  start = Date.parse('2026-03-01T13:00:00Z'),
  thresholds = defaultThresholds,
}: PipelineSettings = {}): Pipeline {
  const watched = <T extends object>(port: T): T =>
    new Proxy(port, {
      get: (target, name, receiver) => {
        const method = Reflect.get(target, name, receiver) as (...args: unknown[]) => Promise<unknown>;
        return async (...args: unknown[]) => {
          pipeline.calls += 1;
          const when = crash(pipeline.calls, String(name), args);
          if (when === 'before') throw new Crash(`before ${String(name)}`);
          await meanwhile(String(name), pipeline);
          const result = await method.apply(target, args);
          if (when === 'after') throw new Crash(`after ${String(name)}`);
          return result;
        };
      },
    });
  const store = makeStore(() => pipeline.now);
  const ports: Ports = {
    store: watched(store),
    timers: watched({ arm: async (timer: Timer) => void pipeline.timers.push(timer) }),
    spansQueue: watched({
      send: async (spans: readonly Span[]) => void pipeline.sends.push(structuredClone([...spans])),
    }),
    setAside: watched({ keep: async (poison: Poison) => void pipeline.poison.push(poison) }),
    log: (remark) => pipeline.remarks.push(remark),
    now: () => pipeline.now,
    assemblyClock: () => assemblyClock(pipeline.now),
  };
  let ingest = createIngest(ports, thresholds);
  const settle = createSettle(ports, thresholds);
  const pipeline: Pipeline = {
    now: start,
    timers: [],
    sends: [],
    poison: [],
    remarks: [],
    calls: 0,
    store,
    ingest: (event) => ingest(event),
    async ingestUntilDone(event) {
      let records = event.Records;
      for (let attempt = 0; records.length > 0 && attempt < 20; attempt += 1) {
        try {
          const [failure] = (await ingest({ Records: records })).batchItemFailures;
          if (failure === undefined) return;
          records = records.slice(
            records.findIndex(({ kinesis }) => kinesis.sequenceNumber === failure.itemIdentifier),
          );
        } catch (error) {
          if (!(error instanceof Crash)) throw error;
          pipeline.forget();
        }
      }
      throw new Error('ingest never succeeded');
    },
    async runTimers(until = Number.POSITIVE_INFINITY) {
      for (let guard = 0; guard < 5000; guard += 1) {
        pipeline.timers.sort((a, b) => a.dueAt - b.dueAt || (a.activities[0]! < b.activities[0]! ? -1 : 1));
        const next = pipeline.timers[0];
        if (next === undefined || next.dueAt > until) return;
        pipeline.timers.shift();
        pipeline.now = Math.max(pipeline.now, next.dueAt);
        for (let attempt = 0; ; attempt += 1) {
          if (await pipeline.settle(next)) break;
          const failure = pipeline.remarks.findLast((remark) => remark.kind === 'settle-failed');
          if (failure !== undefined && !(failure.error instanceof Crash)) throw failure.error;
          await onFailure(pipeline);
          if (attempt > 20) throw new Error('settle never succeeded');
        }
        if (guard % 100 === 99) await turn();
      }
      throw new Error('timers without end');
    },
    async settle(timer) {
      const message = { messageId: 'm', body: JSON.stringify(timer) };
      return (await settle({ Records: [message] })).batchItemFailures.length === 0;
    },
    wait(seconds) {
      pipeline.now += seconds * 1000;
    },
    forget() {
      ingest = createIngest(ports, thresholds);
    },
  };
  return pipeline;
}

/** One record of `shard` for each group. */
export function recordsOf(
  groups: readonly (readonly Observation[])[],
  { shard = 0, first = 1, of = cluster }: { shard?: number; first?: number; of?: Cluster } = {},
): KinesisEvent {
  return {
    Records: groups.flatMap((group, index) =>
      encodeBatches(of, group).records.map((data, part) =>
        record(`${100000 + (first + index) * 10 + part}`, data, shard),
      ),
    ),
  };
}

export const record = (
  sequenceNumber: string,
  data: Uint8Array,
  shard = 0,
): KinesisEvent['Records'][number] => ({
  eventID: `shardId-00000000000${shard}:${sequenceNumber}`,
  kinesis: { sequenceNumber, data: Buffer.from(data).toString('base64') },
});

/** What the emitter's backend ends up with: a span by its id. Fails where two sends contradict each other. */
export function received({ sends }: Pick<Pipeline, 'sends'>): Span[] {
  const byId = new Map<string, Span>();
  for (const span of sends.flat()) {
    const before = byId.get(span.spanId);
    if (before !== undefined && JSON.stringify(before) !== JSON.stringify(span)) {
      throw new Error(`${span.name} ${span.spanId} was sent twice, and differently`);
    }
    byId.set(span.spanId, span);
  }
  return [...byId.values()].sort(compareSpans);
}

/** What one look at everything tells, at the end of time. */
export const wholeStory = (observations: readonly Observation[], of = cluster): Span[] =>
  assemble({ cluster: of, observations, now: atTheEnd })
    .map(({ span }) => span)
    .sort(compareSpans);
