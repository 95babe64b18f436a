import { expect, test } from 'vitest';
import {
  compareTraces,
  countValues,
  durationSteps,
  type Filter,
  matches,
  needsAttention,
  timeSteps,
} from '../../../../../infra/local/view/page/filter-traces.ts';
import type { TraceFacts } from '../../../../../infra/local/view/page-data.ts';

const MINUTE = 60_000;
const fact = (id: string, more: Partial<TraceFacts> = {}): TraceFacts => ({
  id,
  name: 'Deployment.Apply',
  object: id,
  start: 0,
  lasts: 5e9,
  spans: 3,
  errors: 0,
  ...more,
});
const web = fact('web', {
  outcome: 'complete',
  namespace: 'shop',
  manager: 'helm',
  cluster: 'eu',
  took: 2e9,
});
const api = fact('api', {
  outcome: 'failed',
  cause: 'ErrImagePull',
  errors: 4,
  start: 5 * MINUTE,
  lasts: 90e9,
});
const db = fact('db', { outcome: 'stalled', namespace: 'shop', start: 20 * MINUTE, spans: 9, errors: 1 });
const drain = fact('drain', { start: 30 * MINUTE, kind: 'Node' });
const all = [web, api, db, drain];

const everything: Filter = {
  errorsOnly: false,
  outcome: undefined,
  facets: new Map(),
  atLeast: 0,
  from: -Infinity,
  until: Infinity,
};
const found = (filter: Partial<Filter>) =>
  all.filter((facts) => matches(facts, { ...everything, ...filter })).map(({ id }) => id);
const sorted = (key: string, isReversed = false) =>
  all.toSorted(compareTraces({ key, isReversed })).map(({ id }) => id);

test('each thing that can be picked', () => {
  expect(found({})).toEqual(['web', 'api', 'db', 'drain']);
  expect(found({ outcome: 'failed' })).toEqual(['api']);
  expect(found({ outcome: '' })).toEqual(['drain']);
  expect(found({ errorsOnly: true })).toEqual(['api', 'db']);
  expect(found({ facets: new Map([['namespace', 'shop']]) })).toEqual(['web', 'db']);
  expect(found({ facets: new Map([['namespace', '']]) })).toEqual(['api', 'drain']);
  expect(found({ facets: new Map([['cause', 'ErrImagePull']]) })).toEqual(['api']);
  // By the change's own duration, where it has one.
  expect(found({ atLeast: 3e9 })).toEqual(['api', 'db', 'drain']);
  expect(found({ from: 6 * MINUTE, until: 30 * MINUTE })).toEqual(['api', 'db']);
});

test('each order, and turned round; what has no value comes last either way', () => {
  expect(sorted('start')).toEqual(['web', 'api', 'db', 'drain']);
  expect(sorted('start', true)).toEqual(['drain', 'db', 'api', 'web']);
  expect(sorted('outcome')).toEqual(['api', 'db', 'web', 'drain']);
  expect(sorted('duration')).toEqual(['api', 'db', 'drain', 'web']);
  expect(sorted('duration', true)).toEqual(['web', 'db', 'drain', 'api']);
  expect(sorted('errors')).toEqual(['api', 'db', 'web', 'drain']);
  expect(sorted('manager')).toEqual(['web', 'api', 'db', 'drain']);
  expect(sorted('manager', true)).toEqual(['web', 'api', 'db', 'drain']);
  expect(sorted('change')).toEqual(['api', 'db', 'drain', 'web']);
});

test('the first look is at what failed or stalled', () => {
  const first = (facts: TraceFacts[]) => needsAttention(facts.map((each) => ({ facts: each })))?.facts.id;
  expect(first(all)).toBe('api');
  expect(first([web, db])).toBe('db');
  expect(first([web, { ...drain, cause: 'FailedScheduling' }])).toBe('drain');
  expect(first([web, drain])).toBe('web');
  expect(first([])).toBeUndefined();
});

test('menus offer what tells traces apart', () => {
  expect(countValues(all, ({ namespace = '' }) => namespace)).toEqual([
    ['', 2],
    ['shop', 2],
  ]);
  expect(durationSteps(all)).toEqual([10, 60]);
  expect(timeSteps(all)).toEqual([0, 5, 10, 15, 20, 25, 30].map((minutes) => minutes * MINUTE));
  expect(timeSteps([web, web])).toEqual([]);
  expect(timeSteps([])).toEqual([]);
});
