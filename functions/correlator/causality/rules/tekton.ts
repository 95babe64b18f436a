/** Tekton Pipelines: the Event of a run's end has the same two names for all kinds of runs; why is in the condition's reason. */
import type { EventRow } from './event-row.ts';

const events = 'tektoncd/pipeline pkg/reconciler/events/k8sevent/event.go';

const ends = (subject: string, succeeded: string, failed: string): EventRow[] => [
  { subject, reason: 'Succeeded', outcome: 'complete', example: succeeded, source: events },
  { subject, reason: 'Failed', outcome: 'failed', example: failed, source: events },
];

export const tektonRows: readonly EventRow[] = [
  ...ends(
    'PipelineRun',
    'Tasks Completed: 2 (Failed: 0, Cancelled 0), Skipped: 0',
    'Tasks Completed: 2 (Failed: 1, Cancelled 0), Skipped: 0',
  ),
  ...ends('TaskRun', 'All Steps have completed executing', '"step-test" exited with code 1: Error'),
];
