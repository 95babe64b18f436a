/**
 * Ids are SHA-256 of texts that begin with a UID. A UID that is too long to be kept is kept as the state that SHA-256 has
 * after it, so that ids still come from the original: node:crypto can neither show that state nor go on from it. All other
 * ids are node:crypto's. FIPS 180-4, https://nvlpubs.nist.gov/nistpubs/FIPS/NIST.FIPS.180-4.pdf
 */
import { hash } from 'node:crypto';

const blockBytes = 64;
/** Of the original's beginning, for a reader. With what follows it (8 + 43 + 1 + 10 + 1 + 84) less than 253. */
const shownCharacters = 100;
const mark = '~sha256.';
/** `BEGINNING~sha256.STATE.LENGTH.REST`: the state after all whole blocks, the bytes, and what is left of them. */
const suspended = /^.{0,100}?~sha256\.([\w-]{43})\.(\d{1,10})\.([\w-]{0,84})$/su;

/** What stands for a UID of 64 bytes or more: the same for the same one, no other's, at most 253 characters. */
export function suspendSha256(text: string): string {
  const bytes = Buffer.from(text);
  const whole = bytes.length - (bytes.length % blockBytes);
  const state = Int32Array.from(initialState);
  compress(state, bytes.subarray(0, whole));
  const stateText = Buffer.from(toBytes(state)).toString('base64url');
  const shown = text.slice(0, shownCharacters).toWellFormed();
  return `${shown}${mark}${stateText}.${bytes.length}.${bytes.subarray(whole).toString('base64url')}`;
}

/** Of `uid` and what follows it, in hex. Of a suspended UID: as if it stood there whole. */
export function sha256(uid: string, following: string): string {
  const found = uid.includes(mark) ? suspended.exec(uid) : null;
  if (found === null) return hash('sha256', uid + following, 'hex');
  const [, state = '', length, rest = ''] = found;
  return resume(
    Buffer.from(state, 'base64url'),
    Number(length),
    Buffer.concat([Buffer.from(rest, 'base64url'), Buffer.from(following)]),
  );
}

/** @param before bytes up to the end of the UID, those of `rest` that belong to it included */
function resume(stateBytes: Buffer, before: number, rest: Buffer): string {
  const state = Int32Array.from({ length: 8 }, (_, i) => stateBytes.readInt32BE(i * 4));
  const total = before - (before % blockBytes) + rest.length;
  // A one, zeros, and the length in bits: to the end of a block.
  const padded = Buffer.alloc(Math.ceil((rest.length + 9) / blockBytes) * blockBytes);
  rest.copy(padded);
  padded[rest.length] = 0x80;
  padded.writeBigUInt64BE(BigInt(total) * 8n, padded.length - 8);
  compress(state, padded);
  return Buffer.from(toBytes(state)).toString('hex');
}

const toBytes = (state: Int32Array): number[] =>
  [...state].flatMap((word) => [word >>> 24, (word >>> 16) & 255, (word >>> 8) & 255, word & 255]);

const primes = Array.from({ length: 310 }, (_, i) => i + 2).filter((n) => {
  for (let by = 2; by * by <= n; by++) if (n % by === 0) return false;
  return true;
});
/** The first 32 bits after the point. */
const fraction = (root: number): number => ((root % 1) * 2 ** 32) | 0;
const initialState = primes.slice(0, 8).map((prime) => fraction(Math.sqrt(prime)));
const roundConstants = Int32Array.from(primes.slice(0, blockBytes), (prime) => fraction(Math.cbrt(prime)));

const rotate = (word: number, by: number): number => (word >>> by) | (word << (32 - by));

/** @param bytes whole blocks */
function compress(state: Int32Array, bytes: Buffer): void {
  const words = new Int32Array(blockBytes);
  for (let at = 0; at < bytes.length; at += blockBytes) {
    for (let i = 0; i < 16; i++) words[i] = bytes.readInt32BE(at + i * 4);
    for (let i = 16; i < 64; i++) {
      const [a, b] = [words[i - 15]!, words[i - 2]!];
      const s0 = rotate(a, 7) ^ rotate(a, 18) ^ (a >>> 3);
      const s1 = rotate(b, 17) ^ rotate(b, 19) ^ (b >>> 10);
      words[i] = words[i - 16]! + s0 + words[i - 7]! + s1;
    }
    compressBlock(state, words);
  }
}

function compressBlock(state: Int32Array, words: Int32Array): void {
  let [a = 0, b = 0, c = 0, d = 0, e = 0, f = 0, g = 0, h = 0] = state;
  for (let i = 0; i < 64; i++) {
    const s1 = rotate(e, 6) ^ rotate(e, 11) ^ rotate(e, 25);
    const choice = (e & f) ^ (~e & g);
    const t1 = (h + s1 + choice + roundConstants[i]! + words[i]!) | 0;
    const s0 = rotate(a, 2) ^ rotate(a, 13) ^ rotate(a, 22);
    const majority = (a & b) ^ (a & c) ^ (b & c);
    [h, g, f, e, d, c, b, a] = [g, f, e, (d + t1) | 0, c, b, a, (t1 + s0 + majority) | 0];
  }
  for (const [i, word] of [a, b, c, d, e, f, g, h].entries()) state[i] = state[i]! + word;
}
