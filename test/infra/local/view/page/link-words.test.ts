import { expect, test } from 'vitest';
import { linkWords } from '../../../../../infra/local/view/page/link-words.ts';

test('a link says why, from either end', () => {
  const ends = (reason: string, kind = 'Deployment') =>
    [false, true].map((isBack) => linkWords({ reason, kind, isBack }));
  expect(ends('moved-pods-of')).toEqual(['Moved pods of', 'Its pods were moved by']);
  expect(ends('run-of', 'Job')).toEqual(['A run of', 'Ran']);
  // Both ends write it.
  expect(ends('sync')).toEqual(['Applied by', 'Applied by']);
  expect(ends('sync', 'Kustomization')).toEqual(['Applied', 'Applied']);
  // A foreign span may give any reason, or none.
  expect(ends('because')).toEqual(['Links to (because)', 'Linked from (because)']);
  expect(ends('constructor')).toEqual(['Links to (constructor)', 'Linked from (constructor)']);
  expect(ends('')).toEqual(['Links to', 'Linked from']);
});
