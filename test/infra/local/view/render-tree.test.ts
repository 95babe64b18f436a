import fc from 'fast-check';
import { expect, test } from 'vitest';
import { buildTraces, walkTrees } from '../../../../infra/local/view/build-trees.ts';
import { renderTree } from '../../../../infra/local/view/render-tree.ts';
import { checkProperty } from '../../../check-property.ts';
import { anySpans, CONTROLS, makeMorning, makeRollout, makeSpan } from '../../../spans.ts';

const lines = (text: string) => text.split('\n').slice(0, -1);

test('a rollout reads as an indented tree with times from its start', () => {
  const spans = makeRollout({ name: 'web', replicas: 2, badImage: [1] });
  expect(renderTree(spans.toReversed())).toBe(`\
trace 6c957832 Deployment/shop/web, 15 spans, 3 errors, links 0
  Deployment.Apply web +0.000s 13.024s Apply by kubectl-client-side-apply, failed
    Deployment.ScalingReplicaSet web +0.004s 13.020s x1 Scaled up replica set web-6c9578325 from 0 to 2
      ReplicaSet.SuccessfulCreate web-6c9578325 +0.030s 1.102s x1 Created pod: web-6c9578325-bp5jw
        Pod.Scheduled web-6c9578325-bp5jw +0.042s 0.380s x1 Successfully assigned shop/web-6c9578325-bp5jw to node-1
        Pod.Pulling web-6c9578325-bp5jw +0.422s 0.600s x1 Pulling image "registry.example/web:v2"
        Pod.Pulled web-6c9578325-bp5jw +1.022s 0.030s x1 Successfully pulled image "registry.example/web:v2" in 600ms
        Pod.Created web-6c9578325-bp5jw +1.052s 0.080s x1 Container created
        Pod.Started web-6c9578325-bp5jw +1.132s 0.000s x1 Container started
      ReplicaSet.SuccessfulCreate web-6c9578325 +0.051s 12.973s x1 Created pod: web-6c9578325-k4l5m
        Pod.Scheduled web-6c9578325-k4l5m +0.063s 0.451s x1 Successfully assigned shop/web-6c9578325-k4l5m to node-2
        Pod.Pulling web-6c9578325-k4l5m +0.514s 0.900s x1 Pulling image "registry.example/web:v2"
        Pod.Failed web-6c9578325-k4l5m +1.414s 0.010s x1 ERROR Failed to pull image "registry.example/web:v2": not found
        Pod.BackOff web-6c9578325-k4l5m +1.424s 11.200s x1 ERROR Back-off pulling image "registry.example/web:v2"
        Pod.Pulling web-6c9578325-k4l5m +12.624s 0.400s x1 Pulling image "registry.example/web:v2"
        Pod.Failed web-6c9578325-k4l5m +13.024s 0.000s x1 ERROR Error: ImagePullBackOff
`);
});

test('a root says how long its change took, and where that time went', () => {
  const attributes = {
    'rootspan.change.duration': 20.5,
    'rootspan.change.time.pull': 12.1,
    'rootspan.change.time.ready': 8.4,
  };
  const root = makeSpan({ name: 'Deployment.Apply', object: 'web', manager: 'helm', lasts: 60, attributes });
  expect(lines(renderTree([root]))[1]).toBe(
    '  Deployment.Apply web +0.000s 60.000s Apply by helm, complete in 20.500s: pull 12.100s, ready 8.400s',
  );
});

test('links stand under the header, with the span they come from where it is not the root', () => {
  const web = makeSpan({ name: 'Deployment.Apply', object: 'web', trace: 'web', manager: 'helm' });
  const db = makeSpan({ name: 'StatefulSet.Apply', object: 'db', trace: 'db', manager: 'helm' });
  const drain = makeSpan({
    name: 'Node.NodeNotSchedulable',
    object: 'n2',
    trace: 'drain',
    namespace: '',
    links: [web],
  });
  const killing = makeSpan({
    name: 'Pod.Killing',
    object: 'db-0',
    trace: 'drain',
    parent: drain,
    at: 1,
    links: [db],
  });
  const [, of] = renderTree([web, db, drain, killing]).split(/(?=trace [0-9a-f]{8} (?:Node|Stateful))/);
  expect(of).toBe(`\
trace ${drain.traceId.slice(0, 8)} Node/n2, 2 spans, links 2
  link ${web.traceId.slice(0, 8)} moved-pods-of
  link ${db.traceId.slice(0, 8)} moved-pods-of from Pod.Killing db-0
  Node.NodeNotSchedulable n2 +0.000s 0.000s x1
    Pod.Killing db-0 +1.000s 0.000s x1
`);
});

test('siblings that are alike and an Event that comes again are a line each, and a long message is cut', () => {
  const text = renderTree(makeMorning());
  expect(text.match(/Pod\.Started checkout-/g)).toHaveLength(1);
  expect(text).toMatch(/^ +and 29 more like it, slowest checkout-\S+ \d+\.\d{3}s$/m);
  expect(text).toMatch(/Pod\.BackOff \S+ \+\S+s to \+\S+s x1 to x12, 12 times ERROR Back-off/);
  const span = makeSpan({ name: 'Pod.Failed', object: 'a', message: 'word '.repeat(50) });
  expect(lines(renderTree([span]))[1]).toMatch(/x1 .{89}…$/);
});

test('whatever the spans: a handful of siblings has a line each, and the order does not matter', () => {
  checkProperty(
    fc.property(anySpans, (spans) => {
      const text = renderTree(spans);
      const traces = buildTraces(spans);
      const places = traces.flatMap(({ roots }) => [...walkTrees(roots)]);
      const families = [...traces.map(({ roots }) => roots), ...places.map(({ tree }) => tree.children)];
      const shown = lines(text).filter((line) => /^ +.*\+\d+\.\d{3}s \d+\.\d{3}s( |$)/.test(line));
      if (families.every(({ length }) => length <= 5)) {
        expect(shown.map((line) => /^ */.exec(line)![0].length)).toEqual(
          places.map(({ depth }) => depth * 2 + 2),
        );
      } else expect(shown.length).toBeLessThanOrEqual(places.length);
      expect(renderTree(spans.toReversed())).toBe(text);
    }),
  );
});

test('no text of anybody’s breaks a line or reaches the terminal as a command', () => {
  checkProperty(
    fc.property(anySpans, (spans) => {
      expect(renderTree(spans)).not.toMatch(CONTROLS);
    }),
  );
});
