// biome-ignore-all lint/performance/useDomNodeTextContent: what a person sees is what counts here
/** What helps to read a large waterfall, in a real browser. */
import { describe, expect, test } from 'vitest';
import {
  detailsOf as details,
  hasChromium,
  openOnly,
  rowsOf,
  setUpChromium,
  traceAt,
} from '../../../../page-in-chromium.ts';
import { makeMorning } from '../../../../spans.ts';

const morning = makeMorning();
const [web, checkout, worker] = [0, 1, 3];

describe.skipIf(!hasChromium)('a large waterfall in Chromium', () => {
  const open = setUpChromium();

  test('a crash loop says its container, and why, though its marks leave no room', async () => {
    const page = await open(morning);
    await openOnly(page, worker);
    const loop = rowsOf(page, worker).filter({ hasText: '×12' });
    expect(await loop.innerText()).toContain('[app]');
    expect(await loop.innerText()).toContain('Back-off restarting failed container');
  });

  test('a press on the legend fades all other services', async () => {
    const page = await open(morning);
    await openOnly(page, web);
    const opacity = (name: string) =>
      rowsOf(page, web)
        .filter({ hasText: name })
        .first()
        .locator('.mark-bar')
        .evaluate((bar) => Number(bar.ownerDocument.defaultView!.getComputedStyle(bar).opacity));
    const scheduler = page.locator('#legend').getByRole('button', { name: 'default-scheduler' });
    await scheduler.click();
    expect(await scheduler.getAttribute('aria-pressed')).toBe('true');
    expect([await opacity('Pod.Scheduled'), await opacity('Pod.Pulling')]).toEqual([1, 0.13]);
    await scheduler.click();
    expect(await opacity('Pod.Pulling')).toBe(1);
  });

  test('expands and collapses all, and shows the critical path alone', async () => {
    const page = await open(morning);
    await openOnly(page, checkout);
    const press = (name: string) => traceAt(page, checkout).getByRole('button', { name }).click();
    await press('Collapse all');
    expect(await rowsOf(page, checkout).count()).toBe(2);
    await press('Expand all');
    await page.keyboard.press('End');
    await press('Critical path');
    const names = await rowsOf(page, checkout).locator('.name').allInnerTexts();
    expect(names.slice(0, 3)).toEqual([
      'Deployment.Apply',
      'Deployment.ScalingReplicaSet',
      'ReplicaSet.SuccessfulCreate',
    ]);
    expect(names).toHaveLength(8);
    await press('Critical path');
    await rowsOf(page, checkout).first().focus();
    await page.keyboard.press('Shift+E');
    expect(await rowsOf(page, checkout).count()).toBe(2);
  });

  test('the minimap of a large trace zooms by a drag, and a click goes to a span', async () => {
    const page = await open(morning);
    await openOnly(page, web);
    expect(await page.locator('.minimap').count()).toBe(0);
    await openOnly(page, checkout);
    const map = (await page.locator('.minimap').boundingBox())!;
    await page.mouse.move(map.x + map.width * 0.25, map.y + 9);
    await page.mouse.down();
    await page.mouse.move(map.x + map.width * 0.5, map.y + 9, { steps: 4 });
    await page.mouse.up();
    expect(await page.getByRole('button', { name: 'Whole trace' }).isVisible()).toBe(true);
    const shades = await page
      .locator('.minimap .shade')
      .evaluateAll((all) => all.map((each) => each.getBoundingClientRect().width));
    expect(shades[0]! / map.width).toBeCloseTo(0.25, 1);
    expect(shades[1]! / map.width).toBeCloseTo(0.5, 1);
    await page.mouse.click(map.x + 5, map.y + map.height - 3);
    expect(await details(page).isVisible()).toBe(true);
    expect(await page.locator('.row[aria-selected="true"]').isVisible()).toBe(true);
  });
});
