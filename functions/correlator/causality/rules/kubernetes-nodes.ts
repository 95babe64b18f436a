/** What happens to a Node. What a pod's Events say of its Node stands with the pods. */
import type { EventRow, NodeTurn } from './event-row.ts';

const kubeletStatus = 'pkg/kubelet/kubelet_node_status.go (recordNodeStatusEvent)';

/** The kubelet and the controllers of Nodes write `Node n1 status is now: REASON`. */
const statusIsNow = (reason: string, turn: NodeTurn): EventRow => ({
  subject: 'Node',
  reason,
  turn,
  example: `Node n1 status is now: ${reason}`,
  source: kubeletStatus,
});

export const kubernetesNodeRows: readonly EventRow[] = [
  {
    subject: 'Node',
    reason: 'Starting',
    // The kube-proxy's Starting has no message, and says nothing of the Node.
    message: /^Starting kubelet\.$/,
    turn: 'booting',
    example: 'Starting kubelet.',
    source: 'pkg/kubelet/kubelet.go (BirthCry)',
  },
  {
    subject: 'Node',
    reason: 'RegisteredNode',
    direction: 'start-up',
    example: 'Node n1 event: Registered Node n1 in Controller',
    source: 'pkg/controller/nodelifecycle/node_lifecycle_controller.go',
  },
  statusIsNow('NodeReady', 'ready'),
  statusIsNow('NodeNotReady', 'lost'),
  statusIsNow('NodeSchedulable', 'uncordoned'),
  statusIsNow('NodeNotSchedulable', 'cordoned'),
  {
    subject: 'Node',
    reason: 'EvictionThresholdMet',
    message: /^Attempting to reclaim /,
    turn: 'pressure',
    example: 'Attempting to reclaim memory',
    source: 'pkg/kubelet/eviction/eviction_manager.go (synchronize)',
  },
  statusIsNow('NodeHasInsufficientMemory', 'pressure'),
  statusIsNow('NodeHasSufficientMemory', 'pressure-over'),
  statusIsNow('NodeHasDiskPressure', 'pressure'),
  statusIsNow('NodeHasNoDiskPressure', 'pressure-over'),
  statusIsNow('NodeHasInsufficientPID', 'pressure'),
  statusIsNow('NodeHasSufficientPID', 'pressure-over'),
  {
    subject: 'Node',
    reason: 'Shutdown',
    // Not its cancellation: then the Node gets ready again, and says so itself.
    message: /^Shutdown manager detected shutdown event$/,
    turn: 'shutdown',
    example: 'Shutdown manager detected shutdown event',
    source: 'pkg/kubelet/nodeshutdown/nodeshutdown_manager_linux.go',
  },
  {
    subject: 'Node',
    reason: 'DeletingNode',
    turn: 'removed',
    example: 'Deleting node n1 because it does not exist in the cloud provider',
    source: 'staging/src/k8s.io/cloud-provider/controllers/nodelifecycle/node_lifecycle_controller.go',
  },
  {
    subject: 'Node',
    reason: 'RemovingNode',
    turn: 'removed',
    example: 'Node n1 event: Removing Node n1 from Controller',
    source: 'pkg/controller/nodelifecycle/node_lifecycle_controller.go',
  },
];
