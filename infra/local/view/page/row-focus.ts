/** Where the keyboard is in a waterfall. */
import { isSheet, openDetails } from './details.ts';
import { byId } from './dom.ts';
import { shownOf, state, type TraceView } from './page-state.ts';
import type { ShownRow } from './shown-rows.ts';
import { entryOf, listUpTo } from './trace-list.ts';
import { rowNode } from './waterfall.ts';

export function setCurrent(trace: TraceView, key: string): void {
  if (trace.current === key) return;
  rowNode(trace, trace.current)?.setAttribute('tabindex', '-1');
  trace.current = key;
  rowNode(trace, key)?.setAttribute('tabindex', '0');
}

export function focusRow(trace: TraceView, key: string | undefined): void {
  const node = rowNode(trace, key);
  if (!(node instanceof HTMLElement)) return;
  node.focus({ preventScroll: true });
  bringIntoView(node);
}

export const focusHead = (trace: TraceView | undefined): void => {
  if (trace !== undefined) entryOf(trace).head.focus();
};

/** Toolbar and axis stick to the top, a sheet may cover the bottom: "nearest" would leave rows behind them. */
export function bringIntoView(node: Element): void {
  const box = node.getBoundingClientRect();
  const axis = node.closest('.body')?.querySelector<HTMLElement>('.axis');
  const top = (document.querySelector<HTMLElement>('.bar')?.offsetHeight ?? 0) + (axis?.offsetHeight ?? 0);
  const details = byId('details', HTMLElement);
  const bottom = innerHeight - (isSheet() ? details.offsetHeight : 0);
  if (box.top < top) scrollBy(0, box.top - top);
  else if (box.bottom > bottom - 8) scrollBy(0, box.bottom - bottom + 8);
}

export function moveBy(trace: TraceView, steps: number): void {
  const at = trace.shown.findIndex(({ key }) => key === trace.current);
  const to = at + steps;
  if (to < 0) focusHead(trace);
  else if (to >= trace.shown.length && steps === 1) focusHead(neighbour(trace, 1));
  else goTo(trace, trace.shown[Math.min(to, trace.shown.length - 1)]);
}

export function goTo(trace: TraceView, shown: ShownRow | undefined): void {
  if (shown === undefined) return;
  focusRow(trace, shown.key);
  // With the details open, moving reads through them.
  if (state.selected !== undefined && shown.type === 'span') openDetails(trace, shown.row);
}

/** The row that this one hangs under, as they are shown. */
export function goToParent(trace: TraceView, { key, depth }: ShownRow): void {
  const at = trace.shown.findIndex((each) => each.key === key);
  goTo(
    trace,
    trace.shown.slice(0, at).findLast((each) => each.depth < depth),
  );
}

export function neighbour(trace: TraceView, step: number): TraceView | undefined {
  const at = state.matching.indexOf(trace) + step;
  listUpTo(at);
  return state.matching[at];
}

/** The end of the trace above, or that trace's own line. */
export function goAbove(trace: TraceView): void {
  const above = neighbour(trace, -1);
  if (above?.open && above.shown.length > 0) focusRow(above, above.shown.at(-1)!.key);
  else focusHead(above);
}

export const currentOf = (trace: TraceView): ShownRow | undefined => shownOf(trace, trace.current);
