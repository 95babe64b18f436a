/** What is written into a page: its list of traces, and the spans of each trace. The page's script reads the same types. */
import { headOf, type Trace, type Tree, walkTrees } from './build-trees.ts';
import { describeTrace, durationOf, messageOf, phasesOf, serviceName, textOf } from './describe-span.ts';
import { explainRule } from './explain-ground.ts';
import { oneLine } from './fit-text.ts';
import { packSpans } from './pack-spans.ts';
import type { PackedTrace, SharedWords } from './packed-spans.ts';

/** One line of the list, and what stands above the waterfall. What is empty is left out. */
export interface TraceFacts {
  id: string;
  name: string;
  kind?: string;
  object?: string;
  namespace?: string;
  /** Its name, else its UID. */
  cluster?: string;
  manager?: string;
  operation?: string;
  /** `main@b7f00d5 of https://git.example.com/shop/apps.git`. */
  commit?: string;
  outcome?: string;
  summary?: string;
  /** `error.type` of the change; of an episode that of its first error. */
  cause?: string;
  /** The sentence that goes with it. */
  why?: string;
  /** Nanoseconds: the change's own duration, and where it went. */
  took?: number;
  spent?: [phase: string, lasts: number][];
  /** Milliseconds since 1970, and nanoseconds. */
  start: number;
  lasts: number;
  spans: number;
  errors: number;
  links?: TraceLink[];
}

/** From a span of this trace to a span of another. */
export interface TraceLink {
  from: string;
  traceId: string;
  spanId: string;
  reason: string;
}

export interface PageIndex {
  traces: TraceFacts[];
  /** The busiest first: they get the colours that are easiest to tell apart. */
  services: string[];
  /** The placement rules that these spans name, in words. */
  rules: Record<string, string>;
  shared: SharedWords;
  /** With `{traceId}` in it. */
  traceUrl?: string;
  /** Of the kubeconfig, for kubectl's commands; where all is of one cluster that was asked. */
  context?: string;
}

export type PageLinks = { [Name in 'traceUrl' | 'context']?: PageIndex[Name] | undefined };

export interface PageData {
  index: PageIndex;
  traces: PackedTrace[];
}

export function pageDataOf(traces: readonly Trace[], { traceUrl, context }: PageLinks): PageData {
  const trees = traces.map((trace) => [...walkTrees(trace.roots)].map(({ tree }) => tree));
  const { shared, traces: packed } = packSpans(trees.map((all) => all.map(({ span }) => span)));
  return {
    index: {
      traces: traces.map((trace, i) => factsOf(trace, trees[i]!)),
      services: rankServices(trees.flat()),
      rules: rulesOf(trees.flat()),
      shared,
      ...(traceUrl !== undefined && { traceUrl }),
      ...(context !== undefined && { context }),
    },
    traces: packed,
  };
}

function rankServices(trees: readonly Tree[]): string[] {
  const counts = new Map<string, number>();
  for (const { span } of trees) counts.set(serviceName(span), (counts.get(serviceName(span)) ?? 0) + 1);
  return [...counts].sort((a, b) => b[1] - a[1] || (a[0] < b[0] ? -1 : 1)).map(([name]) => name);
}

function rulesOf(trees: readonly Tree[]): Record<string, string> {
  const names = new Set(trees.map(({ span }) => textOf(span.attributes, 'rootspan.because')));
  return Object.fromEntries(
    [...names].map((name) => [name, explainRule(name)]).filter(([, why]) => why !== ''),
  );
}

function factsOf(trace: Trace, trees: readonly Tree[]): TraceFacts {
  const { span } = headOf(trace);
  const { name, kind, object, namespace, manager, commit, outcome, summary } = describeTrace(trace);
  const took = durationOf(span);
  return withoutEmpty<TraceFacts>({
    id: trace.traceId,
    name,
    kind,
    object,
    namespace,
    cluster: clusterOf(trees),
    manager,
    operation: textOf(span.attributes, 'rootspan.change.operation'),
    commit,
    outcome,
    summary,
    ...causeOf(trace, trees),
    ...(took !== undefined && { took: Number(took) }),
    spent: phasesOf(span).map(({ phase, lasts }): [string, number] => [phase, Number(lasts)]),
    // Past the year 275760 a Date has no text: a foreign span may say anything.
    start: Number(trace.start / 1_000_000n),
    lasts: Number(trace.end - trace.start),
    spans: trace.spans,
    errors: trace.errors,
    links: trace.links.map(({ from, ...link }) => ({ from: from.span.spanId, ...link })),
  });
}

/** A root names its cluster, but for foreign spans; then any span that does. */
function clusterOf(trees: readonly Tree[]): string {
  for (const key of ['k8s.cluster.name', 'k8s.cluster.uid'])
    for (const { span } of trees) if (span.resource[key] !== undefined) return textOf(span.resource, key);
  return '';
}

function causeOf(trace: Trace, trees: readonly Tree[]): { cause: string; why: string } {
  const { span } = headOf(trace);
  const cause = textOf(span.attributes, 'error.type');
  const why = oneLine(span.status.message ?? '');
  if (cause !== '' || why !== '') return { cause, why };
  // A change that has an outcome and no cause got over what went wrong on its way.
  const wrong = trees.find((tree) => tree.span.status.code === 'ERROR')?.span;
  if (wrong === undefined || textOf(span.attributes, 'rootspan.change.outcome') !== '')
    return { cause: '', why: '' };
  const type = textOf(wrong.attributes, 'error.type') || textOf(wrong.attributes, 'k8s.event.reason');
  return { cause: type, why: messageOf(wrong) };
}

function withoutEmpty<T extends object>(facts: T): T {
  const kept = { ...facts };
  for (const key of Object.keys(kept) as (keyof T)[]) {
    const value: unknown = kept[key];
    if (value === '' || (Array.isArray(value) && value.length === 0)) delete kept[key];
  }
  return kept;
}
