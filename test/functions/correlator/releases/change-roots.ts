/** Roots of changes in a few words, and releases as an outline. */
import { assembleReleases } from '../../../../functions/correlator/releases/assemble-releases.ts';
import {
  type ReleaseChange,
  readReleaseChange,
} from '../../../../functions/correlator/releases/release-change.ts';
import { defaultThresholds, releaseTimes } from '../../../../functions/correlator/thresholds.ts';
import { changeSpanId, traceIdOf } from '../../../../shared/ids.ts';
import type { Attributes, Span } from '../../../../shared/span.ts';

const second = 1_000_000_000n;
const beginning = 1_795_410_000n * second;

export interface RootFacts {
  cluster: string;
  kind?: string;
  name?: string;
  verb?: string;
  generation?: number;
  /** Seconds. */
  at?: number;
  took?: number;
  outcome?: string;
  error?: string;
  revision?: string;
  repository?: string;
  release?: string;
  images?: string[];
  /** Null: nobody knows what was there before. */
  fields?: string[] | null;
  operation?: string;
}

export function changeRoot(facts: RootFacts): Span {
  const {
    cluster,
    kind = 'Deployment',
    name = 'web',
    verb = 'Apply',
    generation = 2,
    at = 0,
    took = 5,
    outcome = 'complete',
  } = facts;
  const { error, revision, repository, release, images, operation = 'Apply' } = facts;
  const { fields = ['spec.template.spec.containers[app].image'] } = facts;
  const uid = `${name}-of-${cluster}`;
  const attributes: Attributes = {
    'k8s.object.kind': kind,
    'k8s.object.name': name,
    'k8s.namespace.name': 'shop',
    'k8s.object.uid': uid,
    'k8s.object.generation': generation,
    'rootspan.change.operation': operation,
    'rootspan.change.outcome': outcome,
    'rootspan.change.duration': took,
    ...(fields !== null && { 'rootspan.change.fields': fields }),
    ...(error !== undefined && { 'error.type': error }),
    ...(revision !== undefined && { 'vcs.ref.head.revision': revision }),
    ...(repository !== undefined && { 'vcs.repository.url.full': repository }),
    ...(release !== undefined && { 'rootspan.change.release': release }),
    ...(images !== undefined && { 'rootspan.change.images': images }),
  };
  return {
    traceId: traceIdOf(uid, String(generation)),
    spanId: changeSpanId(uid, String(generation)),
    parentSpanId: null,
    name: `Deployment.${verb}`,
    startTimeUnixNano: String(beginning + BigInt(at) * second),
    endTimeUnixNano: String(beginning + BigInt(at + took) * second),
    status: error === undefined ? { code: 'UNSET' } : { code: 'ERROR', message: error },
    resource: { 'service.name': name, 'k8s.cluster.name': cluster, 'k8s.cluster.uid': `${cluster}-uid` },
    attributes,
    links: [],
  };
}

export const changesOf = (...roots: readonly RootFacts[]): ReleaseChange[] =>
  roots.flatMap((facts) => readReleaseChange(changeRoot(facts)) ?? []);

/** Seconds after the beginning. */
export const clockAt = (seconds: number): bigint => beginning + BigInt(seconds) * second;
export const atTheEnd = 2n ** 64n;

export const times = releaseTimes(defaultThresholds);

export const assembled = (
  changes: Iterable<ReleaseChange>,
  sent: readonly Span[] = [],
  now = atTheEnd,
): Span[] =>
  assembleReleases({ changes, sent: new Map(sent.map((span) => [span.spanId, span])), ...times, now }).spans;

/** A line a span: the release's root, and its changes below it. */
export const outlineOf = (spans: readonly Span[]): string =>
  spans
    .toSorted((a, b) => Number(b.parentSpanId === null) - Number(a.parentSpanId === null))
    .map(({ parentSpanId, attributes, resource, status }) =>
      parentSpanId === null
        ? `${attributes['rootspan.release.key']}: ${attributes['rootspan.release.changes']} in ${attributes['rootspan.release.clusters']}, ${attributes['rootspan.release.failed']} failed${status.code === 'ERROR' ? ' ERROR' : ''}`
        : `  ${attributes['k8s.object.name']} in ${resource['k8s.cluster.name']} ${attributes['rootspan.change.outcome']}`,
    )
    .join('\n');
