/** The workflows cannot run here. Their syntax, their expressions and what actions take can be checked. */
import { spawnSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { expect, it } from 'vitest';
import { installActionlint } from './install-actionlint.ts';

const folder = resolve(import.meta.dirname, '../../.github/workflows');
const files = readdirSync(folder);

function lint(text: string): string {
  // Shell scripts are checked as well, where shellcheck is there.
  const { stdout, stderr, error } = spawnSync(installActionlint(), ['-no-color', '-oneline', '-'], {
    input: text,
    encoding: 'utf8',
  });
  if (error !== undefined) throw error;
  return stdout + stderr;
}

it.each(files)('%s has no findings', (file) => {
  expect(lint(readFileSync(join(folder, file), 'utf8'))).toBe('');
});

it('a slip is a finding', () => {
  const release = readFileSync(join(folder, 'release.yml'), 'utf8');
  expect(lint(release.replace('needs.image.outputs.digest', 'needs.images.outputs.digest'))).toContain(
    'images',
  );
  expect(lint(release.replace('needs: image', 'needs: picture'))).toContain('picture');
});
