/**
 * Horizontal autoscaling. The vertical one's updater evicts under a reason of its own: whoever speaks of a pod about its removal
 * is its cause, without a row.
 */
import type { EventRow } from './event-row.ts';

export const kubernetesAutoscalingRows: readonly EventRow[] = [
  {
    subject: 'HorizontalPodAutoscaler',
    reason: 'SuccessfulRescale',
    message: /^New size: (?<to>\d+); reason: /,
    effect: 'rescales',
    target: 'scaleTargetRef',
    controls: false,
    example: 'New size: 1; reason: All metrics below target',
    source: 'pkg/controller/podautoscaler/horizontal.go',
  },
];
