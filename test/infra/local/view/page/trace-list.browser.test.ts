// biome-ignore-all lint/performance/useDomNodeTextContent: what a person sees is what counts here
/** The list of traces in a real browser: finding, ordering, and what stands above a waterfall. */
import { describe, expect, test } from 'vitest';
import type { Span } from '../../../../../shared/span.ts';
import {
  detailsOf as details,
  focusedText,
  hasChromium,
  openOnly,
  phone,
  rowsOf,
  setUpChromium,
  traceAt,
} from '../../../../page-in-chromium.ts';
import { makeMorning, makeRollout, makeSpan } from '../../../../spans.ts';

const morning = makeMorning();
const [web, checkout, search, worker, drain] = [0, 1, 2, 3, 4];

describe.skipIf(!hasChromium)('the list of traces in Chromium', () => {
  const open = setUpChromium();

  test('search finds traces by what is in them and marks the rows; errors only leaves the failed', async () => {
    const page = await open(morning);
    await page.locator('#search').fill('imagepull');
    await page.locator('#found', { hasText: '1 of 5 traces' }).waitFor();
    await page.keyboard.press('Enter');
    expect(await details(page).locator('h2').innerText()).toContain('Pod.Failed');
    expect(await page.locator('.row.hit').count()).toBe(2);
    await page.locator('#search').fill('no such thing');
    await page.locator('#nothing').waitFor();
    await page.locator('#search').press('Escape');
    expect(await page.locator('.trace').count()).toBe(5);
    await page.getByLabel('Errors only').check();
    expect(await page.locator('.trace .head .what').allInnerTexts()).toEqual([
      'Deployment.Apply search',
      'Deployment.Apply worker',
    ]);
  });

  test('no spans: a page that says so', async () => {
    const page = await open([]);
    expect(await page.locator('main').innerText()).toContain('No traces');
  });
});
