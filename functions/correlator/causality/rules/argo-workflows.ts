/** Argo Workflows. */
import type { EventRow } from './event-row.ts';

const operator = 'argoproj/argo-workflows workflow/controller/operator.go';

export const argoWorkflowsRows: readonly EventRow[] = [
  {
    subject: 'Workflow',
    reason: 'WorkflowSucceeded',
    outcome: 'complete',
    example: 'Workflow completed',
    source: operator,
  },
  {
    subject: 'Workflow',
    reason: 'WorkflowFailed',
    outcome: 'failed',
    cause: 'WorkflowFailed',
    example: 'Error (exit code 1)',
    source: operator,
  },
  {
    subject: 'Workflow',
    reason: 'WorkflowTimedOut',
    outcome: 'failed',
    cause: 'WorkflowTimedOut',
    example: 'Workflow timed out',
    source: operator,
  },
];
