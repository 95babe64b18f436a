/** Kubeflow's training operator (v1 kinds): makes each pod by itself, and names it. */
import type { EventRow } from './event-row.ts';

const podControl = 'kubeflow/trainer pkg/controller.v1/control/pod_control.go (v1.9)';
const mpiController = 'kubeflow/trainer pkg/controller.v1/mpi/mpijob_controller.go (v1.9)';

const podControlRows = (subject: string): EventRow[] => [
  {
    subject,
    reason: 'SuccessfulCreatePod',
    message: /^Created pod: (?<name>\S+)$/,
    effect: 'creates',
    target: 'Pod',
    controls: true,
    example: 'Created pod: pt-master-0',
    source: podControl,
  },
  {
    subject,
    reason: 'SuccessfulDeletePod',
    message: /^Deleted pod: (?<name>\S+)$/,
    effect: 'removes',
    target: 'Pod',
    controls: true,
    example: 'Deleted pod: pt-master-0',
    source: podControl,
  },
  {
    subject,
    reason: 'FailedCreatePod',
    cause: 'FailedCreate',
    example: 'Error creating: pods "pt-master-0" is forbidden: exceeded quota',
    source: podControl,
  },
];

export const trainingOperatorRows: readonly EventRow[] = [
  ...['PyTorchJob', 'TFJob', 'XGBoostJob', 'PaddleJob', 'JAXJob'].flatMap(podControlRows),
  {
    subject: 'MPIJob',
    reason: 'SuccessfulCreatePod',
    message: /^Created worker pod: (?<name>\S+)$/,
    effect: 'creates',
    target: 'Pod',
    controls: true,
    example: 'Created worker pod: mpi-worker-0',
    source: mpiController,
  },
  {
    subject: 'MPIJob',
    reason: 'FailedCreatePod',
    cause: 'FailedCreate',
    example: 'Created worker pod: mpi-worker-0',
    source: mpiController,
  },
];
