import { expect, it } from 'vitest';
import { decodeText } from '../../../../infra/local/input/decode-text.ts';

async function* inPieces(bytes: Buffer, size: number): AsyncGenerator<Buffer> {
  for (let i = 0; i < bytes.length; i += size) yield bytes.subarray(i, i + size);
}

const decode = async (bytes: Buffer, size: number): Promise<string> =>
  (await Array.fromAsync(decodeText('f', inPieces(bytes, size)))).join('');

const text = '{"message":"größer – 你好 🎉"}\r\n{}\r\n';
const marked = Buffer.from(`\uFEFF${text}`, 'utf16le');

it.each([
  ['UTF-8', Buffer.from(text)],
  ['UTF-8 with a mark', Buffer.from(`\uFEFF${text}`)],
  ['UTF-16 as PowerShell’s > writes it', marked],
  ['UTF-16, big end first', Buffer.from(marked).swap16()],
])('%s', async (_, bytes) => {
  for (const size of [1, 2, 3, 7, 1000]) expect(await decode(bytes, size)).toBe(text);
});

it('a file of one byte, and one of none', async () => {
  expect(await decode(Buffer.from('{'), 1)).toBe('{');
  expect(await decode(Buffer.alloc(0), 1)).toBe('');
});

it('half a character of UTF-16 is told with its line', async () => {
  const cut = Buffer.concat([marked, Buffer.from([0x3d])]);
  await expect(decode(cut, 1000)).rejects.toThrow(/^f:3: not UTF-16LE text; /);
});
