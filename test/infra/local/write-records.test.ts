import { copyFileSync, existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, it } from 'vitest';
import { explain } from '../../../infra/local/explain.ts';
import { createRecordWriter } from '../../../infra/local/write-records.ts';
import type { ChangeRecord } from '../../../shared/change-record.ts';
import { readRecording, recordingPath } from '../../read-recordings.ts';

const folder = mkdtempSync(join(tmpdir(), 'rootspan-records-'));
afterAll(() => rmSync(folder, { recursive: true }));

const linesOf = (file: string): ChangeRecord[] =>
  readFileSync(file, 'utf8')
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line));

it('writes each record once, in order of time, as soon as its root is there', async () => {
  const spans = explain(await readRecording('bad-image.jsonl'));
  const roots = spans.filter(({ attributes }) => attributes['rootspan.change.outcome'] !== undefined);
  const file = join(folder, 'records.jsonl');
  const records = createRecordWriter(file, 'records.jsonl', { traceUrl: 'https://x/{traceId}' });
  await records.open();
  expect(linesOf(file)).toEqual([]);
  await records.add(roots.slice(1));
  await records.add(spans);
  const lines = linesOf(file);
  const sorted = (some: readonly string[]) => some.toSorted();
  expect(sorted(lines.map(({ trace }) => trace.traceId))).toEqual(
    sorted(roots.map(({ traceId }) => traceId)),
  );
  expect(lines.every(({ trace }) => trace.url === `https://x/${trace.traceId}`)).toBe(true);
  const [first, second] = lines.map(({ time }) => time);
  expect(first! < second!).toBe(true);
});

it('a file that cannot be written is the user’s to put right', () =>
  expect(
    createRecordWriter(join(folder, 'nowhere', 'records.jsonl'), 'nowhere/records.jsonl', {}).open(),
  ).rejects.toThrow('--records nowhere/records.jsonl: cannot be written (ENOENT)'));

it('what has not ended is written between, a line of its own', async () => {
  const spans = explain(await readRecording('bad-image.jsonl'));
  const file = join(folder, 'stalled.jsonl');
  const records = createRecordWriter(file, 'stalled.jsonl', {});
  await records.open();
  records.tell({ id: 'stuck' });
  await records.add(spans);
  expect(linesOf(file).map(({ id }) => id)[0]).toBe('stuck');
  expect(linesOf(file).length).toBeGreaterThan(2);
});

it('a file that is there is continued: nothing of it is lost, and nothing written twice', async () => {
  const spans = explain(await readRecording('bad-image.jsonl'));
  const file = join(folder, 'continued.jsonl');
  const run = async (some: typeof spans) => {
    const records = createRecordWriter(file, 'continued.jsonl', {});
    await records.open();
    await records.add(some);
  };
  await run(spans.slice(0, 1));
  const [first] = linesOf(file);
  await run(spans);
  const all = readFileSync(file, 'utf8');
  expect(linesOf(file)[0]).toEqual(first);
  expect(linesOf(file).length).toBeGreaterThan(1);
  await run(spans);
  expect(readFileSync(file, 'utf8')).toBe(all);
});

it('a file of something else stays as it is', async () => {
  const file = join(folder, 'recording.jsonl');
  copyFileSync(recordingPath('job.jsonl'), file);
  await expect(createRecordWriter(file, 'recording.jsonl', {}).open()).rejects.toThrow(
    '--records recording.jsonl:1: no change record',
  );
  expect(readFileSync(file)).toEqual(readFileSync(recordingPath('job.jsonl')));
});

it('what is never opened makes no file', async () => {
  const file = join(folder, 'unopened.jsonl');
  createRecordWriter(file, 'unopened.jsonl', {});
  expect(existsSync(file)).toBe(false);
});
