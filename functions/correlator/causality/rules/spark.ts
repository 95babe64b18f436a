/** The Spark operator: an application's state stands in a field of its own, and in no condition. */
import type { EventRow } from './event-row.ts';

const controller =
  'kubeflow/spark-operator internal/controller/sparkapplication/controller.go (recordSparkApplicationEvent)';

export const sparkRows: readonly EventRow[] = [
  {
    subject: 'SparkApplication',
    reason: 'SparkApplicationCompleted',
    outcome: 'complete',
    example: 'SparkApplication pi completed',
    source: controller,
  },
  {
    subject: 'SparkApplication',
    reason: 'SparkApplicationFailed',
    outcome: 'failed',
    cause: 'SparkApplicationFailed',
    example: 'SparkApplication pi failed: driver container failed with ExitCode: 1, Reason: Error',
    source: controller,
  },
  {
    subject: 'SparkApplication',
    reason: 'SparkApplicationSubmissionFailed',
    // It may be submitted again: no end.
    cause: 'SparkApplicationSubmissionFailed',
    example: 'failed to submit SparkApplication pi: failed to run spark-submit',
    source: controller,
  },
];
