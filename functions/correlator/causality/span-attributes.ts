/** Attributes and resources of spans. The span contract is in the README. */
import type { Cluster } from '../../../shared/observation.ts';
import { ownershipAnnotations, ownershipLabels } from '../../../shared/snapshot-fields.ts';
import type { Attributes } from '../../../shared/span.ts';
import type { Change } from './change.ts';
import type { TimeSpent } from './critical-path.ts';
import type { Commit } from './find-commit.ts';
import { addHelm } from './find-helm-chart.ts';
import { revisionOf } from './find-syncs.ts';
import type { Occurrence } from './gather-occurrences.ts';
import type { KubernetesObject } from './kubernetes-object.ts';
import { nodeNameOf } from './node-turns.ts';
import { type Phase, phases } from './phases.ts';
import type { Membership } from './trace.ts';

/**
 * Each attribute by its own statement: with a key that is computed, or spread in, V8 makes a hash table of an object of
 * this size, and these objects are half of what assembly leaves in memory.
 */
export function occurrenceAttributes(
  occurrence: Occurrence,
  subject: KubernetesObject,
  { because, evidence }: Pick<Membership, 'because' | 'evidence'>,
  isRoot: boolean,
): Attributes {
  const { event } = occurrence;
  const { fieldPath, resourceVersion } = event.subject;
  const attributes: Attributes = {
    'k8s.object.kind': subject.kind,
    'k8s.object.name': subject.name,
    'k8s.event.reason': event.reason,
    'k8s.event.type': event.type,
    'k8s.event.message': event.message,
    'k8s.event.name': event.name,
    'k8s.event.uid': event.uid,
    'k8s.event.count': event.count,
  };
  if (!isRoot) {
    attributes['rootspan.because'] = because;
    attributes['rootspan.evidence'] = evidence;
  }
  addObject(attributes, subject, event.subject.apiVersion ?? subject.apiVersion);
  if (fieldPath !== undefined) attributes['k8s.object.fieldpath'] = fieldPath;
  if (resourceVersion !== undefined) attributes['k8s.object.resource_version'] = resourceVersion;
  if (event.action !== undefined) attributes['k8s.event.action'] = event.action;
  if (event.truncated !== undefined) attributes['rootspan.truncated'] = event.truncated;
  const startTime = event.firstTimestamp ?? event.eventTime;
  if (startTime !== undefined) attributes['k8s.event.start_time'] = startTime;
  const container = containerOf(fieldPath);
  if (container !== undefined) attributes['k8s.container.name'] = container;
  const node = nodeOf(occurrence, subject);
  if (node !== undefined) attributes['k8s.node.name'] = node;
  const synced = revisionOf(occurrence, subject);
  if (synced !== undefined) attributes['vcs.ref.head.revision'] = synced.revision;
  if (synced?.name !== undefined) attributes['vcs.ref.head.name'] = synced.name;
  return attributes;
}

/**
 * Of a transition: no Event says it. Names: https://opentelemetry.io/docs/specs/semconv/registry/attributes/k8s/ and process/.
 * @param isError whether the container's end is one
 */
export function transitionAttributes(
  occurrence: Occurrence,
  subject: KubernetesObject,
  { because, evidence }: Pick<Membership, 'because' | 'evidence'>,
  isError: boolean,
): Attributes {
  const { event } = occurrence;
  const { container, exitCode } = occurrence.transition!;
  const attributes: Attributes = {
    'k8s.object.kind': subject.kind,
    'k8s.object.name': subject.name,
    'rootspan.because': because,
    'rootspan.evidence': evidence,
  };
  addObject(attributes, subject, event.subject.apiVersion ?? subject.apiVersion);
  if (event.subject.fieldPath !== undefined) attributes['k8s.object.fieldpath'] = event.subject.fieldPath;
  if (container !== undefined) attributes['k8s.container.name'] = container;
  const node = nodeNameOf(subject);
  if (node !== undefined) attributes['k8s.node.name'] = node;
  if (event.truncated !== undefined) attributes['rootspan.truncated'] = event.truncated;
  if (exitCode === undefined) return attributes;
  attributes['process.exit.code'] = exitCode;
  if (event.message !== '') attributes['k8s.container.status.reason'] = event.message;
  if (isError && event.message !== '') attributes['error.type'] = event.message;
  return attributes;
}

/** `app` of `spec.containers{app}`. */
export function containerOf(fieldPath: string | undefined): string | undefined {
  if (fieldPath === undefined || !fieldPath.endsWith('}')) return undefined;
  const open = fieldPath.indexOf('{');
  return open < 0 || open + 2 === fieldPath.length ? undefined : fieldPath.slice(open + 1, -1);
}

export function changeAttributes(change: Change): Attributes {
  const { object, version } = change;
  const attributes: Attributes = { 'k8s.object.kind': object.kind, 'k8s.object.name': object.name };
  addObject(attributes, object, object.apiVersion);
  const { resourceVersion, truncated } = version?.object ?? {};
  if (resourceVersion !== undefined) attributes['k8s.object.resource_version'] = resourceVersion;
  if (truncated !== undefined) attributes['rootspan.truncated'] = truncated;
  return attributes;
}

export function addChange(
  attributes: Attributes,
  change: Change,
  verdict: string,
  { commit, release }: { commit: Commit | undefined; release: string | undefined },
): void {
  addOwnership(attributes, change);
  if (commit !== undefined) addCommit(attributes, commit);
  addHelm(attributes, change);
  const { generation, manager, operation } = change;
  if (release !== undefined) attributes['rootspan.change.release'] = release;
  if (generation !== undefined) attributes['k8s.object.generation'] = generation;
  attributes['rootspan.change.manager'] = manager;
  attributes['rootspan.change.operation'] = operation;
  attributes['rootspan.change.outcome'] = verdict;
}

/** Names: https://opentelemetry.io/docs/specs/semconv/registry/attributes/vcs/ */
function addCommit(attributes: Attributes, { revision, name, url }: Commit): void {
  attributes['vcs.ref.head.revision'] = revision;
  if (name !== undefined) attributes['vcs.ref.head.name'] = name;
  if (url !== undefined) attributes['vcs.repository.url.full'] = url;
}

/** Seconds, each rounded once to the microsecond; phases of no time are left out. */
export function addTimeSpent(attributes: Attributes, { duration, phases: spent }: TimeSpent): void {
  attributes['rootspan.change.duration'] = toSeconds(duration);
  for (const phase of phases) {
    const seconds = toSeconds(spent.get(phase) ?? 0n);
    if (seconds > 0) attributes[timeKeys[phase]] = seconds;
  }
}

const timeKeys: Readonly<Record<Phase, string>> = {
  queue: 'rootspan.change.time.queue',
  schedule: 'rootspan.change.time.schedule',
  pull: 'rootspan.change.time.pull',
  start: 'rootspan.change.time.start',
  ready: 'rootspan.change.time.ready',
  stop: 'rootspan.change.time.stop',
  other: 'rootspan.change.time.other',
};

const toSeconds = (nanoseconds: bigint): number => Math.round(Number(nanoseconds) / 1000) / 1e6;

function addObject(attributes: Attributes, object: KubernetesObject, apiVersion: string | undefined): void {
  const kind = object.kind.toLowerCase();
  // A UID that was made up from the name is nobody's.
  const uid = object.uid.includes('/') ? undefined : object.uid;
  if (object.namespace !== undefined) attributes['k8s.namespace.name'] = object.namespace;
  if (kind !== '' && object.name !== '') attributes[`k8s.${kind}.name`] = object.name;
  if (kind !== '' && uid !== undefined) attributes[`k8s.${kind}.uid`] = uid;
  if (apiVersion !== undefined) attributes['k8s.object.api_version'] = apiVersion;
  if (uid !== undefined) attributes['k8s.object.uid'] = uid;
}

/**
 * Whose the object is (a Helm release, a Flux Kustomization, an Argo CD application), by the labels and annotations of
 * the version that the change wrote. Names: https://opentelemetry.io/docs/specs/semconv/registry/attributes/k8s/
 * (`k8s.deployment.label.<key>`).
 */
function addOwnership(attributes: Attributes, { object, version }: Change): void {
  const kind = object.kind.toLowerCase();
  const { labels, annotations } = version?.object ?? {};
  for (const key of ownershipLabels) {
    if (labels?.[key] !== undefined) attributes[`k8s.${kind}.label.${key}`] = labels[key];
  }
  for (const key of ownershipAnnotations) {
    if (annotations?.[key] !== undefined) attributes[`k8s.${kind}.annotation.${key}`] = annotations[key];
  }
}

function nodeOf({ event }: Occurrence, subject: KubernetesObject): string | undefined {
  if (subject.kind === 'Node') return subject.name;
  if (subject.kind !== 'Pod') return undefined;
  if (event.reporter.component === 'kubelet' && event.reporter.instance !== undefined)
    return event.reporter.instance;
  return nodeNameOf(subject);
}

/** One for each reporter, which its spans share, and one for each root of a workload. */
export function createResources({ name, uid, attributes: fixed }: Cluster) {
  const known = new Map<string | undefined, Map<string | undefined, Attributes>>();
  const ofCluster: Attributes = {
    ...(name !== undefined && { 'k8s.cluster.name': name }),
    ...(uid !== undefined && { 'k8s.cluster.uid': uid }),
  };
  const ofReporter = (component: string | undefined, host: string | undefined): Attributes => {
    let byHost = known.get(component);
    if (byHost === undefined) {
      byHost = new Map();
      known.set(component, byHost);
    }
    const shared = byHost.get(host);
    if (shared !== undefined) return shared;
    const resource: Attributes = {
      ...fixed,
      ...(component !== undefined && { 'service.name': component }),
      ...(host !== undefined && { 'service.instance.id': host }),
      ...ofCluster,
    };
    byHost.set(host, resource);
    return resource;
  };
  /** Of a root: who reports it is told beside, for those who want to see that instead. */
  const ofService = (service: Attributes, component: string | undefined): Attributes => ({
    // What the workload says of itself is more than what is true of most of its cluster.
    ...fixed,
    ...service,
    ...(component !== undefined && { 'rootspan.component': component }),
    ...ofCluster,
  });
  return { ofReporter, ofService };
}
