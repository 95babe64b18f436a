import fc from 'fast-check';
import { expect, test } from 'vitest';
import { renderPage } from '../../../../infra/local/view/render-page.ts';
import type { Span } from '../../../../shared/span.ts';
import { checkProperty } from '../../../check-property.ts';
import { anySpans, HOSTILE, makeMorning, makeRollout, makeSpan } from '../../../spans.ts';

const pageOf = (spans: Span[], title = 'Traces', source = 'a test') => renderPage(spans, { title, source });

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

test('the index lists the traces, each trace has a block of its own with every span', () => {
  const [index, web, ...others] = dataOf(pageOf(makeMorning()));
  expect(index.traces.map((trace: { object: string }) => trace.object)).toEqual([
    'web',
    'checkout',
    'search',
    'worker',
    'node-2',
  ]);
  expect(index.traces[2]).toMatchObject({ manager: 'helm', outcome: 'failed', errors: 6, lasts: '13.81 s' });
  expect(web.rows).toHaveLength(20);
  expect(others).toHaveLength(4);
});

test('a row says which container it is about, how that ended, and why it hangs where it does', () => {
  const root = makeSpan({ name: 'Pod.Scheduled', object: 'web-1' });
  const end = makeSpan({ name: 'Pod.Terminated', object: 'web-1', parent: root });
  const attributes = {
    'k8s.container.name': 'app',
    'k8s.container.status.reason': 'Completed',
    'process.exit.code': 0,
    'rootspan.because': 'creator',
    'rootspan.evidence': 'message',
  };
  const [, trace] = dataOf(pageOf([root, { ...end, attributes }]));
  expect(trace.rows[0]).toMatchObject({ container: '' });
  expect(trace.rows[0]).not.toHaveProperty('ground');
  expect(trace.rows[1]).toMatchObject({
    container: 'app',
    message: 'container app: Completed, exit code 0',
    ground: {
      because: 'creator',
      why: 'the Event that it hangs under created this object',
      evidence: 'message',
    },
  });
});

test('like pods come folded', () => {
  const [, trace] = dataOf(pageOf(makeRollout({ name: 'big', replicas: 30 })));
  expect(trace.rows[1].below).toEqual([
    2,
    {
      type: 'more',
      rows: expect.arrayContaining([8, 14]),
      errors: 0,
      note: expect.stringMatching(/^slowest big-.* s$/),
    },
  ]);
});

test('nothing in a title, a source or a span can end its element or fill a hole of the page', () => {
  const bare = blocksOf(pageOf([makeSpan({ name: 'Pod.X', object: 'x' })]));
  for (const text of HOSTILE) {
    const spans = [
      makeSpan({ name: 'Pod.X', object: text, message: text, service: text, attributes: { [text]: text } }),
    ];
    const html = pageOf(spans, text, text);
    expect(blocksOf(html)).toHaveLength(bare.length);
    expect(dataOf(html)[1].rows[0].attributes['k8s.event.message']).toBe(text);
    expect(html).not.toContain('<img');
  }
});

test('whatever the spans: the blocks parse and hold each span once', () => {
  checkProperty(
    fc.property(anySpans, (spans) => {
      const [index, ...traces] = dataOf(pageOf(spans));
      expect(traces).toHaveLength(index.traces.length);
      const ids = traces.flatMap(({ rows }, i) =>
        rows.map((row: { id: string }) => index.traces[i].id + row.id),
      );
      expect(ids.toSorted()).toEqual(spans.map((span) => span.traceId + span.spanId).toSorted());
    }),
    60,
  );
});
