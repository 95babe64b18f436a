/** What is true of the workflows as texts; test/e2e/workflows.test.ts lints them. They run nowhere but where the project is hosted. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';

const root = resolve(import.meta.dirname, '../../..');
const folder = join(root, '.github/workflows');

interface Workflow {
  permissions: object;
  jobs: Record<
    string,
    { permissions: object; 'timeout-minutes': number; steps: { uses?: string; run?: string }[] }
  >;
}

describe.each(readdirSync(folder))('%s', (file) => {
  const text = readFileSync(join(folder, file), 'utf8');
  const { permissions, jobs } = parse(text) as Workflow;
  const steps = Object.values(jobs).flatMap((job) => job.steps);

  it('runs the actions of others by commit, and says which version that is', () => {
    const used = text.split('\n').filter((line) => /^\s*(?:- )?uses:/.test(line));
    expect(used.length).toBeGreaterThan(0);
    expect(used.filter((line) => !/uses: [\w-]+\/[\w-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+$/.test(line))).toEqual(
      [],
    );
  });

  it('may do nothing but what each job says, for a time', () => {
    expect(permissions).toEqual({});
    for (const job of Object.values(jobs)) {
      expect(Object.keys(job.permissions)).toContain('contents');
      expect(job['timeout-minutes']).toBeLessThanOrEqual(60);
    }
  });

  it('runs files that there are, and lets no expression into a script', () => {
    const scripts = steps.flatMap(({ run }) => run ?? []);
    const files = scripts.flatMap((script) => script.match(/(?:infra|\.ci)\/[\w/.-]+/g) ?? []);
    expect(files.filter((path) => !existsSync(join(root, path)))).toEqual([]);
    expect(scripts.filter((script) => script.includes('${{'))).toEqual([]);
  });
});
