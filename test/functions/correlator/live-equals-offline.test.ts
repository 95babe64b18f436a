/**
 * What the pipeline sends, piece by piece, is what one look at everything tells: of each recording of a real cluster, and of
 * each case as others write it. And whatever comes late, the traces stay whole.
 */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { defaultThresholds } from '../../../functions/correlator/thresholds.ts';
import { clusterOf } from '../../../infra/local/read-recording.ts';
import { inGroups } from '../../../shared/in-groups.ts';
import type { Observation } from '../../../shared/observation.ts';
import type { Span } from '../../../shared/span.ts';
import { checkProperty } from '../../check-property.ts';
import { recorded, recordingFiles } from '../../read-recordings.ts';
import { startLive } from './arrivals.ts';
import { brokenIn } from './broken-traces.ts';
import { stories } from './causality/arbitrary-stories.ts';
import { type Pipeline, received, recordsOf, startPipeline, wholeStory } from './pipeline.ts';

const offline = (observations: readonly Observation[]): Span[] =>
  wholeStory(observations, clusterOf(observations));

const timesOf = (observations: readonly Observation[]): number[] =>
  observations.map(({ observedAt }) => Date.parse(observedAt));

/** All of it is there before anybody looks, so many observations a record. */
async function passAtOnce(observations: readonly Observation[], recordSize: number): Promise<Pipeline> {
  const last = timesOf(observations).reduce((a, b) => Math.max(a, b), 0);
  // Some of them tell of what was days before: nothing is too old.
  const ages = { retention: 100 * 365 * 24 * 3600, afterTrace: 100 * 365 * 24 * 3600 };
  const thresholds = { ...defaultThresholds, ...ages };
  const pipeline = startPipeline({ start: last + 1000, thresholds });
  for (const [index, group] of inGroups(observations, recordSize).entries()) {
    const shard = index % 2;
    const of = clusterOf(observations);
    await pipeline.ingest(recordsOf([group], { first: index + 1, shard, of }));
  }
  await pipeline.runTimers();
  return pipeline;
}

/** Each at its time, a batch a second, by the wall clock: activities settle in between. */
async function passLive(observations: readonly Observation[], times: readonly number[]): Promise<Pipeline> {
  const arrivals = observations.map((observation, index) => ({ observation, at: times[index]! }));
  const bySecond = Map.groupBy(
    arrivals.sort((a, b) => a.at - b.at),
    ({ at }) => Math.floor(at / 1000) * 1000 + 1200,
  );
  const pipeline = startLive({ start: arrivals[0]?.at ?? 0 });
  const of = clusterOf(observations);
  let first = 1;
  for (const [at, batch] of bySecond) {
    await pipeline.runTimers(at);
    pipeline.now = Math.max(pipeline.now, at);
    await pipeline.ingest(recordsOf([batch.map(({ observation }) => observation)], { first: first++, of }));
  }
  await pipeline.runTimers();
  return pipeline;
}

describe('what has come before anybody looks', () => {
  it.each(recorded)('$file, in order', async ({ read }) => {
    const observations = await read();
    const pipeline = await passAtOnce(observations, 7);
    expect(received(pipeline)).toEqual(offline(observations));
    // Each by one activity only, whoever else assembled it. Whatever was merged has a timer of its own, which sends it once more.
    const merges = pipeline.remarks.filter(({ kind }) => kind === 'merged').length;
    expect(pipeline.sends.flat().length).toBeLessThanOrEqual(received(pipeline).length * (1 + merges));
  });

  it.each(recorded)('$file, in any order', async ({ read }) => {
    const observations = await read();
    const expected = offline(observations);
    const orders = fc.shuffledSubarray(observations, { minLength: observations.length });
    await checkProperty(
      fc.asyncProperty(orders, fc.integer({ min: 1, max: 40 }), async (order, recordSize) => {
        expect(received(await passAtOnce(order, recordSize))).toEqual(expected);
      }),
      1,
    );
  });
});

it('stories that nobody recorded, in any order: what has come before anybody looks', async () => {
  const orders = stories.chain((story) => fc.shuffledSubarray(story, { minLength: story.length }));
  await checkProperty(
    fc.asyncProperty(orders, async (order) => {
      expect(received(await passAtOnce(order, 9))).toEqual(offline(order));
    }),
    60,
  );
});

/** A verdict is told when it is known: what comes a minute after it lengthens the whole for one who looks at everything only. */
const lengthened: ReadonlySet<string> = new Set([
  'crash-loop.jsonl',
  'oom-killed.jsonl',
  'scale-down-up.jsonl',
]);

describe('what settles while it comes', () => {
  // Of the cases those that are recordings: each observation has its time.
  const live = recorded.filter(({ file }) => recordingFiles.includes(file) || file.startsWith('g'));
  it.each(live)('$file', async ({ file, read }) => {
    const observations = await read();
    const pipeline = await passLive(observations, timesOf(observations));
    const withoutEnd = ({ endTimeUnixNano: _, ...span }: Span) => {
      const { 'rootspan.change.errors': __, ...attributes } = span.attributes;
      return { ...span, attributes };
    };
    const [told, expected] = [received(pipeline), offline(observations)];
    if (lengthened.has(file)) expect(told.map(withoutEnd)).toEqual(expected.map(withoutEnd));
    else expect(told).toEqual(expected);
  });
});

describe('what comes late, by up to two minutes', () => {
  const delay = fc.oneof(
    { weight: 8, arbitrary: fc.constant(0) },
    { weight: 1, arbitrary: fc.integer({ min: 0, max: 120_000 }) },
  );
  it.each(recorded)('$file: every trace is whole', async ({ read }) => {
    const observations = await read();
    const times = timesOf(observations);
    const { length } = times;
    await checkProperty(
      fc.asyncProperty(fc.array(delay, { minLength: length, maxLength: length }), async (delays) => {
        const spans = received(
          await passLive(
            observations,
            times.map((time, index) => time + delays[index]!),
          ),
        );
        expect(brokenIn(spans)).toEqual([]);
      }),
      1,
    );
  });
});
