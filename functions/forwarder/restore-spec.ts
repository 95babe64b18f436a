/**
 * A described spec in Kubernetes' own form again, for a recording: values where they were, and in place of each other section its
 * digest, which read anew (`read-spec.ts`) tells as much as the section itself.
 */
import type { SpecDescription } from '../../shared/observation.ts';
import type { Json } from './kubernetes/api-server.ts';
import { containerLists } from './read-spec.ts';

/** No plain name: what stands under it counts as part of the section that it is in. */
const digestMark = 'rootspan/digest';

/** An object with `spec`, and with `metadata.annotations` where those were described. */
export function restoreSpec({ values, digests }: SpecDescription): Json {
  const object: Json = {};
  for (const [path, value] of Object.entries(values)) put(object, stepsOf(path), value);
  for (const [path, digest] of Object.entries(digests)) put(object, [...stepsOf(path), digestMark], digest);
  return object;
}

/** Of `containers[app]` the second one has the name of an entry, of `annotations[key]` a key. */
const stepsOf = (path: string): string[] =>
  [...path.matchAll(/\[([^\]]+)\]|([^.[\]]+)/g)].map(([, inBrackets, plain]) => inBrackets ?? plain!);

function put(into: Json, [step = '', ...steps]: readonly string[], value: unknown): void {
  const [next = '', ...below] = steps;
  if (steps.length === 0) into[step] = value;
  else if (containerLists.has(step) && next !== digestMark) put(entryOf(into, step, next), below, value);
  else {
    into[step] ??= {};
    put(into[step] as Json, steps, value);
  }
}

function entryOf(into: Json, list: string, name: string): Json {
  into[list] ??= [];
  const entries = into[list] as Json[];
  const known = entries.find((entry) => entry.name === name);
  if (known !== undefined) return known;
  entries.push({ name });
  return entries.at(-1)!;
}
