/**
 * Transitions: what a pod's status tells and no Event does. When a pod became ready, and how a container ended (no Event says
 * OOMKilled). Sources: https://kubernetes.io/docs/concepts/workloads/pods/pod-lifecycle/ (container states, pod conditions).
 */
import type { ContainerStatus } from '../../../shared/observation.ts';
import type { ObjectHistory, Version } from './gather-objects.ts';
import type { Occurrence, Transition, WireEvent } from './gather-occurrences.ts';
import { type Moment, max, narrow, parseTime, SECOND, secondOf } from './time.ts';

/** In no order. The same for any subset of versions that shows the same starts, ends and conditions. */
export function listTransitions(histories: ReadonlyMap<string, ObjectHistory>): Occurrence[] {
  const transitions: Occurrence[] = [];
  for (const history of histories.values()) {
    if (history.kind !== 'Pod') continue;
    transitions.push(...readiness(history), ...terminations(history));
  }
  return transitions;
}

/**
 * From the last container's start to when the pod was ready for the first time after it. Readiness that is lost and regained
 * without a start is none.
 */
function* readiness(history: ObjectHistory): Iterable<Occurrence> {
  const begun = new Set<string>();
  for (const { object, observedAt } of history.versions) {
    const ready = object.status?.conditions?.find(
      ({ type, status }) => type === 'Ready' && status === 'True',
    );
    const started = lastStart(object.status?.containers);
    const time = ready?.lastTransitionTime;
    if (time === undefined || started === undefined || begun.has(started)) continue;
    if (parseTime(time) < parseTime(started)) continue;
    begun.add(started);
    // When it was seen to run says nothing of when it began, within that second.
    const start = { at: parseTime(started), latest: parseTime(started) };
    const until = max(narrow(parseTime(time), observedAt).at, start.at);
    const transition = {
      id: `${history.uid}/Ready//${time}`,
      until,
      container: undefined,
      exitCode: undefined,
    };
    yield transitionOf(history, 'Ready', start, transition);
  }
}

/**
 * A container's start is known to the second, where its Event Started says it better: of each pod the latest start within
 * that second counts.
 */
export function alignStarts(transitions: readonly Occurrence[], events: readonly Occurrence[]): void {
  const waits = Map.groupBy(
    transitions.filter(({ event, exact }) => event.reason === 'Ready' && !exact),
    ({ event }) => event.subject.uid,
  );
  if (waits.size === 0) return;
  for (const { event, at } of events) {
    if (event.reason !== 'Started') continue;
    for (const wait of waits.get(event.subject.uid) ?? []) {
      if (secondOf(at) !== secondOf(wait.at) || at < wait.at || at > wait.transition!.until) continue;
      wait.at = at;
      wait.latest = max(wait.latest, at);
    }
  }
}

/** RFC 3339, in whole seconds. */
function lastStart(containers: readonly ContainerStatus[] | undefined): string | undefined {
  let last: string | undefined;
  for (const { runningSince } of containers ?? []) {
    if (runningSince !== undefined && (last === undefined || runningSince > last)) last = runningSince;
  }
  return last;
}

/** An instant for each end of a container's run that some version still shows. */
function* terminations(history: ObjectHistory): Iterable<Occurrence> {
  const told = new Set<string>();
  for (const version of history.versions) {
    for (const { container, fieldPath, end } of endsOf(version)) {
      const id = `${history.uid}/Terminated/${container}/${end.finishedAt}`;
      if (told.has(id)) continue;
      told.add(id);
      const moment = narrow(parseTime(end.finishedAt), version.observedAt);
      const transition = { id, until: moment.at, container, exitCode: end.exitCode };
      yield transitionOf(history, 'Terminated', moment, transition, end.reason ?? '', fieldPath);
    }
  }
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
  const { apiVersion, nodeName } = versions.at(-1)!.object;
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
  };
  const exact = at % SECOND !== 0n;
  return { key: transition.id, index: 0, event, transition, match: undefined, version: 0, at, latest, exact };
}
