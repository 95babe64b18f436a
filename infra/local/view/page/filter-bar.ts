/** What somebody picks and in what order, and the list that follows. */
import { formatTime } from '../describe-span.ts';
import { button, byId, make, plural } from './dom.ts';
import {
  columns,
  compareTraces,
  countValues,
  durationSteps,
  type Filter,
  facets,
  isDescending,
  matches,
  rankOfOutcome,
  type Sorting,
  timeSteps,
} from './filter-traces.ts';
import { drawnOf, haystackOf, hitsOf, state, type TraceView, traces } from './page-state.ts';
import { reveal } from './reveal.ts';
import { focusHead } from './row-focus.ts';
import { toneOf } from './trace-header.ts';
import { listAnew } from './trace-list.ts';
import { drawRows, setOpen } from './waterfall.ts';

const search = byId('search', HTMLInputElement);
const errorsOnly = byId('errors-only', HTMLInputElement);
const reset = byId('reset', HTMLButtonElement);
const nothing = byId('nothing', HTMLParagraphElement);
const allFacts = traces.map(({ facts }) => facts);

/** By the filter's own names; `''` is any. */
const menus = new Map<string, HTMLSelectElement>();
let outcome: string | undefined;
let sorting: Sorting = { key: 'start', isReversed: false };

/** So few are seen at a glance. */
const FEW_TRACES = 3;

export function drawFilters(): void {
  document.body.classList.toggle('few', traces.length <= FEW_TRACES);
  byId('errors-toggle', HTMLLabelElement).hidden = allFacts.every(({ errors }) => errors === 0);
  const outcomes = countValues(allFacts, (facts) => facts.outcome ?? '').sort(
    ([a], [b]) => rankOfOutcome(a || undefined) - rankOfOutcome(b || undefined),
  );
  if (outcomes.length > 1) byId('outcomes', HTMLFieldSetElement).append(...outcomes.map(outcomeChip));
  for (const { key, label, any, none } of facets) {
    const values = countValues(allFacts, (facts) => facts[key] ?? '');
    const options = values.map(([value, n]): [string, string] => [`=${value}`, `${value || none} (${n})`]);
    if (values.length > 1) addMenu(key, label, [['', any], ...options]);
  }
  const atLeast = durationSteps(allFacts).map((s): [string, string] => [
    String(s),
    `at least ${durationWords(s)}`,
  ]);
  if (atLeast.length > 0) addMenu('atLeast', 'Duration', [['', 'Any duration'], ...atLeast]);
  const times = timeSteps(allFacts).map((at): [string, string] => [String(at), timeWords(at)]);
  if (times.length > 0) {
    addMenu('from', 'From', [
      ['', 'From the first'],
      ...times.map(([at, text]): [string, string] => [at, `from ${text}`]),
    ]);
    addMenu('until', 'Until', [
      ['', 'To the last'],
      ...times.map(([at, text]): [string, string] => [at, `until ${text}`]),
    ]);
  }
  drawSorting();
  listenToFilters();
}

const durationWords = (seconds: number): string =>
  seconds < 60 ? `${seconds} s` : seconds < 3600 ? `${seconds / 60} min` : `${seconds / 3600} h`;

/** Without the day, where all are of one. */
function timeWords(at: number): string {
  const text = formatTime(BigInt(Math.round(at)) * 1_000_000n).slice(0, 16);
  return document.body.classList.contains('dates') ? text.slice(5) : text.slice(11);
}

function outcomeChip([value, count]: [string, number]): HTMLButtonElement {
  const { sign, tone } = toneOf(value);
  const pick = () => {
    outcome = outcome === value ? undefined : value;
    filter();
  };
  return button(
    { class: 'chip', 'data-outcome': value, 'aria-pressed': 'false', onclick: pick },
    make('span', { class: tone, text: sign + (value || 'no change') }),
    make('span', { class: 'dim', text: ` ${count}` }),
  );
}

function addMenu(key: string, label: string, options: readonly [value: string, text: string][]): void {
  const menu = make('select', { 'aria-label': label, onchange: filter });
  for (const [value, text] of options) menu.append(make('option', { value, text }));
  menus.set(key, menu);
  byId('menus', HTMLDivElement).append(menu);
}

function currentFilter(): Filter {
  const picked = (key: string) => menus.get(key)?.value ?? '';
  return {
    errorsOnly: errorsOnly.checked,
    outcome,
    facets: new Map(
      facets.flatMap(({ key }) => (picked(key) === '' ? [] : [[key, picked(key).slice(1)] as const])),
    ),
    atLeast: Number(picked('atLeast')) * 1e9,
    from: Number(picked('from') || -Infinity),
    until: Number(picked('until') || Infinity),
  };
}

export function filter(): void {
  const wanted = currentFilter();
  state.terms = search.value.toLowerCase().split(/\s+/).filter(Boolean);
  const isFound = (trace: TraceView) => state.terms.every((term) => haystackOf(trace).includes(term));
  const compare = compareTraces(sorting);
  state.matching = traces
    .filter((trace) => matches(trace.facts, wanted) && isFound(trace))
    .sort((a, b) => compare(a.facts, b.facts));
  listAnew();
  for (const trace of state.matching) if (trace.open) drawRows(trace);
  sayWhatIsFound();
}

function sayWhatIsFound(): void {
  const { matching } = state;
  const isAll = matching.length === traces.length;
  byId('found', HTMLOutputElement).textContent = isAll
    ? plural(traces.length, 'trace')
    : `${matching.length} of ${plural(traces.length, 'trace')}`;
  const errors = matching.reduce((sum, { facts }) => sum + facts.errors, 0);
  byId('errors', HTMLSpanElement).textContent = `✗ ${errors}`;
  byId('walk', HTMLFieldSetElement).hidden = errors === 0;
  nothing.hidden = matching.length > 0;
  nothing.textContent =
    traces.length === 0
      ? 'No traces: there were no spans to show.'
      : 'No trace matches. “Show all” clears search and filter.';
  const isPicky = [...menus.values()].some(({ value }) => value !== '') || outcome !== undefined;
  reset.hidden = !isPicky && !errorsOnly.checked && search.value === '';
  for (const chip of document.querySelectorAll<HTMLElement>('.chip'))
    chip.setAttribute('aria-pressed', String(chip.dataset.outcome === outcome));
  for (const menu of menus.values()) menu.classList.toggle('picked', menu.value !== '');
}

export function clearFilter(): void {
  search.value = '';
  errorsOnly.checked = false;
  outcome = undefined;
  for (const menu of menus.values()) menu.value = '';
  filter();
}

/** The heads of the list's columns, and a menu for where it has none. */
function drawSorting(): void {
  const menu = byId('sort', HTMLSelectElement);
  for (const { key, label } of columns)
    menu.append(make('option', { value: key, text: `Sort by ${label[0]!.toLowerCase()}${label.slice(1)}` }));
  const heads = byId('heads', HTMLFieldSetElement);
  for (const { key, label } of columns) {
    if (key === 'kind') continue;
    heads.append(
      button({ class: `head-of ${key}`, 'data-key': key, text: label, onclick: () => sortBy(key) }),
    );
  }
  menu.addEventListener('change', () => sortBy(menu.value));
  byId('reverse', HTMLButtonElement).addEventListener('click', () => sortBy(sorting.key));
  showSorting();
}

/** The same again turns the order round. */
function sortBy(key: string): void {
  sorting = { key, isReversed: key === sorting.key && !sorting.isReversed };
  showSorting();
  filter();
}

function showSorting(): void {
  const { key } = sorting;
  byId('sort', HTMLSelectElement).value = key;
  const arrow = isDescending(sorting) ? '↓' : '↑';
  const reverse = byId('reverse', HTMLButtonElement);
  reverse.textContent = arrow;
  for (const head of document.querySelectorAll<HTMLElement>('.head-of')) {
    const isKey = head.dataset.key === key;
    head.setAttribute('aria-pressed', String(isKey));
    head.dataset.arrow = isKey ? arrow : '';
  }
}

let typing: ReturnType<typeof setTimeout> | undefined;

function listenToFilters(): void {
  errorsOnly.addEventListener('change', filter);
  reset.addEventListener('click', clearFilter);
  search.addEventListener('input', () => {
    clearTimeout(typing);
    typing = setTimeout(filter, 120);
  });
  search.addEventListener('keydown', searchKey);
  const more = byId('more-filters', HTMLButtonElement);
  more.addEventListener('click', () => {
    const isOpen = document.body.classList.toggle('filtering');
    more.setAttribute('aria-expanded', String(isOpen));
    // The menus are at the top of the page, the button stays in view.
    if (isOpen) scrollTo(0, 0);
  });
}

function searchKey(event: KeyboardEvent): void {
  if (event.key === 'Escape') {
    if (search.value === '') search.blur();
    search.value = '';
    filter();
  } else if (event.key === 'Enter') {
    // Else it would press the button that it leads to.
    event.preventDefault();
    clearTimeout(typing);
    filter();
    goToFirstHit();
  } else if (event.key === 'ArrowDown') {
    event.preventDefault();
    focusHead(state.matching[0]);
  } else return;
  event.stopPropagation();
}

/** The first row that has the words, else the first trace. */
function goToFirstHit(): void {
  for (const trace of state.matching) {
    const [first] = hitsOf(trace);
    if (first === undefined) continue;
    reveal(trace.facts.id, drawnOf(trace).rows[first]!.key);
    return;
  }
  const [trace] = state.matching;
  if (trace === undefined) return;
  setOpen(trace, true);
  focusHead(trace);
}
