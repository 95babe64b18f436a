/** Whose code is in bundles. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Metafile } from 'esbuild';

export interface BundledPackage {
  /** From the root of the repository. */
  folder: string;
  name: string;
  version: string;
  license?: string;
}

/** Each library of which something is in one of the bundles, by folder. */
export function bundledPackages(root: string, bundles: readonly Metafile[]): BundledPackage[] {
  const folders = new Set<string>();
  for (const { outputs } of bundles)
    for (const { inputs } of Object.values(outputs))
      for (const [input, { bytesInOutput }] of Object.entries(inputs)) {
        const [, folder] = /((?:.*\/)?node_modules\/(?:@[^/]+\/)?[^/]+)\//.exec(input) ?? [];
        if (folder !== undefined && bytesInOutput > 0) folders.add(folder);
      }
  return [...folders]
    .sort()
    .map((folder) => ({ folder, ...readManifest(join(root, folder, 'package.json')) }));
}

/** Old packages say the licence as an object. */
function readManifest(file: string): Omit<BundledPackage, 'folder'> {
  const { name, version, license } = JSON.parse(readFileSync(file, 'utf8')) as {
    name: string;
    version: string;
    license?: string | { type: string };
  };
  const expression = typeof license === 'object' ? license.type : license;
  return { name, version, ...(expression !== undefined && { license: expression }) };
}
