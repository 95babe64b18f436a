/** Which part of a trace's time the waterfall shows, and the axis above it. */
import { make } from './dom.ts';
import type { Row } from './draw-trace.ts';
import { drawMinimap, shadeMinimap } from './minimap.ts';
import { drawnOf, type TraceView, traces } from './page-state.ts';

/** In nanoseconds from the trace's start. */
export type Range = [from: number, until: number];

export function zoomTo(trace: TraceView, range: Range | undefined): void {
  const { total } = drawnOf(trace);
  trace.zoom = undefined;
  if (range) {
    // A microsecond is the finest that any Event tells.
    const width = Math.min(total, Math.max(1000, range[1] - range[0]));
    const from = Math.max(0, Math.min(total - width, range[0]));
    if (width < total) trace.zoom = [from, from + width];
  }
  drawTicks(trace);
  shadeMinimap(trace);
}

export const rangeOf = (trace: TraceView): Range => trace.zoom ?? [0, drawnOf(trace).total];

export function scaleZoom(trace: TraceView, factor: number, center?: number): void {
  const [from, until] = rangeOf(trace);
  const middle = center ?? (from + until) / 2;
  zoomTo(trace, [middle - (middle - from) * factor, middle + (until - middle) * factor]);
}

export function shiftZoom(trace: TraceView, share: number): void {
  const [from, until] = rangeOf(trace);
  const by = (until - from) * share;
  zoomTo(trace, [from + by, until + by]);
}

export function zoomToRow(trace: TraceView, { at, lasts }: Row): void {
  const margin = lasts > 0 ? lasts * 0.06 : drawnOf(trace).total * 0.02;
  zoomTo(trace, [at - margin, at + lasts + margin]);
}

const STEPS = [1, 2, 5, 10, 20, 50, 100, 200, 500]
  .flatMap((n) => [n * 1e3, n * 1e6])
  .sort((a, b) => a - b)
  .concat(
    [1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 21600, 43200, 86400].map((s) => s * 1e9),
  );
/** Pixels from one label to the next: `59m 59.5s` fits. */
const LABEL = 92;

export function drawTicks(trace: TraceView): void {
  const { waterfall } = trace;
  if (waterfall === undefined) return;
  const { rows, ticks, whole, grid } = waterfall;
  const { total } = drawnOf(trace);
  const [from, until] = rangeOf(trace);
  rows.style.setProperty('--z', String(from / total));
  rows.style.setProperty('--w', String((until - from) / total));
  whole.hidden = trace.zoom === undefined;
  // One instant has no scale.
  if (total === 1) return;
  const most = Math.max(2, Math.floor(ticks.clientWidth / LABEL));
  const step = STEPS.find((each) => (until - from) / each <= most) ?? (until - from) / most;
  const labels: HTMLElement[] = [];
  const lines: HTMLElement[] = [];
  for (let at = Math.ceil(from / step) * step; at <= until; at += step) {
    const left = `${((at - from) / (until - from)) * 100}%`;
    // A label at the very end would be cut off.
    if ((until - at) / (until - from) > 0.04)
      labels.push(placed(make('span', { text: tickText(at, step) }), left));
    lines.push(placed(make('i'), left));
  }
  ticks.replaceChildren(...labels);
  grid.replaceChildren(...lines);
}

function placed(element: HTMLElement, left: string): HTMLElement {
  element.style.left = left;
  return element;
}

/** The width of the bars changed. */
export function redrawTicks(): void {
  for (const trace of traces)
    if (trace.open) {
      drawTicks(trace);
      drawMinimap(trace);
    }
}

function tickText(at: number, step: number): string {
  if (at === 0) return '0';
  if (step < 1e6) return `${(at / 1e6).toFixed(Math.ceil(6 - Math.log10(step) - 1e-9))} ms`;
  if (step < 1e9 && at < 1e9) return `${Math.round(at / 1e6)} ms`;
  const decimals = step < 1e9 ? Math.ceil(9 - Math.log10(step) - 1e-9) : 0;
  if (at < 60e9) return `${(at / 1e9).toFixed(decimals)} s`;
  const minutes = Math.floor(at / 60e9);
  const seconds = (at - minutes * 60e9) / 1e9;
  const rest = decimals > 0 || seconds > 0.5 ? ` ${seconds.toFixed(decimals)}s` : '';
  return minutes < 60 ? `${minutes}m${rest}` : `${Math.floor(minutes / 60)}h ${minutes % 60}m${rest}`;
}

interface Brush {
  /** Whose width stands for the range. */
  area: HTMLElement;
  /** Where what was dragged over is shown. */
  marks: HTMLElement;
  range: Range;
  onRange: (range: Range) => void;
  /** A click without a drag. */
  onClick?: (event: PointerEvent) => void;
}

export function brush(
  down: PointerEvent,
  { area, marks, range: [from, until], onRange, onClick }: Brush,
): void {
  if (down.button !== 0 || (down.target instanceof Element && down.target.closest('button'))) return;
  const box = area.getBoundingClientRect();
  const share = ({ clientX }: PointerEvent) => Math.max(0, Math.min(1, (clientX - box.left) / box.width));
  const dragged = (event: PointerEvent) => [share(down), share(event)].sort((x, y) => x - y) as Range;
  const mark = make('div', { class: 'brush' });
  const stop = new AbortController();
  const { signal } = stop;
  let moved = false;
  const move = (event: PointerEvent) => {
    if (!moved && Math.abs(event.clientX - down.clientX) < 5) return;
    moved = true;
    marks.append(mark);
    const [a, b] = dragged(event);
    mark.style.left = `${a * 100}%`;
    mark.style.width = `${(b - a) * 100}%`;
    event.preventDefault();
  };
  const end = (event: PointerEvent) => {
    stop.abort();
    mark.remove();
    if (event.type === 'pointercancel') return;
    if (!moved) return onClick?.(event);
    const [a, b] = dragged(event);
    onRange([from + a * (until - from), from + b * (until - from)]);
    // The click that ends a drag is no click on a row.
    addEventListener('click', (click) => click.stopPropagation(), { capture: true, once: true });
    setTimeout(() => dispatchEvent(new MouseEvent('click')));
  };
  addEventListener('pointermove', move, { signal });
  addEventListener('pointerup', end, { signal });
  addEventListener('pointercancel', end, { signal });
}
