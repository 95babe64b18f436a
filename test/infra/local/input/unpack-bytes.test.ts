import { gzipSync, zstdCompressSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { unpackBytes } from '../../../../infra/local/input/unpack-bytes.ts';

async function* inPieces(bytes: Buffer, size: number): AsyncGenerator<Buffer> {
  for (let i = 0; i < bytes.length; i += size) yield bytes.subarray(i, i + size);
}

const unpack = async (bytes: Buffer, size = 7): Promise<string> =>
  Buffer.concat(
    (await Array.fromAsync(unpackBytes('f', inPieces(bytes, size)))).map((chunk) => Buffer.from(chunk)),
  ).toString();

const text = Array.from({ length: 5_000 }, (_, i) => `{"line":${i}}`).join('\n');

describe('bytes', () => {
  it.each([
    ['as they are', Buffer.from(text), text],
    ['hardly any', Buffer.from('{'), '{'],
    ['none', Buffer.alloc(0), ''],
    ['packed with gzip', gzipSync(text), text],
    ['packed with gzip in two pieces', Buffer.concat([gzipSync(text), gzipSync(text)]), text + text],
    ['packed with zstd', zstdCompressSync(text), text],
  ])('%s', async (_, bytes, expected) => {
    for (const size of [1, 7, 1 << 20]) expect(await unpack(bytes, size)).toBe(expected);
  });

  const tar = Buffer.alloc(1024);
  tar.write('ustar', 257);
  it.each([
    [
      'gzip that is cut off',
      gzipSync(text).subarray(0, 999),
      'f: gzip that is damaged or cut off; copy it again',
    ],
    [
      'zstd that is cut off',
      zstdCompressSync(text).subarray(0, 999),
      'f: zstd that is damaged or cut off; copy it again',
    ],
    [
      'zstd in two pieces, of which Node would read one',
      Buffer.concat([zstdCompressSync(text), zstdCompressSync(text)]),
      'f: more than one zstd frame; unpack it first (zstd -d)',
    ],
    ['a tar', tar, 'f: a tar archive; unpack it and name the folder'],
    ['a tar packed with gzip', gzipSync(tar), 'f: a tar archive; unpack it and name the folder'],
    ['a zip', Buffer.from('PK\x03\x04…'), 'f: a zip archive; unpack it and name the folder'],
  ])('%s', async (_, bytes, message) => {
    await expect(unpack(bytes)).rejects.toThrow(message);
  });

  it('that nobody wants any more are not read on', async () => {
    let closed = false;
    async function* endless() {
      try {
        for (;;) yield gzipSync(text);
      } finally {
        closed = true;
      }
    }
    for await (const _ of unpackBytes('f', endless())) break;
    await expect.poll(() => closed).toBe(true);
  });
});
