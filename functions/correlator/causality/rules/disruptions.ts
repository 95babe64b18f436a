/** Why a pod's condition DisruptionTarget says it goes. Source: API reference, Pod disruption conditions. */
import type { Disruption, NodeTurn } from './event-row.ts';

export const disruptions: Readonly<Record<string, Disruption>> = {
  EvictionByEvictionAPI: 'evicted-by-api',
  PreemptionByScheduler: 'preempted',
  PreemptionByKubeScheduler: 'preempted', // 1.25
  DeletionByTaintManager: 'tainted',
  DeletionByPodGC: 'garbage-collected',
  TerminationByKubelet: 'stopped-by-kubelet',
};

/** Of a pod's conditions the one that says why it goes. */
export const isDisruption = ({ type, reason }: { type: string; reason?: string | undefined }): boolean =>
  type === 'DisruptionTarget' && disruptions[reason ?? ''] !== undefined;

/**
 * What may have happened to the pod's Node so that it went this way: whichever is in force and came first. Nothing of a Node
 * explains a preemption.
 */
export const explainedBy: Readonly<Record<Disruption, ReadonlySet<NodeTurn>>> = {
  'evicted-by-api': new Set(['announced', 'cordoned']),
  tainted: new Set(['announced', 'shutdown', 'lost']),
  'garbage-collected': new Set(['removed']),
  'stopped-by-kubelet': new Set(['shutdown', 'pressure']),
  preempted: new Set(),
};
