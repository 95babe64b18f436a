/** OpenShift: DeploymentConfigs, Builds, and the updates of Nodes by the machine config daemon. */
import type { EventRow } from './event-row.ts';

const builds = 'openshift/openshift-controller-manager pkg/build/buildutil/consts.go';
const daemon = 'openshift/machine-config-operator pkg/daemon';

export const openshiftRows: readonly EventRow[] = [
  {
    subject: 'DeploymentConfig',
    reason: 'ReplicationControllerScaled',
    message: /^Scaled replication controller "(?<name>[^"]+)" from (?<from>\d+) to (?<to>\d+)$/,
    effect: 'scales',
    target: 'ReplicationController',
    controls: true,
    example: 'Scaled replication controller "web-1" from 0 to 1',
    source: 'openshift/openshift-controller-manager pkg/apps/deploymentconfig/deploymentconfig_controller.go',
  },
  {
    subject: 'Build',
    reason: 'BuildCompleted',
    outcome: 'complete',
    example: 'Build shop/web-1 completed successfully',
    source: builds,
  },
  {
    subject: 'Build',
    reason: 'BuildFailed',
    outcome: 'failed',
    cause: 'BuildFailed',
    example: 'Build shop/web-1 failed',
    source: builds,
  },
  {
    subject: 'Node',
    reason: 'Cordon',
    message: /^Cordoned node to apply update$/,
    turn: 'cordoned',
    example: 'Cordoned node to apply update',
    source: `${daemon}/drain.go`,
  },
  {
    subject: 'Node',
    reason: 'Uncordon',
    message: /^Update completed for config \S+ and node has been uncordoned$/,
    turn: 'uncordoned',
    example: 'Update completed for config rendered-worker-5b0f and node has been uncordoned',
    source: `${daemon}/daemon.go`,
  },
  {
    subject: 'Node',
    reason: 'Reboot',
    message: /^Node will reboot into config /,
    turn: 'shutdown',
    example: 'Node will reboot into config rendered-worker-5b0f',
    source: `${daemon}/update.go`,
  },
];
