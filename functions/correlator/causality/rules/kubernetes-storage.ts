/** Claims and the volumes that they get. */
import type { EventRow } from './event-row.ts';

const volumeController = 'pkg/controller/volume/persistentvolume/pv_controller.go';
const provisioner = 'kubernetes-sigs/sig-storage-lib-external-provisioner controller/controller.go';

export const kubernetesStorageRows: readonly EventRow[] = [
  {
    subject: 'PersistentVolumeClaim',
    reason: 'WaitForFirstConsumer',
    phase: true,
    example: 'waiting for first consumer to be created before binding',
    source: `${volumeController} (emitEventForUnboundDelayBindingClaim)`,
  },
  {
    subject: 'PersistentVolumeClaim',
    reason: 'WaitForPodScheduled',
    // Of several pods the first counts: the scheduler looks at one at a time.
    message: /^waiting for pods? (?<name>[^\s,]+)(?:,\S+)? to be scheduled$/,
    effect: 'awaits',
    target: 'Pod',
    controls: false,
    phase: true,
    example: 'waiting for pod report-7x2xk to be scheduled',
    source: `${volumeController} (emitEventForUnboundDelayBindingClaim)`,
  },
  {
    subject: 'PersistentVolumeClaim',
    reason: 'ExternalProvisioning',
    phase: true,
    example:
      "Waiting for a volume to be created either by the external provisioner 'ebs.csi.aws.com' or manually by the system administrator.",
    source: `${volumeController} (provisionClaimOperationExternal)`,
  },
  {
    subject: 'PersistentVolumeClaim',
    reason: 'Provisioning',
    phase: true,
    example: 'External provisioner is provisioning volume for claim "default/data-db-0"',
    source: provisioner,
  },
  {
    subject: 'PersistentVolumeClaim',
    reason: 'ProvisioningFailed',
    phase: true,
    cause: 'ProvisioningFailed',
    example: 'failed to provision volume with StorageClass "gp3": rpc error: code = Internal desc = no quota',
    source: `${provisioner}, ${volumeController}`,
  },
  {
    subject: 'PersistentVolumeClaim',
    reason: 'ProvisioningSucceeded',
    message: /^Successfully provisioned volume (?<name>\S+)(?: using \S+)?$/,
    effect: 'creates',
    target: 'PersistentVolume',
    controls: false,
    example: 'Successfully provisioned volume pvc-0b3b2b1c using kubernetes.io/gce-pd',
    source: `${volumeController}, ${provisioner}`,
  },
  {
    subject: 'PersistentVolumeClaim',
    reason: 'FailedBinding',
    cause: 'FailedBinding',
    example: 'no persistent volumes available for this claim and no storage class is set',
    source: `${volumeController} (syncUnboundClaim)`,
  },
  {
    subject: 'PersistentVolumeClaim',
    reason: 'Resizing',
    phase: true,
    example: 'External resizer is resizing volume pvc-0b3b2b1c',
    source: 'kubernetes-csi/external-resizer pkg/controller/controller.go',
  },
];
