import { writeFile } from 'node:fs/promises';
import { pathToFileURL } from 'node:url';
import { compareSpans, type Span } from '../../shared/span.ts';
import { renderPage } from './view/render-page.ts';

/** @returns its address */
export async function writePage(file: string, spans: readonly Span[], source: string): Promise<string> {
  await writeFile(file, renderPage(spans.toSorted(compareSpans), { title: 'Rootspan', source }));
  return pathToFileURL(file).href;
}
