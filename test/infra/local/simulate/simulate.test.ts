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
import { describeFailures } from '../../../../infra/local/simulate/verify.ts';
import { checkProperty } from '../../../check-property.ts';
import { event, rollout, snapshot } from '../../../functions/correlator/causality/cluster-story.ts';
import { caseFiles, readCase, readRecording, recordingFiles } from '../../../read-recordings.ts';

const isSoak = inject('soak') > 1;

async function recorded(file: string): Promise<ClusterObservations[]> {
  const observations = await (caseFiles.includes(file) ? readCase(file) : readRecording(file));
  return [{ cluster: clusterOf(observations), observations }];
}

/** What somebody has to know of a run that is not sound. */
const failuresOf = (simulated: Simulated): string[] => [
  ...describeFailures(simulated.verdict),
  ...(isSound(simulated) ? [] : ['not sound']),
];

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
    expect(failuresOf(simulated)).toEqual([]);
    expect(different.filter(({ differs }) => differs.join() !== 'endTimeUnixNano')).toEqual([]);
    expect(unknown).toEqual([]);
    expect(repeated).toBe(0);
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
    expect(figures.latency.complete!.p50).toBeGreaterThan(20);
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

/**
 * Skipped until what says that a span was sent lives as long as what can tell of it again: spans of yesterday come a second time,
 * more than a hundred of them under other parents or with other times.
 */
it.skip('a crash loop of half an hour, and the next Event of the same pod a day later', async () => {
  const { observations, pod } = rollout(0);
  const loop = Array.from({ length: 143 }, (_, turn) => {
    const [second, count] = [15 * (turn + 1), turn + 1];
    const noise = `${Math.sin(second)}${'x'.repeat(300)}`;
    return [
      event(second, pod, 'Started', 'Started container', { uid: 'started', count }),
      event(second + 1, pod, 'BackOff', `Back-off ${noise}`, { uid: 'back-off', count, type: 'Warning' }),
    ];
  });
  const nextDay = 86_400 + 900;
  const again = observations.filter(({ type }) => type === 'object');
  const cluster = { uid: 'c1', name: 'test' };
  const story = [
    ...observations,
    ...loop.flat(),
    ...again.map((each) => ({ ...each, observedAt: snapshot(nextDay, pod).observedAt })),
    event(nextDay + 1, pod, 'Killing', 'Stopping container'),
  ];
  const simulated = await simulate([{ cluster, observations: story }], { seed: 1, faults: 'none' });
  expect(failuresOf(simulated)).toEqual([]);
  expect(simulated.verdict.repeated).toBe(0);
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

/** Any as likely as the next; and a smaller one that fails says no more. */
const seeds = fc.noShrink(fc.noBias(fc.nat()));

describe('whatever AWS does', () => {
  const sound = (file: string, runs: number) =>
    checkProperty(
      fc.asyncProperty(seeds, async (seed) => {
        const simulated = await simulate(await recorded(file), { seed, faults: 'all' });
        expect(failuresOf(simulated), `--faults all --seed ${seed}`).toEqual([]);
      }),
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
  it.skipIf(isSoak).each(ten)('%s, two seeds', (file) => sound(file, 2));

  /**
   * Skipped until settle holds what it promises (then `runIf(isSoak)`): some seeds of a thousand lose spans. A timer is handed out twice at once; the one
   * postpones, is done and so deletes it; the other has written down what it sends (a cut), and then dies or cannot send.
   */
  it.skip.each(ten)('%s, a thousand seeds', (file) => sound(file, 1000 / inject('soak')));
  it.skip.each([...recordingFiles, ...caseFiles])('%s, twenty seeds', (file) =>
    sound(file, 20 / inject('soak')),
  );
});
