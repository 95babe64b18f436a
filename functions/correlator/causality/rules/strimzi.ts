/**
 * Strimzi says why it rolls a broker once the old pod is gone, which may take minutes: without these rows that would be too late
 * to be the cause. Newer versions say it of the Kafka and name the pod, older ones of the pod.
 */
import type { EventRow } from './event-row.ts';

const source =
  'strimzi/strimzi-kafka-operator cluster-operator/src/main/java/io/strimzi/operator/cluster/model/RestartReason.java';

/** The note of each reason, as the operator has it where nothing more is known. */
const notes = {
  CaCertHasOldGeneration: 'CA cert has old generation',
  CaCertRemoved: 'CA certificate removed',
  CaCertRenewed: 'CA certificate renewed',
  ClusterCaCertKeyReplaced: 'Trust new cluster CA certificate signed by new key',
  ConfigChangeRequiresRestart:
    'Pod needs to be restarted, because reconfiguration cannot be done dynamically',
  FileSystemResizeNeeded: 'File system needs to be resized',
  KafkaCertificatesChanged: 'Kafka broker TLS certificates updated',
  ManualRollingUpdate: 'Pod was manually annotated to be rolled',
  PodForceRestartOnError: 'Pod needs to be forcibly restarted due to an error',
  PodHasOldResourceRevision: 'Pod resource configuration changed',
  PodHasOldRevision: 'Pod has old revision',
  PodResourcesChanged: 'Pod resources changed and cannot be updated in-place',
  PodStuck: 'Pod needs to be restarted, because it seems to be stuck and restart might help',
  PodUnresponsive: 'Pod needs to be restarted, because it does not seem to responding to connection attempts',
};

export const strimziRows: readonly EventRow[] = Object.entries(notes).flatMap(
  ([reason, note]): EventRow[] => [
    {
      subject: 'Kafka',
      reason,
      message: /^Rolling Pod (?<name>\S+) due to /,
      effect: 'removes',
      target: 'Pod',
      controls: false,
      example: `Rolling Pod my-cluster-kafka-0 due to ${note}`,
      source,
    },
    {
      subject: 'Pod',
      reason,
      effect: 'removes',
      target: 'subject',
      direction: 'tear-down',
      example: note,
      source,
    },
  ],
);
