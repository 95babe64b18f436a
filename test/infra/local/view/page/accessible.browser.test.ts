/** The page for everybody: by axe-core, and by a check of each text and bar against what is behind it. */
import axe from 'axe-core';
import type { BrowserContextOptions, Page } from 'playwright-core';
import { describe, expect, test } from 'vitest';
import {
  detailsOf,
  hasChromium,
  openOnly,
  phone,
  rowsOf,
  setUpChromium,
} from '../../../../page-in-chromium.ts';
import { makeMorning } from '../../../../spans.ts';

const morning = makeMorning();
const search = 2;

const looks: Record<string, BrowserContextOptions> = {
  light: { colorScheme: 'light' },
  dark: { colorScheme: 'dark' },
  phone: { ...phone, colorScheme: 'light' },
  'phone, dark': { ...phone, colorScheme: 'dark' },
};

/** What is wrong, and with which elements. */
async function violationsOf(page: Page): Promise<string[]> {
  await page.evaluate('Promise.all(document.getAnimations().map((animation) => animation.finished))');
  await page.evaluate(axe.source);
  return page.evaluate<string[]>(`axe.run().then(({ violations }) =>
    violations.flatMap(({ id, nodes }) => nodes.map(({ html, any, all }) =>
      [id, html.slice(0, 120), ...[...any, ...all].map(({ message }) => message)].join(' '))))`);
}

describe.skipIf(!hasChromium)('the page for everybody', () => {
  const open = setUpChromium();

  test.each(Object.keys(looks))(
    '%s: axe-core finds nothing, in the list, a waterfall, details and help',
    async (look) => {
      const page = await open(morning, { ...looks[look]!, reducedMotion: 'reduce' });
      expect(await violationsOf(page)).toEqual([]);
      await page.getByRole('button', { name: 'Expand all' }).click();
      await rowsOf(page, search).filter({ hasText: 'Pod.BackOff' }).first().click();
      expect(await detailsOf(page).isVisible()).toBe(true);
      expect(await violationsOf(page)).toEqual([]);
      await page.keyboard.press('?');
      expect(await page.locator('#help').isVisible()).toBe(true);
      expect(await violationsOf(page)).toEqual([]);
    },
  );

  test.each(['light', 'dark'] as const)(
    '%s: every text has the contrast of WCAG AA, every bar that of graphics',
    async (colorScheme) => {
      const page = await open(morning, { colorScheme, reducedMotion: 'reduce' });
      await openOnly(page, search);
      await rowsOf(page, search).filter({ hasText: 'Pod.BackOff' }).first().click();
      const ground = await page.evaluate<string>('getComputedStyle(document.body).backgroundColor');
      expect(luminance(ground) > 0.5).toBe(colorScheme === 'light');
      const poor = await page.evaluate<string[]>(POOR_CONTRASTS);
      expect(poor).toEqual([]);
    },
  );
});

function luminance(colour: string): number {
  const [r, g, b] = colour.match(/\d+/g)!.map(Number);
  return (r! + g! + b!) / 765;
}

/** In the page: what is written with less than 4.5:1, and bars with less than 3:1, against what is behind them. */
const POOR_CONTRASTS = `(() => {
  const light = (colour) => {
    const [r, g, b] = colour.match(/[\\d.]+/g).map((c) => c / 255).map((c) => (c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4));
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const ratio = (a, b) => {
    const [x, y] = [light(a), light(b)].sort((m, n) => n - m);
    return (x + 0.05) / (y + 0.05);
  };
  const behind = (element) => {
    for (let at = element; at; at = at.parentElement) {
      const { backgroundColor } = getComputedStyle(at);
      if (backgroundColor.startsWith('rgb(')) return backgroundColor;
    }
    return 'rgb(255, 255, 255)';
  };
  const found = [];
  for (const element of document.querySelectorAll('body *')) {
    if (!element.checkVisibility() || element.closest('script, style')) continue;
    const { color, backgroundColor } = getComputedStyle(element);
    if ([...element.childNodes].some((node) => node.nodeType === 3 && node.textContent.trim())) {
      const r = ratio(color, behind(element));
      if (r < 4.5) found.push(element.className + ' ' + element.textContent + ' ' + r.toFixed(2));
    }
    if (element.matches('.mark-bar:not(.error)')) {
      const r = ratio(backgroundColor, behind(element.parentElement));
      if (r < 3) found.push('bar ' + r.toFixed(2));
    }
  }
  return found;
})()`;
