/** What a person calls a span: the words that terminal, tree and page share. The page's script has this file in it. */
import { type Phase, phases } from '../../../functions/correlator/causality/phases.ts';
import type { Attributes, Span } from '../../../shared/span.ts';
import { headOf, type Trace, type Tree } from './build-trees.ts';
import { oneLine } from './fit-text.ts';

export type TraceDescription = {
  name: string;
  kind: string;
  object: string;
  namespace: string;
  manager: string;
  outcome: string;
  /** What it changed. */
  summary: string;
  /** Which commit, where a GitOps tool says it: `main@b7f00d5 of https://git.example.com/shop/apps.git`. */
  commit: string;
  /** How long the change took: `8.63 s`; the trace may last longer. */
  took: string;
  /** Where that time went: `pull 12.0 s, ready 3.00 s`. */
  spent: string;
};

/** The words of a trace's head span; empty where it has none (an episode has no manager). */
export function describeTrace(trace: Trace): TraceDescription {
  const { span } = headOf(trace);
  const duration = durationOf(span);
  return {
    name: oneLine(span.name),
    kind: textOf(span.attributes, 'k8s.object.kind'),
    object: objectName(span) || textOf(span.attributes, 'rootspan.release.key'),
    namespace: textOf(span.attributes, 'k8s.namespace.name'),
    manager: textOf(span.attributes, 'rootspan.change.manager'),
    outcome: textOf(span.attributes, 'rootspan.change.outcome'),
    summary: textOf(span.attributes, 'rootspan.change.summary') || releaseSummary(span),
    commit: commitOf(span),
    took: duration === undefined ? '' : formatDuration(duration),
    spent: phasesOf(span)
      // What is shorter is not where the time went.
      .filter(({ lasts }) => duration !== undefined && lasts * 20n >= duration)
      .map(({ phase, lasts }) => `${phase} ${formatDuration(lasts)}`)
      .join(', '),
  };
}

/** `''` of what is no root of a change, or where nobody says it. */
export function commitOf({ attributes }: Span): string {
  const revision = textOf(attributes, 'vcs.ref.head.revision');
  if (revision === '' || attributes['rootspan.change.outcome'] === undefined) return '';
  const short = /^[0-9a-f]{40,}$/.test(revision) ? revision.slice(0, 7) : revision;
  const [name, url] = [
    textOf(attributes, 'vcs.ref.head.name'),
    textOf(attributes, 'vcs.repository.url.full'),
  ];
  // What a sync synced is its summary.
  if (textOf(attributes, 'rootspan.change.summary').includes(revision)) return url;
  return `${name === '' ? '' : `${name}@`}${short}${url === '' ? '' : ` of ${url}`}`;
}

/** How long the change took, in nanoseconds; undefined of what is no root of one. */
export const durationOf = ({ attributes }: Span): bigint | undefined =>
  nanoseconds(attributes['rootspan.change.duration']);

/** Where the time of a change went, in the order in which a pod goes through it. */
export const phasesOf = ({ attributes }: Span): { phase: Phase; lasts: bigint }[] =>
  phases.flatMap((phase) => {
    const lasts = nanoseconds(attributes[`rootspan.change.time.${phase}`]);
    return lasts === undefined ? [] : [{ phase, lasts }];
  });

/** A foreign span may say anything. */
const nanoseconds = (seconds: Attributes[string] | undefined): bigint | undefined =>
  typeof seconds === 'number' && seconds >= 0 && seconds < 1e9
    ? BigInt(Math.round(seconds * 1e9))
    : undefined;

/** In the trace of a release, which is of several clusters, with its cluster. */
export function objectName({ attributes, resource }: Span): string {
  const name = textOf(attributes, 'k8s.object.name');
  if (attributes['rootspan.because'] !== 'release') return name;
  const cluster = textOf(resource, 'k8s.cluster.name') || textOf(resource, 'k8s.cluster.uid');
  return cluster === '' ? name : `${name} in ${cluster}`;
}

/** `5 changes in 4 clusters, 1 failed`, `2 changes in 2 clusters, superseded`; empty of what is no release. */
export function releaseSummary({ attributes }: Span): string {
  if (attributes['rootspan.release.key'] === undefined) return '';
  const [changes, clusters, failed] = ['changes', 'clusters', 'failed'].map((name) =>
    Number(attributes[`rootspan.release.${name}`] ?? 0),
  );
  const told = `${countOf(changes!, 'change')} in ${countOf(clusters!, 'cluster')}`;
  if (failed! > 0) return `${told}, ${failed} failed`;
  const outcome = textOf(attributes, 'rootspan.release.outcome');
  return outcome === '' || outcome === 'complete' ? told : `${told}, ${outcome}`;
}

/** `''` where the span's reporter is unknown. */
export const serviceName = (span: Span): string => textOf(span.resource, 'service.name');

/** `''` where the span is about no container. */
export const containerName = (span: Span): string => textOf(span.attributes, 'k8s.container.name');

/** `web-7876 [app]`. */
export const withContainer = (object: string, container: string): string =>
  [object, container === '' ? '' : `[${container}]`].filter((part) => part !== '').join(' ');

/** What went wrong, else what the Event said; on one line. */
export function messageOf(span: Span): string {
  return oneLine(span.status.message ?? '') || textOf(span.attributes, 'k8s.event.message') || endOf(span);
}

/** How a container ended, where no Event says it. */
function endOf({ attributes }: Span): string {
  const code = textOf(attributes, 'process.exit.code');
  if (code === '') return '';
  const [container, reason] = [
    textOf(attributes, 'k8s.container.name'),
    textOf(attributes, 'k8s.container.status.reason'),
  ];
  return `container ${container}: ${reason === '' ? 'ended' : reason}, exit code ${code}`;
}

/**
 * The name that tells a tree from others of its shape. "SuccessfulCreate web-7876" thirty times over is about thirty
 * pods: the nearest object below with a name of its own.
 */
export function tellingName(tree: Tree): string {
  const own = objectName(tree.span);
  for (let level = tree.children; level.length > 0; level = level.flatMap((child) => child.children))
    for (const { span } of level) {
      const name = objectName(span);
      if (name !== '' && name !== own) return name;
    }
  return own;
}

/** At most 8 characters: `0.4 ms`, `120 ms`, `1.23 s`, `59m 59s`, `12h 05m`. Rounds down past a minute. */
export function formatDuration(nanoseconds: bigint): string {
  const milliseconds = Number(nanoseconds) / 1e6;
  if (nanoseconds === 0n) return '0 s';
  if (milliseconds < 0.95) return `${Math.max(0.1, milliseconds).toFixed(1)} ms`;
  if (milliseconds < 999.5) return `${Math.round(milliseconds)} ms`;
  if (milliseconds < 59_995) return `${(milliseconds / 1000).toFixed(2)} s`;
  const seconds = Math.round(milliseconds / 1000);
  const two = (n: number) => String(n).padStart(2, '0');
  if (seconds < 3600) return `${Math.floor(seconds / 60)}m ${two(seconds % 60)}s`;
  const minutes = Math.floor(seconds / 60);
  return minutes < 6000
    ? `${Math.floor(minutes / 60)}h ${two(minutes % 60)}m`
    : `${Math.floor(minutes / 60)} h`;
}

/** `2026-11-23 05:11:29.936` (UTC). */
export function formatTime(unixNano: bigint): string {
  const milliseconds = Number(unixNano / 1_000_000n);
  // Past the year 275760 a Date has no text: a foreign span may say anything.
  return milliseconds > 8.64e15 ? '?' : new Date(milliseconds).toISOString().slice(0, -1).replace('T', ' ');
}

/** `1 error`, `3 errors`. */
export const countOf = (n: number, noun: string): string => `${n} ${noun}${n === 1 ? '' : 's'}`;

/** `2 traces, 51 spans`. */
export const countTraces = (spans: readonly Span[]): string =>
  `${countOf(new Set(spans.map(({ traceId }) => traceId)).size, 'trace')}, ${countOf(spans.length, 'span')}`;

/** On one line; `''` where there is none. */
export function textOf(attributes: Attributes, key: string): string {
  const value = attributes[key];
  return value === undefined ? '' : oneLine(Array.isArray(value) ? value.join(', ') : String(value));
}
