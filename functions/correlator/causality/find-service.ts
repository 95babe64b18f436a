/**
 * Of which application a trace tells: the service of the workload, as the workload's own telemetry calls it. In the order of
 * https://opentelemetry.io/docs/specs/semconv/non-normative/k8s-attributes/: annotation, well-known labels, the name of what is
 * highest above the pods. An image's tag is not asked for a version: of several containers nobody says which one it is.
 */
import type { ObjectSnapshot } from '../../../shared/observation.ts';
import { resourceAnnotationPrefix, workloads } from '../../../shared/snapshot-fields.ts';
import type { Attributes } from '../../../shared/span.ts';
import type { KubernetesObject } from './kubernetes-object.ts';
import type { World } from './placement/world.ts';
import { runsToCompletion } from './runs.ts';
import type { TimedTrace } from './time-spans.ts';

type Marks = Pick<ObjectSnapshot['object'], 'labels' | 'annotations'>;

/** Undefined where the trace's object runs no application (a Node, a claim, a Kustomization). */
export function findService(world: World, timed: TimedTrace): Attributes | undefined {
  const { object } = timed.trace;
  if (!isWorkload(object)) return undefined;
  const marks = marksOf(world, timed);
  const service = annotated(marks);
  const label = (key: string) => labelIn(marks, key);
  service['service.name'] ??=
    label('app.kubernetes.io/instance') ?? label('app.kubernetes.io/name') ?? topOf(object).name;
  const { namespace } = object;
  if (namespace !== undefined) service['service.namespace'] ??= namespace;
  const version = label('app.kubernetes.io/version');
  if (version !== undefined) service['service.version'] ??= version;
  return service;
}

/** What controls Nodes, claims or networks alone (a NodeClaim, a MachineDeployment) runs none, either. */
const isWorkload = (object: KubernetesObject): boolean =>
  object.kind === 'Pod' ||
  workloads.has(object.kind) ||
  runsToCompletion(object) ||
  (object.kind !== 'Node' && object.controlled.some(isWorkload));

/** A Job's CronJob is the application, each of its runs is not. */
const topOf = (object: KubernetesObject): KubernetesObject =>
  object.owner === undefined || object.owner.kind === 'Node' ? object : topOf(object.owner);

/** The workload's own as the change wrote them, then those of a pod: that is where the template's are. */
function marksOf(
  world: World,
  { trace: { object, root }, occurrences, root: { start } }: TimedTrace,
): Marks[] {
  const own =
    root.kind === 'change'
      ? root.change.version
      : object.history?.versions.findLast(({ observedAt }) => observedAt <= start);
  const pod = occurrences.find((occurrence) => {
    const subject = world.subjectOf(occurrence);
    return subject.kind === 'Pod' && subject.history !== undefined && world.rootOf(subject) === object;
  });
  const ofPod = pod && world.subjectOf(pod).history!.versions.at(-1);
  return [own, ofPod].flatMap((version) => version?.object ?? []);
}

/** An empty one says nothing. */
function labelIn(marks: readonly Marks[], key: string): string | undefined {
  for (const { labels } of marks) if (labels?.[key]) return labels[key];
  return undefined;
}

function annotated(marks: readonly Marks[]): Attributes {
  const attributes: Attributes = {};
  for (const { annotations } of marks) {
    for (const key in annotations) {
      if (!key.startsWith(resourceAnnotationPrefix) || annotations[key] === '') continue;
      attributes[key.slice(resourceAnnotationPrefix.length)] ??= annotations[key]!;
    }
  }
  return attributes;
}
