import { expect, test } from 'vitest';
import { buildTraces } from '../../../../infra/local/view/build-trees.ts';
import { findCriticalPath } from '../../../../infra/local/view/find-critical-path.ts';
import { makeRollout, makeSpan } from '../../../spans.ts';

/** `Pod.Pulling 1–4`: seconds after the root's start; what is on the path without a stretch of its own stands alone. */
function pathOf(spans: Parameters<typeof buildTraces>[0], seconds?: number): string[] {
  const root = buildTraces(spans)[0]!.roots[0]!;
  const end = seconds === undefined ? root.end : root.start + BigInt(seconds * 1e9);
  const second = (time: bigint) => Number(time - root.start) / 1e9;
  return [...findCriticalPath(root, end)].map(([tree, stretches]) =>
    [
      tree.span.name,
      ...stretches.map(({ from, until }) => `${second(from)}–${second(until)}`).toReversed(),
    ].join(' '),
  );
}

const root = makeSpan({ name: 'Deployment.Apply', object: 'web', lasts: 10 });
const step = (name: string, at: number, lasts: number, object = 'web-1', parent = root) =>
  makeSpan({ name: `Pod.${name}`, object, parent, at, lasts });

test('from the end back, always what ended last before', () => {
  const spans = [
    root,
    step('Scheduled', 1, 2),
    step('Pulling', 3, 4),
    step('Pulling', 3, 1, 'web-2'),
    step('Started', 8, 0),
  ];
  expect(pathOf(spans)).toEqual([
    'Deployment.Apply 0–1 7–8 8–10',
    'Pod.Started',
    'Pod.Pulling 3–7',
    'Pod.Scheduled 1–3',
  ]);
});

test('within what was waited for, what hangs below it', () => {
  const create = makeSpan({
    name: 'ReplicaSet.SuccessfulCreate',
    object: 'web',
    parent: root,
    at: 1,
    lasts: 9,
  });
  expect(pathOf([root, create, step('Pulling', 2, 8, 'web-1', create)])).toEqual([
    'Deployment.Apply 0–1',
    'ReplicaSet.SuccessfulCreate 1–2',
    'Pod.Pulling 2–10',
  ]);
});

test('what comes after the change has ended is not on it, what goes on at its end counts up to there', () => {
  const spans = [root, step('Pulling', 1, 4), step('BackOff', 6, 4)];
  expect(pathOf(spans, 5)).toEqual(['Deployment.Apply 0–1', 'Pod.Pulling 1–5']);
  expect(pathOf(spans, 8)).toEqual(['Deployment.Apply 0–1 5–6', 'Pod.BackOff 6–8', 'Pod.Pulling 1–5']);
});

test('its stretches add up to how long the change took, and never overlap', () => {
  for (const replicas of [1, 3, 40]) {
    const { roots } = buildTraces(makeRollout({ name: 'web', replicas, crashes: { 0: 5 } }))[0]!;
    const stretches = [...findCriticalPath(roots[0]!, roots[0]!.end).values()]
      .flat()
      .sort((a, b) => Number(a.from - b.from));
    for (const [i, { until }] of stretches.slice(0, -1).entries()) expect(stretches[i + 1]!.from).toBe(until);
    expect(stretches[0]!.from).toBe(roots[0]!.start);
    expect(stretches.at(-1)!.until).toBe(roots[0]!.end);
  }
});

test('a chain of twenty thousand spans is no trouble', () => {
  let parent = root;
  const spans = [root];
  for (let i = 0; i < 20_000; i++) {
    parent = step(`S${i}`, 0, 10, 'web-1', parent);
    spans.push(parent);
  }
  expect(pathOf(spans)).toHaveLength(20_001);
});
