import { readFileSync } from 'node:fs';

/** package.json is the one place that says it; it lies as far above this file in a checkout as above the package's bundle. */
export function rootspanVersion(): string {
  const text = readFileSync(new URL('../../package.json', import.meta.url), 'utf8');
  return (JSON.parse(text) as { version: string }).version;
}
