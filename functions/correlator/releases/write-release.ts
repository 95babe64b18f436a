/** Spans of a release: its root, and one for each change, linked to the change's own trace. */
import { changeSpanId, releaseChangeSpanId, releaseUid, traceIdOf } from '../../../shared/ids.ts';
import type { Attributes, Span } from '../../../shared/span.ts';
import { inRelease } from '../causality/placement/placement-rules.ts';
import { max, min } from '../causality/time.ts';
import { byOutcome, didNotGetThere, outcomeOf, type ReleaseChange } from './release-change.ts';

/**
 * Changes of one release that have a span. Fewer: a release to a large fleet is told in part. More: a trace that no page shows, and
 * a batch of the outbox that does not fit into an item.
 */
export const mostTold = 1_000;

/** Where a change's span hangs. */
export interface Place {
  traceId: string;
  rootSpanId: string;
}

/** @param changes in order of their starts, two at least */
export function writeRelease(changes: readonly ReleaseChange[]): Span[] {
  const { key, cluster, uid, id } = changes[0]!;
  const release = releaseUid(key.text, cluster, uid);
  const place = { traceId: traceIdOf(release, id), rootSpanId: changeSpanId(release, id) };
  const told = tellable(changes);
  return [writeRoot(changes, place, told.length), ...told.map((change) => writeChange(change, place))];
}

const tellable = (changes: readonly ReleaseChange[]): readonly ReleaseChange[] =>
  changes.length <= mostTold ? changes : changes.toSorted(byOutcome).slice(0, mostTold);

function writeRoot(changes: readonly ReleaseChange[], place: Place, told: number): Span {
  const roots = changes.map(({ root }) => root);
  const failed = changes.filter(didNotGetThere);
  const start = roots.map(({ startTimeUnixNano }) => BigInt(startTimeUnixNano)).reduce(min);
  const end = roots.map(({ endTimeUnixNano }) => BigInt(endTimeUnixNano)).reduce(max);
  const attributes: Attributes = {
    ...sharedBy(roots.map((root) => pick(root.attributes, revisionNames))),
    'rootspan.release.key': changes[0]!.key.text,
    'rootspan.release.clusters': new Set(changes.map(({ cluster }) => cluster)).size,
    'rootspan.release.changes': changes.length,
    'rootspan.release.failed': failed.length,
    'rootspan.release.outcome': outcomeOf(changes.toSorted(byOutcome)[0]!),
    'rootspan.release.duration': secondsUntil(roots, start),
    ...(told < changes.length && { 'rootspan.release.left_out': changes.length - told }),
  };
  if (failed.length > 0) attributes['error.type'] = mostOften(failed.map(errorOf));
  return {
    traceId: place.traceId,
    spanId: place.rootSpanId,
    parentSpanId: null,
    name: 'Release.Rollout',
    startTimeUnixNano: String(start),
    endTimeUnixNano: String(end),
    status: failed.length > 0 ? { code: 'ERROR', message: tellFailed(failed, changes) } : { code: 'UNSET' },
    resource: {
      'service.name': 'rootspan',
      'rootspan.component': 'rootspan',
      ...sharedBy(roots.map((root) => pick(root.resource, serviceNames))),
    },
    attributes,
    links: [],
  };
}

/** Under the release's root, from when the change began to the end of its own trace. */
export function writeChange({ key, cluster, uid, id, root }: ReleaseChange, place: Place): Span {
  const {
    'rootspan.change.fields': _,
    'k8s.event.uid': __,
    'k8s.event.count': ___,
    ...told
  } = root.attributes;
  return {
    ...root,
    traceId: place.traceId,
    spanId: releaseChangeSpanId(key.text, cluster, uid, id),
    parentSpanId: place.rootSpanId,
    // Not the name of the change's root: who looks for that finds one.
    name: 'Release.Change',
    attributes: { ...told, 'rootspan.because': inRelease.name, 'rootspan.evidence': evidence[key.by] },
    links: [{ traceId: root.traceId, spanId: root.spanId, attributes: { 'rootspan.link': 'release' } }],
  };
}

/** What tool or people wrote on the object, or the version that both clusters run. */
const evidence = { revision: 'mark', annotation: 'mark', images: 'version' } as const;

const revisionNames = [
  'vcs.repository.url.full',
  'vcs.ref.head.revision',
  'vcs.ref.head.name',
  'rootspan.change.release',
];
const serviceNames = ['service.name', 'service.namespace', 'service.version'];

const pick = (attributes: Attributes, names: readonly string[]): Attributes =>
  Object.fromEntries(
    names.flatMap((name) => (attributes[name] === undefined ? [] : [[name, attributes[name]]])),
  );

/** What all of them say; of what they say differently nothing. */
function sharedBy([first = {}, ...others]: readonly Attributes[]): Attributes {
  return Object.fromEntries(
    Object.entries(first).filter(([name, value]) =>
      others.every((other) => JSON.stringify(other[name]) === JSON.stringify(value)),
    ),
  );
}

/** Until the last change had ended. What went on after it in its trace belongs to it no more. */
function secondsUntil(roots: readonly Span[], start: bigint): number {
  const seconds = roots.map(({ startTimeUnixNano, attributes }) => {
    const took = attributes['rootspan.change.duration'];
    return Number(BigInt(startTimeUnixNano) - start) / 1e9 + (typeof took === 'number' ? took : 0);
  });
  return Math.round(seconds.reduce((a, b) => Math.max(a, b), 0) * 1e6) / 1e6;
}

const errorOf = ({ root: { attributes } }: ReleaseChange): string =>
  String(attributes['error.type'] ?? attributes['rootspan.change.outcome']);

/** Of two that are as frequent the one that came first. */
function mostOften(texts: readonly string[]): string {
  const counts = new Map<string, number>();
  for (const text of texts) counts.set(text, (counts.get(text) ?? 0) + 1);
  return [...counts].reduce((most, one) => (one[1] > most[1] ? one : most))[0];
}

/** Fewer: a release that fails in three clusters names one. More: a message that nobody reads. */
const mostNamed = 3;

function tellFailed(failed: readonly ReleaseChange[], changes: readonly ReleaseChange[]): string {
  const named = failed.slice(0, mostNamed).map((change) => {
    const { attributes, resource } = change.root;
    const path = [attributes['k8s.namespace.name'], attributes['k8s.object.name']].filter(Boolean).join('/');
    const cluster = resource['k8s.cluster.name'] ?? change.cluster;
    const where = cluster === '' ? '' : ` in ${cluster}`;
    return `${attributes['k8s.object.kind']} ${path}${where} (${errorOf(change)})`;
  });
  const more = failed.length - named.length;
  return `${failed.length} of ${changes.length} changes did not get there: ${named.join(', ')}${more > 0 ? ` and ${more} more` : ''}`;
}
