/**
 * `node infra/release/name-image.ts REPOSITORY`: writes into the chart of this checkout which image it runs unless somebody says
 * otherwise, before it is packed. In the repository it names none: no name is ours before something was published under it, and
 * whoever took it would get a place in clusters, with rights to read.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { resolve } from 'node:path';

/** @throws Error where the values name an image already, or the name has a tag or a digest, which the chart adds */
export function nameImage(values: string, repository: string): string {
  if (!/^(?:[^\s@/]+\/)+[^\s@:/]+$/.test(repository))
    throw new Error(`${repository} should be REGISTRY/PATH, without tag and digest`);
  const unnamed = '\n  repository: ""\n';
  if (values.split(unnamed).length !== 2) throw new Error('values.yaml names an image already');
  return values.replace(unnamed, `\n  repository: ${JSON.stringify(repository)}\n`);
}

if (import.meta.main) {
  const file = resolve(import.meta.dirname, '../kubernetes/chart/values.yaml');
  writeFileSync(file, nameImage(readFileSync(file, 'utf8'), process.argv[2] ?? ''));
}
