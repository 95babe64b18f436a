/** Digests: equal ones, equal content, in whatever order of keys. */
import { createHmac, hash, randomBytes } from 'node:crypto';
import type { Json } from './kubernetes/api-server.ts';

/** Sixteen hex digits. For what is no secret by itself: names of fields, whole Events. */
export const digest = (value: unknown): string => hash('sha256', canonical(value), 'hex').slice(0, 16);

/**
 * 48 bits, which only whoever has the key can compute: without one, a short password in an environment variable could be found by
 * trying. Fewer bits: two values of one field that look the same (at 32 bits once in 4 billion changes). More: each section of a
 * spec costs a byte more in the stream for 6 bits, because a digest does not compress.
 */
export const keyedDigest = (key: string, value: unknown): string =>
  createHmac('sha256', key).update(canonical(value)).digest('base64url').slice(0, 8);

/** 256 bits as 43 characters. */
export const newDigestKey = (): string => randomBytes(32).toString('base64url');

/**
 * Almost all versions of an object have the same managed fields and the same spec, and so have its siblings: a hash of
 * the text is a fraction of the work.
 */
export function remembered<V, T>(compute: (value: V) => T, most = 1_000): (value: V) => T {
  const results = new Map<string, T>();
  return (value) => {
    const key = hash('sha256', JSON.stringify(value), 'base64');
    const known = results.get(key);
    if (known !== undefined) return known;
    const result = compute(value);
    results.set(key, result);
    if (results.size > most) results.delete(results.keys().next().value!);
    return result;
  };
}

function canonical(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(canonical).join()}]`;
  if (typeof value !== 'object' || value === null) return JSON.stringify(value) ?? 'null';
  const fields = value as Json;
  const keys = Object.keys(fields).sort();
  return `{${keys.map((key) => `${JSON.stringify(key)}:${canonical(fields[key])}`).join()}}`;
}
