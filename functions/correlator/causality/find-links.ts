/**
 * Links of a trace to others, each with the reason. Only to traces whose roots were or will be sent.
 */
import type { Span } from '../../../shared/span.ts';
import type { Change } from './change.ts';
import { changeInEffect } from './find-change.ts';
import type { Occurrence } from './gather-occurrences.ts';
import type { KubernetesObject } from './kubernetes-object.ts';
import { waitsForVolumes } from './link-joins.ts';
import { endings } from './node-turns.ts';
import type { World } from './placement/world.ts';
import { callersIn } from './read-traceparent.ts';
import { syncsOf } from './sync-links.ts';
import { rootSpanIdOf, type Trace, type Traces } from './trace.ts';

export type LinkReason =
  | 'generation-in-force'
  | 'moved-pods-of'
  | 'run-of'
  | 'waits-for'
  | 'caller'
  | 'sync'
  /** What it would hang under, or what happened to the same Node before, too long ago for one trace. */
  | 'continues';

type Link = Span['links'][number];

/** Sorted by trace id; the first reason to link to a trace is the one that is told. */
export function findLinks(
  world: World,
  traces: Traces,
  trace: Trace,
  occurrences: readonly Occurrence[],
): Link[] {
  const linked = new Map<string, Link>();
  const add = (other: { traceId: string; spanId: string } | undefined, reason: LinkReason) => {
    if (other === undefined || other.traceId === trace.traceId || linked.has(other.traceId)) return;
    linked.set(other.traceId, { ...other, attributes: { 'rootspan.link': reason } });
  };
  const addChange = (change: Change | undefined, reason: LinkReason) =>
    add(toRoot(change && traces.traceOf(change)), reason);
  const { root, object } = trace;
  if (root.kind === 'change') for (const caller of root.change.otherCallers) add(caller, 'caller');
  if (root.kind === 'episode') {
    addChange(changeInEffect(world.changesOf(object), root.first.latest), 'generation-in-force');
    if (root.before !== undefined && isEnding(world, root) && isEnding(world, root.before.root))
      add(toRoot(traces.live(root.before)), 'continues');
  } else {
    if (object.owner !== undefined && world.isRun(object))
      addChange(changeInEffect(world.changesOf(object.owner), root.change.moment!.latest), 'run-of');
    for (const change of syncsOf(world, root.change)) addChange(change, 'sync');
  }
  for (const occurrence of occurrences) {
    const { subject, reason, message, annotations } = occurrence.event;
    if (annotations !== undefined) for (const caller of callersIn(annotations)) add(caller, 'caller');
    if (subject.kind === 'Pod' && waitsForVolumes(reason, message))
      for (const other of claimTraces(world, traces, occurrence)) add(toRoot(other), 'waits-for');
    addChange(movedFrom(world, occurrence, object), 'moved-pods-of');
    const late = traces.membershipOf(occurrence)?.late;
    if (late !== undefined) add(toRoot(traces.live(late)), 'continues');
  }
  return [...linked.values()].sort((a, b) => (a.traceId < b.traceId ? -1 : 1));
}

/** It began with what may be the end of a Node. */
const isEnding = ({ nodes }: World, root: Trace['root']): boolean =>
  root.kind === 'episode' && endings.has(nodes.turnOf(root.first) ?? 'ready');

const toRoot = (trace: Trace | undefined) =>
  trace === undefined ? undefined : { traceId: trace.traceId, spanId: rootSpanIdOf(trace) };

/** The generation of another root whose pod was disrupted. A pod that goes with its Node leaves no Event: its replacement's creation tells. */
function movedFrom(world: World, occurrence: Occurrence, object: KubernetesObject): Change | undefined {
  const created = world.driverOf(occurrence)?.target;
  const pod = (created && world.replacedBy(created)) ?? world.subjectOf(occurrence);
  if (pod.disruption === undefined || pod.removal === undefined || world.rootOf(pod) === object)
    return undefined;
  if (occurrence.at < pod.removal.at) return undefined;
  return changeInEffect(world.changesOf(world.rootOf(pod)), pod.removal.latest);
}

/** The traces that the claims of a pod were in last, or are in next. */
function* claimTraces(world: World, traces: Traces, occurrence: Occurrence): Iterable<Trace> {
  const pod = world.subjectOf(occurrence);
  for (const name of pod.history?.versions.at(-1)?.object.claims ?? []) {
    for (const claim of world.named('PersistentVolumeClaim', pod.namespace, name)) {
      const last = claim.occurrences.findLast((said) => said.at <= occurrence.at) ?? claim.occurrences[0];
      const trace = last && traces.membershipOf(last)?.trace;
      if (trace !== undefined) yield trace;
    }
  }
}
