import fc from 'fast-check';
import { expect, test } from 'vitest';
import { buildTraces, headOf, walkTrees } from '../../../../infra/local/view/build-trees.ts';
import { parseSpanBatch, type Span } from '../../../../shared/span.ts';
import { checkProperty } from '../../../check-property.ts';
import { anySpans, makeMorning, makeRollout, makeSpan } from '../../../spans.ts';

const outline = (spans: Span[]) =>
  buildTraces(spans).map(({ roots }) =>
    [...walkTrees(roots)].map(({ tree, depth }) => `${'  '.repeat(depth)}${tree.span.name}`),
  );

test('children hang under their parents by start, traces stand in order of start', () => {
  const early = makeSpan({ name: 'Pod.Killing', object: 'a', trace: 'early', at: -5 });
  const apply = makeSpan({ name: 'Deployment.Apply', object: 'web', manager: 'kubectl' });
  const started = makeSpan({ name: 'Pod.Started', object: 'web-1', parent: apply, at: 2 });
  const pulling = makeSpan({ name: 'Pod.Pulling', object: 'web-1', parent: apply, at: 1 });
  expect(outline([started, apply, pulling, early])).toEqual([
    ['Pod.Killing'],
    ['Deployment.Apply', '  Pod.Pulling', '  Pod.Started'],
  ]);
});

test('a span whose parent is not there is a root of its trace, and the true root names it', () => {
  const orphan = makeSpan({ name: 'Pod.Killing', object: 'web-1', parent: 'feedfeedfeedfeed', at: -1 });
  const apply = makeSpan({ name: 'Deployment.Apply', object: 'web', manager: 'kubectl' });
  expect(outline([apply, orphan])).toEqual([['Pod.Killing', 'Deployment.Apply']]);
  expect(headOf(buildTraces([apply, orphan])[0]!).span.name).toBe('Deployment.Apply');
});

test('spans that are each other’s ancestors are still shown', () => {
  const a = makeSpan({ name: 'Pod.A', object: 'x', id: 'aaaaaaaaaaaaaaaa', parent: 'bbbbbbbbbbbbbbbb' });
  const b = makeSpan({
    name: 'Pod.B',
    object: 'x',
    id: 'bbbbbbbbbbbbbbbb',
    parent: 'aaaaaaaaaaaaaaaa',
    at: 1,
  });
  const self = makeSpan({
    name: 'Pod.Self',
    object: 'x',
    id: 'cccccccccccccccc',
    parent: 'cccccccccccccccc',
  });
  expect(outline([b, a, self])).toEqual([['Pod.A', '  Pod.B', 'Pod.Self']]);
});

test('a span that was delivered twice counts once', () => {
  const spans = makeRollout({ name: 'web', replicas: 2 });
  expect(buildTraces([...spans, ...spans])).toEqual(buildTraces(spans));
});

test('errors are counted up to the root, and links to other traces once each', () => {
  const cause = makeSpan({ name: 'Deployment.Apply', object: 'db', trace: 'cause', manager: 'helm' });
  const root = makeSpan({
    name: 'Pod.FailedScheduling',
    object: 'web-1',
    error: 'no room',
    links: [cause, cause],
  });
  const child = makeSpan({
    name: 'Pod.BackOff',
    object: 'web-1',
    parent: root,
    error: 'again',
    links: [cause, root],
  });
  const [trace] = buildTraces([root, child]);
  expect(trace).toMatchObject({ spans: 2, errors: 2, links: [{ traceId: cause.traceId }] });
});

test('trees of one shape have one number, however often a child repeats', () => {
  const [trace] = buildTraces(
    makeRollout({ name: 'w', replicas: 4, crashes: { 1: 3, 2: 8 }, badImage: [3] }),
  );
  const shapes = trace!.roots[0]!.children[0]!.children.map(({ shape }) => shape);
  expect(shapes[1]).toBe(shapes[2]);
  expect(new Set(shapes).size).toBe(3);
});

test('a chain of 50,000 spans does not overflow the stack', () => {
  const chain: Span[] = [];
  for (let i = 0; i < 50_000; i++)
    chain.push(
      makeSpan({
        name: 'Pod.X',
        object: 'x',
        at: i,
        id: i.toString(16).padStart(16, '0'),
        parent: chain.at(-1) ?? null,
      }),
    );
  expect(buildTraces(chain)[0]!.spans).toBe(50_000);
});

test('whatever the spans, in whatever order: each is in the trees once, and the order does not matter', () => {
  checkProperty(
    fc.property(anySpans, fc.integer(), (spans, seed) => {
      const traces = buildTraces(spans);
      const ids = traces.flatMap(({ roots }) =>
        [...walkTrees(roots)].map(({ tree }) => tree.span.traceId + tree.span.spanId),
      );
      expect(ids.toSorted()).toEqual(spans.map((span) => span.traceId + span.spanId).toSorted());
      const shuffled = spans.toSorted((a, b) =>
        ((BigInt(`0x${a.spanId}`) * BigInt(seed | 1)) & 255n) <
        ((BigInt(`0x${b.spanId}`) * BigInt(seed | 1)) & 255n)
          ? -1
          : 1,
      );
      expect(outline(shuffled)).toEqual(outline(spans));
    }),
  );
});

test('the generator makes spans that keep the contract', () => {
  expect(parseSpanBatch({ version: 1, spans: makeMorning() }).ok).toBe(true);
});
