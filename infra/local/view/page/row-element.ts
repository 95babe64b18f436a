/** One row of a waterfall: a span, or a fold of like ones. */
import { formatDuration, tellingName } from '../describe-span.ts';
import { HUES, hueOf, make } from './dom.ts';
import { type DrawnTrace, type Fold, type Row, reasonOf, wordsOf } from './draw-trace.ts';
import { drawnOf, state, type TraceView } from './page-state.ts';
import { errorsBelow, type ShownRow } from './shown-rows.ts';

/** More marks than this on one folded row cannot be told apart. */
const MOST_MARKS = 80;

interface Parts {
  element: HTMLElement;
  label: HTMLElement;
  time: HTMLElement;
  lane: HTMLElement;
}

export function rowElement(trace: TraceView, shown: ShownRow, hits: ReadonlySet<number>): HTMLElement {
  const { key, depth, foldable, open } = shown;
  const isSelected = state.selected?.trace === trace && state.selected.key === key;
  const element = make('div', {
    class: 'row',
    role: 'treeitem',
    'data-key': key,
    'aria-level': String(depth + 1),
    'aria-selected': String(isSelected),
    'aria-expanded': foldable ? String(open) : undefined,
    tabindex: trace.current === key ? '0' : '-1',
    '--depth': String(depth),
  });
  const twist = foldable
    ? make('span', { class: 'twist', title: open ? 'Fold' : 'Unfold' })
    : make('span', { class: 'none' });
  const parts = {
    element,
    label: make('div', { class: 'label' }, twist),
    time: make('div', { class: 'time' }),
    lane: make('div', { class: 'lane' }),
  };
  element.append(parts.label, parts.time, parts.lane);
  const drawn = drawnOf(trace);
  if (shown.type === 'fold') foldContent(drawn, shown.fold, open, hits, parts);
  else spanContent(drawn, shown.row, foldable && !open, hits, parts);
  return element;
}

const errorMark = () =>
  make('span', { class: 'mark', title: 'Error' }, '✗', make('span', { class: 'unseen', text: ' error ' }));

/** The end of a generated name tells it from its siblings: it is cut at the beginning. */
const objectOf = (object: string) => make('span', { class: 'object tail' }, make('bdi', { text: object }));
const containerOf = (container: string) => make('span', { class: 'container', text: `[${container}]` });
const titleOf = (lines: readonly string[]) => lines.filter((line) => line !== '').join('\n');

function spanContent(
  drawn: DrawnTrace,
  row: Row,
  isFolded: boolean,
  hits: ReadonlySet<number>,
  { element, label, time, lane }: Parts,
): void {
  const { name, object, container, message } = wordsOf(row);
  element.classList.toggle('failed', row.failed);
  element.classList.toggle('hit', hits.has(row.number));
  if (row.failed) label.append(errorMark());
  label.append(make('span', { class: 'name', text: name }));
  // The row above says it already.
  const above = drawn.rows[row.parent];
  if (object !== '' && (above === undefined || wordsOf(above).object !== object))
    label.append(objectOf(object));
  if (container !== '') label.append(containerOf(container));
  label.title = titleOf([name, object, container, message]);
  const hidden = errorsBelow(row);
  if (isFolded && hidden > 0) label.append(make('span', { class: 'below', text: `✗ ${hidden} below` }));
  time.textContent = row.lasts > 0 ? formatDuration(BigInt(row.lasts)) : '';
  lane.append(...barsOf(drawn, [row]), ...waitsOf(drawn, isFolded ? withBelow(drawn, [row]) : [row]));
  if (row.failed) lane.append(...whyOf(drawn, row.at, row.at + row.lasts, message));
  lane.append(make('button', { class: 'zoom', type: 'button', tabindex: '-1', text: 'Zoom' }));
}

function foldContent(
  drawn: DrawnTrace,
  fold: Fold,
  isOpen: boolean,
  hits: ReadonlySet<number>,
  parts: Parts,
): void {
  const { element, lane } = parts;
  const rows = fold.rows.map((number) => drawn.rows[number]!);
  element.classList.add('fold', fold.type);
  const isHit = rows.some(({ number, size }) => hasBetween(hits, number, number + size));
  element.classList.toggle('hit', isHit);
  if (fold.type === 'repeat') repeatContent(drawn, fold, rows, isOpen, parts);
  else moreContent(drawn, fold, isOpen, parts);
  if (isOpen) return;
  const step = Math.ceil(rows.length / MOST_MARKS);
  // The bad ones are never among those left out, nor what was waited for.
  const marked = rows.filter(({ failed, path }, n) => n % step === 0 || failed || path !== undefined);
  lane.prepend(...barsOf(drawn, marked), ...waitsOf(drawn, withBelow(drawn, rows)));
}

/** One Event that came again and again. */
function repeatContent(
  drawn: DrawnTrace,
  fold: Fold,
  rows: readonly Row[],
  isOpen: boolean,
  { element, label, lane }: Parts,
): void {
  const { name, object, container } = wordsOf(rows[0]!);
  const reason = reasonOf(drawn, fold);
  element.classList.toggle('failed', fold.errors > 0);
  if (fold.errors > 0) label.append(errorMark());
  label.append(
    make('span', { class: 'name', text: name }),
    make('span', { class: 'times', text: `×${rows.length}` }),
    objectOf(object),
  );
  if (container !== '') label.append(containerOf(container));
  label.title = titleOf([
    `${name} ×${rows.length}`,
    object,
    container,
    reason || wordsOf(rows.at(-1)!).message,
  ]);
  if (reason === '' || isOpen) return;
  const last = rows.at(-1)!;
  const why = whyOf(drawn, rows[0]!.at, last.at + last.lasts, reason);
  // A loop that goes on all along leaves no room beside it.
  if (why.length > 0) lane.append(...why);
  else label.append(make('span', { class: 'reason', text: reason }));
}

/** What is left of a group of like trees. */
function moreContent(drawn: DrawnTrace, fold: Fold, isOpen: boolean, { label }: Parts): void {
  const alike = `${isOpen ? '' : '… and '}${fold.rows.length} more like it`;
  const lasts = fold.slowest === undefined ? 0n : fold.slowest.end - fold.slowest.start;
  const slowest = lasts > 0n ? `slowest ${tellingName(fold.slowest!)} ${formatDuration(lasts)}` : '';
  const reason = fold.errors > 0 ? reasonOf(drawn, fold) : '';
  const wrong = fold.errors > 0 ? `✗ ${fold.errors} with errors` : '';
  if (fold.errors > 0) {
    label.append(
      make('span', { class: 'name', text: alike }),
      make('span', { class: 'below', text: wrong }),
      make('span', { class: 'reason', text: reason }),
    );
  } else label.append(make('span', { class: 'name', text: [alike, slowest].filter(Boolean).join(', ') }));
  label.title = titleOf([alike, wrong, reason, slowest]);
}

function hasBetween(numbers: ReadonlySet<number>, from: number, until: number): boolean {
  if (numbers.size === 0) return false;
  for (let i = from; i < until; i++) if (numbers.has(i)) return true;
  return false;
}

/** What a fold hides, itself included. */
const withBelow = (drawn: DrawnTrace, rows: readonly Row[]): Row[] =>
  rows.flatMap(({ number, size }) => drawn.rows.slice(number, number + size));

function barsOf({ total }: DrawnTrace, rows: readonly Row[]): HTMLElement[] {
  return rows.map((row) =>
    make('i', {
      class: `mark-bar${instantOf(row, total)}${row.failed ? ' error' : ''}`,
      'data-s': String(Math.min(row.service, HUES - 1)),
      '--s': String(row.at / total),
      '--l': String(row.lasts / total),
      '--hue': hueOf(row.service),
    }),
  );
}

/** An instant at the very edge is drawn inwards. */
const instantOf = ({ at, lasts }: Row, total: number): string =>
  lasts > 0 ? '' : ` instant${at === 0 ? ' first' : at === total ? ' last' : ''}`;

/** What was waited for, as lines along the foot of the bars. */
function waitsOf({ total }: DrawnTrace, rows: readonly Row[]): HTMLElement[] {
  return rows.flatMap((row) => {
    if (row.path === undefined) return [];
    // What is on the path without a stretch of its own is there by what hangs below.
    const stretches = row.lasts === 0 ? [[row.at, row.at] as const] : row.path;
    return stretches.map(([from, until]) =>
      make('i', {
        class: `wait${instantOf(row, total)}`,
        '--s': String(from / total),
        '--l': String((until - from) / total),
      }),
    );
  });
}

/** The reason beside what failed, on the side that has room. */
function whyOf({ total }: DrawnTrace, from: number, until: number, reason: string): HTMLElement[] {
  const [before, after] = [from / total, 1 - until / total];
  if (reason === '' || Math.max(before, after) < 0.3) return [];
  return [
    make('span', {
      class: after >= before ? 'why' : 'why before',
      text: reason,
      '--s': String(from / total),
      '--l': String((until - from) / total),
    }),
  ];
}
