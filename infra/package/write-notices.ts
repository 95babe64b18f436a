/** Whose code is in the package: libraries' licences want to go where their code goes. */
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Metafile } from 'esbuild';

/** @param file what is written: a paragraph for each library of which something is in one of the bundles */
export function writeNotices(root: string, bundles: readonly Metafile[], file: string): void {
  const folders = new Set<string>();
  for (const { outputs } of bundles)
    for (const { inputs } of Object.values(outputs))
      for (const [input, { bytesInOutput }] of Object.entries(inputs)) {
        const [, folder] = /((?:.*\/)?node_modules\/(?:@[^/]+\/)?[^/]+)\//.exec(input) ?? [];
        if (folder !== undefined && bytesInOutput > 0) folders.add(folder);
      }
  // Many share a text word for word.
  const byText = Map.groupBy([...folders].sort(), (folder) => licenceOf(join(root, folder)));
  const notices = [...byText].map(
    ([text, those]) => `${those.map((folder) => `${nameOf(join(root, folder))}\n`).join('')}\n${text}`,
  );
  writeFileSync(file, notices.sort().join(`\n${'-'.repeat(80)}\n\n`));
}

function nameOf(folder: string): string {
  const { name, version, license } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')) as {
    name: string;
    version: string;
    license?: string;
  };
  return `${name} ${version} (${license ?? 'as below'})`;
}

const licenceOf = (folder: string): string =>
  readdirSync(folder)
    .filter((entry) => /^(?:licen[cs]e|notice|copying)(?:\.(?:md|txt))?$/i.test(entry))
    .map((entry) => `${readFileSync(join(folder, entry), 'utf8').trim()}\n`)
    .join('\n');
