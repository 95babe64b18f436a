/** Where the picture of a run fails, what it is a picture of. */
import { createWriteStream } from 'node:fs';
import { mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import type { Span } from '../../shared/span.ts';
import type { CommandContext } from './run-command.ts';
import { countTraces } from './view/describe-span.ts';
import { spanLines } from './view/span-lines.ts';

const spansName = 'rootspan-traces.json';

/** As JSON: beside where the picture would be, else in a new folder of the system's temporary ones, else to standard output. */
export async function keepSpans(
  { workingDirectory, write, say }: Pick<CommandContext, 'workingDirectory' | 'write' | 'say'>,
  spans: readonly Span[],
): Promise<void> {
  const folders = [async () => workingDirectory, temporaryFolder];
  for (const folder of folders) {
    try {
      const file = join(await folder(), spansName);
      await pipeline(spanLines(spans), createWriteStream(file));
      return await write(`${countTraces(spans)}. They are in ${file}\n`);
    } catch {
      // The next one.
    }
  }
  say(`rootspan: no file can be written; ${countTraces(spans)} are on standard output, as JSON\n`);
  for (const line of spanLines(spans)) await write(line);
}

/** Of a name that nobody can have taken before. */
export const temporaryFolder = (): Promise<string> => mkdtemp(join(tmpdir(), 'rootspan-'));
