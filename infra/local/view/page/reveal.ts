/** Goes to a span, whatever hides it. */
import { openDetails } from './details.ts';
import { clearFilter } from './filter-bar.ts';
import { drawnOf, state, traceById } from './page-state.ts';
import { focusHead, focusRow } from './row-focus.ts';
import { unfoldTo } from './shown-rows.ts';
import { entryOf, listUpTo } from './trace-list.ts';
import { drawRows, setOpen, togglePath } from './waterfall.ts';

/** Opens everything on the way (the filter, the trace, folds, ancestors), goes there and shows it. */
export function reveal(traceId: string, spanId: string | undefined): void {
  const trace = traceById.get(traceId);
  if (trace === undefined) return;
  if (!state.matching.includes(trace)) clearFilter();
  listUpTo(state.matching.indexOf(trace));
  setOpen(trace, true);
  const drawn = drawnOf(trace);
  const row = drawn.rows.find(({ key }) => key === spanId);
  if (row === undefined) {
    focusHead(trace);
    entryOf(trace).element.scrollIntoView();
    return;
  }
  if (row.path === undefined) togglePath(trace, false);
  unfoldTo(drawn, row.number, trace.turned);
  drawRows(trace);
  focusRow(trace, row.key);
  openDetails(trace, row);
}

/** `#TRACE` or `#TRACE/SPAN`. */
export function followHash(): boolean {
  const [, traceId, spanId] = /^#([0-9a-f]{32})(?:\/([0-9a-f]{16}))?$/.exec(location.hash) ?? [];
  if (traceId === undefined || !traceById.has(traceId)) return false;
  reveal(traceId, spanId);
  return true;
}
