/**
 * KEDA: scales between nothing and one by itself, and leaves the rest to a HorizontalPodAutoscaler. A ScaledJob's Event says how
 * many Jobs it made and not which: they hang by their owner.
 */
import type { EventRow } from './event-row.ts';

const executor = 'kedacore/keda pkg/scaling/executor/scale_scaledobjects.go';

export const kedaRows: readonly EventRow[] = [
  {
    subject: 'ScaledObject',
    reason: 'KEDAScaleTargetActivated',
    // The kind with its group and version before it: apps/v1.Deployment, argoproj.io/v1alpha1.Rollout.
    message:
      /^Scaled (?:\S+\.)?(?<kind>[A-Za-z0-9]+) (?<namespace>[^/\s]+)\/(?<name>\S+) from (?<from>\d+) to (?<to>\d+)(?:$|, )/,
    effect: 'rescales',
    target: 'message',
    controls: false,
    example: 'Scaled apps/v1.Deployment shop/demoapp from 0 to 1, triggered by s0-redis',
    source: executor,
  },
  {
    subject: 'ScaledObject',
    reason: 'KEDAScaleTargetDeactivated',
    message:
      /^Deactivated (?:\S+\.)?(?<kind>[A-Za-z0-9]+) (?<namespace>[^/\s]+)\/(?<name>\S+) from (?<from>\d+) to (?<to>\d+)$/,
    effect: 'rescales',
    target: 'message',
    controls: false,
    example: 'Deactivated apps/v1.Deployment shop/demoapp from 1 to 0',
    source: executor,
  },
];
