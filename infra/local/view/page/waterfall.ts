/** The body of an open trace: its header, its axis and its rows. */
import { formatTime } from '../describe-span.ts';
import { openDetails } from './details.ts';
import { button, closest, make } from './dom.ts';
import { drawMinimap, type Minimap, makeMinimap } from './minimap.ts';
import { drawnOf, hitsOf, shownOf, type TraceView } from './page-state.ts';
import { rowElement } from './row-element.ts';
import { focusRow, setCurrent } from './row-focus.ts';
import { rowKey } from './row-keys.ts';
import { allFolded, allUnfolded, shownRows } from './shown-rows.ts';
import { traceHeader } from './trace-header.ts';
import { entryOf } from './trace-list.ts';
import { brush, drawTicks, rangeOf, zoomTo, zoomToRow } from './zoom.ts';

export interface Waterfall {
  body: HTMLDivElement;
  ticks: HTMLDivElement;
  /** "Whole trace": there while it is zoomed. */
  whole: HTMLButtonElement;
  pathButton: HTMLButtonElement;
  minimap: Minimap | undefined;
  rows: HTMLDivElement;
  grid: HTMLDivElement;
  brushArea: HTMLDivElement;
  /** Filled when they come into view. */
  chunks: HTMLDivElement[];
}

/** Rows that are made at once: fewer make scrolling stutter, more make unfolding slow. */
const CHUNK = 100;
/** From how many spans on there is a minimap: fewer fit a screen. */
const MANY_SPANS = 40;

export function setOpen(trace: TraceView, open: boolean): void {
  if (trace.open === open) return;
  trace.open = open;
  const { element, head } = entryOf(trace);
  head.setAttribute('aria-expanded', String(open));
  if (!open) {
    trace.waterfall?.body.remove();
    return;
  }
  trace.waterfall ??= makeWaterfall(trace);
  element.append(trace.waterfall.body);
  drawRows(trace);
  drawTicks(trace);
  drawMinimap(trace);
}

function makeWaterfall(trace: TraceView): Waterfall {
  const { facts } = trace;
  const ticks = make('div', { class: 'ticks', title: 'Drag to zoom' });
  const whole = button({
    class: 'pill',
    text: 'Whole trace',
    hidden: '',
    onclick: () => zoomTo(trace, undefined),
  });
  const pathButton = button({
    class: 'pill',
    'aria-pressed': 'false',
    title: 'Only what the change waited for: from its end back, always what ended last before (c)',
    text: 'Critical path',
    onclick: () => togglePath(trace),
  });
  const rows = make('div', {
    class: 'rows',
    role: 'tree',
    'aria-label': `Spans of ${facts.name} ${facts.object ?? ''}`,
  });
  const minimap = facts.spans < MANY_SPANS ? undefined : makeMinimap(trace);
  const tools = make(
    'div',
    { class: 'tools' },
    button({ class: 'pill', title: 'e', text: 'Expand all', onclick: () => turnAll(trace, true) }),
    button({ class: 'pill', title: 'Shift e', text: 'Collapse all', onclick: () => turnAll(trace, false) }),
    pathButton,
  );
  const from = make('span', { class: 'from', text: `${formatTime(BigInt(facts.start) * 1_000_000n)} UTC` });
  const axis = make('div', { class: 'axis' }, from, make('span', { class: 'whole' }, whole), ticks);
  const waterfall: Waterfall = {
    body: make(
      'div',
      { class: 'body' },
      ...traceHeader(trace),
      tools,
      ...(minimap ? [minimap.element] : []),
      axis,
      rows,
    ),
    ticks,
    whole,
    pathButton,
    minimap,
    rows,
    grid: make('div', { class: 'grid' }),
    brushArea: make('div', { class: 'brush-area' }),
    chunks: [],
  };
  listen(trace, waterfall);
  return waterfall;
}

function listen(trace: TraceView, { rows, ticks, brushArea }: Waterfall): void {
  rows.addEventListener('click', (event) => rowClick(trace, event));
  rows.addEventListener('keydown', (event) => rowKey(trace, event));
  rows.addEventListener('focusin', (event) => {
    const key = closest(event, '.row')?.dataset.key;
    if (key !== undefined) setCurrent(trace, key);
  });
  const drag = (event: PointerEvent) =>
    brush(event, {
      area: ticks,
      marks: brushArea,
      range: rangeOf(trace),
      onRange: (range) => zoomTo(trace, range),
    });
  ticks.addEventListener('pointerdown', drag);
  rows.addEventListener('pointerdown', (event) => {
    // A finger on the bars scrolls the page; on the axis it zooms.
    if (event.pointerType === 'mouse' && closest(event, '.lane') !== null) drag(event);
  });
}

function rowClick(trace: TraceView, event: Event): void {
  const shown = shownOf(trace, closest(event, '.row')?.dataset.key);
  if (shown === undefined) return;
  if (shown.type === 'span' && closest(event, '.zoom') !== null) {
    zoomToRow(trace, shown.row);
    return;
  }
  focusRow(trace, shown.key);
  if (shown.type === 'fold' || closest(event, '.twist') !== null) turn(trace, shown.key);
  else openDetails(trace, shown.row);
}

/** Folds or unfolds a row. */
export function turn(trace: TraceView, key: string): void {
  if (shownOf(trace, key)?.foldable !== true) return;
  if (!trace.turned.delete(key)) trace.turned.add(key);
  drawRows(trace);
  focusRow(trace, key);
}

export function turnAll(trace: TraceView, open: boolean): void {
  trace.turned = open ? allUnfolded(drawnOf(trace)) : allFolded(drawnOf(trace));
  drawRows(trace);
}

export function togglePath(trace: TraceView, onlyPath = !trace.onlyPath): void {
  if (trace.onlyPath === onlyPath) return;
  trace.onlyPath = onlyPath;
  trace.waterfall?.pathButton.setAttribute('aria-pressed', String(onlyPath));
  drawRows(trace);
}

const fillers = new WeakMap<Element, () => HTMLElement[]>();
const comesIntoView = new IntersectionObserver(
  (seen) => {
    for (const { isIntersecting, target } of seen) if (isIntersecting) fill(target);
  },
  { rootMargin: '600px' },
);

export function fill(chunk: Element): void {
  const makeRows = fillers.get(chunk);
  if (makeRows === undefined) return;
  fillers.delete(chunk);
  comesIntoView.unobserve(chunk);
  if (chunk instanceof HTMLElement) chunk.style.height = '';
  chunk.append(...makeRows());
}

export function drawRows(trace: TraceView): void {
  const { waterfall } = trace;
  if (waterfall === undefined) return;
  trace.shown = shownRows(drawnOf(trace), trace);
  const hits = hitsOf(trace);
  if (!trace.shown.some(({ key }) => key === trace.current)) trace.current = trace.shown[0]?.key;
  for (const chunk of waterfall.chunks) comesIntoView.unobserve(chunk);
  waterfall.chunks = [];
  for (let from = 0; from < trace.shown.length; from += CHUNK) {
    const part = trace.shown.slice(from, from + CHUNK);
    const chunk = make('div', { role: 'none' });
    chunk.style.height = `calc(var(--row) * ${part.length})`;
    fillers.set(chunk, () => part.map((shown) => rowElement(trace, shown, hits)));
    comesIntoView.observe(chunk);
    waterfall.chunks.push(chunk);
  }
  // What is seen first is there at once, without a frame of nothing.
  if (waterfall.chunks[0]) fill(waterfall.chunks[0]);
  waterfall.rows.replaceChildren(waterfall.grid, ...waterfall.chunks, waterfall.brushArea);
}

export function rowNode(trace: TraceView, key: string | undefined): Element | undefined {
  const at = trace.shown.findIndex((shown) => shown.key === key);
  const chunk = trace.waterfall?.chunks[Math.floor(at / CHUNK)];
  if (at < 0 || chunk === undefined) return undefined;
  fill(chunk);
  return chunk.children[at % CHUNK];
}
