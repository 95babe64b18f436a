/**
 * The pipeline as AWS would run it, on what a real cluster said: on a calm day it gives what `explain` says; whatever AWS does
 * to it, nothing is lost and nothing contradicted.
 */
import fc from 'fast-check';
import { describe, expect, inject, it } from 'vitest';
import type { Ports } from '../../../../functions/correlator/ports.ts';
import type { ClusterObservations } from '../../../../infra/local/read-clusters.ts';
import { clusterOf } from '../../../../infra/local/read-recording.ts';
import { measure } from '../../../../infra/local/simulate/measure.ts';
import { renderReport } from '../../../../infra/local/simulate/report.ts';
import { isSound, type Simulated, simulate } from '../../../../infra/local/simulate/simulate.ts';
import { checkProperty } from '../../../check-property.ts';
import { caseFiles, readCase, readRecording, recordingFiles } from '../../../read-recordings.ts';
import { expectSound, failuresOf, seeds } from './seeds.ts';

const isSoak = inject('soak') > 1;

async function recorded(file: string): Promise<ClusterObservations[]> {
  const observations = await (caseFiles.includes(file) ? readCase(file) : readRecording(file));
  return [{ cluster: clusterOf(observations), observations }];
}

const linesOf = ({ deliveries }: Simulated): string[] => deliveries.map((each) => JSON.stringify(each));

describe('on a calm day', () => {
  const files = isSoak
    ? recordingFiles
    : recordingFiles.filter((file) =>
        /^(drain|job|gitops|deployment-image-update|hpa|crash-loop|tekton-pipeline-runs)\.jsonl$/.test(file),
      );
  it.each(files)('%s: the spans of explain, but for ends', async (file) => {
    const simulated = await simulate(await recorded(file), { seed: 1, faults: 'none' });
    const { different, unknown, repeated } = simulated.verdict;
    const { length } = simulated.deliveries;
    expect(failuresOf(simulated)).toEqual([]);
    // What comes after a root lengthens it, and is counted on it, only for one who looks at everything.
    const isLate = (name: string) => name === 'endTimeUnixNano' || name === 'rootspan.change.errors';
    expect(different.filter(({ differs }) => !differs.every(isLate))).toEqual([]);
    expect(unknown).toEqual([]);
    // Only what was committed in the two seconds, by which clocks may differ, before a timer was sent.
    expect(repeated).toBeLessThan(length / 3);
    expect(simulated.runs.flatMap(({ neverSettled }) => neverSettled)).toEqual([]);
  });

  it('nothing there: nothing said', async () => {
    const simulated = await simulate([], { seed: 1, faults: 'none' });
    expect(simulated.deliveries).toEqual([]);
    expect(isSound(simulated)).toBe(true);
  });

  it('tells what it would cost and how late it is', async () => {
    const clusters = await recorded('deployment-scale.jsonl');
    const settings = { seed: 1, faults: 'none' } as const;
    const figures = measure(clusters, await simulate(clusters, settings), settings);
    expect(figures.latency.complete!.p50).toBeGreaterThan(10);
    expect(figures.latency.complete!.max).toBeLessThan(120);
    expect(figures.dollarsPerMillionEvents).toBeGreaterThan(0.1);
    expect(figures.dollarsPerMillionEvents).toBeLessThan(5);
    const sum = Object.values(figures.price).reduce((total, { dollars }) => total + dollars, 0);
    expect(figures.dollarsPerMillionEvents).toBeCloseTo(sum);
    const report = renderReport(figures);
    expect(report).toMatch(/^ {2}complete +\d/m);
    expect(report).toMatch(/^ {2}lost +0$/m);
  });
});

describe('the same seed', () => {
  it('gives the same bytes, another one another run', async () => {
    const clusters = await recorded('drain.jsonl');
    const run = async (seed: number) => {
      const steps: string[] = [];
      const tell = (line: string) => void steps.push(line);
      const simulated = await simulate(clusters, { seed, faults: 'all', tell });
      return { lines: linesOf(simulated), steps };
    };
    const first = await run(7);
    expect(await run(7)).toEqual(first);
    expect((await run(8)).steps).not.toEqual(first.steps);
  });
});

describe('a mistake in the correlator is found', () => {
  const breaking = async (wrapPorts: (ports: Ports) => Ports) =>
    (await simulate(await recorded('job.jsonl'), { seed: 1, faults: 'none', wrapPorts })).verdict;

  it('what is not sent is lost', async () => {
    const verdict = await breaking((ports) => ({
      ...ports,
      spansQueue: {
        send: (spans) => ports.spansQueue.send(spans.filter(({ name }) => name !== 'Job.Completed')),
      },
    }));
    expect(verdict.lost.map(({ name }) => name)).toEqual(['Job.Completed']);
  });

  it('what is sent again otherwise is a contradiction', async () => {
    const verdict = await breaking((ports) => ({
      ...ports,
      spansQueue: {
        async send(spans) {
          await ports.spansQueue.send(spans);
          await ports.spansQueue.send(spans.slice(0, 1).map((span) => ({ ...span, name: 'Job.Other' })));
        },
      },
    }));
    expect(verdict.contradicted.map(({ differs }) => differs)).toEqual([['name']]);
  });

  it('so is a child whose parent is elsewhere', async () => {
    const verdict = await breaking((ports) => ({
      ...ports,
      spansQueue: {
        send: (spans) =>
          ports.spansQueue.send(
            spans.map((span) => (span.parentSpanId === null ? { ...span, traceId: 'f'.repeat(32) } : span)),
          ),
      },
    }));
    expect(verdict.orphans.length).toBeGreaterThan(0);
    expect(new Set(verdict.orphans.map(({ why }) => why))).toEqual(new Set(['parent in another trace']));
  });
});

describe('whatever AWS does', () => {
  const sound = (file: string, runs: number) =>
    checkProperty(
      fc.asyncProperty(seeds, async (seed) => expectSound(await recorded(file), seed)),
      runs,
    );
  const ten = [
    'deployment-image-update.jsonl',
    'drain.jsonl',
    'job.jsonl',
    'gitops.jsonl',
    'statefulset.jsonl',
    'hpa.jsonl',
    'crash-loop.jsonl',
    'cronjob.jsonl',
    'node-lost-and-removed.jsonl',
    'three-applies-1s-apart.jsonl',
  ];
  const all = [...recordingFiles, ...caseFiles];
  if (isSoak) {
    it.each(ten)('%s, a thousand seeds', (file) => sound(file, 1000 / inject('soak')));
    it.each(all)('%s, twenty seeds', (file) => sound(file, 20 / inject('soak')));
  } else {
    it.each(all)('%s, two seeds', (file) => sound(file, 2));
  }
});
