// biome-ignore-all lint/performance/useDomNodeTextContent: what a person sees is what counts here
/** A waterfall in a real browser: what a person does with it, on a desk and on a phone. */
import type { Page } from 'playwright-core';
import { describe, expect, test } from 'vitest';
import {
  detailsOf as details,
  focusedText as focused,
  hasChromium,
  openOnly,
  phone,
  rowsOf as rows,
  setUpChromium,
  toggleTrace as toggle,
  traceAt as trace,
} from '../../../page-in-chromium.ts';
import { HOSTILE, makeMorning, makeRollout, makeSpan } from '../../../spans.ts';

const morning = makeMorning();
const [web, checkout, search, worker, drain] = [0, 1, 2, 3, 4];

describe.skipIf(!hasChromium)('a waterfall in Chromium', () => {
  const open = setUpChromium();
  const named = (page: Page, n: number, name: string) => rows(page, n).filter({ hasText: name });

  test('lists the traces and draws the one that failed', async () => {
    const page = await open(morning);
    expect(await page.locator('.trace .head').count()).toBe(5);
    expect(await trace(page, search).locator('.head').innerText()).toMatch(
      /search[\s\S]*helm[\s\S]*✗ failed[\s\S]*13\.81 s/,
    );
    expect(await rows(page, search).count()).toBe(28);
    expect(await page.locator('#legend').innerText()).toContain('default-scheduler');
    // A closed trace costs nothing.
    expect(await rows(page, web).count()).toBe(0);
  });

  test('bars stand where the spans were, in the colour of their service, and errors in the colour of errors', async () => {
    const page = await open(morning);
    await openOnly(page, search);
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
    await openOnly(page, web);
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
    await openOnly(page, worker);
    expect(await named(page, worker, 'Pod.BackOff').count()).toBe(1);
    const loop = named(page, worker, 'Pod.BackOff');
    expect(await loop.innerText()).toContain('×12');
    expect(await loop.locator('.mark-bar.error').count()).toBe(12);
    await named(page, worker, 'Deployment.Apply').locator('.twist').click();
    expect(await rows(page, worker).innerText()).toContain('✗ 12 below');
  });

  test('a click shows all there is to know of a span, and its links lead on', async () => {
    const page = await open(morning);
    await openOnly(page, drain);
    await named(page, drain, 'Node.NodeNotSchedulable').click();
    const text = await details(page).innerText();
    expect(text).toContain('Node node-2 status is now: NodeNotSchedulable');
    expect(text).toMatch(/k8s\.event\.type\s+Normal/);
    expect(text).toMatch(/k8s\.cluster\.name\s+prod-eu-1/);
    expect(text).toContain(traceOf('drain'));
    expect(text).toMatch(/Moved pods of Deployment\.Apply web, .+ UTC/);
    await details(page)
      .getByRole('button', { name: /^Deployment.Apply web, 2026/ })
      .click();
    expect(await details(page).locator('h2').innerText()).toMatch(/Deployment\.Apply\s+web/);
    expect(new URL(page.url()).hash).toBe(`#${traceOf('web')}/${morning[0]!.spanId}`);
    expect(await focused(page)).toContain('Deployment.Apply');
    await page.getByRole('button', { name: 'Close details' }).click();
    expect(await details(page).isVisible()).toBe(false);
  });

  test('of several clusters each command says beside it which it is for', async () => {
    const commands = (page: Page) => trace(page, 0).locator('.facts-of').innerText();
    const clause = 'in cluster prod-eu-1';
    const one = makeRollout({ name: 'web', replicas: 1 });
    const page = await open(one);
    await openOnly(page, 0);
    expect(await commands(page)).not.toContain(clause);
    const other = makeRollout({ name: 'shop', replicas: 1 }).map((span) => ({
      ...span,
      resource: { ...span.resource, 'k8s.cluster.name': 'prod-us-1' },
    }));
    const both = await open([...one, ...other]);
    await openOnly(both, 0);
    expect(await commands(both)).toContain(clause);
    await rows(both, 0).first().click();
    expect(await details(both).locator('.commands').innerText()).toContain(clause);
  });

  test('ids can be copied', async () => {
    const page = await open(morning, { permissions: ['clipboard-read', 'clipboard-write'] });
    await openOnly(page, web);
    await rows(page, web).first().click();
    await page.getByRole('button', { name: 'Copy Span id' }).click();
    await page.locator('#said', { hasText: 'Span id copied' }).waitFor({ state: 'attached' });
    expect(await page.evaluate('navigator.clipboard.readText()')).toBe(morning[0]!.spanId);
  });

  test('zooms to a row, by dragging, and back', async () => {
    const page = await open(morning);
    await openOnly(page, web);
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
    await openOnly(page, web);
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
    const page = await open(morning, phone);
    await openOnly(page, checkout, search, worker);
    const overflow = () =>
      page.evaluate('document.documentElement.scrollWidth - document.documentElement.clientWidth');
    expect(await overflow()).toBe(0);
    const row = named(page, search, 'Pod.BackOff').first();
    await row.tap();
    expect(await overflow()).toBe(0);
    await page.evaluate('Promise.all(document.getAnimations().map((animation) => animation.finished))');
    const sheet = (await details(page).boundingBox())!;
    expect(sheet.width).toBe(390);
    expect(sheet.y).toBeGreaterThan(200);
    expect(Math.round(sheet.y + sheet.height)).toBe(760);
    const box = (await row.boundingBox())!;
    expect(box.y + box.height).toBeLessThanOrEqual(sheet.y);
  });

  test('an Event’s message is text, whatever it says', async () => {
    const root = makeSpan({ name: 'Deployment.Apply', object: 'web', manager: HOSTILE[1]!, lasts: 20 });
    Object.assign(root.attributes, {
      'error.type': HOSTILE[0],
      'rootspan.change.summary': HOSTILE[1],
      'vcs.ref.head.revision': HOSTILE[0],
    });
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
    expect(await page.title()).toBe('morning.jsonl · Traces of prod-eu-1');
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
});

function traceOf(object: string): string {
  const name = object === 'drain' ? 'node-2' : object;
  return morning.find((span) => span.parentSpanId === null && span.attributes['k8s.object.name'] === name)!
    .traceId;
}
