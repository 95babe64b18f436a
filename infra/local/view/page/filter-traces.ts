/** Which traces the list shows, and in what order. */
import type { TraceFacts } from '../page-data.ts';

type FacetKey = 'cause' | 'cluster' | 'namespace' | 'kind' | 'manager';

/** What a trace can be picked by; `none` is what the page calls a trace without it. */
export const facets: readonly { key: FacetKey; label: string; any: string; none: string }[] = [
  { key: 'cause', label: 'Cause', any: 'Any cause', none: 'no cause' },
  { key: 'cluster', label: 'Cluster', any: 'Any cluster', none: 'unknown cluster' },
  { key: 'namespace', label: 'Namespace', any: 'Any namespace', none: 'no namespace' },
  { key: 'kind', label: 'Kind', any: 'Any kind', none: 'no kind' },
  { key: 'manager', label: 'By', any: 'By anybody', none: 'nobody known' },
];

export interface Filter {
  errorsOnly: boolean;
  /** `''` is what is no change: an episode. */
  outcome: string | undefined;
  facets: ReadonlyMap<FacetKey, string>;
  /** Nanoseconds. */
  atLeast: number;
  /** Milliseconds since 1970; a trace that lasts into them is in. */
  from: number;
  until: number;
}

/** How long what it is about took; a change that is over may have a trace that goes on. */
export const durationOf = ({ took, lasts }: TraceFacts): number => took ?? lasts;

export function matches(facts: TraceFacts, filter: Filter): boolean {
  return (
    (!filter.errorsOnly || facts.errors > 0) &&
    (filter.outcome === undefined || (facts.outcome ?? '') === filter.outcome) &&
    [...filter.facets].every(([key, value]) => (facts[key] ?? '') === value) &&
    durationOf(facts) >= filter.atLeast &&
    facts.start + facts.lasts / 1e6 >= filter.from &&
    facts.start < filter.until
  );
}

/** Values that occur, each with its number of traces. The most frequent first. */
export function countValues(
  traces: readonly TraceFacts[],
  read: (facts: TraceFacts) => string,
): [value: string, traces: number][] {
  const counts = new Map<string, number>();
  for (const facts of traces) counts.set(read(facts), (counts.get(read(facts)) ?? 0) + 1);
  return [...counts].sort((a, b) => b[1] - a[1] || (a[0] < b[0] ? -1 : 1));
}

/** The worst first; what is not here comes after it, and what is no change last. */
const outcomes = ['failed', 'stalled', 'unfinished', 'superseded', 'unknown', 'complete'];

export function rankOfOutcome(outcome: string | undefined): number {
  if (outcome === undefined) return outcomes.length + 1;
  const rank = outcomes.indexOf(outcome);
  return rank < 0 ? outcomes.length : rank;
}

/** Where somebody should look first: a change that failed or stalled, else what failed at all, else what comes first. */
export function needsAttention<T extends { facts: TraceFacts }>(traces: readonly T[]): T | undefined {
  const isBad = ({ facts: { outcome } }: T) => outcome === 'failed' || outcome === 'stalled';
  return traces.find(isBad) ?? traces.find(({ facts }) => facts.cause !== undefined) ?? traces[0];
}

export interface Column {
  key: string;
  label: string;
  /** Undefined sorts last, in both directions. */
  read: (facts: TraceFacts) => string | number | undefined;
  /** What a first click asks for: the longest, the most. */
  mostFirst?: boolean;
}

export const columns = [
  { key: 'change', label: 'Change', read: ({ name, object }) => `${name} ${object ?? ''}` },
  { key: 'kind', label: 'Kind', read: ({ kind }) => kind },
  { key: 'cluster', label: 'Cluster', read: ({ cluster }) => cluster },
  { key: 'namespace', label: 'Namespace', read: ({ namespace }) => namespace },
  { key: 'manager', label: 'By', read: ({ manager }) => manager },
  { key: 'outcome', label: 'Outcome', read: ({ outcome }) => rankOfOutcome(outcome) },
  { key: 'cause', label: 'Cause', read: ({ cause }) => cause },
  { key: 'start', label: 'Start (UTC)', read: ({ start }) => start },
  { key: 'duration', label: 'Duration', read: durationOf, mostFirst: true },
  { key: 'spans', label: 'Spans', read: ({ spans }) => spans, mostFirst: true },
  { key: 'errors', label: 'Errors', read: ({ errors }) => errors, mostFirst: true },
] as const satisfies readonly Column[];

export interface Sorting {
  key: string;
  isReversed: boolean;
}

const columnOf = (key: string): Column | undefined => columns.find((each) => each.key === key);

/** Whether the largest comes first. */
export const isDescending = ({ key, isReversed }: Sorting): boolean =>
  isReversed !== (columnOf(key)?.mostFirst ?? false);

/** Among equals by start. */
export function compareTraces(sorting: Sorting): (a: TraceFacts, b: TraceFacts) => number {
  const read: Column['read'] = columnOf(sorting.key)?.read ?? (({ start }) => start);
  const direction = isDescending(sorting) ? -1 : 1;
  return (a, b) => {
    const [x, y] = [read(a), read(b)];
    if (x === y) return a.start - b.start;
    if (x === undefined) return 1;
    if (y === undefined) return -1;
    return (x < y ? -1 : 1) * direction;
  };
}

const thresholds = [1, 10, 60, 600, 3600];

/** In seconds: those that some traces reach and others do not. */
export const durationSteps = (traces: readonly TraceFacts[]): number[] =>
  thresholds.filter((seconds) => {
    const reaching = traces.filter((facts) => durationOf(facts) >= seconds * 1e9).length;
    return reaching > 0 && reaching < traces.length;
  });

const MINUTE = 60_000;
const steps = [1, 5, 10, 30, 60, 180, 360, 720, 1440, 10_080].map((minutes) => minutes * MINUTE);
/** More than fit a menu; with fewer than some 6 the choice is coarse. */
const MOST_TIMES = 24;

/** Round times between which the traces began, in milliseconds since 1970; none where all began together. */
export function timeSteps(traces: readonly TraceFacts[]): number[] {
  const starts = traces.map(({ start }) => start);
  const [first, last] = [
    starts.reduce((a, b) => Math.min(a, b), Infinity),
    starts.reduce((a, b) => Math.max(a, b), 0),
  ];
  const step = steps.find((each) => (last - first) / each <= MOST_TIMES) ?? (last - first) / MOST_TIMES;
  if (!(last - first > MINUTE)) return [];
  const times: number[] = [];
  for (let at = Math.ceil(first / step) * step; at <= last; at += step) times.push(at);
  return times;
}
