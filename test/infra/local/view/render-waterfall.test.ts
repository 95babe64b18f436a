import fc from 'fast-check';
import { expect, test } from 'vitest';
import { cellWidth } from '../../../../infra/local/view/fit-text.ts';
import { renderWaterfall } from '../../../../infra/local/view/render-waterfall.ts';
import type { Span } from '../../../../shared/span.ts';
import { checkProperty } from '../../../check-property.ts';
import { anySpans, CONTROLS, HOSTILE, makeMorning, makeRollout, makeSpan } from '../../../spans.ts';

const plain = (spans: Span[], width = 100) => renderWaterfall(spans, { width, color: false });
const ESCAPE = '\u001b';

test('a rollout: who, what, how it went, and a bar for each span', () => {
  expect(plain(makeRollout({ name: 'web', replicas: 2 }))).toBe(`\
Deployment.Apply web · shop · by kubectl-client-side-apply · ✓ complete · 1.54 s · 14 spans
  trace 6c957832589e9c8d19b67c9c0c4b995a
2026-11-23 05:11:29.000 UTC                0                    771 ms               1.54 s
Deployment.Apply web                       ████████████████████████████████████████████████   1.54 s
└ Deployment.ScalingReplicaSet             ████████████████████████████████████████████████   1.54 s
  ├ ReplicaSet.SuccessfulCreate …6c9578325  ██████████████████████████████████▎               1.10 s
  │ ├ Pod.Scheduled …bp5jw [app]            ▐███████████▏                                     380 ms
  │ ├ Pod.Pulling …bp5jw [app]                          ██████████████████▉                   600 ms
  │ ├ Pod.Pulled …bp5jw [app]                                              ▉                   30 ms
  │ ├ Pod.Created …bp5jw [app]                                              ██▎                80 ms
  │ └ Pod.Started …bp5jw [app]                                                ◆
  └ ReplicaSet.SuccessfulCreate …6c9578325  ▐██████████████████████████████████████████████   1.49 s
    ├ Pod.Scheduled …k4l5m [app]             ██████████████                                   451 ms
    ├ Pod.Pulling …k4l5m [app]                             ████████████████████████████       900 ms
    ├ Pod.Pulled …k4l5m [app]                                                          █       30 ms
    ├ Pod.Created …k4l5m [app]                                                          ███    98 ms
    └ Pod.Started …k4l5m [app]                                                            ◆
`);
});

test('the header says where the time of a change went, and how long it took where the trace goes on', () => {
  const attributes = {
    'rootspan.change.duration': 20.5,
    'rootspan.change.time.queue': 0.1,
    'rootspan.change.time.pull': 12,
    'rootspan.change.time.ready': 8.4,
  };
  const span = makeSpan({ name: 'Deployment.Apply', object: 'web', manager: 'helm', lasts: 60, attributes });
  const [head] = plain([span], 120).split('\n');
  expect(head).toBe(
    'Deployment.Apply web · shop · by helm · ✓ complete after 20.50 s · pull 12.00 s, ready 8.40 s · 1m 00s · 1 span',
  );
});

test('the header says which commit it was, once', () => {
  const attributes = {
    'rootspan.change.duration': 1,
    'vcs.ref.head.name': 'main',
    'vcs.ref.head.revision': '64207fc001382e697be01d0c8cce5234ffe6092e',
    'vcs.repository.url.full': 'https://git.example.com/apps.git',
  };
  const of = (summary: string) =>
    plain(
      [
        makeSpan({
          name: 'Deployment.Apply',
          object: 'web',
          manager: 'flux',
          attributes: { ...attributes, 'rootspan.change.summary': summary },
        }),
      ],
      200,
    );
  expect(of('replicas 1 → 2')).toContain(
    'replicas 1 → 2 · main@64207fc of https://git.example.com/apps.git ·',
  );
  const sync = of('synced main@64207fc001382e697be01d0c8cce5234ffe6092e');
  expect(sync).toContain('6092e · https://git.example.com/apps.git ·');
});

test('errors are marked and say why; a crash loop is one row of marks', () => {
  const text = plain(makeRollout({ name: 'w', replicas: 2, badImage: [0], crashes: { 1: 12 } }));
  expect(text).toContain('✗ 15 errors');
  expect(text).toContain('✗ Pod.Failed …');
  expect(text).toContain('Failed to pull image "registry.example/w:v2": not found');
  const loop = text.split('\n').filter((line) => line.includes('Pod.BackOff') && line.includes('×12'));
  expect(loop).toHaveLength(1);
  expect(loop[0]).toContain('✗');
  expect(loop[0]!.match(/◆/g)!.length).toBeGreaterThan(5);
});

test('what is said once under a parent is not said again', () => {
  const root = makeSpan({ name: 'ReplicaSet.SuccessfulCreate', object: 'web', lasts: 30 });
  const loop = [1, 2, 3].map((at) =>
    makeSpan({ name: 'Pod.BackOff', object: 'web-1', parent: root, at, error: 'crashed' }),
  );
  const text = plain([root, ...loop]);
  expect(text.match(/✗ Pod\.BackOff/g)).toHaveLength(3);
  expect(text.match(/crashed/g)).toHaveLength(1);
});

test('thirty pods that roll out alike fold into the first, a count and the slowest', () => {
  const text = plain(makeRollout({ name: 'big', replicas: 30 }));
  expect(text).toMatch(/└ … and 29 more like it, slowest big-[0-9a-f]{9}-\w{5} 3\.17 s\n$/);
  expect(text.match(/Pod\.Scheduled/g)).toHaveLength(1);
});

test('five alike are still shown one by one', () => {
  const text = plain(makeRollout({ name: 'few', replicas: 5 }));
  expect(text.match(/Pod\.Scheduled/g)).toHaveLength(5);
  expect(text).not.toContain('more like it');
});

test('pods that failed do not disappear among those that did not', () => {
  const text = plain(makeRollout({ name: 'big', replicas: 30, badImage: [17] }));
  expect(text).toContain('… and 28 more like it');
  expect(text).toContain('✗ Pod.Failed');
});

test('a fold of like trees shows the first with an error and counts the others', () => {
  const root = makeSpan({ name: 'Deployment.Apply', object: 'web', manager: 'helm', lasts: 9 });
  const pods = Array.from({ length: 12 }, (_, i) =>
    makeSpan({
      name: 'Pod.Unhealthy',
      object: `web-${i}`,
      parent: root,
      at: i / 2,
      lasts: 0.3,
      ...([4, 7, 9].includes(i) ? { error: `probe of web-${i} failed` } : {}),
    }),
  );
  const text = plain([root, ...pods]);
  expect(text).toContain('├ Pod.Unhealthy …0');
  expect(text).toContain('├ ✗ Pod.Unhealthy …4');
  expect(text).toContain('probe of web-4 failed');
  expect(text).toContain('… and 10 more like it, ✗ 2 with errors, slowest web-1 300 ms');
});

test('a disruption names the traces that it links to, and why', () => {
  expect(plain(makeMorning())).toContain(
    'Node.NodeNotSchedulable node-2 · default · 7.40 s · 2 spans · link to 6c957832 (moved-pods-of)',
  );
});

test('what is about a container names it, also where the pod is named above', () => {
  const root = makeSpan({ name: 'Pod.Scheduled', object: 'web-1' });
  const attributes = { 'k8s.container.name': 'app' };
  const text = plain([
    root,
    makeSpan({ name: 'Pod.Started', object: 'web-1', parent: root, at: 1, attributes }),
    makeSpan({
      name: 'Pod.Terminated',
      object: 'web-1',
      parent: root,
      at: 2,
      error: 'container app: OOMKilled, exit code 137',
      attributes,
    }),
  ]);
  expect(text).toContain('├ Pod.Started [app]');
  expect(text).toContain('└ ✗ Pod.Terminated [app]');
  expect(text).toContain('container app: OOMKilled, exit code 137');
});

test('no spans, no text', () => {
  expect(plain([])).toBe('');
});

test('colour comes with a legend of the services, and errors are red', () => {
  const text = renderWaterfall(makeMorning(), { width: 120, color: true });
  expect(text).toContain(`${ESCAPE}[31m✗ ${ESCAPE}[0m`);
  expect(text).toMatch(/■.*kubelet.*■.*default-scheduler/);
  // biome-ignore lint/suspicious/noControlCharactersInRegex: taking the colour away leaves the plain text and the legend
  const bare = text.replace(/\u001b\[[\d;]*m/g, '').replace(/ +$/gm, '');
  expect(bare.startsWith(plain(makeMorning(), 120))).toBe(true);
});

test('whatever the spans, no line is wider than the terminal, and without colour there is no escape code', () => {
  checkProperty(
    fc.property(anySpans, fc.integer({ min: 60, max: 250 }), (spans, width) => {
      const text = plain(spans, width);
      expect(Math.max(...text.split('\n').map(cellWidth))).toBeLessThanOrEqual(width);
      expect(text).not.toMatch(CONTROLS);
    }),
  );
});

test('with colour only our own escape codes are there', () => {
  const spans = HOSTILE.map((message, i) =>
    makeSpan({ name: 'Pod.Failed', object: message, error: message, at: i }),
  );
  const text = renderWaterfall(spans, { width: 80, color: true });
  // biome-ignore lint/suspicious/noControlCharactersInRegex: ours are colours, theirs would be anything else
  expect(text.replace(/\u001b\[(0|1|2|3\d|1;31|38;5;\d+)m/g, '')).not.toMatch(CONTROLS);
});

test('wide characters take two cells', () => {
  expect(['web', '漢字', '👩‍👩‍👧‍👦', 'é', ''].map(cellWidth)).toEqual([3, 4, 2, 1, 0]);
});
