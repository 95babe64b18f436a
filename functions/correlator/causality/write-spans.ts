/**
 * Spans from occurrences and changes: names, attributes, status, links. The span contract is in the README.
 */
import { changeSpanId, occurrenceSpanId } from '../../../shared/ids.ts';
import type { Cluster } from '../../../shared/observation.ts';
import type { Attributes, Span } from '../../../shared/span.ts';
import { type Membership, rootOccurrence, type Trace, traceIdOfChange } from './cut-traces.ts';
import type { Occurrence } from './gather-occurrences.ts';
import { type Change, changeInEffect } from './list-changes.ts';
import type { Placed } from './place-occurrences.ts';
import { type KubernetesObject, nodeNameOf, type Resolved, rootOf } from './resolve-objects.ts';
import { isProbeFailure, runOwners } from './rules.ts';
import type { Interval, TimedTrace } from './time-spans.ts';

export interface WrittenSpan {
  span: Span;
  /** `event UID/count` of an occurrence; of a change's root span the UID of its object. */
  key: string;
}

export interface World {
  cluster: Cluster;
  resolved: Resolved;
  placed: Placed;
  memberships: ReadonlyMap<Occurrence, Membership>;
}

export function writeSpans(world: World, timed: TimedTrace): WrittenSpan[] {
  const { trace, occurrences, intervals } = timed;
  const links = linksOf(world, timed);
  const written: WrittenSpan[] = [];
  const { root } = trace;
  const first = rootOccurrence(trace);
  if (root.kind === 'change' && first === undefined) {
    written.push({ span: changeSpan(world, trace, root.change, timed.root, links), key: trace.object.uid });
  }
  const rootSpanId = first === undefined ? written[0]!.span.spanId : spanIdOf(first);
  for (const occurrence of occurrences) {
    const { parent } = world.memberships.get(occurrence)!;
    const isRoot = occurrence === first;
    const parentSpanId = isRoot
      ? (trace.caller?.spanId ?? null)
      : parent === undefined
        ? rootSpanId
        : spanIdOf(parent);
    const span = occurrenceSpan(world, trace, occurrence, parentSpanId, intervals.get(occurrence)!);
    if (isRoot) {
      span.links = links;
      if (root.kind === 'change') Object.assign(span.attributes, changeAttributes(root.change));
    }
    written.push({ span, key: occurrence.key });
  }
  return written;
}

const spanIdOf = ({ event }: Occurrence): string => occurrenceSpanId(event.uid, event.count);

function changeSpan(
  { cluster }: World,
  trace: Trace,
  change: Change,
  { start, end }: Interval,
  links: Span['links'],
): Span {
  const { object } = change;
  const { outcome } = change;
  return {
    traceId: trace.traceId,
    spanId: changeSpanId(object.uid, change.id),
    parentSpanId: trace.caller?.spanId ?? null,
    name: `${object.kind}.${change.verb}`,
    startTimeUnixNano: String(start),
    endTimeUnixNano: String(end),
    status: outcome.verdict === 'failed' ? { code: 'ERROR', message: outcome.message } : { code: 'UNSET' },
    resource: resource(cluster, change.manager === '' ? 'kubernetes' : change.manager, undefined),
    attributes: {
      ...objectAttributes(object, object.apiVersion),
      ...(change.version.object.resourceVersion !== undefined && {
        'k8s.object.resource_version': change.version.object.resourceVersion,
      }),
      ...changeAttributes(change),
    },
    links,
  };
}

function changeAttributes({ generation, manager, operation, outcome }: Change): Attributes {
  return {
    ...(generation !== undefined && { 'k8s.object.generation': generation }),
    'k8s.change.manager': manager,
    'k8s.change.operation': operation,
    'k8s.change.outcome': outcome.verdict,
  };
}

function occurrenceSpan(
  world: World,
  trace: Trace,
  occurrence: Occurrence,
  parentSpanId: string | null,
  { start, end }: Interval,
): Span {
  const { event } = occurrence;
  const subject = world.resolved.subjectOf(occurrence);
  const container = /\{(.+)\}$/.exec(event.subject.fieldPath ?? '')?.[1];
  const isExpected =
    isProbeFailure(event.reason) && subject.removal !== undefined && occurrence.at >= subject.removal.at;
  // Not with conditional spreads: at one for each field they are a third of assembly's time.
  const attributes = objectAttributes(subject, event.subject.apiVersion ?? subject.apiVersion);
  put(attributes, 'k8s.object.fieldpath', event.subject.fieldPath);
  put(attributes, 'k8s.object.resource_version', event.subject.resourceVersion);
  put(attributes, 'k8s.event.reason', event.reason);
  put(attributes, 'k8s.event.type', event.type);
  put(attributes, 'k8s.event.message', event.message);
  put(attributes, 'k8s.event.action', event.action);
  put(attributes, 'k8s.event.name', event.name);
  put(attributes, 'k8s.event.uid', event.uid);
  put(attributes, 'k8s.event.count', event.count);
  put(attributes, 'k8s.event.start_time', event.firstTimestamp ?? event.eventTime);
  put(attributes, 'k8s.container.name', container);
  put(attributes, 'k8s.node.name', nodeOf(occurrence, subject));
  return {
    traceId: trace.traceId,
    spanId: spanIdOf(occurrence),
    parentSpanId,
    name: `${event.subject.kind}.${event.reason}`,
    startTimeUnixNano: String(start),
    endTimeUnixNano: String(end),
    status:
      event.type === 'Warning' && !isExpected ? { code: 'ERROR', message: event.message } : { code: 'UNSET' },
    resource: resource(world.cluster, event.reporter.component, event.reporter.instance),
    attributes,
    links: [],
  };
}

function put(attributes: Attributes, key: string, value: Attributes[string] | undefined): void {
  if (value !== undefined) attributes[key] = value;
}

function resource(cluster: Cluster, component: string | undefined, host: string | undefined): Attributes {
  const attributes: Attributes = {};
  put(attributes, 'service.name', component);
  put(attributes, 'service.instance.id', host);
  put(attributes, 'k8s.cluster.name', cluster.name);
  put(attributes, 'k8s.cluster.uid', cluster.uid);
  return attributes;
}

function objectAttributes(object: KubernetesObject, apiVersion: string | undefined): Attributes {
  const kind = object.kind.toLowerCase();
  // A UID that was made up from the name is nobody's.
  const uid = object.uid.includes('/') ? undefined : object.uid;
  const attributes: Attributes = {};
  put(attributes, 'k8s.namespace.name', object.namespace);
  put(attributes, `k8s.${kind}.name`, object.name);
  put(attributes, `k8s.${kind}.uid`, uid);
  put(attributes, 'k8s.object.api_version', apiVersion);
  put(attributes, 'k8s.object.kind', object.kind);
  put(attributes, 'k8s.object.name', object.name);
  put(attributes, 'k8s.object.uid', uid);
  return attributes;
}

function nodeOf({ event }: Occurrence, subject: KubernetesObject): string | undefined {
  if (subject.kind === 'Node') return subject.name;
  if (subject.kind !== 'Pod') return undefined;
  if (event.reporter.component === 'kubelet' && event.reporter.instance !== undefined)
    return event.reporter.instance;
  return nodeNameOf(subject);
}

/** To the generations that an episode falls in, that a disruption moved pods of, that a run comes from. */
function linksOf({ resolved, placed }: World, { trace, occurrences }: TimedTrace): Span['links'] {
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
    // A pod that goes with its Node leaves no Event: its replacement's creation tells.
    const created = resolved.driverOf(occurrence)?.target;
    const pod = (created && placed.replacedBy(created)) ?? subject;
    if (pod.disruption === undefined || pod.removal === undefined || rootOf(pod) === object) continue;
    if (occurrence.at < pod.removal.at) continue;
    add(changeInEffect(placed.changesOf(rootOf(pod)), pod.removal.latest));
  }
  return [...linked.values()].sort((a, b) => (a.traceId < b.traceId ? -1 : 1));
}
