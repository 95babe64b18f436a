/** All spans of a large trace at once, unfolded, with what the waterfall shows of its time. */
import { HUES, make } from './dom.ts';
import { isDimmed } from './legend.ts';
import { drawnOf, type TraceView } from './page-state.ts';
import { reveal } from './reveal.ts';
import { brush, rangeOf, zoomTo } from './zoom.ts';

export interface Minimap {
  element: HTMLDivElement;
  canvas: HTMLCanvasElement;
  shades: [before: HTMLDivElement, after: HTMLDivElement];
}

export function makeMinimap(trace: TraceView): Minimap {
  const canvas = make('canvas');
  const shades: Minimap['shades'] = [make('div', { class: 'shade' }), make('div', { class: 'shade' })];
  const element = make(
    'div',
    { class: 'minimap', title: 'All spans. Drag to zoom, click to go there', 'aria-hidden': 'true' },
    canvas,
    ...shades,
  );
  element.addEventListener('pointerdown', (event) =>
    brush(event, {
      area: element,
      marks: element,
      range: [0, drawnOf(trace).total],
      onRange: (range) => zoomTo(trace, range),
      onClick: (click) => goToRowAt(trace, click),
    }),
  );
  return { element, canvas, shades };
}

function goToRowAt(trace: TraceView, { clientY }: PointerEvent): void {
  const { rows } = drawnOf(trace);
  const box = trace.waterfall!.minimap!.element.getBoundingClientRect();
  const row = rows[Math.floor(((clientY - box.top) / box.height) * rows.length)];
  if (row !== undefined) reveal(trace.facts.id, row.key);
}

export function drawMinimap(trace: TraceView): void {
  const minimap = trace.waterfall?.minimap;
  if (minimap?.element.isConnected !== true) return;
  drawSpans(trace, minimap);
  shadeMinimap(trace);
}

/** What the waterfall does not show, since it is zoomed. */
export function shadeMinimap(trace: TraceView): void {
  const minimap = trace.waterfall?.minimap;
  if (minimap === undefined) return;
  const { total } = drawnOf(trace);
  const [from, until] = rangeOf(trace);
  const [before, after] = minimap.shades;
  before.style.width = `${(from / total) * 100}%`;
  after.style.left = `${(until / total) * 100}%`;
  after.style.width = `${(1 - until / total) * 100}%`;
}

function drawSpans(trace: TraceView, { canvas, element }: Minimap): void {
  const { clientWidth: width, clientHeight: height } = element;
  const context = canvas.getContext('2d');
  if (context === null || width === 0) return;
  const scale = devicePixelRatio;
  // Setting the size clears it.
  canvas.width = width * scale;
  canvas.height = height * scale;
  context.scale(scale, scale);
  const { rows, total } = drawnOf(trace);
  const style = getComputedStyle(element);
  const hues = Array.from({ length: HUES }, (_, i) => style.getPropertyValue(`--c${i}`));
  const error = style.getPropertyValue('--error');
  const tall = Math.max(1, Math.min(3, height / rows.length));
  const draw = (failed: boolean) => {
    for (const row of rows) {
      if (row.failed !== failed) continue;
      context.globalAlpha = isDimmed(row.service) ? 0.15 : 1;
      context.fillStyle = failed ? error : hues[Math.min(row.service, HUES - 1)]!;
      const x = (row.at / total) * (width - 2);
      context.fillRect(
        x,
        Math.round((row.number / rows.length) * (height - tall) * scale) / scale,
        Math.max(2, (row.lasts / total) * width),
        tall,
      );
    }
  };
  // What failed is never covered by what did not.
  draw(false);
  draw(true);
}
