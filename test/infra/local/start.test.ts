/** `rootspan start`: whatever goes wrong with a picture, the traces are there. */
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
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

/** A folder stands where the page should go. */
function withoutRoom(name: string, ...more: string[]): string {
  for (const file of ['rootspan-traces.html', ...more])
    mkdirSync(join(folder, name, file), { recursive: true });
  return join(folder, name);
}

it('where the page cannot be written, it is in a temporary folder', async () => {
  const { stdout, stderr, exit } = await start(withoutRoom('one'));
  expect(stderr).toMatch(/\nrootspan: the page cannot be written \(EISDIR[^\n]*\)\n$/);
  const [, page] = /1 trace, 17 spans\. Look at them: (\S+)\n$/.exec(stdout) ?? [];
  expect(readFileSync(new URL(page!), 'utf8')).toContain('Job.Create');
  rmSync(new URL('.', page), { recursive: true });
  expect(exit).toBe(0);
});

describe('where no temporary folder can be written either', () => {
  beforeEach(() => vi.stubEnv('TMPDIR', join(folder, 'nowhere')));
  afterEach(() => vi.unstubAllEnvs());

  it('the spans are in a file', async () => {
    const own = withoutRoom('two');
    const { stdout, stderr, exit } = await start(own);
    expect(stderr).toMatch(/the page cannot be written \(EISDIR.*\n.*the page cannot be written \(ENOENT/);
    expect(stdout).toMatch(/1 trace, 17 spans\. They are in /);
    expect(JSON.parse(readFileSync(join(own, 'rootspan-traces.json'), 'utf8'))).toHaveLength(17);
    expect(exit).toBe(1);
  });

  it('and no file anywhere: they are on standard output', async () => {
    const { stdout, stderr, exit } = await start(join(folder, 'nowhere'));
    expect(stderr).toMatch(/no file can be written; 1 trace, 17 spans are on standard output, as JSON\n$/);
    expect(JSON.parse(stdout.slice(stdout.indexOf('\n[\n')))).toHaveLength(17);
    expect(exit).toBe(1);
  });
});

describe('--records', () => {
  const recording = join(folder, 'mine.jsonl');
  beforeAll(() => copyFileSync(recordingPath('job.jsonl'), recording));
  const startWith = (...args: string[]) => captureCommand((context) => startCommand(context, args), folder);

  it('does not go into what is read, whatever that is called', async () => {
    symlinkSync(recording, join(folder, 'link.jsonl'));
    for (const file of ['mine.jsonl', './mine.jsonl', 'link.jsonl'])
      await expect(startWith('mine.jsonl', '--records', file)).rejects.toThrow(
        `--records ${file}: is what is to be read; name another file`,
      );
    expect(readFileSync(recording)).toEqual(readFileSync(recordingPath('job.jsonl')));
  });

  it('makes no file where the input is none', async () => {
    writeFileSync(join(folder, 'none.jsonl'), 'hello world\n');
    await expect(startWith('none.jsonl', '--records', 'changes.jsonl')).rejects.toThrow('none.jsonl:1');
    expect(existsSync(join(folder, 'changes.jsonl'))).toBe(false);
  });
});
