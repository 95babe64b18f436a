/**
 * What an Event costs where pods are new each, or crash, all day: read and write units do not grow with what came before, for a function
 * that is warm, and for one that remembers nothing. `npm run bench:cost` prints whole days, and what the units are of.
 */
import { describe, expect, it } from 'vitest';
import type { Observation } from '../../../shared/observation.ts';
import type { Counts } from '../../bench/cost/counts.ts';
import { runningFunction, runWorkload } from '../../bench/cost/run-workload.ts';
import { crashLoops } from '../../bench/workloads/crash-loops.ts';
import { rolledDaemonSet } from '../../bench/workloads/daemonset.ts';
import { oneJob, scaledJob } from '../../bench/workloads/jobs.ts';
import { createCountingStore } from './counting-store.ts';

/** Units an Event. */
interface Units {
  ingestReads: number;
  settleReads: number;
  writes: number;
}

/** In each stretch of so many minutes. */
async function measure(
  observations: Iterable<Observation>,
  minutes: number,
  isCold: boolean,
): Promise<Units[]> {
  const counts: Counts = new Map();
  const stretches: Units[] = [];
  let units = { ingestReads: 0, settleReads: 0, writes: 0, events: 0 };
  await runWorkload(observations, {
    counts,
    isCold,
    store: createCountingStore({
      read(some) {
        if (runningFunction() === 'ingest') units.ingestReads += some;
        else units.settleReads += some;
      },
      write(some) {
        units.writes += some;
      },
    }).store,
    emit: async () => {},
    afterIngest(time) {
      if (time < (stretches.length + 1) * minutes * 60_000) return true;
      const events = (counts.get('events') ?? 0) - units.events;
      const { ingestReads, settleReads, writes } = units;
      stretches.push({
        ingestReads: ingestReads / events,
        settleReads: settleReads / events,
        writes: writes / events,
      });
      units = { ingestReads: 0, settleReads: 0, writes: 0, events: units.events + events };
      return true;
    },
  });
  return stretches;
}

interface Case {
  name: string;
  observations: () => Iterable<Observation>;
  minutes: number;
  /** Of the last stretch. */
  warm: { reads: number; writes: number };
  cold: { reads: number; writes: number };
}

const cases: Case[] = [
  {
    name: 'a Job with a new pod each 20 s',
    observations: () => oneJob(1.55),
    minutes: 30,
    warm: { reads: 2.6, writes: 1.5 },
    cold: { reads: 6, writes: 1.8 },
  },
  {
    name: 'a ScaledJob with a new Job and pod each 20 s',
    observations: () => scaledJob(1.05),
    minutes: 20,
    warm: { reads: 2.6, writes: 1.5 },
    cold: { reads: 5, writes: 1.7 },
  },
  {
    name: 'a DaemonSet rolled over 200 nodes',
    observations: () => rolledDaemonSet(200),
    minutes: 10,
    warm: { reads: 2, writes: 1 },
    cold: { reads: 5, writes: 1.2 },
  },
  {
    name: '20 pods of one root that crash',
    observations: () => crashLoops(20, 2.05),
    minutes: 40,
    warm: { reads: 11, writes: 2.6 },
    cold: { reads: 15, writes: 3.2 },
  },
];

describe.each(cases)('$name', ({ observations, minutes, ...most }) => {
  it.each(['warm', 'cold'] as const)(
    'a function that is %s',
    async (kind) => {
      const stretches = await measure(observations(), minutes, kind === 'cold');
      const [before, last] = stretches.slice(-2) as [Units, Units];
      expect(last.ingestReads).toBeLessThan(1.1 * before.ingestReads + 0.02);
      expect(last.settleReads).toBeLessThan(1.4 * before.settleReads);
      expect(last.ingestReads + last.settleReads).toBeLessThan(most[kind].reads);
      expect(last.writes).toBeLessThan(most[kind].writes);
    },
    120_000,
  );
});
