/** A linter of workflows, which the registries of this project carry as a module of Go only. */
import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const version = '1.7.12';

/** What to run: it is built beside the system's temporary files, at the first run. */
export function installActionlint(): string {
  const folder = join(tmpdir(), `rootspan-actionlint-${version}`);
  const program = join(folder, 'actionlint');
  if (!existsSync(program)) {
    execFileSync('go', ['install', `github.com/rhysd/actionlint/cmd/actionlint@v${version}`], {
      env: { ...process.env, GOBIN: folder },
      stdio: ['ignore', 'ignore', 'inherit'],
    });
  }
  return program;
}
