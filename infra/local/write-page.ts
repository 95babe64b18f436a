import { writeFile } from 'node:fs/promises';
import { pathToFileURL } from 'node:url';
import { compareSpans, type Span } from '../../shared/span.ts';
import { renderPage } from './view/render-page.ts';

/** @returns its address */
export async function writePage(
  file: string,
  spans: readonly Span[],
  { source, traceUrl }: { source: string; traceUrl: string | undefined },
): Promise<string> {
  await writeFile(file, renderPage(spans.toSorted(compareSpans), { title: 'Rootspan', source, traceUrl }));
  return pathToFileURL(file).href;
}
