/** What the user named, as a list of files: of a directory all files in it, however deep. */
import { createReadStream } from 'node:fs';
import { readdir, stat } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { UserError } from '../../../shared/errors.ts';

export interface Source {
  /** As the user would write it: messages begin with it. */
  name: string;
  bytes(): AsyncIterable<Buffer | string>;
  /** The directory in which it was found, as the user wrote it; undefined for a file named itself. */
  directory?: string;
  /** Absolute: that directory and those below it, down to the file. */
  folders: readonly string[];
}

export interface SourceOptions {
  /** Relative paths are the caller's. */
  baseDirectory: string;
  standardInput?: AsyncIterable<Buffer | string>;
}

/** A must-gather of a large cluster has some 20,000; a home directory that was named by mistake has more. */
const mostFiles = 100_000;
/** Of folders in folders. A must-gather has 9; a path of more than 4,096 bytes cannot be opened anyway. */
const deepest = 100;

/** `-` is standard input. In the order given, a directory's sorted by name. */
export async function listSources(
  paths: readonly string[],
  { baseDirectory, standardInput = process.stdin }: SourceOptions,
): Promise<Source[]> {
  const sources: Source[] = [];
  for (const path of paths) {
    if (path === '') throw new UserError('a file without a name; name the recordings to read');
    const absolute = resolve(baseDirectory, path);
    if (path === '-') {
      sources.push({ name: 'standard input', bytes: () => standardInput, folders: [] });
    } else if (!(await isDirectory(absolute))) {
      sources.push(fileSource(path, absolute, []));
    } else {
      const found = sources.length;
      for await (const source of walk(path, [absolute])) {
        if (sources.push({ ...source, directory: path }) - found > mostFiles)
          throw new UserError(`${path}: more than ${mostFiles} files in it; name a folder with fewer`);
      }
      if (sources.length === found)
        throw new UserError(`${path}: no file in it; name a folder of recordings or dumps`);
    }
  }
  return sources;
}

/** A file that is not there is told when it is read, as one that may not be read is. */
async function isDirectory(path: string): Promise<boolean> {
  try {
    return (await stat(path)).isDirectory();
  } catch {
    return false;
  }
}

async function isFile(path: string): Promise<boolean> {
  try {
    return (await stat(path)).isFile();
  } catch {
    return false;
  }
}

const fileSource = (name: string, path: string, folders: readonly string[]): Source => ({
  name,
  bytes: () => createReadStream(path, { highWaterMark: 1 << 20 }),
  folders,
});

/** A link to a file is followed; one to a folder is not, for it may lead around in a circle. */
async function* walk(name: string, folders: readonly string[]): AsyncGenerator<Source> {
  const folder = folders.at(-1)!;
  const entries = await readFolder(name, folder);
  for (const entry of entries) {
    const [path, inside] = [join(folder, entry.name), join(name, entry.name)];
    if (entry.isDirectory()) {
      if (folders.length < deepest) yield* walk(inside, [...folders, path]);
    } else if (entry.isFile() || (entry.isSymbolicLink() && (await isFile(path)))) {
      yield fileSource(inside, path, folders);
    }
  }
}

async function readFolder(name: string, folder: string) {
  try {
    const entries = await readdir(folder, { withFileTypes: true });
    return entries.sort((a, b) => (a.name < b.name ? -1 : 1));
  } catch {
    throw new UserError(`${name}: may not be read; check its permissions`);
  }
}
