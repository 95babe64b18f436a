/** Cluster API: machines are to it what pods are to Kubernetes. */
import type { EventRow } from './event-row.ts';

const machineDeployment =
  'kubernetes-sigs/cluster-api core/reconcilers/machinedeployment/machinedeployment_controller.go';
const machineSet = 'kubernetes-sigs/cluster-api core/reconcilers/machineset/machineset_controller.go';

export const clusterApiRows: readonly EventRow[] = [
  {
    subject: 'MachineDeployment',
    reason: 'SuccessfulScale',
    message: /^Scaled (?<way>up|down) MachineSet (?<name>\S+): (?<from>\d+) -> (?<to>\d+)$/,
    effect: 'scales',
    target: 'MachineSet',
    controls: true,
    example: 'Scaled up MachineSet workers-x7k2p: 0 -> 3',
    source: machineDeployment,
  },
  {
    subject: 'MachineSet',
    reason: 'SuccessfulCreate',
    message: /^Created [Mm]achine "(?<name>[^"]+)"$/,
    effect: 'creates',
    target: 'Machine',
    controls: true,
    example: 'Created Machine "workers-x7k2p-abcde"',
    source: machineSet,
  },
  {
    subject: 'MachineSet',
    reason: 'SuccessfulDelete',
    message: /^Deleted [Mm]achine "(?<name>[^"]+)"$/,
    effect: 'removes',
    target: 'Machine',
    controls: true,
    example: 'Deleted Machine "workers-x7k2p-abcde"',
    source: machineSet,
  },
];
