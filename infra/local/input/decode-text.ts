/** Bytes to text: UTF-8, and UTF-16 where a byte order mark says so (what PowerShell's `>` writes). */
import { TextDecoder } from 'node:util';
import { UserError } from '../../../shared/errors.ts';
import { knownInputs } from './known-inputs.ts';

const readErrors: Readonly<Record<string, string>> = {
  ENOENT: 'no such file; check the path',
  EISDIR: 'is a directory; name the files in it',
  EACCES: 'may not be read; check its permissions',
};

export async function* decodeText(
  file: string,
  bytes: AsyncIterable<Buffer | string>,
): AsyncGenerator<string> {
  let decoder: TextDecoder | undefined;
  let line = 1;
  let begun: Buffer = Buffer.alloc(0);
  try {
    for await (let chunk of bytes) {
      if (typeof chunk !== 'string' && decoder === undefined) {
        chunk = Buffer.concat([begun, chunk]);
        begun = chunk;
        if (chunk.length < 2) continue;
        decoder = new TextDecoder(encodingOf(chunk), { fatal: true });
      }
      const text = typeof chunk === 'string' ? chunk : decodeChunk(decoder!, chunk, file, line);
      yield text;
      for (let at = text.indexOf('\n'); at >= 0; at = text.indexOf('\n', at + 1)) line++;
    }
    // A file of one byte has told no encoding.
    if (decoder === undefined) yield begun.toString('latin1');
    else decodeChunk(decoder, undefined, file, line);
  } catch (error) {
    if (!(error instanceof Error) || error instanceof UserError || !('code' in error)) throw error;
    const code = String(error.code);
    throw new UserError(`${file}: ${readErrors[code] ?? `cannot be read (${code}); check the file`}`);
  }
}

function encodingOf(head: Buffer): 'utf-8' | 'utf-16le' | 'utf-16be' {
  if (head[0] === 0xff && head[1] === 0xfe) return 'utf-16le';
  return head[0] === 0xfe && head[1] === 0xff ? 'utf-16be' : 'utf-8';
}

function decodeChunk(decoder: TextDecoder, chunk: Buffer | undefined, file: string, line: number): string {
  try {
    return chunk === undefined ? decoder.decode() : decoder.decode(chunk, { stream: true });
  } catch {
    const valid = new TextDecoder(decoder.encoding).decode(chunk).split('\uFFFD', 1)[0]!;
    const at = line + valid.split('\n').length - 1;
    throw new UserError(`${file}:${at}: not ${decoder.encoding.toUpperCase()} text; ${knownInputs}`);
  }
}
