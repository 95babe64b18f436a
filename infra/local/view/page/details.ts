/** All there is to know of one span, beside the waterfall. */
import { formatDuration, formatTime, textOf } from '../describe-span.ts';
import { commandLines } from './command-lines.ts';
import { copy, copyButton } from './copy.ts';
import { button, byId, make } from './dom.ts';
import { type Row, wordsOf } from './draw-trace.ts';
import { drawnOf, index, state, type TraceView } from './page-state.ts';
import { reveal } from './reveal.ts';
import { bringIntoView, focusRow } from './row-focus.ts';
import { backendLink } from './trace-header.ts';
import { linkItem } from './trace-links.ts';
import { rowNode } from './waterfall.ts';
import { redrawTicks, zoomToRow } from './zoom.ts';

const details = byId('details', HTMLElement);

export const isSelected = (trace: TraceView, { key }: Row): boolean =>
  state.selected?.trace === trace && state.selected.key === key;

/** On a phone the details come from below, over the whole width. */
export const isSheet = (): boolean => !details.hidden && details.offsetWidth > innerWidth * 0.9;

export const focusDetails = (): void => details.focus();

export function openDetails(trace: TraceView, row: Row): void {
  const before = state.selected;
  state.selected = { trace, key: row.key };
  if (before) rowNode(before.trace, before.key)?.setAttribute('aria-selected', 'false');
  const node = rowNode(trace, row.key);
  node?.setAttribute('aria-selected', 'true');
  const wasHidden = details.hidden;
  show(trace, row);
  // The panel took room from the bars.
  if (wasHidden) redrawTicks();
  if (node) bringIntoView(node);
  setHash(`#${trace.facts.id}/${row.key}`);
}

export function closeDetails(): void {
  if (state.selected === undefined) return;
  const { trace, key } = state.selected;
  state.selected = undefined;
  details.hidden = true;
  document.body.classList.remove('aside');
  redrawTicks();
  setHash('');
  rowNode(trace, key)?.setAttribute('aria-selected', 'false');
  if (trace.open) focusRow(trace, key);
}

function setHash(hash: string): void {
  // Refused for some sources (srcdoc): a link less, nothing else.
  try {
    history.replaceState(null, '', hash || location.pathname + location.search);
  } catch {}
}

function show(trace: TraceView, row: Row): void {
  const { attributes, resource } = row.tree.span;
  details.replaceChildren(
    titleOf(row),
    ...messageOf(row),
    toolsOf(trace, row),
    make('div', { class: 'commands' }, ...commandLines(row.tree.span)),
    ...section('Span', factsOf(trace, row)),
    ...linksOf(trace, row),
    ...section('Attributes', sorted(attributes)),
    ...section('Resource', sorted(resource)),
  );
  details.hidden = false;
  details.scrollTop = 0;
  document.body.classList.add('aside');
}

function titleOf(row: Row): HTMLElement {
  const { name, object } = wordsOf(row);
  const title = make('h2', { text: name }, make('small', { text: object }));
  const close = button({ class: 'close', 'aria-label': 'Close details', text: '×', onclick: closeDetails });
  return make('div', { class: 'title' }, title, close);
}

function messageOf(row: Row): HTMLElement[] {
  const { status, attributes } = row.tree.span;
  const said = status.message ?? attributes['k8s.event.message'] ?? wordsOf(row).message;
  if (said === '') return [];
  return [
    make('p', { class: `message${row.failed ? ' bad' : ''}`, text: (row.failed ? '✗ ' : '') + String(said) }),
  ];
}

function toolsOf(trace: TraceView, row: Row): HTMLElement {
  const pill = (text: string, onclick: () => void) => button({ class: 'pill', text, onclick });
  const link = `${location.href.split('#')[0]}#${trace.facts.id}/${row.key}`;
  return make(
    'div',
    { class: 'tools' },
    pill('Zoom to it', () => zoomToRow(trace, row)),
    pill('Copy link', () => void copy(link, 'Link')),
    pill('Copy as JSON', () => void copy(JSON.stringify(row.tree.span, null, 2), 'Span')),
    ...backendLink(trace, row.tree.span.spanId),
  );
}

type Entry = [name: string, value: Node | string | number | boolean | readonly string[]];

function factsOf(trace: TraceView, row: Row): Entry[] {
  const { spanId, traceId, attributes } = row.tree.span;
  const facts: Entry[] = [
    ['Start', `${formatTime(row.tree.start)} UTC`],
    ['After trace start', `+${(row.at / 1e9).toFixed(3)} s`],
    ['Duration', row.lasts > 0 ? formatDuration(BigInt(row.lasts)) : 'an instant'],
    ['Status', row.failed ? '✗ Error' : 'OK'],
    ['Span id', idOf(spanId, 'Span id')],
    ['Trace id', idOf(traceId, 'Trace id')],
  ];
  const parent = drawnOf(trace).rows[row.parent];
  if (parent !== undefined) facts.push(['Parent', jumpTo(trace, parent)]);
  const because = textOf(attributes, 'rootspan.because');
  if (because !== '') {
    const why = Object.hasOwn(index.rules, because) ? index.rules[because] : undefined;
    facts.push(['Because', why === undefined ? because : `${why} (${because})`]);
    facts.push(['On the ground of', textOf(attributes, 'rootspan.evidence')]);
  }
  if (row.path !== undefined) facts.push(['Critical path', waitedWords(row)]);
  return facts;
}

function waitedWords({ path = [], lasts }: Row): string {
  const waited = path.reduce((sum, [from, until]) => sum + until - from, 0);
  if (waited === 0) return lasts === 0 ? 'on it' : 'on it, by what hangs below';
  return `waited for ${formatDuration(BigInt(waited))}`;
}

function jumpTo(trace: TraceView, row: Row): HTMLElement {
  const { name, object } = wordsOf(row);
  const text = [name, object].filter((part) => part !== '').join(' ');
  return button({ class: 'jump', text, onclick: () => reveal(trace.facts.id, row.key) });
}

/** Of this span, and those of other traces to it. */
function linksOf(trace: TraceView, { key, tree }: Row): HTMLElement[] {
  const { kind = '' } = trace.facts;
  const there = tree.span.links.map(({ traceId, spanId, attributes = {} }) =>
    linkItem({ reason: textOf(attributes, 'rootspan.link'), kind, isBack: false }, traceId, spanId),
  );
  const back = trace.linkedFrom
    .filter(({ link }) => link.spanId === key)
    .map(({ trace: from, link }) =>
      linkItem({ reason: link.reason, kind, isBack: true }, from.facts.id, link.from),
    );
  if (there.length + back.length === 0) return [];
  return [make('h3', { text: 'Links' }), make('ul', { class: 'links' }, ...there, ...back)];
}

const sorted = (attributes: Readonly<Record<string, Entry[1]>>): Entry[] =>
  Object.entries(attributes).sort(([a], [b]) => (a < b ? -1 : 1));

/** A long name breaks after a dot or an underscore, and not within a word. */
const breakable = (name: string): (Node | string)[] =>
  name.split(/(?<=[._])/).flatMap((part, place) => (place === 0 ? [part] : [make('wbr'), part]));

function section(title: string, entries: readonly Entry[]): HTMLElement[] {
  if (entries.length === 0) return [];
  const list = make('dl');
  for (const [key, value] of entries)
    list.append(
      make('dt', {}, ...breakable(key)),
      make('dd', {}, value instanceof Node ? value : Array.isArray(value) ? value.join(', ') : String(value)),
    );
  return [make('section', {}, make('h3', { text: title }), list)];
}

const idOf = (id: string, what: string): HTMLElement =>
  make('span', {}, make('code', { text: id }), copyButton(id, what));
