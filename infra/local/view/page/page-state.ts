/** What the page knows: its traces, and where somebody is in them. */
import type { PackedTrace } from '../packed-spans.ts';
import type { PageIndex, TraceFacts, TraceLink } from '../page-data.ts';
import { unpackSpans } from '../unpack-spans.ts';
import { type DrawnTrace, drawTrace, type Row, searchText } from './draw-trace.ts';
import type { ShownRow } from './shown-rows.ts';
import type { Waterfall } from './waterfall.ts';

export interface TraceView {
  facts: TraceFacts;
  /** Links of other traces on this page to this one. */
  linkedFrom: { trace: TraceView; link: TraceLink }[];
  open: boolean;
  turned: Set<string>;
  onlyPath: boolean;
  /** Nanoseconds from the trace's start; undefined is the whole. */
  zoom: [from: number, until: number] | undefined;
  shown: ShownRow[];
  /** The key of the row that the keyboard is on. */
  current: string | undefined;
  drawn: DrawnTrace | undefined;
  haystack: string | undefined;
  entry: { element: HTMLLIElement; head: HTMLButtonElement } | undefined;
  waterfall: Waterfall | undefined;
}

const read = (id: string) => JSON.parse(document.getElementById(id)!.textContent);

export const index: PageIndex = read('index');
export const isOfSeveralClusters = new Set(index.traces.map(({ cluster }) => cluster)).size > 1;
const services = new Map(index.services.map((name, rank) => [name, rank]));

/** In order of their start. */
export const traces: readonly TraceView[] = index.traces.map((facts) => ({
  facts,
  linkedFrom: [],
  open: false,
  turned: new Set(),
  onlyPath: false,
  zoom: undefined,
  shown: [],
  current: undefined,
  drawn: undefined,
  haystack: undefined,
  entry: undefined,
  waterfall: undefined,
}));
export const traceById: ReadonlyMap<string, TraceView> = new Map(
  traces.map((trace) => [trace.facts.id, trace]),
);
for (const trace of traces)
  for (const link of trace.facts.links ?? []) traceById.get(link.traceId)?.linkedFrom.push({ trace, link });

export const state: {
  /** What the list shows, in its order. */
  matching: readonly TraceView[];
  /** The words of the search. */
  terms: readonly string[];
  selected: { trace: TraceView; key: string } | undefined;
} = { matching: traces, terms: [], selected: undefined };

/** The trace's spans as rows; read when they are first needed. */
export function drawnOf(trace: TraceView): DrawnTrace {
  trace.drawn ??= drawTrace(spansOf(trace), services, trace.facts.took);
  return trace.drawn;
}

function spansOf({ facts }: TraceView) {
  const packed: PackedTrace = read(`t-${facts.id}`);
  return unpackSpans(packed, index.shared);
}

export const shownOf = (trace: TraceView, key: string | undefined): ShownRow | undefined =>
  trace.shown.find((shown) => shown.key === key);

function headText({ facts }: TraceView): string {
  const { id, name, object, namespace, cluster, manager, outcome, summary, commit } = facts;
  return [id, name, object, namespace, cluster, manager, outcome, summary, commit].join(' ').toLowerCase();
}

export function haystackOf(trace: TraceView): string {
  const { cause = '', why = '' } = trace.facts;
  trace.haystack ??= [
    headText(trace),
    `${cause} ${why}`.toLowerCase(),
    ...new Set(drawnOf(trace).rows.map(searchText)),
  ].join('\n');
  return trace.haystack;
}

/** Which rows to mark: those with all the words that do not say already which trace it is. */
export function hitsOf(trace: TraceView): Set<number> {
  const head = headText(trace);
  const wanted = state.terms.filter((term) => !head.includes(term));
  if (wanted.length === 0) return new Set();
  const isHit = (row: Row) => {
    const text = searchText(row);
    return wanted.every((term) => text.includes(term));
  };
  return new Set(
    drawnOf(trace)
      .rows.filter(isHit)
      .map(({ number }) => number),
  );
}
