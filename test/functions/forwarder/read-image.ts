/** How the forwarder's image starts Node: what runs here instead of the image runs the same way. */
import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';

export interface Image {
  /** Of Node, before the bundle. */
  flags: string[];
  environment: Record<string, string>;
}

export function readImage(): Image {
  const text = readFileSync(resolve(import.meta.dirname, '../../../infra/kubernetes/Dockerfile'), 'utf8');
  const entry = JSON.parse(/^ENTRYPOINT (.*)$/m.exec(text)![1]!) as string[];
  const environment = [...text.matchAll(/^ENV (\w+)=(\S+)$/gm)].map(([, name, value]) => [name!, value!]);
  return { flags: entry.slice(1, -1), environment: Object.fromEntries(environment) };
}
