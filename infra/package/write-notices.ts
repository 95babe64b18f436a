/** Whose code is in the package: libraries' licences want to go where their code goes. */
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { BundledPackage } from './bundled-packages.ts';

/** @param file what is written: a paragraph for each library */
export function writeNotices(root: string, packages: readonly BundledPackage[], file: string): void {
  // Many share a text word for word.
  const byText = Map.groupBy(packages, ({ folder }) => licenceOf(join(root, folder)));
  const notices = [...byText].map(([text, those]) => `${those.map(nameOf).join('')}\n${text}`);
  writeFileSync(file, notices.sort().join(`\n${'-'.repeat(80)}\n\n`));
}

const nameOf = ({ name, version, license }: BundledPackage): string =>
  `${name} ${version} (${license ?? 'as below'})\n`;

const licenceOf = (folder: string): string =>
  readdirSync(folder)
    .filter((entry) => /^(?:licen[cs]e|notice|copying)(?:\.(?:md|txt))?$/i.test(entry))
    .map((entry) => `${readFileSync(join(folder, entry), 'utf8').trim()}\n`)
    .join('\n');
