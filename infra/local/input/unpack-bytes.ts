/** Files packed with gzip or zstd, known by their first bytes and not by their name: standard input has none. */
import { pipeline, type Transform } from 'node:stream';
import * as zlib from 'node:zlib';
import { UserError } from '../../../shared/errors.ts';

type Bytes = AsyncIterable<Buffer | string>;

type Engine = Transform & zlib.Zlib;

const packings: readonly { name: string; magic: Buffer; engine?: (() => Engine) | undefined }[] = [
  { name: 'gzip', magic: Buffer.from([0x1f, 0x8b]), engine: zlib.createGunzip },
  // Node before 22.15 has no zstd.
  { name: 'zstd', magic: Buffer.from([0x28, 0xb5, 0x2f, 0xfd]), engine: zlib.createZstdDecompress },
];

/** What holds many files: read would be its table of contents. */
const archives = [
  { name: 'tar', at: 257, magic: Buffer.from('ustar') },
  { name: 'zip', at: 0, magic: Buffer.from('PK\x03\x04') },
];
const headLength = 262;

/** The bytes as they are, where they are not packed. */
export async function* unpackBytes(file: string, bytes: Bytes): AsyncGenerator<Buffer | string> {
  const { head, all } = await peek(bytes);
  const packing = packings.find(({ magic }) => startsWith(head, magic));
  if (packing === undefined) {
    refuseArchive(file, head);
    yield* all;
    return;
  }
  const { name, engine } = packing;
  if (engine === undefined)
    throw new UserError(`${file}: packed with ${name}, which needs Node 22.15 or newer; unpack it first`);
  const unpacked = await peek(unpackWith(file, name, engine(), all));
  refuseArchive(file, unpacked.head);
  yield* unpacked.all;
}

function refuseArchive(file: string, head: Buffer): void {
  const archive = archives.find(({ at, magic }) => startsWith(head.subarray(at), magic));
  if (archive !== undefined)
    throw new UserError(`${file}: a ${archive.name} archive; unpack it and name the folder`);
}

const startsWith = (head: Buffer, magic: Buffer): boolean => head.subarray(0, magic.length).equals(magic);

async function* unpackWith(file: string, name: string, engine: Engine, bytes: Bytes): AsyncGenerator<Buffer> {
  let given = 0;
  let failure: unknown;
  async function* packed() {
    try {
      for await (const chunk of bytes) {
        given += chunk.length;
        yield chunk;
      }
    } catch (error) {
      failure = error;
      throw error;
    }
  }
  try {
    yield* pipeline(packed, engine, () => {});
  } catch (error) {
    // The file itself could not be read.
    if (failure !== undefined) throw failure;
    throw new UserError(`${file}: ${name} that is damaged or cut off; copy it again`, { cause: error });
  }
  // Node's gunzip goes on with the next member of a file; its zstd ends with the first frame.
  if (name === 'zstd' && engine.bytesWritten < given)
    throw new UserError(`${file}: more than one zstd frame; unpack it first (zstd -d)`);
}

/** Enough of the beginning to see what it is; `all` has it as well. */
async function peek(bytes: Bytes): Promise<{ head: Buffer; all: Bytes }> {
  const iterator = bytes[Symbol.asyncIterator]();
  const begun: (Buffer | string)[] = [];
  let head = Buffer.alloc(0);
  while (head.length < headLength) {
    const { value, done } = await iterator.next();
    if (done === true) break;
    begun.push(value);
    head = Buffer.concat([head, Buffer.from(value)]);
  }
  return { head, all: rejoin(begun, iterator) };
}

async function* rejoin<T>(begun: readonly T[], rest: AsyncIterator<T>): AsyncGenerator<T> {
  try {
    yield* begun;
    for (let next = await rest.next(); next.done !== true; next = await rest.next()) yield next.value;
  } finally {
    await rest.return?.();
  }
}
