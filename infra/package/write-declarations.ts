/** The types of `rootspan/aws`, by the compiler: index.ts and what it speaks of. */
import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';

const root = resolve(import.meta.dirname, '../..');
const described = ['index', 'settings'];

export function writeDeclarations(folder: string): void {
  const emitted = mkdtempSync(join(tmpdir(), 'rootspan-declarations-'));
  try {
    const options = ['--project', root, '--noEmit', 'false', '--declaration', '--emitDeclarationOnly'];
    execFileSync(join(root, 'node_modules/.bin/tsc'), [...options, '--outDir', emitted], {
      stdio: 'inherit',
    });
    mkdirSync(folder, { recursive: true });
    for (const name of described) {
      const text = readFileSync(join(emitted, `infra/aws/${name}.d.ts`), 'utf8');
      // Of a user's project the compiler looks for the declarations of what runs.
      writeFileSync(join(folder, `${name}.d.ts`), text.replace(/ from '(\.\/[\w-]+)\.ts'/g, " from '$1.js'"));
    }
  } finally {
    rmSync(emitted, { recursive: true });
  }
}
