import fc from 'fast-check';
import { expect, test } from 'vitest';
import { type PageOptions, renderPage } from '../../../../infra/local/view/render-page.ts';
import { unpackSpans } from '../../../../infra/local/view/unpack-spans.ts';
import { compareSpans, type Span } from '../../../../shared/span.ts';
import { checkProperty } from '../../../check-property.ts';
import { anySpans, HOSTILE, makeMorning, makeRollout, makeSpan } from '../../../spans.ts';

const pageOf = (spans: Span[], title = 'Traces', source: PageOptions['source'] = 'a test') =>
  renderPage(spans, { title, source });

/** What an HTML parser makes of the page's scripts: everything up to the first thing that ends a script element. */
const blocksOf = (html: string) => [...html.matchAll(/<script([^>]*)>([\s\S]*?)<\/script/gi)];
const dataOf = (html: string) =>
  blocksOf(html)
    .filter(([, attributes]) => attributes!.includes('application/json'))
    .map(([, , json]) => JSON.parse(json!));

test('one file that may fetch nothing', () => {
  const html = pageOf(makeMorning());
  expect(html).toContain(
    `content="default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; base-uri 'none'; form-action 'none'"`,
  );
  expect(html).not.toMatch(/<(?:link|img|iframe|script src)|@import|url\(|https?:/);
  expect(html).not.toMatch(/<!--\w+-->/);
});

const spansOf = (html: string): Span[] => {
  const [index, ...traces] = dataOf(html);
  return traces.flatMap((trace) => unpackSpans(trace, index.shared));
};

test('the index lists the traces, each trace has a block of its own with every span', () => {
  const [index, ...traces] = dataOf(pageOf(makeMorning()));
  expect(index.traces.map((trace: { object: string }) => trace.object)).toEqual([
    'web',
    'checkout',
    'search',
    'worker',
    'node-2',
  ]);
  expect(index.traces[2]).toMatchObject({
    manager: 'helm',
    outcome: 'failed',
    cluster: 'prod-eu-1',
    errors: 6,
    spans: 28,
  });
  // What is empty takes no room.
  expect(index.traces[0]).not.toHaveProperty('cause');
  expect(traces).toHaveLength(5);
  expect(spansOf(pageOf(makeMorning())).toSorted(compareSpans)).toEqual(makeMorning().toSorted(compareSpans));
});

test('a change says why it failed, an episode why its first error came', () => {
  const failed = { outcome: 'failed', manager: 'helm', trace: 'a', error: 'Pod web-1: not found' };
  const change = makeSpan({
    name: 'Deployment.Apply',
    object: 'web',
    ...failed,
    attributes: { 'error.type': 'ErrImagePull' },
  });
  const episode = makeSpan({ name: 'Pod.Unhealthy', object: 'web-1', trace: 'b', at: 1 });
  const below = makeSpan({
    name: 'Pod.BackOff',
    object: 'web-1',
    trace: 'b',
    at: 2,
    parent: episode,
    error: 'Back-off',
  });
  const recovered = makeSpan({ name: 'Deployment.Apply', object: 'api', trace: 'c', at: 3, manager: 'helm' });
  const warning = makeSpan({
    name: 'Pod.FailedScheduling',
    object: 'api-1',
    trace: 'c',
    at: 4,
    parent: recovered,
    error: 'no node',
  });
  const [index] = dataOf(pageOf([change, episode, below, recovered, warning]));
  expect(index.traces).toMatchObject([
    { cause: 'ErrImagePull', why: 'Pod web-1: not found' },
    { cause: 'BackOff', why: 'Back-off' },
    { outcome: 'complete', errors: 1 },
  ]);
  expect(index.traces[2]).not.toHaveProperty('cause');
});

test('a rule that placed a span is told in words', () => {
  const root = makeSpan({ name: 'Pod.Scheduled', object: 'web-1' });
  const attributes = { 'rootspan.because': 'creator', 'rootspan.evidence': 'message' };
  const end = makeSpan({ name: 'Pod.Terminated', object: 'web-1', parent: root, attributes });
  expect(dataOf(pageOf([root, end]))[0].rules).toEqual({
    creator: 'the Event that it hangs under created this object',
  });
});

test('a tab says which file it is of', () => {
  const tabOf = (...files: string[]) => /<title>(.*)<\/title>/.exec(pageOf([], 'Rootspan', files))![1];
  expect(tabOf('recordings/drain.jsonl')).toBe('drain.jsonl · Rootspan');
  expect(tabOf('a/one.jsonl', 'b/two.jsonl')).toBe('one.jsonl, two.jsonl · Rootspan');
  expect(tabOf('a/one.jsonl', 'two.jsonl', 'three.jsonl')).toBe('one.jsonl and 2 more · Rootspan');
  expect(tabOf('-')).toBe('standard input · Rootspan');
  expect(tabOf()).toBe('Rootspan');
});

test('of a cluster it says all, whatever its context has in its name', () => {
  const source = 'https://x.eks.example (context arn:aws:eks:eu-west-1:111111111111:cluster/prod)';
  const html = pageOf([makeSpan({ name: 'Pod.X', object: 'x' })], 'Rootspan', source);
  expect(/<title>(.*)<\/title>/.exec(html)![1]).toBe(`${source} · Rootspan`);
  expect(html).toContain(`>${source} · 1 trace`);
});

test('a link to a backend is a template, filled in where it is shown', () => {
  const linked = (traceUrl: string) => renderPage(makeMorning(), { title: '', source: '', traceUrl });
  expect(dataOf(linked('https://tempo.example/t/{traceId}'))[0].traceUrl).toBe(
    'https://tempo.example/t/{traceId}',
  );
});

test('the context of a cluster that was asked is there for the commands', () => {
  const page = renderPage(makeMorning(), { title: '', source: '', context: 'prod' });
  expect(dataOf(page)[0].context).toBe('prod');
});

test('20,000 spans are less than 5 MB', () => {
  const spans = Array.from({ length: 8 }, (_, i) => makeRollout({ name: `app-${i}`, replicas: 417 })).flat();
  expect(spans.length).toBeGreaterThan(20_000);
  expect(pageOf(spans).length).toBeLessThan(5_000_000);
});

test('nothing in a title, a source or a span can end its element or fill a hole of the page', () => {
  const bare = blocksOf(pageOf([makeSpan({ name: 'Pod.X', object: 'x' })]));
  for (const text of HOSTILE) {
    const spans = [
      makeSpan({ name: 'Pod.X', object: text, message: text, service: text, attributes: { [text]: text } }),
    ];
    const html = pageOf(spans, text, text);
    expect(blocksOf(html)).toHaveLength(bare.length);
    expect(spansOf(html)[0]!.attributes['k8s.event.message']).toBe(text);
    expect(html).not.toContain('<img');
  }
});

test('whatever the spans: the blocks parse and hold each span once', () => {
  checkProperty(
    fc.property(anySpans, (spans) => {
      const [index, ...traces] = dataOf(pageOf(spans));
      expect(traces).toHaveLength(index.traces.length);
      expect(traces.flatMap((trace) => unpackSpans(trace, index.shared)).toSorted(compareSpans)).toEqual(
        spans.toSorted(compareSpans),
      );
    }),
    60,
  );
});
