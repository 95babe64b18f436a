/** The page in a real browser. */
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { type Browser, type BrowserContextOptions, chromium, type Page } from 'playwright-core';
import { afterAll, beforeAll, expect, onTestFinished } from 'vitest';
import { renderPage } from '../infra/local/view/render-page.ts';
import type { Span } from '../shared/span.ts';

const executablePath = ['/usr/bin', ...(process.env.PATH ?? '').split(delimiter)]
  .map((folder) => join(folder, 'chromium'))
  .find((path) => existsSync(path));
if (!executablePath) {
  const message = 'No chromium here: the page is not tested. On Debian: apt-get install chromium';
  if (process.env.ROOTSPAN_REQUIRE_BROWSER === '1') throw new Error(message);
  console.warn(message);
}

export const hasChromium = executablePath !== undefined;

/** A phone of 2020 and later. */
export const phone: BrowserContextOptions = {
  viewport: { width: 390, height: 760 },
  isMobile: true,
  hasTouch: true,
};

/** Of spans, or one that somebody wrote. */
export type OpenPage = (
  what: Span[] | { file: string },
  options?: BrowserContextOptions & { hash?: string; traceUrl?: string },
) => Promise<Page>;

/** Call it within a `describe`: one browser for all its tests. */
export function setUpChromium(): OpenPage {
  let browser: Browser;
  let folder: string;
  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'rootspan-page-'));
    browser = await chromium.launch({
      executablePath: executablePath!,
      args: [
        '--headless',
        '--no-sandbox',
        '--disable-gpu',
        '--disable-quic',
        '--no-first-run',
        '--disable-background-networking',
        '--disable-component-update',
        '--disable-sync',
      ],
    });
  });
  afterAll(async () => {
    await browser?.close();
    if (folder) rmSync(folder, { recursive: true });
  });

  /** Opens the page; when the test ends it must have kept silent and asked the network for nothing. */
  return async (what, { hash = '', traceUrl, ...context } = {}) => {
    const ofSpans = join(folder, `${expect.getState().currentTestName!.replace(/\W+/g, '-')}.html`);
    const file = Array.isArray(what) ? ofSpans : what.file;
    const about = { title: 'Traces of prod-eu-1', source: 'morning.jsonl' };
    if (Array.isArray(what))
      writeFileSync(file, renderPage(what, { ...about, ...(traceUrl !== undefined && { traceUrl }) }));
    const page = await browser.newPage({ viewport: { width: 1440, height: 900 }, ...context });
    page.setDefaultTimeout(10_000);
    const complaints: string[] = [];
    page.on('console', (message) => complaints.push(message.text()));
    page.on('pageerror', (error) => complaints.push(String(error)));
    page.on('request', (request) => {
      if (!request.url().startsWith(pathToFileURL(file).href)) complaints.push(`request ${request.url()}`);
    });
    onTestFinished(async () => {
      await page.close();
      expect(complaints).toEqual([]);
    });
    await page.goto(pathToFileURL(file).href + hash);
    return page;
  };
}

export const traceAt = (page: Page, n: number) => page.locator('.trace').nth(n);
export const rowsOf = (page: Page, n: number) => traceAt(page, n).locator('.row');
export const detailsOf = (page: Page) => page.locator('#details');
export const focusedText = (page: Page) => page.evaluate<string>(`document.activeElement?.textContent ?? ''`);

/** Opens or closes the trace at this place of the list. */
export const toggleTrace = (page: Page, n: number) => traceAt(page, n).locator('.head').click();

/** Closes whatever the page opened by itself, and opens this trace alone. */
export async function openOnly(page: Page, ...numbers: number[]): Promise<void> {
  for (const head of await page.locator('.head[aria-expanded="true"]').all()) await head.click();
  for (const n of numbers) await toggleTrace(page, n);
}
