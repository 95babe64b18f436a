/**
 * What kept a change from getting there: the deepest cause that is known and that nothing has put right since. One name a cause,
 * and a sentence that names the object and the reason.
 */
import { kindKey } from '../../../shared/group-kind.ts';
import { isFailedEnd, type Occurrence, rowOf } from './gather-occurrences.ts';
import { type KubernetesObject, saysReadiness } from './kubernetes-object.ts';
import type { Outcome } from './outcome.ts';
import type { World } from './placement/world.ts';
import { causeOrder } from './rules/causes.ts';
import { containerOf } from './span-attributes.ts';

export interface Cause {
  /** `error.type`. */
  type: string;
  message: string;
}

const depth = new Map(causeOrder.map((type, index) => [type, index]));

/** Undefined where nothing failed, or all that failed came right. */
export function findCause(
  world: World,
  { verdict, reason, message }: Outcome,
  object: KubernetesObject,
  occurrences: readonly Occurrence[],
): Cause | undefined {
  const own: Cause | undefined =
    verdict === 'failed' && reason !== undefined
      ? { type: reason, message: sentence(object, undefined, reason, message) }
      : undefined;
  // A Job's condition says why as a whole; its pods' ends are how it came to that.
  if (own !== undefined && kindKey(object) === 'batch/Job') return own;
  // What it moved elsewhere is another object's trouble.
  const failing = occurrences.filter(
    (occurrence) =>
      belongsTo(object, world.subjectOf(occurrence), world) &&
      isStillFailing(occurrence, world, verdict === 'complete'),
  );
  const deepest = failing.sort((a, b) => depthOf(typeOf(a)!) - depthOf(typeOf(b)!) || a.index - b.index)[0];
  if (deepest === undefined)
    return (own && (endOf(object, occurrences) ?? (message === '' && warningOf(object)))) || own;
  const type = typeOf(deepest)!;
  if (own !== undefined && depthOf(own.type) < depthOf(type)) return own;
  const container = containerOf(deepest.event.subject.fieldPath);
  return { type, message: sentence(world.subjectOf(deepest), container, type, deepest.event.message) };
}

/** Of a bare pod that failed: its phase says no more than that, the last of its containers' ends says how. */
function endOf(object: KubernetesObject, occurrences: readonly Occurrence[]): Cause | undefined {
  if (object.kind !== 'Pod') return undefined;
  const end = occurrences.findLast(isFailedEnd);
  if (end === undefined || end.event.message === '') return undefined;
  const container = containerOf(end.event.subject.fieldPath);
  const type = end.event.message;
  return { type, message: sentence(object, container, type, `exit code ${end.transition!.exitCode}`) };
}

/** A status that only says that it failed: what its controller warned of last says why. */
function warningOf(object: KubernetesObject): Cause | undefined {
  const said = object.occurrences.findLast(({ event }) => event.type === 'Warning' && event.reason !== '');
  if (said === undefined) return undefined;
  const { reason, message } = said.event;
  return { type: reason, message: sentence(object, undefined, reason, message) };
}

/** By its owners; a claim that was made for its pods has none. */
function belongsTo(object: KubernetesObject, subject: KubernetesObject, world: World): boolean {
  if (world.rootOf(subject) === object) return true;
  const { kind, owner, creator } = subject;
  if (kind === 'Pod' || owner !== undefined || creator === undefined) return false;
  return world.rootOf(world.subjectOf(creator.occurrence)) === object;
}

/** What a user's own row names is what keeps something from being made, as far as anybody knows. */
const depthOf = (type: string): number => depth.get(type) ?? depth.get('FailedCreate')! - 0.5;

/** Ends of containers that say why by themselves; of others (Error) what the kubelet makes of them is the cause. */
const endings: ReadonlySet<string> = new Set([
  'OOMKilled',
  'ContainerCannotRun',
  'StartError',
  'DeadlineExceeded',
]);

function typeOf({ transition, event, match }: Occurrence): string | undefined {
  if (transition === undefined) return match?.row.cause;
  return endings.has(event.message) ? event.message : undefined;
}

/** @param hasToLast whether what another took the place of does not count: the change got where it was to be */
function isStillFailing(occurrence: Occurrence, world: World, hasToLast: boolean): boolean {
  if (typeOf(occurrence) === undefined) return false;
  const subject = world.subjectOf(occurrence);
  // What happens to a pod that is to go is not why it is not there.
  if (subject.removal !== undefined && occurrence.at >= subject.removal.at) return false;
  if (hasToLast && (world.isReplaced(subject) || subject.kind === 'PersistentVolumeClaim')) return false;
  return !subject.occurrences.some(
    (later) => later.index > occurrence.index && putsRight(later, occurrence, subject),
  );
}

/** Whether what came later shows that it was overcome. */
function putsRight(later: Occurrence, failed: Occurrence, subject: KubernetesObject): boolean {
  const { kind } = subject;
  const { reason } = later.event;
  if (kind === 'PersistentVolumeClaim') return reason === 'ProvisioningSucceeded';
  if (kind !== 'Pod') return rowOf(later).effect === 'creates' || rowOf(later).outcome === 'complete';
  if (later.transition !== undefined)
    return reason === 'Ready' && later.transition.until >= failed.at && !isLoop(failed, subject);
  if (failed.event.subject.fieldPath === undefined && failed.event.reason !== 'Unhealthy')
    return reason === 'Scheduled'
      ? failed.event.reason === 'FailedScheduling'
      : later.event.subject.fieldPath !== undefined;
  // Where the status tells when it was ready, a start alone is not enough; a crash it never is.
  const isSame = later.event.subject.fieldPath === failed.event.subject.fieldPath;
  return isSame && reason === 'Started' && !crashes.has(typeOf(failed)!) && !saysReadiness(subject);
}

/** What crashed, was ready again and crashed again will do so once more, whether it is ready now or not. */
function isLoop(failed: Occurrence, { occurrences }: KubernetesObject): boolean {
  if (!crashes.has(typeOf(failed)!)) return false;
  const { fieldPath } = failed.event.subject;
  const firstReady = occurrences.find(
    ({ transition, event }) => transition !== undefined && event.reason === 'Ready',
  );
  if (firstReady === undefined) return false;
  const ends = occurrences.filter(
    (later) =>
      isFailedEnd(later) && later.event.subject.fieldPath === fieldPath && later.index > firstReady.index,
  );
  return ends.length > 1;
}

const crashes: ReadonlySet<string> = new Set(['CrashLoopBackOff', 'OOMKilled', 'Unhealthy']);

/** Characters: a line that a person reads; the whole message is on the span that said it. */
const longest = 300;

function sentence(
  { kind, name }: KubernetesObject,
  container: string | undefined,
  type: string,
  message: string,
): string {
  const where = container === undefined ? `${kind} ${name}` : `${kind} ${name}, container ${container}`;
  const text = message === '' || message === type ? `${where}: ${type}` : `${where}: ${type}: ${message}`;
  return text.length > longest ? `${text.slice(0, longest - 1)}…` : text;
}
