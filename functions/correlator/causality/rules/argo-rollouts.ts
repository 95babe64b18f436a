/** Argo Rollouts. Their revisions count their own templates, and are no commits. */
import type { EventRow } from './event-row.ts';

const conditions = 'argoproj/argo-rollouts utils/conditions/conditions.go';

/** Why an analysis made the Rollout abort. */
const analysisFailed = (phase: 'Failed' | 'Error'): EventRow => ({
  subject: 'Rollout',
  reason: `AnalysisRun${phase}`,
  cause: `AnalysisRun${phase}`,
  example: `Step Analysis Run 'web-6cf78c66c5-2-1' Status New: '${phase}' Previous: 'Running'`,
  source: 'argoproj/argo-rollouts rollout/analysis.go (emitAnalysisRunStatusChanges)',
});

export const argoRolloutsRows: readonly EventRow[] = [
  {
    subject: 'Rollout',
    reason: 'ScalingReplicaSet',
    message:
      /^Scaled (?<way>up|down) ReplicaSet (?<name>\S+)(?: \(revision \d+\))? from (?<from>\d+) to (?<to>\d+)$/,
    effect: 'scales',
    target: 'ReplicaSet',
    controls: true,
    example: 'Scaled up ReplicaSet web-6cf78c66c5 (revision 2) from 0 to 3',
    source: `${conditions} (ScalingReplicaSetMessage)`,
  },
  {
    subject: 'Experiment',
    reason: 'ScalingReplicaSet',
    message: /^Scaled (?<way>up|down) ReplicaSet (?<name>\S+) from (?<from>\d+) to (?<to>\d+)$/,
    effect: 'scales',
    target: 'ReplicaSet',
    controls: true,
    example: 'Scaled up ReplicaSet web-6cf78c66c5-2-canary from 0 to 1',
    source: 'argoproj/argo-rollouts experiments/replicaset.go',
  },
  {
    subject: 'Rollout',
    reason: 'RolloutUpdated',
    message: /^Rollout updated to revision \d+$/,
    // Where its generation was seen this is its Event; where the Rollout was only looked up it is all that tells of a change.
    begins: 'change',
    example: 'Rollout updated to revision 2',
    source: `${conditions} (RolloutUpdatedMessage)`,
  },
  {
    subject: 'Rollout',
    reason: 'RolloutPaused',
    phase: true,
    example: 'Rollout is paused (CanaryPauseStep)',
    source: `${conditions} (RolloutPausedMessage)`,
  },
  {
    subject: 'Rollout',
    reason: 'RolloutCompleted',
    outcome: 'complete',
    example: 'Rollout completed update to revision 2 (6cf78c66c5): Completed all 2 canary steps',
    source: `${conditions} (RolloutCompletedMessage)`,
  },
  {
    subject: 'Rollout',
    reason: 'RolloutAborted',
    outcome: 'failed',
    cause: 'RolloutAborted',
    example: 'Rollout aborted update to revision 2: Metric "success-rate" assessed Failed',
    source: `${conditions} (RolloutAbortedMessage)`,
  },
  analysisFailed('Failed'),
  analysisFailed('Error'),
  {
    subject: 'Rollout',
    reason: 'ReplicaSetCreateError',
    cause: 'ReplicaSetCreateError',
    example: 'Failed to create new replica set "web-6cf78c66c5": exceeded quota',
    source: `${conditions} (FailedRSCreateMessage)`,
  },
];
