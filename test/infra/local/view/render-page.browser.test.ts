// biome-ignore-all lint/performance/useDomNodeTextContent: what a person sees is what counts here
/** The page in a real browser: what a person does with it, on a desk and on a phone. */
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { type Browser, type BrowserContextOptions, chromium, type Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { renderPage } from '../../../../infra/local/view/render-page.ts';
import type { Span } from '../../../../shared/span.ts';
import { HOSTILE, makeMorning, makeRollout, makeSpan } from '../../../spans.ts';

const executablePath = ['/usr/bin', ...(process.env.PATH ?? '').split(delimiter)]
  .map((folder) => join(folder, 'chromium'))
  .find((path) => existsSync(path));
if (!executablePath)
  console.warn('No chromium here: the page is not tested. On Debian: apt-get install chromium');

const morning = makeMorning();
const [web, checkout, search, worker, drain] = [0, 1, 2, 3, 4];

describe.skipIf(!executablePath)('the page in Chromium', () => {
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

  /** Opens the page of these spans; when the test ends it must have kept silent and asked the network for nothing. */
  async function open(spans: Span[], options: BrowserContextOptions & { hash?: string } = {}): Promise<Page> {
    const { hash = '', ...context } = options;
    const file = join(folder, `${expect.getState().currentTestName!.replace(/\W+/g, '-')}.html`);
    writeFileSync(file, renderPage(spans, { title: 'Traces of prod-eu-1', source: 'morning.jsonl' }));
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
  }

  const trace = (page: Page, n: number) => page.locator('.trace').nth(n);
  const rows = (page: Page, n: number) => trace(page, n).locator('.row');
  const named = (page: Page, n: number, name: string) => rows(page, n).filter({ hasText: name });
  const toggle = (page: Page, n: number) => trace(page, n).locator('.head').click();
  const details = (page: Page) => page.locator('#details');
  const focused = (page: Page) => page.evaluate<string>(`document.activeElement?.textContent ?? ''`);

  test('lists the traces and draws the first', async () => {
    const page = await open(morning);
    expect(await page.locator('.trace .head').count()).toBe(5);
    expect(await trace(page, search).locator('.head').innerText()).toMatch(
      /search[\s\S]*helm[\s\S]*✗ failed[\s\S]*13\.81 s/,
    );
    expect(await rows(page, web).count()).toBe(20);
    expect(await page.locator('#legend').innerText()).toContain('default-scheduler');
    // A closed trace costs nothing.
    expect(await rows(page, checkout).count()).toBe(0);
  });

  test('bars stand where the spans were, in the colour of their service, and errors in the colour of errors', async () => {
    const page = await open(morning);
    await toggle(page, search);
    const lane = (await named(page, search, 'Deployment.Apply').locator('.lane').boundingBox())!;
    const bar = (await named(page, search, 'Pod.BackOff').first().locator('.mark-bar').boundingBox())!;
    expect(bar.width / lane.width).toBeCloseTo(11.2 / 13.81, 2);
    const colour = (name: string) =>
      named(page, search, name)
        .first()
        .locator('.mark-bar')
        .evaluate((element) => element.ownerDocument.defaultView!.getComputedStyle(element).background);
    expect(await colour('Pod.Scheduled')).not.toBe(await colour('Pod.Pulling'));
    expect(await colour('Pod.BackOff')).toContain('repeating-linear-gradient');
    expect(await named(page, search, 'Pod.BackOff').first().innerText()).toContain('✗');
    expect(
      await named(page, search, 'Pod.Started').first().locator('.mark-bar').getAttribute('class'),
    ).toContain('instant');
  });

  test('folds and unfolds traces, spans and groups of like pods', async () => {
    const page = await open(morning);
    await toggle(page, web);
    expect(await rows(page, web).count()).toBe(0);
    await toggle(page, checkout);
    expect(await rows(page, checkout).count()).toBe(9);
    const fold = rows(page, checkout).last();
    expect(await fold.innerText()).toMatch(/… and 29 more like it, slowest checkout-\w+-\w+ 3\.17 s/);
    await fold.click();
    // Far rows are drawn when somebody goes there.
    await page.keyboard.press('End');
    expect(await rows(page, checkout).count()).toBe(9 + 29 * 6);
    await named(page, checkout, '29 more like it').click();
    await named(page, checkout, 'ReplicaSet.SuccessfulCreate').locator('.twist').click();
    expect(await rows(page, checkout).count()).toBe(4);
  });

  test('a folded parent says how many errors are below it; a crash loop is one row', async () => {
    const page = await open(morning);
    await toggle(page, worker);
    expect(await named(page, worker, 'Pod.BackOff').count()).toBe(1);
    const loop = named(page, worker, 'Pod.BackOff');
    expect(await loop.innerText()).toContain('×12');
    expect(await loop.locator('.mark-bar.error').count()).toBe(12);
    await named(page, worker, 'Deployment.Apply').locator('.twist').click();
    expect(await rows(page, worker).innerText()).toContain('✗ 12 below');
  });

  test('a click shows all there is to know of a span, and its links lead on', async () => {
    const page = await open(morning);
    await toggle(page, drain);
    await named(page, drain, 'Node.NodeNotSchedulable').click();
    const text = await details(page).innerText();
    expect(text).toContain('Node node-2 status is now: NodeNotSchedulable');
    expect(text).toMatch(/k8s\.event\.type\s+Normal/);
    expect(text).toMatch(/k8s\.cluster\.name\s+prod-eu-1/);
    expect(text).toContain(traceOf('drain'));
    expect(text).toMatch(/Deployment\.Apply web, .+ UTC moved-pods-of/);
    await details(page)
      .getByRole('button', { name: /^Deployment.Apply web, 2026/ })
      .click();
    expect(await details(page).locator('h2').innerText()).toMatch(/Deployment\.Apply\s+web/);
    expect(new URL(page.url()).hash).toBe(`#${traceOf('web')}/${morning[0]!.spanId}`);
    expect(await focused(page)).toContain('Deployment.Apply');
    await page.getByRole('button', { name: 'Close details' }).click();
    expect(await details(page).isVisible()).toBe(false);
  });

  test('ids can be copied', async () => {
    const page = await open(morning, { permissions: ['clipboard-read', 'clipboard-write'] });
    await rows(page, web).first().click();
    await page.getByRole('button', { name: 'Copy Span id' }).click();
    await page.locator('#said', { hasText: 'Span id copied' }).waitFor({ state: 'attached' });
    expect(await page.evaluate('navigator.clipboard.readText()')).toBe(morning[0]!.spanId);
  });

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

  test('zooms to a row, by dragging, and back', async () => {
    const page = await open(morning);
    const row = named(page, web, 'Pod.Pulled').first();
    const width = async () => (await row.locator('.mark-bar').boundingBox())!.width;
    const whole = await width();
    await row.hover();
    await row.locator('.zoom').click();
    const lane = (await row.locator('.lane').boundingBox())!;
    expect((await width()) / lane.width).toBeCloseTo(1 / 1.12, 1);
    expect(await trace(page, web).locator('.ticks').innerText()).toContain('1.03');
    await page.getByRole('button', { name: 'Whole trace' }).click();
    expect(await width()).toBeCloseTo(whole, 0);

    await page.mouse.move(lane.x + lane.width * 0.5, lane.y + 5);
    await page.mouse.down();
    await page.mouse.move(lane.x + lane.width * 0.75, lane.y + 5, { steps: 4 });
    await page.mouse.up();
    expect(await width()).toBeCloseTo(whole * 4, -1);
    // The end of a drag is no click: nothing was selected, and the next click counts.
    expect(await details(page).isVisible()).toBe(false);
    await row.locator('.name').click();
    expect(await details(page).isVisible()).toBe(true);
  });

  test('the keyboard does it all', async () => {
    const page = await open(morning);
    await page.keyboard.press('/');
    expect(await page.evaluate('document.activeElement?.id')).toBe('search');
    await page.keyboard.press('ArrowDown');
    await page.keyboard.press('ArrowDown');
    expect(await focused(page)).toMatch(/^Deployment\.Apply/);
    await page.keyboard.press('ArrowDown');
    await page.keyboard.press('ArrowDown');
    await page.keyboard.press('ArrowLeft');
    expect(await rows(page, web).count()).toBe(15);
    await page.keyboard.press('ArrowRight');
    await page.keyboard.press('ArrowRight');
    expect(await focused(page)).toContain('Pod.Scheduled');
    await page.keyboard.press('Enter');
    expect(await details(page).locator('h2').innerText()).toContain('Pod.Scheduled');
    await page.keyboard.press('ArrowDown');
    expect(await details(page).locator('h2').innerText()).toContain('Pod.Pulling');
    await page.keyboard.press('Escape');
    expect(await details(page).isVisible()).toBe(false);
    expect(await focused(page)).toContain('Pod.Pulling');
    await page.keyboard.press('z');
    expect(await page.getByRole('button', { name: 'Whole trace' }).isVisible()).toBe(true);
    await page.keyboard.press('0');
    expect(await page.getByRole('button', { name: 'Whole trace' }).isVisible()).toBe(false);
    await page.keyboard.press('End');
    await page.keyboard.press('ArrowDown');
    expect(await focused(page)).toContain('checkout');
    await page.keyboard.press('ArrowRight');
    expect(await rows(page, checkout).count()).toBe(9);
  });

  test('a deep link opens every fold on the way to its span', async () => {
    const last = morning.findLast(
      (span) => span.name === 'Pod.Started' && span.traceId === traceOf('checkout'),
    )!;
    const page = await open(morning, { hash: `#${last.traceId}/${last.spanId}` });
    expect(await details(page).locator('h2').innerText()).toContain(
      String(last.attributes['k8s.object.name']),
    );
    const row = page.locator('.row[aria-selected="true"]');
    expect(await row.isVisible()).toBe(true);
    const box = (await row.boundingBox())!;
    expect(box.y).toBeGreaterThan(0);
    expect(box.y + box.height).toBeLessThan(900);
  });

  test('a phone reads it without scrolling sideways, details come as a sheet from below', async () => {
    const page = await open(morning, {
      viewport: { width: 375, height: 700 },
      isMobile: true,
      hasTouch: true,
    });
    for (const n of [checkout, search, worker]) await toggle(page, n);
    const overflow = () =>
      page.evaluate('document.documentElement.scrollWidth - document.documentElement.clientWidth');
    expect(await overflow()).toBe(0);
    const row = named(page, search, 'Pod.BackOff').first();
    await row.tap();
    expect(await overflow()).toBe(0);
    await page.evaluate('Promise.all(document.getAnimations().map((animation) => animation.finished))');
    const sheet = (await details(page).boundingBox())!;
    expect(sheet.width).toBe(375);
    expect(sheet.y).toBeGreaterThan(200);
    expect(Math.round(sheet.y + sheet.height)).toBe(700);
    const box = (await row.boundingBox())!;
    expect(box.y + box.height).toBeLessThanOrEqual(sheet.y);
  });

  test.each(['light', 'dark'] as const)(
    '%s: every text has the contrast of WCAG AA, every bar that of graphics',
    async (colorScheme) => {
      const page = await open(morning, { colorScheme, reducedMotion: 'reduce' });
      await toggle(page, search);
      await named(page, search, 'Pod.BackOff').first().click();
      const ground = await page.evaluate<string>('getComputedStyle(document.body).backgroundColor');
      expect(luminance(ground) > 0.5).toBe(colorScheme === 'light');
      const poor = await page.evaluate<string[]>(POOR_CONTRASTS);
      expect(poor).toEqual([]);
    },
  );

  test('an Event’s message is text, whatever it says', async () => {
    const root = makeSpan({ name: 'Deployment.Apply', object: 'web', manager: HOSTILE[1]!, lasts: 20 });
    const spans = HOSTILE.map((message, i) =>
      makeSpan({
        name: 'Pod.Failed',
        object: `${message} ${i}`,
        parent: root,
        at: i,
        error: message,
        service: message,
        attributes: { [message]: message },
      }),
    );
    const page = await open([root, ...spans]);
    for (const row of await rows(page, 0).filter({ hasText: 'Pod.Failed' }).all()) {
      await row.click();
      expect(await page.locator('img, iframe').count()).toBe(0);
    }
    await rows(page, 0).filter({ hasText: 'title="owned"</script>' }).first().click();
    expect(await details(page).locator('.message').innerText()).toBe(`✗ ${HOSTILE[0]}`);
    expect(await page.title()).toBe('Traces of prod-eu-1');
  });

  test('five thousand spans: only what is looked at is drawn, and the end can be reached', async () => {
    const page = await open(makeRollout({ name: 'huge', replicas: 833 }));
    expect(await rows(page, 0).count()).toBe(9);
    await rows(page, 0).last().click();
    expect(await rows(page, 0).count()).toBeLessThan(1000);
    await page.keyboard.press('End');
    expect(await focused(page)).toContain('Pod.Started');
    const box = (await page.locator('.row:focus').boundingBox())!;
    expect(box.y + box.height).toBeLessThanOrEqual(900);
  });

  test('no spans: a page that says so', async () => {
    const page = await open([]);
    expect(await page.locator('main').innerText()).toContain('No traces');
  });
});

function traceOf(object: string): string {
  const name = object === 'drain' ? 'node-2' : object;
  return morning.find((span) => span.parentSpanId === null && span.attributes['k8s.object.name'] === name)!
    .traceId;
}

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
