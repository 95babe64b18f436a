/** Cluster Autoscaler: makes Nodes for pods that wait, and drains those that are not needed. */
import type { EventRow } from './event-row.ts';

const actuation = 'kubernetes/autoscaler cluster-autoscaler/core/scaledown/actuation';
const scaleUpStatus =
  'kubernetes/autoscaler cluster-autoscaler/processors/status/eventing_scale_up_processor.go';

export const clusterAutoscalerRows: readonly EventRow[] = [
  {
    subject: 'Node',
    reason: 'ScaleDown',
    message: /^marked the node as toBeDeleted\/unschedulable$/,
    turn: 'announced',
    example: 'marked the node as toBeDeleted/unschedulable',
    source: `${actuation}/actuator.go`,
  },
  {
    subject: 'Node',
    reason: 'ScaleDown',
    message: /^nodes? removed by cluster autoscaler$/,
    turn: 'removed',
    example: 'nodes removed by cluster autoscaler',
    source: `${actuation}/delete_in_batch.go (RegisterAndRecordSuccessfulScaleDownEvent)`,
  },
  {
    subject: 'Pod',
    reason: 'ScaleDown',
    message: /^deleting pod for node scale down$/,
    effect: 'removes',
    target: 'subject',
    direction: 'tear-down',
    disruption: 'evicted-by-api',
    example: 'deleting pod for node scale down',
    source: `${actuation}/drain.go`,
  },
  {
    subject: 'Pod',
    reason: 'TriggeredScaleUp',
    direction: 'start-up',
    example: 'pod triggered scale-up: [{workers 1->2 (max: 5)}]',
    source: scaleUpStatus,
  },
  {
    subject: 'Pod',
    reason: 'NotTriggerScaleUp',
    direction: 'start-up',
    example: "pod didn't trigger scale-up: 1 max node group size reached",
    source: scaleUpStatus,
  },
];
