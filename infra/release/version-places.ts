/**
 * `node infra/release/version-places.ts`: writes the version of package.json to each other place that says it. `npm version` runs
 * it.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { rootspanVersion } from '../local/version.ts';

interface Place {
  /** From the root of the repository. */
  file: string;
  what: string;
  /** Matches the version alone, by what stands around it. */
  said: RegExp;
}

const version = String.raw`\d+\.\d+\.\d+(?:-[0-9A-Za-z.-]+)?`;
const tarball = { what: 'the tarball', said: new RegExp(`(?<=\\brootspan-)${version}(?=\\.tgz)`, 'g') };
const image = {
  what: 'the image',
  said: new RegExp(`(?<=\\b(?:REPOSITORY|rootspan-forwarder):)${version}`, 'g'),
};

export const versionPlaces: readonly Place[] = [
  {
    file: 'package-lock.json',
    what: 'the package',
    said: new RegExp(`(?<="name": "rootspan",\\n +"version": ")${version}`, 'g'),
  },
  { file: 'README.md', ...tarball },
  { file: 'README.md', ...image },
  { file: 'infra/kubernetes/README.md', ...image },
  { file: 'infra/kubernetes/Dockerfile', ...image },
  ...['version', 'appVersion'].map((key) => ({
    file: 'infra/kubernetes/chart/Chart.yaml',
    what: key,
    said: new RegExp(`(?<=^${key}: )${version}$`, 'gm'),
  })),
];

const root = resolve(import.meta.dirname, '../..');

/** @param file from the root of the repository */
export const readFromRoot = (file: string): string => readFileSync(resolve(root, file), 'utf8');

export const writeVersion = (file: string, text: string, version: string): string =>
  versionPlaces
    .filter((place) => place.file === file)
    .reduce((written, { said }) => written.replace(said, version), text);

if (import.meta.main) {
  for (const { file } of versionPlaces)
    writeFileSync(resolve(root, file), writeVersion(file, readFromRoot(file), rootspanVersion()));
}
