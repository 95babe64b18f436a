/** `rootspan start`: whatever goes wrong with a picture, the traces are there. */
import { mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, expect, it } from 'vitest';
import { startCommand } from '../../../infra/local/start.ts';
import { recordingPath } from '../../read-recordings.ts';
import { captureCommand } from '../../support/capture-command.ts';

const folder = mkdtempSync(join(tmpdir(), 'rootspan-start-'));
afterAll(() => rmSync(folder, { recursive: true }));
afterEach(() => {
  process.exitCode = undefined;
});

const start = (workingDirectory: string) =>
  captureCommand((context) => startCommand(context, [recordingPath('job.jsonl')]), workingDirectory);

it('draws the traces and writes their page', async () => {
  const { stdout, exit } = await start(folder);
  expect(stdout).toMatch(
    /Job\.Create [\s\S]*\n1 trace, 17 spans\. Look at them: file:\/\/\/\S+\/rootspan-traces\.html\n$/,
  );
  expect(readFileSync(join(folder, 'rootspan-traces.html'), 'utf8')).toContain('Job.Create');
  expect(exit).toBe(0);
});

it('where the page cannot be written, the spans are in a file', async () => {
  const own = join(folder, 'own');
  // A folder stands where the page should go.
  mkdirSync(join(own, 'rootspan-traces.html'), { recursive: true });
  const { stdout, stderr, exit } = await start(own);
  expect(stderr).toMatch(/the picture failed \(EISDIR[^\n]*\); the spans are in \S+rootspan-traces\.json\n$/);
  expect(stdout).toMatch(/1 trace, 17 spans\. They are in /);
  expect(JSON.parse(readFileSync(join(own, 'rootspan-traces.json'), 'utf8'))).toHaveLength(17);
  expect(exit).toBe(1);
});
