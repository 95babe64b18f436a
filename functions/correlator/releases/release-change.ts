/**
 * A change as a release knows it: what its root says, and under which key changes of other workloads and clusters are of the same
 * release. A root says all of it, so whoever has sent one knows what to file.
 */

import { restartMark } from '../../../shared/snapshot-fields.ts';
import { type Attributes, isRoot, type Span } from '../../../shared/span.ts';
import { isSource, isSynced } from '../causality/sync-kinds.ts';

export interface ReleaseChange {
  key: ReleaseKey;
  /** The change in all clusters: cluster, UID of its object, id of the change. */
  cluster: string;
  uid: string;
  id: string;
  /** Of its root as much as a release tells. */
  root: Span;
}

/** One that has not ended. */
export interface OpenChange {
  change: ReleaseChange;
  /** Nanoseconds since 1970. */
  heardAt: bigint;
}

/**
 * What says that changes are of one release, the strongest that is known: the revision, an annotation, or that two clusters took the same
 * images of the same workload.
 */
export interface ReleaseKey {
  by: 'revision' | 'annotation' | 'images';
  text: string;
}

/** Undefined of what is no root of a change, brought nothing, or has no key. */
export function readReleaseChange(span: Span): ReleaseChange | undefined {
  const { attributes, resource } = span;
  if (typeof attributes['rootspan.change.outcome'] !== 'string' || !isRoot(span)) return undefined;
  const uid = textOf(attributes, 'k8s.object.uid');
  const id = changeIdOf(attributes);
  const key = releaseKeyOf(attributes);
  if (uid === '' || id === undefined || key === undefined || !bringsRevision(span, key)) return undefined;
  const cluster = textOf(resource, 'k8s.cluster.uid') || textOf(resource, 'k8s.cluster.name');
  return { key, cluster, uid, id, root: cutRoot(span) };
}

/** Of two that are the same change, one; the same in any order. */
export const identityOf = ({ cluster, uid, id }: ReleaseChange): string => `${cluster}/${uid}/${id}`;

const textOf = (attributes: Attributes, name: string): string => {
  const value = attributes[name];
  return typeof value === 'string' ? value : '';
};

/** As in the id of its trace: a generation, `delete`, or a sync's first occurrence. */
function changeIdOf(attributes: Attributes): string | undefined {
  if (attributes['rootspan.change.operation'] === 'Delete') return 'delete';
  const generation = attributes['k8s.object.generation'];
  if (generation !== undefined) return String(generation);
  const { 'k8s.event.uid': event, 'k8s.event.count': count } = attributes;
  if (event !== undefined && count !== undefined) return `${event}/${count}`;
  // A Pod of before Kubernetes 1.33 has no generation, and one change.
  return attributes['k8s.object.kind'] === 'Pod' ? '1' : undefined;
}

/**
 * No two repositories share the hash of a commit but where one is a copy of the other; a chart's version or a short hash alone is
 * anybody's.
 */
const commitHash = /^(?:[0-9a-f]{40}|[0-9a-f]{64})$/;

/** Characters of a key. Smaller: two releases of one workload with thirty images are one. Larger: an attribute that backends cut. */
const longestKey = 1_000;

function releaseKeyOf(attributes: Attributes): ReleaseKey | undefined {
  const revision = textOf(attributes, 'vcs.ref.head.revision');
  const repository = nameRepository(textOf(attributes, 'vcs.repository.url.full'));
  if (revision !== '' && repository !== '') return toKey('revision', `${repository}@${revision}`);
  if (commitHash.test(revision)) return toKey('revision', revision);
  const annotation = textOf(attributes, 'rootspan.change.release');
  if (annotation !== '') return toKey('annotation', annotation);
  const images = attributes['rootspan.change.images'];
  if (!Array.isArray(images) || images.length === 0) return undefined;
  const kind = textOf(attributes, 'k8s.object.kind');
  const path = [textOf(attributes, 'k8s.namespace.name'), textOf(attributes, 'k8s.object.name')];
  return toKey('images', `${kind} ${path.filter((part) => part !== '').join('/')} ${images.join(' ')}`);
}

const toKey = (by: ReleaseKey['by'], text: string): ReleaseKey => ({
  by,
  text: text.slice(0, longestKey),
});

/** One name of a repository for all ways to reach it, without who reaches it: `github.com/acme/shop`. */
const nameRepository = (url: string): string =>
  url
    .replace(/^[a-z][a-z0-9+.-]*:\/\//i, '')
    .replace(/^[^@/]*@/, '')
    .replace(/^([^:/]+):(?!\d+\/)/, '$1/')
    .replace(/(?:\.git)?\/*$/, '')
    .toLowerCase();

/** What is said of how many there are, of pauses and restarts: nobody brings a revision with it. */
const saysHowMany =
  /^(?:metadata\.annotations|spec\.(?:replicas|minReplicas|maxReplicas|minReplicaCount|maxReplicaCount|parallelism|completions|paused|suspend))$/;
const bringsNothing: ReadonlySet<string> = new Set(['Scale', 'Restart']);

/**
 * What syncs (a first sync is its creation) brings the revision to what it applies, whose changes are told. Where it fails before that,
 * nothing else tells that the revision did not get to this cluster. Where it comes from brings it to nobody.
 */
function bringsRevision({ name, attributes }: Span, { by }: ReleaseKey): boolean {
  const operation = textOf(attributes, 'rootspan.change.operation');
  const object = {
    apiVersion: textOf(attributes, 'k8s.object.api_version'),
    kind: textOf(attributes, 'k8s.object.kind'),
  };
  if (operation === 'Delete' || isSource(object)) return false;
  if (operation === 'Sync' || isSynced(object))
    return by === 'revision' && saysFailed(attributes) && attributes['error.type'] !== 'HealthCheckFailed';
  const verb = name.slice(name.lastIndexOf('.') + 1);
  if (verb === 'Run') return false;
  const fields = attributes['rootspan.change.fields'];
  if (!Array.isArray(fields)) return !bringsNothing.has(verb);
  return fields.some((path) => !saysHowMany.test(path) && !path.endsWith(`[${restartMark}]`));
}

const saysFailed = (attributes: Attributes): boolean =>
  ['failed', 'stalled'].includes(textOf(attributes, 'rootspan.change.outcome'));

/**
 * What a release comes to: the first of these that one of its changes came to. What never says how it goes (a CronJob) does not keep
 * the others from being complete; where none says anything, nothing is known.
 */
const worstFirst = ['failed', 'unfinished', 'superseded', 'complete', 'unknown'] as const;
type ReleaseOutcome = (typeof worstFirst)[number];

/** What the next change replaced while it was failing has failed; what it replaced on its way has not. */
export function outcomeOf({ root: { attributes, status } }: ReleaseChange): ReleaseOutcome {
  const outcome = textOf(attributes, 'rootspan.change.outcome');
  if (saysFailed(attributes) || (outcome === 'superseded' && status.code === 'ERROR')) return 'failed';
  return worstFirst.find((one) => one === outcome) ?? 'unknown';
}

/** One of which nothing more was heard is not known to have got there. */
export const didNotGetThere = (change: ReleaseChange): boolean =>
  ['failed', 'unfinished'].includes(outcomeOf(change));

/** Those first that somebody looks for; in their own order where they came to the same. */
export const byOutcome = (a: ReleaseChange, b: ReleaseChange): number =>
  worstFirst.indexOf(outcomeOf(a)) - worstFirst.indexOf(outcomeOf(b));

/** What a release tells of a change, and what its key is made of. */
const toldOfRoot = [
  'k8s.object.api_version',
  'k8s.object.kind',
  'k8s.object.name',
  'k8s.namespace.name',
  'k8s.object.uid',
  'k8s.object.generation',
  'k8s.event.uid',
  'k8s.event.count',
  'rootspan.change.operation',
  'rootspan.change.summary',
  'rootspan.change.fields',
  'rootspan.change.images',
  'rootspan.change.release',
  'rootspan.change.outcome',
  'rootspan.change.duration',
  'error.type',
  'vcs.ref.head.revision',
  'vcs.ref.head.name',
  'vcs.repository.url.full',
] as const;
const mostFields = 8;

/** Small, because each of a thousand changes is stored: what it says of itself stays readable by the same function. */
function cutRoot(span: Span): Span {
  const attributes: Attributes = {};
  for (const name of toldOfRoot) {
    const value = span.attributes[name];
    if (value !== undefined) attributes[name] = value;
  }
  const { 'rootspan.change.fields': fields } = attributes;
  if (Array.isArray(fields) && fields.length > mostFields)
    attributes['rootspan.change.fields'] = tellingFields(fields).slice(0, mostFields);
  const { 'service.instance.id': _, ...resource } = span.resource;
  return { ...span, attributes, resource, links: [] };
}

/** Those first that say that it brought something. */
const tellingFields = (fields: readonly string[]): string[] =>
  [false, true].flatMap((isNumber) => fields.filter((path) => saysHowMany.test(path) === isNumber));
