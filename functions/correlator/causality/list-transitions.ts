/**
 * Transitions: what a pod's status tells and no Event does. When a pod became ready, and how a container ended (no Event says
 * OOMKilled). Sources: https://kubernetes.io/docs/concepts/workloads/pods/pod-lifecycle/ (container states, pod conditions).
 */
import type { ContainerStatus } from '../../../shared/observation.ts';
import type { ObjectHistory, Version } from './gather-objects.ts';
import type { Occurrence, Transition, WireEvent } from './gather-occurrences.ts';
import { unknownVersion } from './resource-version.ts';
import { type Moment, max, narrow, parseTime, SECOND, secondOf } from './time.ts';

/**
 * In no order. A function of what the versions show: starts, ends and conditions.
 * @param events an Event Started says better when a container began, or says it where the status does not
 */
export function listTransitions(
  histories: ReadonlyMap<string, ObjectHistory>,
  events: readonly Occurrence[],
): Occurrence[] {
  const pods = [...histories.values()].filter(saysHow);
  if (pods.length === 0) return [];
  const told = Map.groupBy(
    events.filter(({ event: { reason, subject } }) => isTelling(reason) && subject.kind === 'Pod'),
    ({ event }) => event.subject.uid,
  );
  const transitions: Occurrence[] = [];
  for (const history of pods) {
    const own = told.get(history.uid) ?? [];
    transitions.push(...readiness(history, own), ...terminations(history, own));
  }
  return transitions;
}

/** Of a pod that it was ready, or of its containers. */
const saysHow = ({ kind, versions }: ObjectHistory): boolean =>
  kind === 'Pod' &&
  versions.some(
    ({ object: { status } }) => status?.conditions !== undefined || status?.containers !== undefined,
  );

const isTelling = (reason: string): boolean => reason === 'Started' || reason === 'Killing';

/**
 * From the last container's start to when the pod was ready for the first time after it. Readiness that is lost and regained
 * without a start is none.
 */
function* readiness(history: ObjectHistory, told: readonly Occurrence[]): Iterable<Occurrence> {
  const starts = told.filter(({ event }) => event.reason === 'Started');
  const begun = new Set<bigint>();
  for (const { object, observedAt } of history.versions) {
    const ready = object.status?.conditions?.find(
      ({ type, status }) => type === 'Ready' && status === 'True',
    );
    const time = ready?.lastTransitionTime;
    if (time === undefined) continue;
    const until = narrow(parseTime(time), observedAt);
    const started = lastStart(object.status?.containers, starts, until.latest);
    if (started === undefined || begun.has(secondOf(started)) || secondOf(started) > until.latest) continue;
    begun.add(secondOf(started));
    const start = { at: started, latest: started };
    const transition = {
      id: `${history.uid}/Ready//${time}`,
      until: max(until.at, started),
      container: undefined,
      exitCode: undefined,
    };
    yield transitionOf(history, 'Ready', start, transition);
  }
}

/** By the status, which knows whole seconds; within that second, and where it does not say, by the Events. */
function lastStart(
  containers: readonly ContainerStatus[] | undefined,
  starts: readonly Occurrence[],
  until: bigint,
): bigint | undefined {
  const running = (containers ?? []).flatMap(({ runningSince }) => runningSince ?? []).map(parseTime);
  const known = starts.map(({ at }) => at).filter((at) => at <= until);
  const last = running.length === 0 ? undefined : running.reduce(max);
  const within = last === undefined ? known : known.filter((at) => secondOf(at) === last);
  return within.length === 0 ? last : within.reduce(max);
}

/** An instant for each end of a container's run that some version still shows. */
function* terminations(history: ObjectHistory, events: readonly Occurrence[]): Iterable<Occurrence> {
  const told = new Set<string>();
  for (const version of history.versions) {
    for (const { container, fieldPath, end } of endsOf(version)) {
      const id = `${history.uid}/Terminated/${container}/${end.finishedAt}`;
      if (told.has(id)) continue;
      told.add(id);
      const moment = endMoment(end, version.observedAt, fieldPath, events);
      const transition = { id, until: moment.at, container, exitCode: end.exitCode };
      yield transitionOf(history, 'Terminated', moment, transition, end.reason ?? '', fieldPath);
    }
  }
}

/** Within the second that is known, a container ends after it was started, and after it was killed. */
function endMoment(end: End, observedAt: bigint, fieldPath: string, events: readonly Occurrence[]): Moment {
  const moment = narrow(parseTime(end.finishedAt), observedAt);
  const second = secondOf(moment.at);
  let { at } = moment;
  for (const { event, at: said } of events) {
    if (event.subject.fieldPath !== fieldPath || secondOf(said) !== second || said > moment.latest) continue;
    const isBefore = event.reason === 'Killing' || end.startedAt === end.finishedAt;
    if (isBefore && said >= at) at = said + 1n;
  }
  return { at, latest: max(at, moment.latest) };
}

type End = NonNullable<ContainerStatus['terminated']> & { finishedAt: string };

function* endsOf({ object }: Version): Iterable<{ container: string; fieldPath: string; end: End }> {
  for (const { name, init, terminated, lastTerminated } of object.status?.containers ?? []) {
    const fieldPath = `spec.${init === true ? 'initContainers' : 'containers'}{${name}}`;
    for (const end of [lastTerminated, terminated]) {
      if (end?.finishedAt !== undefined) yield { container: name, fieldPath, end: end as End };
    }
  }
}

function transitionOf(
  { uid, kind, namespace, name, versions }: ObjectHistory,
  reason: string,
  { at, latest }: Moment,
  transition: Transition,
  message = '',
  fieldPath?: string,
): Occurrence {
  const { apiVersion, nodeName, truncated } = versions.at(-1)!.object;
  const event: WireEvent = {
    uid: '',
    name: '',
    count: 0,
    reason,
    message,
    type: 'Normal',
    subject: {
      apiVersion,
      kind,
      name,
      uid,
      ...(namespace !== undefined && { namespace }),
      ...(fieldPath !== undefined && { fieldPath }),
    },
    reporter: { component: 'kubelet', ...(nodeName !== undefined && { instance: nodeName }) },
    ...(truncated !== undefined && { truncated }),
  };
  const exact = at % SECOND !== 0n;
  return {
    key: transition.id,
    index: 0,
    event,
    transition,
    match: undefined,
    version: unknownVersion,
    at,
    latest,
    exact,
  };
}
