/** The words by which a status says how far something is, as far as they leave the cluster (`statusWords`). */
import { shippedStatusWord, statusWords } from '../../shared/snapshot-fields.ts';
import { putAt, valueAt } from './json-path.ts';
import type { Json } from './kubernetes/api-server.ts';

/** By path. */
export function readWords(status: Json): Record<string, string> | undefined {
  const words = shippedIn(status).map(([path, value]) => [path, String(value)]);
  return words.length === 0 ? undefined : Object.fromEntries(words);
}

/** For a recording: what ships, where it stands in the status. */
export function cutWords(status: Json): Json {
  const cut: Json = {};
  for (const [path, value] of shippedIn(status)) putAt(cut, path, value);
  return cut;
}

const shippedIn = (status: Json): [path: string, value: unknown][] =>
  statusWords
    .map((path): [string, unknown] => [path, valueAt(status, path)])
    .filter(([, value]) => shippedStatusWord(value));
