// biome-ignore-all lint/performance/useDomNodeTextContent: what a person sees is what counts here
/** The list of traces in a real browser: finding, ordering, and what stands above a waterfall. */
import type { Page } from 'playwright-core';
import { describe, expect, test } from 'vitest';
import type { Span } from '../../../../../shared/span.ts';
import {
  detailsOf as details,
  focusedText,
  hasChromium,
  openOnly,
  phone,
  setUpChromium,
  traceAt,
} from '../../../../page-in-chromium.ts';
import { makeMorning, makeRollout, makeSpan } from '../../../../spans.ts';

const morning = makeMorning();
const [web, drain] = [0, 4];

/** The same change in two clusters, one of which failed; each says which cluster it is in. */
function makeTwoClusters(): Span[] {
  const inCluster = (spans: Span[], cluster: string) =>
    spans.map((span) => ({ ...span, resource: { ...span.resource, 'k8s.cluster.name': cluster } }));
  return [
    ...inCluster(makeRollout({ name: 'web', replicas: 2 }), 'prod-eu'),
    ...inCluster(makeRollout({ name: 'web', replicas: 2, at: 3, badImage: [1] }), 'prod-us'),
    ...inCluster(makeRollout({ name: 'api', replicas: 2, at: 4 }), 'prod-us'),
    ...inCluster(
      makeRollout({ name: 'db', replicas: 1, at: 90, namespace: 'data', manager: 'helm' }),
      'prod-eu',
    ),
  ];
}

describe.skipIf(!hasChromium)('the list of traces in Chromium', () => {
  const open = setUpChromium();

  test('search finds traces by what is in them and marks the rows; errors only leaves the failed', async () => {
    const page = await open(morning);
    await page.locator('#search').fill('imagepull');
    await page.locator('#found', { hasText: '1 of 5 traces' }).waitFor();
    await page.keyboard.press('Enter');
    expect(await details(page).locator('h2').innerText()).toContain('Pod.Failed');
    expect(await page.locator('.row.hit').count()).toBe(2);
    // What says which trace it is leads to its line, and leaves it open.
    await page.locator('#search').fill('argocd');
    await page.keyboard.press('Enter');
    expect(await focusedText(page)).toContain('checkout');
    expect(await page.locator('.head[aria-expanded="true"]', { hasText: 'checkout' }).count()).toBe(1);
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

  const objects = (page: Page) =>
    page
      .locator('.trace .head .what')
      .allInnerTexts()
      .then((texts) => texts.map((text) => text.split(' ')[1]));

  test('opens at what failed, wherever it is in the list', async () => {
    const good = Array.from({ length: 260 }, (_, i) =>
      makeRollout({ name: `ok-${i}`, replicas: 1, at: i * 10 }),
    );
    const bad = makeRollout({ name: 'bad', replicas: 1, at: 2595, badImage: [0] });
    const page = await open([...good.flat(), ...bad]);
    const head = page.locator('.head[aria-expanded="true"]');
    expect(await head.count()).toBe(1);
    expect(await head.innerText()).toContain('bad');
    const { y } = (await head.boundingBox())!;
    expect(y).toBeGreaterThan(0);
    expect(y).toBeLessThan(800);
  });

  test('above a waterfall: how it ended and why, what, who, where the time went, and how to look at it', async () => {
    const root = makeSpan({
      name: 'Deployment.Apply',
      object: 'web',
      manager: 'argocd-controller',
      outcome: 'failed',
      lasts: 40,
      error: 'Pod web-1, container app: ErrImagePull: not found',
      attributes: {
        'error.type': 'ErrImagePull',
        'rootspan.change.summary': 'image app v1 → v2',
        'rootspan.change.duration': 20,
        'rootspan.change.time.queue': 2,
        'rootspan.change.time.pull': 18,
        'vcs.ref.head.revision': 'b7f00d5'.padEnd(40, '0'),
        'vcs.ref.head.name': 'main',
        'vcs.repository.url.full': 'https://git.example.com/shop.git',
      },
    });
    const page = await open([root], {
      traceUrl: 'https://traces.example/t/{traceId}?span={spanId}',
      permissions: ['clipboard-read', 'clipboard-write'],
    });
    const text = await page.locator('.facts-of').innerText();
    expect(text).toContain(
      '✗ failed after 20.00 s: ErrImagePull · Pod web-1, container app: ErrImagePull: not found',
    );
    expect(text).toContain('Deployment web · namespace shop · cluster prod-eu-1 · image app v1 → v2');
    expect(text).toContain(
      'argocd-controller (Apply) · commit main@b7f00d5 of https://git.example.com/shop.git',
    );
    expect(text).toMatch(/queue 2\.00 s\s+pull 18\.00 s/);
    const shares = await page
      .locator('.phases i')
      .evaluateAll((parts) => parts.map((part) => part.getBoundingClientRect().width));
    expect(shares[1]! / shares[0]!).toBeCloseTo(9, 0);
    await page.getByRole('button', { name: 'Copy command' }).first().click();
    await page.locator('#said', { hasText: 'command copied' }).waitFor({ state: 'attached' });
    expect(await page.evaluate('navigator.clipboard.readText()')).toBe(
      'kubectl describe deployment.apps/web -n shop',
    );
    expect(await page.getByRole('link', { name: 'Open in the backend' }).getAttribute('href')).toBe(
      `https://traces.example/t/${root.traceId}?span=${root.spanId}`,
    );
    expect(await page.title()).toBe('morning.jsonl · Traces of prod-eu-1');
  });

  test('a link is there at both its ends, and says why', async () => {
    const page = await open(morning);
    await openOnly(page, web);
    const back = page.locator('.facts-of li');
    expect(await back.innerText()).toMatch(/^Its pods were moved by Node\.NodeNotSchedulable node-2, /);
    await back.getByRole('button').click();
    expect(await details(page).locator('h2').innerText()).toContain('Node.NodeNotSchedulable');
    expect(await traceAt(page, drain).locator('.facts-of li').innerText()).toMatch(
      /^Moved pods of Deployment\.Apply web, /,
    );
  });

  test('picks by outcome, cause, cluster, namespace, who, duration and time, and all again', async () => {
    const page = await open(makeTwoClusters());
    expect(await objects(page)).toEqual(['web', 'web', 'api', 'db']);
    await page.getByRole('button', { name: 'failed 1' }).click();
    expect(await objects(page)).toEqual(['web']);
    expect(await page.locator('#found').innerText()).toBe('1 of 4 traces');
    await page.getByRole('button', { name: 'Show all' }).click();
    await page.getByLabel('Cluster').selectOption({ label: 'prod-us (2)' });
    expect(await objects(page)).toEqual(['web', 'api']);
    await page.getByLabel('Cluster').selectOption({ label: 'Any cluster' });
    await page.getByLabel('Namespace').selectOption({ label: 'data (1)' });
    expect(await objects(page)).toEqual(['db']);
    await page.getByRole('button', { name: 'Show all' }).click();
    await page.getByRole('combobox', { name: 'By' }).selectOption({ label: 'helm (1)' });
    expect(await objects(page)).toEqual(['db']);
    await page.getByRole('button', { name: 'Show all' }).click();
    await page.getByLabel('Duration').selectOption({ label: 'at least 10 s' });
    expect(await objects(page)).toEqual(['web']);
    await page.getByRole('button', { name: 'Show all' }).click();
    await page.getByLabel('From', { exact: true }).selectOption({ label: 'from 05:12' });
    expect(await objects(page)).toEqual(['db']);
    expect(await page.getByRole('button', { name: 'Show all' }).isVisible()).toBe(true);
  });

  test('sorts by a column, a second click turns it round', async () => {
    const page = await open(makeTwoClusters());
    const head = (name: string) => page.locator('#heads').getByRole('button', { name });
    await head('Change').click();
    expect(await objects(page)).toEqual(['api', 'db', 'web', 'web']);
    expect(await head('Change').getAttribute('aria-pressed')).toBe('true');
    await head('Change').click();
    expect(await objects(page)).toEqual(['web', 'web', 'db', 'api']);
    await head('Errors').click();
    expect((await objects(page))[0]).toBe('web');
    expect(await traceAt(page, 0).locator('.errors').innerText()).toBe('✗ 3');
    await page.getByLabel('Sort', { exact: true }).selectOption({ label: 'Sort by kind' });
    expect(await head('Errors').getAttribute('aria-pressed')).toBe('false');
  });

  test('says the cluster where there is more than one', async () => {
    const page = await open(makeTwoClusters());
    expect(await traceAt(page, 1).locator('.cluster').innerText()).toBe('prod-us');
    const one = await open(morning);
    expect(await one.locator('.cluster').first().isVisible()).toBe(false);
  });

  test('n and p go from error to error, over traces and folds, and round', async () => {
    const page = await open(morning);
    const stops: string[] = [];
    for (let i = 0; i < 9; i++) {
      await page.keyboard.press('n');
      stops.push((await focusedText(page)).replace(/^✗ error /, '').replace(/(search|worker).*/, ' $1'));
    }
    const pod = ['Pod.Failed search', 'Pod.BackOff search', 'Pod.Failed search'];
    expect(stops).toEqual([...pod, ...pod, 'Pod.BackOff×12 worker', ...pod.slice(0, 2)]);
    await page.keyboard.press('p');
    expect(await focusedText(page)).toContain('Pod.Failed');
    await page.getByRole('button', { name: 'Previous error' }).click();
    expect(await focusedText(page)).toContain('×12');
    await page.getByLabel('Errors only').check();
    await page.locator('#search').fill('checkout');
    await page.locator('#nothing').waitFor();
    expect(await page.getByRole('button', { name: 'Next error' }).isVisible()).toBe(false);
  });

  test('? shows the keys, Escape puts them away', async () => {
    const page = await open(morning);
    await page.keyboard.press('?');
    expect(await page.locator('#help').innerText()).toContain('next, previous error');
    await page.keyboard.press('Escape');
    expect(await page.locator('#help').isVisible()).toBe(false);
    await page.getByRole('button', { name: 'Keys and signs' }).click();
    await page.locator('#help').getByRole('button', { name: 'Close' }).click();
    expect(await page.locator('#help').isVisible()).toBe(false);
  });

  test('on a phone the filters are behind a button', async () => {
    const page = await open(makeTwoClusters(), phone);
    expect(await page.getByLabel('Cluster').isVisible()).toBe(false);
    await page.getByRole('button', { name: 'Filter' }).tap();
    await page.getByLabel('Cluster').selectOption({ label: 'prod-us (2)' });
    expect(await objects(page)).toEqual(['web', 'api']);
    expect(
      await page.evaluate('document.documentElement.scrollWidth - document.documentElement.clientWidth'),
    ).toBe(0);
  });

  test('20,000 spans, in one trace or in many, are there within a second of work', async () => {
    const one = makeRollout({ name: 'huge', replicas: 3333 });
    const many = Array.from({ length: 1000 }, (_, i) =>
      makeRollout({ name: `app-${i}`, replicas: 3, at: i }),
    ).flat();
    for (const spans of [one, many]) {
      expect(spans).toHaveLength(20_000);
      const page = await open(spans, { hash: '#' });
      await page.locator('.row').first().waitFor();
      const session = await page.context().newCDPSession(page);
      await session.send('Performance.enable', { timeDomain: 'threadTicks' });
      await page.reload();
      await page.locator('.row').first().waitFor();
      const { metrics } = await session.send('Performance.getMetrics');
      // The time of the thread, not the clock's: others may be at work here. It takes 0.3 to 0.5 s.
      expect(metrics.find(({ name }) => name === 'TaskDuration')!.value).toBeLessThan(1);
    }
  });
});
