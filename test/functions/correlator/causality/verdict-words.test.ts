import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { endBy, meaningOf, saysFailure } from '../../../../functions/correlator/causality/verdict-words.ts';
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

describe('an Event that no row declares', () => {
  it.each<[string, string, string, 'complete' | 'failed' | undefined]>([
    ['MPIJob', 'MPIJobFailed', 'MPIJob shop/x has failed', 'failed'],
    ['PyTorchJob', 'PyTorchJobSucceeded', 'it is successfully completed.', 'complete'],
    ['EtcdBackup', 'BackupCompleted', 'saved', 'complete'],
    ['JobSet', 'AllJobsCompleted', 'jobset completed successfully', 'complete'],
    ['TaskRun', 'TaskRunTimeout', 'it failed to finish within 1m0s', 'failed'],
    ['CustomRun', 'Failed', 'x failed', 'failed'],
    // What is tried again, or only a step of it.
    [
      'Certificate',
      'Failed',
      'The certificate request has failed to complete and will be retried',
      undefined,
    ],
    ['Kafka', 'ReconcileError', 'conflict', undefined],
    ['CustomRun', 'Error', 'not reconciled', undefined],
    ['Cluster', 'UpdateFailed', 'conflict', undefined],
    ['Experiment', 'FailedMount', 'not there yet', undefined],
    ['Experiment', 'TrialFailed', 'one of ten', undefined],
    ['', 'Failed', 'of nobody', undefined],
  ])('%s.%s "%s": %s', (kind, reason, message, verdict) => {
    expect(endBy(kind, reason, message)).toBe(verdict);
  });
});
