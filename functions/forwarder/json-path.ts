/** What stands where in an object, by path (`spec.sources.0.repoURL`); a number is the place in a list. */
import type { Json } from './kubernetes/api-server.ts';

export const valueAt = (object: unknown, path: string): unknown =>
  path.split('.').reduce<unknown>((at, key) => (at as Json | null | undefined)?.[key], object);

export const putAt = (into: Json, path: string, value: unknown): void => put(into, path.split('.'), value);

/** A place in a list is the first. */
function put(into: Json, [key = '', ...below]: readonly string[], value: unknown): void {
  if (below.length === 0) {
    into[key] = value;
    return;
  }
  if (typeof into[key] !== 'object' || into[key] === null) into[key] = below[0] === '0' ? [] : {};
  put(into[key] as Json, below, value);
}
