/** The phases that the time of a change is charged to. */

/** In the order in which a pod goes through them. */
export const phases = ['queue', 'schedule', 'pull', 'start', 'ready', 'stop', 'other'] as const;
/**
 * - `queue`: until a controller does the next thing: from the change to a pod's creation, from one pod to the next
 * - `schedule`: until the pod has a node
 * - `pull`: while an image is pulled, or cannot be
 * - `start`: volumes, sandbox, init containers, creating and starting containers, and between a crash and the next start
 * - `ready`: from the last start until the pod is ready, and as long as its controller wants it to be (minReadySeconds)
 * - `stop`: until an old pod is gone
 * - `other`: what nothing explains, and what containers that run to completion do
 */
export type Phase = (typeof phases)[number];
