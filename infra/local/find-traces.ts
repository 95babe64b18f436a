/** From a workload to the traces of its changes: by what is told of its cluster. */

import type { Version } from '../../functions/correlator/causality/gather-objects.ts';
import type { KubernetesObject } from '../../functions/correlator/causality/kubernetes-object.ts';
import { readStatus } from '../../functions/correlator/causality/read-status.ts';
import { callerOf } from '../../functions/correlator/causality/read-traceparent.ts';
import { resolveObjects } from '../../functions/correlator/causality/resolve-objects.ts';
import { builtInRules } from '../../functions/correlator/causality/rules/built-in-rules.ts';
import { isSynced } from '../../functions/correlator/causality/sync-kinds.ts';
import { max, parseTime } from '../../functions/correlator/causality/time.ts';
import { traceIdOf } from '../../shared/ids.ts';
import type { Cluster } from '../../shared/observation.ts';
import { isRoot, type Span } from '../../shared/span.ts';
import { explainClusters } from './explain.ts';
import { isKindWritten } from './kind-names.ts';
import type { ClusterObservations } from './read-clusters.ts';

export interface Wanted {
  /** As the user wrote it: `deploy`, `deployments.apps`. */
  kind: string;
  name: string;
  /** Undefined: any. */
  namespace: string | undefined;
}

export interface FoundTrace {
  traceId: string;
  cluster: Cluster;
  uid: string;
  /** The object whose change it is. */
  kind: string;
  namespace: string | undefined;
  name: string;
  /** `Deployment.Update`; of a change of which nothing is told any more `generation 3`. */
  change: string;
  generation: number | undefined;
  /** Nanoseconds since 1970; undefined where nothing tells. */
  start: bigint | undefined;
  /** Undefined where nothing tells; an episode has none. */
  outcome: string | undefined;
  /** What keeps it from getting there. */
  cause: string | undefined;
  /** What is wrong with it now, though it had got there. */
  trouble?: string | undefined;
  summary: string;
}

/** Another object of that name, for advice. */
export interface Namesake {
  kind: string;
  namespace: string | undefined;
}

export interface Found {
  /** The newest first; those of which nobody knows when, last. */
  traces: FoundTrace[];
  /** What the kind and the name stand for, each with the top of its owners. */
  objects: { object: Namesake & { name: string }; top: Namesake & { name: string } }[];
  namesakes: Namesake[];
}

/**
 * @param isOneLook nothing is told but what is there now: how a change ended that the next one followed, nobody saw, and of the
 * latest nobody knows that it goes no further
 */
export function findTraces(
  clusters: readonly ClusterObservations[],
  wanted: Wanted,
  { isOneLook }: { isOneLook: boolean },
): Found {
  const found: Found = { traces: [], objects: [], namesakes: [] };
  for (const one of clusters) {
    const { objects } = resolveObjects(one.observations, builtInRules);
    const named = [...objects.values()].filter(({ name }) => name === wanted.name);
    const matching = named.filter(
      ({ kind, namespace, history }) =>
        isKindWritten(wanted.kind, kind) &&
        // Of one that is gone, Events alone do not say which generation they are of.
        (!isOneLook || history !== undefined) &&
        (wanted.namespace === undefined || namespace === undefined || namespace === wanted.namespace),
    );
    found.namesakes.push(...named.map(({ kind, namespace }) => ({ kind, namespace })));
    found.objects.push(...matching.map((object) => ({ object, top: topOf(object) })));
    if (matching.length > 0)
      found.traces.push(
        ...tracesOf(one, objects, matching).map((it) => (isOneLook ? asOfNow(it, objects) : it)),
      );
  }
  found.traces.sort(newestFirst);
  return found;
}

function chainOf(object: KubernetesObject): KubernetesObject[] {
  const chain = [object];
  for (let { owner } = object; owner !== undefined && !chain.includes(owner); { owner } = owner)
    chain.push(owner);
  return chain;
}

const topOf = (object: KubernetesObject): KubernetesObject => chainOf(object).at(-1)!;

function tracesOf(
  one: ClusterObservations,
  objects: ReadonlyMap<string, KubernetesObject>,
  matching: readonly KubernetesObject[],
): FoundTrace[] {
  const above = new Set(matching.flatMap((object) => chainOf(object).map(({ uid }) => uid)));
  const tops = new Set(matching.filter(({ owner }) => owner === undefined));
  // Of what owns others the runs of those as well: a CronJob's Jobs.
  const isWanted = (uid: string) => {
    if (above.has(uid)) return true;
    const object = objects.get(uid);
    return object !== undefined && tops.has(topOf(object));
  };
  const told = explainClusters([one])
    .filter((span) => isRoot(span) && isWanted(String(span.attributes['k8s.object.uid'])))
    .map((root) => describeRoot(root, one.cluster));
  const ids = new Set(told.map(({ traceId }) => traceId));
  const roots = new Set(matching.map(topOf));
  const untold = [...roots].flatMap((root) => listGenerations(root, one.cluster));
  return [...told, ...untold.filter(({ traceId }) => !ids.has(traceId))];
}

function describeRoot({ name, traceId, startTimeUnixNano, attributes }: Span, cluster: Cluster): FoundTrace {
  const text = (key: string) => (attributes[key] === undefined ? undefined : String(attributes[key]));
  const generation = Number(attributes['k8s.object.generation']);
  return {
    traceId,
    cluster,
    uid: text('k8s.object.uid') ?? '',
    kind: text('k8s.object.kind') ?? '',
    namespace: text('k8s.namespace.name'),
    name: text('k8s.object.name') ?? '',
    change: name,
    generation: Number.isInteger(generation) ? generation : undefined,
    start: BigInt(startTimeUnixNano),
    outcome: text('rootspan.change.outcome'),
    cause: text('error.type'),
    summary: text('rootspan.change.summary') ?? '',
  };
}

function asOfNow(trace: FoundTrace, objects: ReadonlyMap<string, KubernetesObject>): FoundTrace {
  if (trace.outcome === undefined) return trace;
  const root = objects.get(trace.uid);
  const latest = root?.history?.versions.at(-1);
  if (root !== undefined && latest !== undefined && latest.object.generation === trace.generation) {
    const outcome = statusOf(root, latest);
    if (outcome === 'under way' && wasRolledOut(root, latest))
      return { ...trace, outcome: 'complete', cause: undefined, trouble: trace.cause };
    if (outcome !== undefined) return { ...trace, outcome };
  }
  const isOver = trace.outcome === 'complete' || trace.outcome === 'failed';
  return isOver ? trace : { ...trace, outcome: 'unknown' };
}

/** So many of an object's generations have their ids told though nothing else is known of them. */
const mostGenerations = 10;

/** By arithmetic: an id is a digest of the root's UID and the generation. Of a kind whose changes are syncs there is none. */
function listGenerations(root: KubernetesObject, cluster: Cluster): FoundTrace[] {
  const latest = root.history?.versions.at(-1);
  const newest = latest?.object.generation;
  if (latest === undefined || newest === undefined || isSynced(root)) return [];
  const { uid, kind, namespace, name } = root;
  const oldest = Math.max(1, newest - mostGenerations + 1);
  return Array.from({ length: newest - oldest + 1 }, (_, i) => newest - i).map((generation) => ({
    traceId: callersId(latest, generation) ?? traceIdOf(uid, String(generation)),
    cluster,
    uid,
    kind,
    namespace,
    name,
    change: `generation ${generation}`,
    generation,
    start: undefined,
    outcome: generation === newest ? statusOf(root, latest) : undefined,
    cause: undefined,
    summary: '',
  }));
}

/** Where the change wrote a traceparent, its trace is the caller's; of older generations nobody knows what they wrote. */
const callersId = ({ object }: Version, generation: number): string | undefined =>
  generation === object.generation ? callerOf(object.annotations)?.traceId : undefined;

function statusOf(root: KubernetesObject, version: Version): string | undefined {
  const verdict = readStatus(root, version);
  return typeof verdict === 'object' ? 'failed' : verdict;
}

/**
 * The controller says NewReplicaSetAvailable once a template is rolled out, and from then on, whatever becomes of its pods, and through
 * each scaling (kubernetes pkg/controller/deployment/progress.go). So it speaks of what was written last where that made the newest
 * ReplicaSet.
 */
function wasRolledOut({ kind, controlled }: KubernetesObject, { object }: Version): boolean {
  const { conditions = [], observedGeneration = 0 } = object.status ?? {};
  const isSaid = conditions.some(
    ({ type, reason }) => type === 'Progressing' && reason === 'NewReplicaSetAvailable',
  );
  if (kind !== 'Deployment' || !isSaid || observedGeneration < (object.generation ?? 0)) return false;
  // The controller itself writes which revision it is, after the ReplicaSet.
  const writers = (object.managers ?? []).filter(
    ({ subresource, writesStatus }) => subresource === 'scale' || writesStatus !== true,
  );
  const written = latestOf(writers.map(({ time }) => time));
  const made = latestOf(controlled.map(({ history }) => history?.versions.at(-1)?.object.creationTimestamp));
  return written !== undefined && made !== undefined && made >= written;
}

/** Nanoseconds since 1970. */
function latestOf(times: readonly (string | undefined)[]): bigint | undefined {
  const known = times.flatMap((time) => (time === undefined ? [] : parseTime(time)));
  return known.length === 0 ? undefined : known.reduce(max);
}

function newestFirst(a: FoundTrace, b: FoundTrace): number {
  if (a.start === undefined && b.start === undefined) return (b.generation ?? 0) - (a.generation ?? 0);
  if (a.start === undefined || b.start === undefined) return a.start === undefined ? 1 : -1;
  return a.start === b.start ? 0 : a.start < b.start ? 1 : -1;
}
