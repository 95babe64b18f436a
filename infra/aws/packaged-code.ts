/** Of the package: the functions were bundled when it was made (build-package.ts), and lie beside this file. */
import { cpSync } from 'node:fs';
import { join } from 'node:path';
import { functionFolder } from './function-folder.ts';

export function writeFunction(entry: string, folder: string): void {
  cpSync(join(import.meta.dirname, functionFolder(entry)), folder, { recursive: true });
}

export const commandLine = 'npx rootspan';
