/** The command as a user meets it: what it prints, what it says, how it ends. */
import { afterEach, describe, expect, it } from 'vitest';
import type { Progress } from '../../../../infra/local/run-command.ts';
import { simulate } from '../../../../infra/local/simulate/simulate.ts';
import { simulateCommand } from '../../../../infra/local/simulate/simulate-command.ts';
import { recordingPath } from '../../../read-recordings.ts';
import { captureCommand } from '../../../support/capture-command.ts';

const recording = recordingPath('job.jsonl');

afterEach(() => {
  process.exitCode = undefined;
});

const run = (args: string[], how?: typeof simulate) =>
  captureCommand((context) => simulateCommand(context, args, how));

describe('rootspan simulate', () => {
  it('prints each span as the backend got it, and ends with 0', async () => {
    const { stdout, stderr, exit } = await run([recording, '--format', 'jsonl']);
    const lines = stdout.trimEnd().split('\n');
    expect(lines).toHaveLength(17);
    const [first] = lines.map((line) => JSON.parse(line));
    expect(Object.keys(first)).toEqual(['deliveredAt', 'span']);
    expect(first.span.name).toMatch(/^(Job|Pod)\./);
    expect([stderr, exit]).toEqual(['', 0]);
  });

  it('prints the same bytes for the same seed, and figures as text or JSON', async () => {
    const args = [recording, '--faults', 'all', '--seed', '2', '--format', 'json'];
    const { stdout } = await run(args);
    expect((await run(args)).stdout).toBe(stdout);
    expect(JSON.parse(stdout)).toMatchObject({ seed: 2, faults: 'all', spans: { lost: 0 } });
    expect((await run([recording])).stdout).toMatch(
      /^A million Events, reckoned from these \d+ +quantity +dollars$/m,
    );
  });

  it('says what was lost, and ends with 1', async () => {
    const losing: typeof simulate = (clusters, settings) =>
      simulate(clusters, {
        ...settings,
        wrapPorts: (ports) => ({
          ...ports,
          spansQueue: {
            send: (spans) => ports.spansQueue.send(spans.filter(({ name }) => name !== 'Job.Completed')),
          },
        }),
      });
    const { stderr, exit } = await run([recording], losing);
    expect(stderr).toMatch(/^rootspan: lost: Job\.Completed [0-9a-f]{16} of trace [0-9a-f]{32}\n$/);
    expect(exit).toBe(1);
  });

  it('says of activities that never settled on a calm day, and not where functions die before they say so', async () => {
    expect((await run([recording])).stdout).toMatch(/^ {2}activities never settled +0$/m);
    expect((await run([recording, '--faults', 'all'])).stdout).not.toContain('never settled');
  });

  it('shows how far its clock is', async () => {
    const shown: string[] = [];
    const progress: Progress = { show: (stage, detail) => shown.push(`${stage} ${detail}`), end: () => {} };
    await captureCommand((context) => simulateCommand({ ...context, progress }, [recording]));
    const times = shown.flatMap(
      (line) => /^simulating (\S+ \S+) UTC \(the input ends at /.exec(line)?.[1] ?? [],
    );
    expect(new Set(times).size).toBeGreaterThan(10);
    expect(times).toEqual(times.toSorted());
  });

  it.each([
    [['none.jsonl'], 'none.jsonl: no such file; check the path'],
    [[], /^no file to simulate; rootspan simulate --help/],
    [[recording, '--seed', 'x'], '--seed x: not a seed; write a whole number'],
    [[recording, '--partitions', '65'], '--partitions 65: not so many; write a number from 1 to 64'],
    [[recording, '--faults', 'some'], '--faults some: no such faults; choose none, all'],
    [[recording, '--format', 'xml'], '--format xml: no such format; choose report, json, jsonl'],
    [[recording, '--rules', ''], /^--rules: its FILE is empty; /],
    [[recording, '--speed', '2'], '--speed: simulate has no such option; is --seed meant?'],
  ])('%j is one line', async (args, message) => {
    await expect(run(args)).rejects.toThrow(message);
  });
});
