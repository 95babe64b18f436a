/** The list of traces: one line each, made when it comes near. */
import { formatDuration, formatTime } from '../describe-span.ts';
import type { TraceFacts } from '../page-data.ts';
import { button, byId, make, plural } from './dom.ts';
import { durationOf } from './filter-traces.ts';
import { state, type TraceView, traces } from './page-state.ts';
import { headKey } from './row-keys.ts';
import { toneOf } from './trace-header.ts';
import { setOpen } from './waterfall.ts';

/** Lines that are made at once; the rest follows when the end comes into view. */
const ENTRIES = 200;

const list = byId('traces', HTMLOListElement);
const isSameDay = new Set(traces.map(({ facts }) => Math.floor(facts.start / 86_400_000))).size < 2;
document.body.classList.toggle('dates', !isSameDay);
/** Columns that would be empty, or the same in every line, are left out. */
const clusters = new Set(traces.flatMap(({ facts: { cluster } }) => cluster ?? [])).size;
document.body.classList.toggle('with-cluster', clusters > 1);
document.body.classList.toggle(
  'with-cause',
  traces.some(({ facts }) => facts.cause !== undefined),
);

function startOf({ start }: TraceFacts): string {
  const time = formatTime(BigInt(start) * 1_000_000n);
  // The year is in the page's head, and above each waterfall.
  return isSameDay ? time.slice(11) : time.slice(5);
}

export function entryOf(trace: TraceView): NonNullable<TraceView['entry']> {
  if (trace.entry !== undefined) return trace.entry;
  const head = headOf(trace);
  const element = make('li', { class: 'trace' }, make('h2', {}, head));
  trace.entry = { element, head };
  return trace.entry;
}

function headOf(trace: TraceView): HTMLButtonElement {
  const { facts } = trace;
  const {
    name,
    object = '',
    summary = '',
    namespace = '',
    manager = '',
    cluster = '',
    cause = '',
    why = '',
  } = facts;
  const cell = (text: string, kind: string, title = text) => make('span', { class: kind, text, title });
  const head = button(
    { class: 'head', 'aria-expanded': 'false', onclick: () => setOpen(trace, !trace.open) },
    make('span', { class: 'twist' }),
    make(
      'span',
      {
        class: 'what',
        title: [name, object, summary && `· ${summary}`].filter((part) => part !== '').join(' '),
      },
      make('b', { text: name }),
      make('span', { text: object && ` ${object}` }),
      make('span', { class: 'dim', text: summary && ` · ${summary}` }),
    ),
    cell(cluster, 'wide cluster'),
    cell(namespace, 'wide'),
    cell(manager, 'wide'),
    outcomeOf(facts),
    cell(cause, 'wide cause', why || cause),
    cell(startOf(facts), 'wide n'),
    cell(formatDuration(BigInt(durationOf(facts))), 'lasts n', lastsWords(facts)),
    cell(String(facts.spans), 'wide n dim', ''),
    make('span', {
      class: `errors n${facts.errors ? ' bad' : ''}`,
      text: facts.errors ? `✗ ${facts.errors}` : '',
      title: facts.errors ? plural(facts.errors, 'error') : '',
    }),
    restOf(facts),
  );
  head.addEventListener('keydown', (event) => headKey(trace, event));
  return head;
}

const lastsWords = ({ took, lasts }: TraceFacts) =>
  took === undefined || took === lasts ? '' : `its trace lasts ${formatDuration(BigInt(lasts))}`;

function outcomeOf({ outcome = '' }: TraceFacts): HTMLElement {
  const { sign, tone } = toneOf(outcome);
  return make('span', { class: `outcome ${tone}`, text: outcome && sign + outcome });
}

/** The second line, where there is no room for columns. */
function restOf(facts: TraceFacts): HTMLElement {
  const { outcome = '', cause, namespace, manager, spans, cluster } = facts;
  const { sign, tone } = toneOf(outcome);
  const parts = [
    cause,
    clusters > 1 ? cluster : undefined,
    namespace,
    startOf(facts),
    plural(spans, 'span'),
    manager && `by ${manager}`,
  ].filter((part) => part !== undefined && part !== '');
  return make(
    'span',
    { class: 'rest dim' },
    make(
      'span',
      { class: 'brief' },
      make('span', { class: tone, text: outcome && sign + outcome }),
      outcome && ' · ',
    ),
    parts.join(' · '),
  );
}

let listed = 0;
const more = make('li', { 'aria-hidden': 'true' });
const reachesEnd = new IntersectionObserver(
  (seen) => {
    if (seen.some(({ isIntersecting }) => isIntersecting)) listUntil(listed + ENTRIES);
  },
  { rootMargin: '800px' },
);

function listUntil(until: number): void {
  more.remove();
  reachesEnd.unobserve(more);
  list.append(...state.matching.slice(listed, until).map((trace) => entryOf(trace).element));
  listed = Math.min(Math.max(listed, until), state.matching.length);
  if (listed >= state.matching.length) return;
  list.append(more);
  reachesEnd.observe(more);
}

/** The list from its beginning, of what matches now. */
export function listAnew(): void {
  list.replaceChildren();
  listed = 0;
  listUntil(ENTRIES);
}

/** Until the line at this place is there. */
export function listUpTo(place: number): void {
  if (place >= listed && place < state.matching.length) listUntil(place + ENTRIES);
}
