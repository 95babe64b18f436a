/** The page of a run, where the user is; where that cannot be written (a folder of others', a full disk), in a temporary folder. */
import { writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { compareSpans, type Span } from '../../shared/span.ts';
import { temporaryFolder } from './keep-spans.ts';
import type { CommandContext } from './run-command.ts';
import { type PageOptions, renderPage } from './view/render-page.ts';

/** @returns the address of the page; undefined where it can be written nowhere, which was said then */
export type PageWriter = (
  spans: readonly Span[],
  options: Omit<PageOptions, 'title'>,
) => Promise<string | undefined>;

/** May be called again and again: the page is written over. */
export function createPageWriter(
  { workingDirectory, say }: Pick<CommandContext, 'workingDirectory' | 'say'>,
  name: string,
): PageWriter {
  let file = resolve(workingDirectory, name);
  let told: string | undefined;
  const tell = (error: unknown) => {
    const { message } = error as Error;
    if (message !== told) say(`rootspan: the page cannot be written (${message})\n`);
    told = message;
  };
  let isElsewhere = false;
  return async (spans, options) => {
    const page = renderPage(spans.toSorted(compareSpans), { title: 'Rootspan', ...options });
    const write = async () => {
      await writeFile(file, page);
      return pathToFileURL(file).href;
    };
    try {
      return await write();
    } catch (error) {
      tell(error);
      if (isElsewhere) return undefined;
    }
    try {
      file = join(await temporaryFolder(), name);
      isElsewhere = true;
      return await write();
    } catch (error) {
      tell(error);
      return undefined;
    }
  };
}
