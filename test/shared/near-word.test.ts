import { expect, it } from 'vitest';
import { nearWord } from '../../shared/near-word.ts';

const known = ['format', 'fail-on', 'failed', 'namespace', 'context', 'kubeconfig'];

it.each([
  ['a slip', 'fromat', 'format'],
  ['two of them in a longer word', 'contxet', 'context'],
  ['how it begins', 'name', 'namespace'],
  ['how it begins, in whatever letters', 'KUBE', 'kubeconfig'],
  ['how two begin', 'fai', undefined],
  ['too few letters to begin with', 'na', undefined],
  ['another word', 'wait', undefined],
])('%s: %s', (_, word, meant) => {
  expect(nearWord(word, known)).toBe(meant);
});
