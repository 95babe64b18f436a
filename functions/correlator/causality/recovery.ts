/**
 * Whether what a trace touched is well: on its way still, settled (ready, gone, over) and since when, or never disturbed. By the
 * objects' snapshots where there are some, else by what Events say of them.
 */
import { type ObjectHistory, seenGone, type Version } from './gather-objects.ts';
import { isFailedEnd, type Occurrence, rowOf } from './gather-occurrences.ts';
import { isStarted, type KubernetesObject } from './kubernetes-object.ts';
import { ends, turnOf } from './node-turns.ts';
import { isTearDown } from './placement/world.ts';
import type { NodeTurn } from './rules/event-row.ts';
import { max, min, narrow, parseTime } from './time.ts';

export type Recovery =
  | { state: 'undisturbed' }
  /** It is ready, gone or over, from then on. */
  | { state: 'settled'; since: bigint }
  /** More of it is to come. */
  | { state: 'on its way' };

const undisturbed: Recovery = { state: 'undisturbed' };
const onItsWay: Recovery = { state: 'on its way' };
const settled = (since: bigint): Recovery => ({ state: 'settled', since });

/** Of a change's pod: one that is being removed is no more of the change's making. */
export function arrivalOf(pod: KubernetesObject): Recovery {
  if (pod.removal !== undefined) return settled(pod.removal.at);
  const status = pod.history && statusOf(pod.history);
  return status === undefined ? onItsWay : recoveryBy(status);
}

/**
 * Of what an episode touched.
 * @param said of that object in the episode, in order of time
 */
export function recoveryOf(object: KubernetesObject, said: readonly Occurrence[]): Recovery {
  if (object.kind === 'Pod') return podRecovery(object, said);
  if (object.kind === 'Node') return nodeRecovery(object, said);
  return isInPhase(object) ? onItsWay : undisturbed;
}

function podRecovery(pod: KubernetesObject, said: readonly Occurrence[]): Recovery {
  const { history, removal } = pod;
  const status = history && statusOf(history);
  if (status === undefined) return toldByEvents(pod, said);
  if (status.state !== 'ready') return recoveryBy(status);
  if (removal !== undefined) return onItsWay;
  // Readiness from before is no recovery, and no sign of trouble either: a probe may fail twice without consequence.
  const first = said[0]?.at ?? status.since;
  return status.since >= first ? settled(status.since) : undisturbed;
}

/**
 * Nobody saw its status, so nobody will see it get well. A start that is through, and words that are no trouble, are taken for
 * the last ones.
 */
function toldByEvents(pod: KubernetesObject, said: readonly Occurrence[]): Recovery {
  const isTrouble = (occurrence: Occurrence) =>
    occurrence.event.type !== 'Normal' || isTearDown(occurrence, pod) || isFailedEnd(occurrence);
  if (pod.removal !== undefined || said.some(isTrouble) || isInPhase(pod)) return onItsWay;
  const start = said.findLast((occurrence) => rowOf(occurrence).direction === 'start-up');
  return start === undefined || isStarted(start) ? undisturbed : onItsWay;
}

/** Its last word is one that lasts until the next: a load balancer or a volume takes minutes. Not where it is gone. */
function isInPhase({ occurrences, history }: KubernetesObject): boolean {
  if (history?.versions.at(-1)?.deleted === true) return false;
  const last = occurrences.findLast(({ transition }) => transition === undefined);
  return last !== undefined && rowOf(last).phase === true;
}

type Status = { state: 'ready' | 'ended'; since: bigint } | { state: 'unready' };

const recoveryBy = (status: Status): Recovery =>
  status.state === 'unready' ? onItsWay : settled(status.since);

/** By its newest version; undefined where that does not tell. */
function statusOf({ versions }: ObjectHistory): Status | undefined {
  const newest = versions.at(-1)!;
  if (newest.deleted) return { state: 'ended', since: newest.observedAt };
  if (isOver(newest)) return { state: 'ended', since: versions.find(isOver)!.observedAt };
  return readiness(newest);
}

function readiness({ object: { status }, observedAt }: Version): Status | undefined {
  const ready = status?.conditions?.find(({ type }) => type === 'Ready');
  if (ready === undefined) return undefined;
  if (ready.status !== 'True') return { state: 'unready' };
  const { lastTransitionTime: time } = ready;
  return { state: 'ready', since: time === undefined ? observedAt : narrow(parseTime(time), observedAt).at };
}

/** Of a Node or a pod that is ready now. */
export function readySince({ history }: KubernetesObject): bigint | undefined {
  const status = history && readiness(history.versions.at(-1)!);
  return status?.state === 'ready' ? status.since : undefined;
}

const isOver = ({ object: { status } }: Version): boolean =>
  status?.phase === 'Succeeded' || status?.phase === 'Failed';

/**
 * What is in force of a Node until it is back or gone. A cordon is not: it may last for days, and does nothing but that the pods
 * go, which are waited for themselves.
 */
const troubles: ReadonlySet<NodeTurn> = new Set(['announced', 'booting', 'lost', 'pressure', 'shutdown']);

/** By all that is said of it: its Ready after a loss is an episode of its own. */
function nodeRecovery(node: KubernetesObject, said: readonly Occurrence[]): Recovery {
  let since: bigint | undefined;
  for (const trouble of said) {
    const turn = turnOf(trouble);
    if (turn === undefined || !troubles.has(turn)) continue;
    const over = endOfTrouble(node, turn, trouble);
    if (over === undefined) return onItsWay;
    if (over !== 'none') since = max(since ?? over, over);
  }
  return since === undefined ? undisturbed : settled(since);
}

/** `none`: it was none. */
function endOfTrouble(
  node: KubernetesObject,
  turn: NodeTurn,
  trouble: Occurrence,
): bigint | 'none' | undefined {
  const remedy = node.occurrences.find((later) => later.index > trouble.index && ends(turnOf(later), turn));
  const told = [remedy?.at, goneSince(node)].filter((at) => at !== undefined);
  if (told.length > 0) return told.reduce(min);
  const status = node.history && readiness(node.history.versions.at(-1)!);
  if (status?.state !== 'ready' || !ends('ready', turn)) return undefined;
  if (status.since >= trouble.at) return status.since;
  // A kubelet that starts anew leaves its Node ready.
  return turn === 'booting' ? 'none' : undefined;
}

function goneSince({ history, occurrences }: KubernetesObject): bigint | undefined {
  return (
    (history && seenGone(history)) ?? occurrences.find((occurrence) => turnOf(occurrence) === 'removed')?.at
  );
}
