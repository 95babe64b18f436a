/** What the pipeline promises whatever happens to the observations on the way. */
import { setImmediate as nextTurn } from 'node:timers/promises';
import fc from 'fast-check';
import { beforeAll, describe, expect, it } from 'vitest';
import type { KinesisEvent } from '../../../functions/correlator/read-records.ts';
import { createMemoryStore } from '../../../functions/correlator/store-memory.ts';
import { clusterOf } from '../../../infra/local/read-recording.ts';
import type { Cluster, Observation } from '../../../shared/observation.ts';
import type { Span } from '../../../shared/span.ts';
import { checkProperty } from '../../check-property.ts';
import { readRecording } from '../../read-recordings.ts';
import { rollout } from './causality/cluster-story.ts';
import { type Pipeline, received, recordsOf, startPipeline, wholeStory } from './pipeline.ts';

/** Each observation at least once, in any order, cut into records of two shards and records into batches. */
const deliveries = (observations: readonly Observation[], of: Cluster): fc.Arbitrary<KinesisEvent[]> =>
  fc
    .record({
      order: fc.shuffledSubarray([...observations], { minLength: observations.length }),
      again: fc.subarray([...observations], { maxLength: 10 }),
      recordSize: fc.integer({ min: 1, max: observations.length }),
      batchSize: fc.integer({ min: 1, max: 20 }),
      shards: fc.infiniteStream(fc.integer({ min: 0, max: 1 })),
    })
    .map(({ order, again, recordSize, batchSize, shards }) => {
      const all = [...order, ...again];
      const records: KinesisEvent['Records'] = [];
      for (let at = 0; at < all.length; at += recordSize) {
        const shard = shards.next().value!;
        const group = all.slice(at, at + recordSize);
        records.push(...recordsOf([group], { shard, first: at + 1, of }).Records);
      }
      const events: KinesisEvent[] = [];
      for (const shard of [0, 1]) {
        const ofShard = records.filter(({ eventID }) => eventID.startsWith(`shardId-00000000000${shard}`));
        for (let at = 0; at < ofShard.length; at += batchSize) {
          events.push({ Records: ofShard.slice(at, at + batchSize) });
        }
      }
      return events;
    });

async function pass(events: readonly KinesisEvent[]): Promise<Span[]> {
  const pipeline = startPipeline();
  for (const event of events) await pipeline.ingest(event);
  await pipeline.runTimers();
  return received(pipeline);
}

describe('the order, repetition and batching of observations change nothing', () => {
  for (const file of ['deployment-create', 'job', 'cronjob', 'drain', 'preemption', 'hpa']) {
    it(file, async () => {
      const observations = await readRecording(`${file}.jsonl`);
      const of = clusterOf(observations);
      const expected = wholeStory(observations, of);
      await checkProperty(
        fc.asyncProperty(deliveries(observations, of), async (events) => {
          expect(await pass(events)).toEqual(expected);
        }),
        12,
      );
    });
  }
});

describe('an owner may come after what it owns', () => {
  const { observations } = rollout(0);
  const expected = wholeStory(observations);
  it('in every order of arrival, an observation a batch', async () => {
    let orders = 0;
    for (const order of permutations(observations)) {
      const events = order.map((observation, index) => recordsOf([[observation]], { first: index + 1 }));
      expect(await pass(events)).toEqual(expected);
      orders += 1;
    }
    expect(orders).toBe(720);
  });

  it('by up to 20 s, in quiet and in between', async () => {
    const gaps = fc.array(fc.integer({ min: 0, max: 19 }), {
      minLength: observations.length,
      maxLength: observations.length,
    });
    const orders = fc.shuffledSubarray(observations, { minLength: observations.length });
    await checkProperty(
      fc.asyncProperty(orders, gaps, async (order, seconds) => {
        const pipeline = startPipeline();
        for (const [index, observation] of order.entries()) {
          // Each within 20 s of the one before, all within the minute that an owner is waited for.
          const wait = Math.min(seconds[index]!, 19 - Math.floor(index * 2));
          await pipeline.runTimers(pipeline.now + wait * 1000);
          pipeline.wait(wait);
          await pipeline.ingest(recordsOf([[observation]], { first: index + 1 }));
        }
        await pipeline.runTimers();
        const spans = received(pipeline);
        expect(spans.map(({ spanId }) => spanId).sort()).toEqual(expected.map(({ spanId }) => spanId).sort());
      }),
      100,
    );
  });
});

describe('a crash before or after any call to a port', () => {
  const { observations } = rollout(0);
  const [deployment, replicaSet, scaling, pod, creation, scheduling] = observations as [
    Observation,
    Observation,
    Observation,
    Observation,
    Observation,
    Observation,
  ];
  const expected = wholeStory(observations);
  /** The pod's first Event before the pod, its owner last: something moves. */
  const events = [
    recordsOf([[scheduling], [creation]], { first: 1 }),
    recordsOf([[pod, replicaSet]], { first: 3 }),
    recordsOf([[deployment, scaling]], { first: 5 }),
  ];
  const passCrashing = async (crash: (call: number) => 'before' | 'after' | undefined) => {
    const pipeline = startPipeline({ crash });
    for (const event of events) await pipeline.ingestUntilDone(event);
    await pipeline.runTimers();
    return { spans: received(pipeline), calls: pipeline.calls };
  };
  let calls = 0;
  beforeAll(async () => {
    calls = (await passCrashing(() => undefined)).calls;
  });

  for (const when of ['before', 'after'] as const) {
    it(`${when} each one, once: the same spans`, async () => {
      expect(calls).toBeGreaterThan(30);
      for (let at = 1; at <= calls; at += 1) {
        const { spans } = await passCrashing((call) => (call === at ? when : undefined));
        expect(spans, `${when} call ${at}`).toEqual(expected);
      }
    });
  }

  it('at random, again and again: the same spans', async () => {
    const crashes = fc.infiniteStream(
      fc.oneof(
        { weight: 14, arbitrary: fc.constant(undefined) },
        { weight: 1, arbitrary: fc.constantFrom('before' as const, 'after' as const) },
      ),
    );
    await checkProperty(
      fc.asyncProperty(crashes, async (stream) => {
        const { spans } = await passCrashing(() => stream.next().value);
        expect(spans).toEqual(expected);
      }),
      100,
    );
  });
});

describe('functions that run at the same time', () => {
  const { observations } = rollout(0);
  const expected = wholeStory(observations);
  const turns = fc.infiniteStream(fc.integer({ min: 0, max: 4 }));
  const orders = fc.shuffledSubarray(observations, { minLength: observations.length });

  /** All timers of the same five seconds at once, until none is left. */
  const runTogether = async (pipeline: Pipeline) => {
    for (let guard = 0; pipeline.timers.length > 0 && guard < 500; guard += 1) {
      const first = Math.min(...pipeline.timers.map(({ dueAt }) => dueAt));
      const [now, later] = [true, false].map((isNow) =>
        pipeline.timers.filter(({ dueAt }) => dueAt <= first + 5000 === isNow),
      );
      pipeline.timers = later!;
      pipeline.now = Math.max(pipeline.now, ...now!.map(({ dueAt }) => dueAt));
      await Promise.all(
        now!.map(async (timer) => {
          for (let attempt = 0; !(await pipeline.settle(timer)); attempt += 1)
            expect(attempt).toBeLessThan(20);
        }),
      );
    }
    expect(pipeline.timers).toEqual([]);
  };

  it('lose nothing and send nothing that contradicts', async () => {
    await checkProperty(
      fc.asyncProperty(orders, turns, fc.boolean(), async (order, stream, isSettledBetween) => {
        const pipeline = startPipeline({
          meanwhile: async () => {
            for (let left = stream.next().value!; left > 0; left -= 1) await nextTurn();
          },
        });
        const events = order.map((observation, index) =>
          recordsOf([[observation]], { shard: index % 3, first: index + 1 }),
        );
        if (isSettledBetween) {
          await pipeline.ingest(events[0]!);
          pipeline.wait(70);
          await Promise.all([
            runTogether(pipeline),
            ...events.slice(1).map((event) => pipeline.ingest(event)),
          ]);
        } else {
          await Promise.all(events.map((event) => pipeline.ingest(event)));
        }
        await runTogether(pipeline);
        expect(
          received(pipeline)
            .map(({ spanId }) => spanId)
            .sort(),
        ).toEqual(expected.map(({ spanId }) => spanId).sort());
      }),
      150,
    );
  });
});

describe('two processes that read two shards at the same time', () => {
  it('miss no owner that the other learns of in the same moment', async () => {
    const observations = await readRecording('cronjob.jsonl');
    const expected = wholeStory(observations);
    const sides = fc.array(fc.boolean(), { minLength: observations.length, maxLength: observations.length });
    await checkProperty(
      fc.asyncProperty(fc.scheduler(), sides, async (scheduler, isLeft) => {
        const store = createMemoryStore(() => left.now);
        let isScheduled = true;
        const settings = {
          store: () => store,
          meanwhile: async () => void (isScheduled && (await scheduler.schedule(Promise.resolve()))),
        };
        const [left, right] = [startPipeline(settings), startPipeline(settings)];
        const read = async (pipeline: Pipeline, shard: number, side: boolean) => {
          const own = observations.filter((_, index) => isLeft[index] === side);
          for (let at = 0; at < own.length; at += 12) {
            await pipeline.ingest(recordsOf([own.slice(at, at + 12)], { shard, first: at + 1 }));
          }
        };
        await scheduler.waitFor(Promise.all([read(left, 0, true), read(right, 1, false)]));
        isScheduled = false;
        left.timers.push(...right.timers);
        await left.runTimers();
        expect(received(left)).toEqual(expected);
      }),
      60,
    );
  });
});

function* permutations<T>(items: readonly T[]): Generator<T[]> {
  if (items.length === 0) yield [];
  for (const [index, item] of items.entries()) {
    for (const rest of permutations(items.toSpliced(index, 1))) yield [item, ...rest];
  }
}
