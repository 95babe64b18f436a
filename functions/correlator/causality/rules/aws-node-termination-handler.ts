/** AWS Node Termination Handler: hears of an instance's end, cordons and drains its Node. */
import type { EventRow, NodeTurn } from './event-row.ts';

const reasons = 'aws/aws-node-termination-handler pkg/observability/k8s-events.go';

/** What AWS says of the instance. */
const announced = (reason: string, example: string, message?: RegExp): EventRow => ({
  subject: 'Node',
  reason,
  ...(message !== undefined && { message }),
  turn: 'announced',
  example,
  source: 'aws/aws-node-termination-handler pkg/monitor',
});

/** What the handler did about it; the kubelet's word of the same cordon comes up to ten seconds later. */
const done = (reason: string, turn: NodeTurn, example: string): EventRow => ({
  subject: 'Node',
  reason,
  message: new RegExp(`^${example}$`),
  turn,
  example,
  source: reasons,
});

export const awsNodeTerminationHandlerRows: readonly EventRow[] = [
  // A rebalance recommendation is not among them: unless told so, the handler does not drain for it.
  announced('SpotInterruption', 'Spot ITN received. Instance will be interrupted at 2026-03-01T10:02:00Z '),
  announced(
    'ScheduledEvent',
    'instance-stop will occur between 2026-03-01 and 2026-03-02 because maintenance',
  ),
  announced(
    'StateChange',
    'EC2 State Change event received. Instance i-1 went into stopping at 2026-03-01T10:02:00Z ',
  ),
  // Not a launch, which goes by the same name.
  announced(
    'ASGLifecycle',
    'ASG Lifecycle Termination event received. Instance will be interrupted at 2026-03-01T10:02:00Z ',
    /^AS[GT] (?:Lifecycle Termination event|target lifecycle state) received\. /,
  ),
  announced(
    'SQSTermination',
    'Spot Interruption notice for instance i-1 was sent at 2026-03-01T10:00:00Z ',
    /^(?:Spot Interruption|EC2 State Change|ASG Lifecycle Termination|AWS Health scheduled change) /,
  ),
  done('Cordon', 'cordoned', 'Node successfully cordoned'),
  done('CordonAndDrain', 'cordoned', 'Node successfully cordoned and drained'),
  done('Uncordon', 'uncordoned', 'Node successfully uncordoned'),
];
