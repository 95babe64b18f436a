import { expect, test } from 'vitest';
import {
  type DrawnTrace,
  drawTrace,
  reasonOf,
  wordsOf,
} from '../../../../../infra/local/view/page/draw-trace.ts';
import {
  allFolded,
  allUnfolded,
  saysError,
  shownRows,
  unfoldTo,
} from '../../../../../infra/local/view/page/shown-rows.ts';
import type { Span } from '../../../../../shared/span.ts';
import { makeRollout, makeSpan } from '../../../../spans.ts';

const draw = (spans: Span[], took?: number) => drawTrace(spans, new Map(), took);
const big = draw(makeRollout({ name: 'big', replicas: 30 }));
const mixed = draw(makeRollout({ name: 'mixed', replicas: 20, badImage: [3, 4, 5, 6, 7, 8, 9] }));

function namesOf(drawn: DrawnTrace, turned: ReadonlySet<string> = new Set(), onlyPath = false): string[] {
  return shownRows(drawn, { turned, onlyPath }).map((shown) =>
    shown.type === 'fold' ? `${shown.fold.type} ${shown.fold.rows.length}` : wordsOf(shown.row).name,
  );
}

test('like pods come folded, and expanding all shows every span', () => {
  expect(namesOf(big)).toEqual([
    'Deployment.Apply',
    'Deployment.ScalingReplicaSet',
    'ReplicaSet.SuccessfulCreate',
    'Pod.Scheduled',
    'Pod.Pulling',
    'Pod.Pulled',
    'Pod.Created',
    'Pod.Started',
    'more 29',
  ]);
  expect(namesOf(big, allUnfolded(big)).filter((name) => name !== 'more 29')).toHaveLength(big.rows.length);
});

test('collapsing all leaves what hangs right under the root', () => {
  expect(namesOf(big, allFolded(big))).toEqual(['Deployment.Apply', 'Deployment.ScalingReplicaSet']);
});

test('only the critical path: one pod from end to end, out of its fold', () => {
  expect(namesOf(big, new Set(), true)).toEqual([
    'Deployment.Apply',
    'Deployment.ScalingReplicaSet',
    'ReplicaSet.SuccessfulCreate',
    'Pod.Scheduled',
    'Pod.Pulling',
    'Pod.Pulled',
    'Pod.Created',
    'Pod.Started',
  ]);
  const pods = new Set(
    shownRows(big, { turned: new Set(), onlyPath: true }).map((shown) =>
      shown.type === 'span' && shown.row.tree.span.name.startsWith('Pod.') ? wordsOf(shown.row).object : '',
    ),
  );
  expect(pods.size).toBe(2);
});

test('the way to a row unfolds all that hides it', () => {
  const last = big.rows.at(-1)!;
  const turned = allFolded(big);
  unfoldTo(big, last.number, turned);
  const shown = shownRows(big, { turned, onlyPath: false });
  expect(shown.some(({ key }) => key === last.key)).toBe(true);
});

test('an error is where "next error" stops, alone, in a fold, or under a folded row', () => {
  const stops = (turned: ReadonlySet<string>) =>
    shownRows(mixed, { turned, onlyPath: false })
      .filter(saysError)
      .map((shown) => (shown.type === 'fold' ? shown.fold.type : wordsOf(shown.row).name));
  expect(stops(new Set())).toEqual(['Pod.Failed', 'Pod.BackOff', 'Pod.Failed', 'more']);
  expect(stops(allFolded(mixed))).toEqual(['Deployment.ScalingReplicaSet']);
});

test('a fold of failures says why', () => {
  const folds = mixed.rows.flatMap(({ below }) => below).filter((item) => typeof item === 'object');
  expect(folds.map((fold) => [fold.errors, reasonOf(mixed, fold)])).toEqual([
    [0, ''],
    [6, 'Error: ImagePullBackOff'],
  ]);
});

test('a row knows where it is, how large its subtree is, and what colour it has', () => {
  const root = makeSpan({ name: 'Job.Create', object: 'a', lasts: 2, service: 'x' });
  const pod = makeSpan({ name: 'Pod.Created', object: 'a-1', parent: root, at: 1, lasts: 0.5, service: 'y' });
  const { rows, total } = drawTrace(
    [pod, root],
    new Map([
      ['y', 0],
      ['x', 1],
    ]),
    1e9,
  );
  expect(total).toBe(2e9);
  expect(rows).toMatchObject([
    { key: root.spanId, parent: -1, size: 2, at: 0, lasts: 2e9, service: 1, path: [[0, 1e9]] },
    { key: pod.spanId, parent: 0, size: 1, at: 1e9, lasts: 5e8, service: 0, path: [] },
  ]);
});
