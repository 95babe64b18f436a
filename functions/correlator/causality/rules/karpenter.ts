/** Karpenter, from v0.32 on: makes Nodes for pods that wait, and drains those that are disrupted. */
import type { EventRow } from './event-row.ts';

const disruption = 'kubernetes-sigs/karpenter pkg/controllers/disruption/events/events.go';
const terminator = 'kubernetes-sigs/karpenter pkg/controllers/node/termination/terminator/events/events.go';

/** What AWS says of the instance: the Node is drained for it. */
const interrupted = (reason: string, example: string): EventRow => ({
  subject: 'Node',
  reason,
  turn: 'announced',
  example,
  source: 'aws/karpenter-provider-aws pkg/controllers/interruption/events/events.go',
});

export const karpenterRows: readonly EventRow[] = [
  {
    subject: 'Node',
    reason: 'DisruptionTerminating',
    // Karpenter taints the Node instead of cordoning it.
    turn: 'cordoned',
    example: 'Disrupting Node: Underutilized',
    source: disruption,
  },
  {
    subject: 'NodeClaim',
    reason: 'DisruptionTerminating',
    // Of the Node that it owns.
    turn: 'cordoned',
    direction: 'none',
    example: 'Disrupting NodeClaim: Underutilized',
    source: disruption,
  },
  // A rebalance recommendation is not among them: Karpenter does nothing for it.
  interrupted('SpotInterrupted', 'Spot interruption warning was triggered'),
  interrupted(
    'CapacityReservationInstanceInterrupted',
    'Capacity Reservation interruption warning was triggered',
  ),
  interrupted('InstanceStopping', 'Instance is stopping'),
  interrupted('InstanceTerminating', 'Instance is terminating'),
  interrupted('TerminatingOnInterruption', 'Interruption triggered termination for the Node'),
  // Said again and again of Nodes that stay: no announcement of anything.
  {
    subject: 'Node',
    reason: 'Unconsolidatable',
    direction: 'none',
    example: "Can't remove without creating 2 candidates",
    source: disruption,
  },
  {
    subject: 'Node',
    reason: 'DisruptionBlocked',
    direction: 'none',
    example: 'Cannot disrupt Node: state node is nominated for a pending pod',
    source: disruption,
  },
  {
    subject: 'Pod',
    reason: 'Nominated',
    direction: 'start-up',
    phase: true,
    example: 'Pod should schedule on: nodeclaim/default-x7k2p',
    source: 'kubernetes-sigs/karpenter pkg/controllers/provisioning/scheduling/events.go',
  },
  {
    subject: 'Pod',
    reason: 'Evicted',
    message: /^Evicted pod(?:: |$)/,
    effect: 'removes',
    target: 'subject',
    direction: 'tear-down',
    disruption: 'evicted-by-api',
    example: 'Evicted pod: Underutilized',
    source: terminator,
  },
  {
    subject: 'Pod',
    reason: 'Disrupted',
    message: /^Deleting the pod to accommodate the terminationTime /,
    effect: 'removes',
    target: 'subject',
    direction: 'tear-down',
    disruption: 'evicted-by-api',
    example: 'Deleting the pod to accommodate the terminationTime 2026-11-23 04:52:10 of the node.',
    source: terminator,
  },
];
