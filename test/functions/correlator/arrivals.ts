/** Observations that arrive at their times, with the timers that are due in between. */
import type { Observation } from '../../../shared/observation.ts';
import { atSecond } from './causality/cluster-story.ts';
import { type Pipeline, type PipelineSettings, recordsOf, startPipeline } from './pipeline.ts';

export const noon = Number(atSecond(0) / 1_000_000n);

/** What one record brings, so many seconds after noon. */
export interface Arrival {
  at: number;
  told: readonly Observation[];
}

/** Assembles by the time that it is, as in AWS. */
export const startLive = (settings: PipelineSettings = {}): Pipeline =>
  startPipeline({ start: noon, assemblyClock: (now) => BigInt(now) * 1_000_000n, ...settings });

/** `before`: what is to happen before each ingest. */
export async function arrive(
  pipeline: Pipeline,
  arrivals: Iterable<Arrival>,
  before: (at: number) => void = () => {},
): Promise<void> {
  for (const { at, told } of arrivals) {
    await runUntil(pipeline, noon + at * 1000);
    pipeline.now = Math.max(pipeline.now, noon + at * 1000);
    before(at);
    await pipeline.ingestUntilDone(recordsOf([told], { first: Math.round(at * 10) + 1 }));
  }
}

/** Many timers may be due in one silence. */
export async function runUntil(pipeline: Pipeline, until: number): Promise<void> {
  const isDue = () => pipeline.timers.some(({ dueAt }) => dueAt <= until);
  while (isDue())
    await pipeline.runTimers(Math.min(until, Math.max(...pipeline.timers.map(({ dueAt }) => dueAt))));
}
