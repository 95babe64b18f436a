import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { meaningOf, saysFailure } from '../../../../functions/correlator/causality/verdict-words.ts';
import { checkProperty } from '../../../check-property.ts';

describe('words of a status', () => {
  it.each([
    ['Succeeded', 'complete'],
    ['COMPLETED', 'complete'],
    ['Successful', 'complete'],
    ['failed', 'failed'],
    ['PARTIALLY_FAILED', 'failed'],
    ['Healthy', 'there'],
    ['Degraded', 'broken'],
    ['In Progress', 'under way'],
    ['Cluster in healthy state', undefined],
    // Velero goes on after these two.
    ['FinalizingPartiallyFailed', undefined],
    ['WaitingForPluginOperationsPartiallyFailed', undefined],
    ['', undefined],
  ])('%s: %s', (word, meaning) => {
    expect(meaningOf(word)).toBe(meaning);
  });

  it('mean the same in whatever spelling', () => {
    const spelled = fc
      .constantFrom('Succeeded', 'PartiallyFailed', 'TimedOut', 'InProgress', 'Whatever')
      .chain((word) =>
        fc.record({
          word: fc.constant(word),
          upper: fc.array(fc.boolean(), { minLength: word.length, maxLength: word.length }),
          between: fc.constantFrom('', '_', '-', ' '),
        }),
      );
    checkProperty(
      fc.property(spelled, ({ word, upper, between }) => {
        const other = word
          .replace(/(?<=[a-z])(?=[A-Z])/, between)
          .replace(/[a-z]/gi, (letter, at) => (upper[at] === true ? letter.toUpperCase() : letter));
        expect(meaningOf(other)).toBe(meaningOf(word));
      }),
    );
  });
});

describe('a condition that says that something is over', () => {
  it.each<[string | undefined, string | undefined, boolean]>([
    ['Failed', undefined, true],
    ['JobFailed', 'x', true],
    ['TaskRunTimeout', 'x', true],
    ['BackoffLimitExceeded', 'x', true],
    ['JobFinished', 'Job failed', true],
    ['JobFinished', 'Job finished successfully', false],
    ['Succeeded', 'Tasks Completed: 3 (Failed: 1, ignored)', false],
    ['Finished', 'Tasks Completed: 3 (Failed: 0, Cancelled 0), Skipped: 0', false],
    ['Finished', '4 pods, 0 failed', false],
    ['FailoverDone', 'moved', false],
    [undefined, undefined, false],
  ])('%s, "%s": it failed: %s', (reason, message, failed) => {
    expect(saysFailure(reason, message)).toBe(failed);
  });
});
