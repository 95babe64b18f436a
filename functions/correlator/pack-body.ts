/**
 * Bodies of items: JSON, deflated with a dictionary, behind a byte that says which. DynamoDB bills writes by the kilobyte,
 * and with the dictionary what one batch tells of one rollout mostly fits into one. (Zstandard with a dictionary packs as
 * well, and needs Node 24.6: Lambda's minor version is not ours to choose.)
 */
import { deflateRawSync, inflateRawSync } from 'node:zlib';
import { bodyDictionary } from './body-dictionary.ts';
import { laterBodyDictionary } from './body-dictionary-2.ts';

/** By the first byte. A version stays until the items that were written with it have expired. */
const dictionaries = [undefined, Buffer.from(bodyDictionary), Buffer.from(laterBodyDictionary)] as const;
const current = 2;

/**
 * Characters up to which zlib takes its time: a rollout's bodies are 3 % smaller for 0.1 ms, and a write unit is as dear as 25 ms.
 * Larger: a body that somebody made hard to pack takes seconds.
 */
const longestThorough = 65_536;

export function packBody(value: unknown): Uint8Array {
  const json = JSON.stringify(value);
  const level = json.length <= longestThorough ? 9 : 6;
  const packed = deflateRawSync(json, { dictionary: dictionaries[current], memLevel: 9, level });
  return Buffer.concat([Uint8Array.of(current), packed]);
}

/** A later version wrote it, or it is damaged: whose body it is has to wait for a function that can read it. */
export class UnreadableBodyError extends Error {
  override name = 'UnreadableBodyError';
}

/** @throws UnreadableBodyError where `packBody` of this version or the one before did not make it */
export function unpackBody(body: Uint8Array): unknown {
  const dictionary = dictionaries[body[0]!];
  if (dictionary === undefined) throw new UnreadableBodyError(`a body of version ${body[0]}`);
  try {
    return JSON.parse(inflateRawSync(body.subarray(1), { dictionary }).toString('utf8'));
  } catch (error) {
    throw new UnreadableBodyError(`a body that cannot be unpacked (${(error as Error).name})`);
  }
}
