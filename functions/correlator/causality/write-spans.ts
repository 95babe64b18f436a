/**
 * Spans from occurrences and changes: names, attributes, status, links. The span contract is in the README.
 */
import { changeSpanId, occurrenceSpanId } from '../../../shared/ids.ts';
import type { Cluster } from '../../../shared/observation.ts';
import { ownershipAnnotations, ownershipLabels } from '../../../shared/snapshot-fields.ts';
import type { Attributes, Span } from '../../../shared/span.ts';
import { rootOccurrence, type Trace, type Traces, traceIdOfChange } from './cut-traces.ts';
import { type Occurrence, OccurrenceTable } from './gather-occurrences.ts';
import { type Change, changeInEffect } from './list-changes.ts';
import type { Placed } from './place-occurrences.ts';
import { type KubernetesObject, nodeNameOf, type Resolved, rootOf } from './resolve-objects.ts';
import { isProbeFailure, revisionOf, runOwners, waitsForVolumes } from './rules.ts';
import type { TimedTrace } from './time-spans.ts';

export interface WrittenSpan {
  span: Span;
  /** `event UID/count` of an occurrence; of a change's root span the UID of its object. */
  key: string;
}

export interface World {
  cluster: Cluster;
  resolved: Resolved;
  placed: Placed;
  traces: Traces;
}

/** Writes the spans of one trace after the other; what they share is made once. */
export function createSpanWriter(world: World): (timed: TimedTrace) => WrittenSpan[] {
  const spanIds = new OccurrenceTable<string>();
  const resourceOf = createResources(world.cluster);

  function spanIdOf(occurrence: Occurrence): string {
    const known = spanIds.get(occurrence);
    if (known !== undefined) return known;
    const spanId = occurrenceSpanId(occurrence.event.uid, occurrence.event.count);
    spanIds.set(occurrence, spanId);
    return spanId;
  }

  function writeChange(timed: TimedTrace, change: Change, spanId: string, links: Span['links']): Span {
    const { object, outcome } = change;
    const { traceId, caller } = timed.trace;
    const attributes: Attributes = { 'k8s.object.kind': object.kind, 'k8s.object.name': object.name };
    addObject(attributes, object, object.apiVersion);
    const { resourceVersion } = change.version.object;
    if (resourceVersion !== undefined) attributes['k8s.object.resource_version'] = resourceVersion;
    addChange(attributes, change);
    return {
      traceId,
      spanId,
      parentSpanId: caller?.spanId ?? null,
      name: `${object.kind}.${change.verb}`,
      startTimeUnixNano: String(timed.root.start),
      endTimeUnixNano: String(timed.root.end),
      status: outcome.verdict === 'failed' ? { code: 'ERROR', message: outcome.message } : unset,
      resource: resourceOf(change.manager === '' ? 'kubernetes' : change.manager, undefined),
      attributes,
      links,
    };
  }

  function writeOccurrence(timed: TimedTrace, occurrence: Occurrence, parentSpanId: string | null): Span {
    const { event } = occurrence;
    const subject = world.resolved.subjectOf(occurrence);
    const isExpected =
      isProbeFailure(event.reason) && subject.removal !== undefined && occurrence.at >= subject.removal.at;
    const { start, end } = timed.intervalOf(occurrence);
    return {
      traceId: timed.trace.traceId,
      spanId: spanIdOf(occurrence),
      parentSpanId,
      name: `${event.subject.kind}.${event.reason}`,
      startTimeUnixNano: String(start),
      endTimeUnixNano: String(end),
      status: event.type === 'Warning' && !isExpected ? { code: 'ERROR', message: event.message } : unset,
      resource: resourceOf(event.reporter.component, event.reporter.instance),
      attributes: occurrenceAttributes(occurrence, subject),
      links: none,
    };
  }

  return (timed) => {
    const { trace, occurrences } = timed;
    const { root } = trace;
    const links = linksOf(world, timed);
    const written: WrittenSpan[] = [];
    const first = rootOccurrence(trace);
    const rootSpanId = rootSpanIdOf(trace);
    if (root.kind === 'change' && first === undefined) {
      written.push({ span: writeChange(timed, root.change, rootSpanId, links), key: trace.object.uid });
    }
    for (const occurrence of occurrences) {
      const { parent } = world.traces.membershipOf(occurrence);
      if (occurrence === first) {
        const span = writeOccurrence(timed, occurrence, trace.caller?.spanId ?? null);
        span.links = links;
        if (root.kind === 'change') addChange(span.attributes, root.change);
        written.push({ span, key: occurrence.key });
      } else {
        const parentSpanId = parent === undefined ? rootSpanId : spanIdOf(parent);
        written.push({ span: writeOccurrence(timed, occurrence, parentSpanId), key: occurrence.key });
      }
    }
    return written;
  };
}

const unset: Span['status'] = { code: 'UNSET' };
const none: Span['links'] = [];

/** Of the span that a trace's others hang under: an occurrence's, or the one made from the change. */
function rootSpanIdOf({ root }: Trace): string {
  if (root.kind === 'change' && root.marked === undefined) {
    return changeSpanId(root.change.object.uid, root.change.id);
  }
  const { event } = root.kind === 'episode' ? root.first : root.marked!;
  return occurrenceSpanId(event.uid, event.count);
}

function addChange(attributes: Attributes, change: Change): void {
  addOwnership(attributes, change);
  const { generation, manager, operation, outcome } = change;
  if (generation !== undefined) attributes['k8s.object.generation'] = generation;
  attributes['rootspan.change.manager'] = manager;
  attributes['rootspan.change.operation'] = operation;
  attributes['rootspan.change.outcome'] = outcome.verdict;
}

/**
 * Each attribute by its own statement: with a key that is computed, or spread in, V8 makes a hash table of an object of
 * this size, and these objects are half of what assembly leaves in memory.
 */
function occurrenceAttributes(occurrence: Occurrence, subject: KubernetesObject): Attributes {
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
  addObject(attributes, subject, event.subject.apiVersion ?? subject.apiVersion);
  if (fieldPath !== undefined) attributes['k8s.object.fieldpath'] = fieldPath;
  if (resourceVersion !== undefined) attributes['k8s.object.resource_version'] = resourceVersion;
  if (event.action !== undefined) attributes['k8s.event.action'] = event.action;
  const startTime = event.firstTimestamp ?? event.eventTime;
  if (startTime !== undefined) attributes['k8s.event.start_time'] = startTime;
  const container = fieldPath === undefined ? undefined : /\{(.+)\}$/.exec(fieldPath)?.[1];
  if (container !== undefined) attributes['k8s.container.name'] = container;
  const node = nodeOf(occurrence, subject);
  if (node !== undefined) attributes['k8s.node.name'] = node;
  const synced = revisionOf(event.subject.kind, event.reason, event.message, event.annotations);
  if (synced !== undefined) attributes['vcs.ref.head.revision'] = synced.revision;
  if (synced?.name !== undefined) attributes['vcs.ref.head.name'] = synced.name;
  return attributes;
}

function addObject(attributes: Attributes, object: KubernetesObject, apiVersion: string | undefined): void {
  const kind = object.kind.toLowerCase();
  // A UID that was made up from the name is nobody's.
  const uid = object.uid.includes('/') ? undefined : object.uid;
  if (object.namespace !== undefined) attributes['k8s.namespace.name'] = object.namespace;
  attributes[`k8s.${kind}.name`] = object.name;
  if (uid !== undefined) attributes[`k8s.${kind}.uid`] = uid;
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
  const { labels, annotations } = version.object;
  for (const key of ownershipLabels) {
    if (labels?.[key] !== undefined) attributes[`k8s.${kind}.label.${key}`] = labels[key];
  }
  for (const key of ownershipAnnotations) {
    if (annotations?.[key] !== undefined) attributes[`k8s.${kind}.annotation.${key}`] = annotations[key];
  }
}

/** One for each reporter: spans of the same one share it. */
function createResources({ name, uid }: Cluster) {
  const known = new Map<string, Attributes>();
  return (component: string | undefined, host: string | undefined): Attributes => {
    const key = `${component ?? ''}|${host ?? ''}`;
    const shared = known.get(key);
    if (shared !== undefined) return shared;
    const resource: Attributes = {
      ...(component !== undefined && { 'service.name': component }),
      ...(host !== undefined && { 'service.instance.id': host }),
      ...(name !== undefined && { 'k8s.cluster.name': name }),
      ...(uid !== undefined && { 'k8s.cluster.uid': uid }),
    };
    known.set(key, resource);
    return resource;
  };
}

function nodeOf({ event }: Occurrence, subject: KubernetesObject): string | undefined {
  if (subject.kind === 'Node') return subject.name;
  if (subject.kind !== 'Pod') return undefined;
  if (event.reporter.component === 'kubelet' && event.reporter.instance !== undefined)
    return event.reporter.instance;
  return nodeNameOf(subject);
}

/**
 * To the generations that an episode falls in, that a disruption moved pods of, that a run comes from; to what the claims
 * go through that a pod waits for.
 */
function linksOf({ resolved, placed, traces }: World, { trace, occurrences }: TimedTrace): Span['links'] {
  const linked = new Map<string, Span['links'][number]>();
  const add = (change: Change | undefined) => {
    if (change === undefined) return;
    const traceId = traceIdOfChange(change);
    if (traceId !== trace.traceId)
      linked.set(traceId, { traceId, spanId: changeSpanId(change.object.uid, change.id) });
  };
  const { root, object } = trace;
  if (root.kind === 'change' && root.change.earlierCaller !== undefined) {
    linked.set(root.change.earlierCaller.traceId, root.change.earlierCaller);
  }
  if (root.kind === 'episode') {
    add(changeInEffect(placed.changesOf(object), root.first.latest));
  } else if (object.owner !== undefined && runOwners.has(object.owner.kind)) {
    add(changeInEffect(placed.changesOf(object.owner), root.change.moment!.latest));
  }
  for (const occurrence of occurrences) {
    const subject = resolved.subjectOf(occurrence);
    const { reason, message } = occurrence.event;
    if (subject.kind === 'Pod' && waitsForVolumes(reason, message)) {
      for (const link of claimsOf(subject, occurrence)) linked.set(link.traceId, link);
    }
    // A pod that goes with its Node leaves no Event: its replacement's creation tells.
    const created = resolved.driverOf(occurrence)?.target;
    const pod = (created && placed.replacedBy(created)) ?? subject;
    if (pod.disruption === undefined || pod.removal === undefined || rootOf(pod) === object) continue;
    if (occurrence.at < pod.removal.at) continue;
    add(changeInEffect(placed.changesOf(rootOf(pod)), pod.removal.latest));
  }
  return [...linked.values()].sort((a, b) => (a.traceId < b.traceId ? -1 : 1));

  /** The traces that the claims of a pod were in last, or are in next. */
  function* claimsOf(pod: KubernetesObject, { at }: Occurrence): Iterable<Span['links'][number]> {
    const claims = pod.history?.versions.at(-1)?.object.claims ?? [];
    for (const name of claims) {
      for (const claim of resolved.named('PersistentVolumeClaim', pod.namespace, name)) {
        const last = claim.occurrences.findLast((said) => said.at <= at) ?? claim.occurrences[0];
        if (last === undefined) continue;
        const other = traces.membershipOf(last).trace;
        if (other.traceId !== trace.traceId) yield { traceId: other.traceId, spanId: rootSpanIdOf(other) };
      }
    }
  }
}
