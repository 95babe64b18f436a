/** From one error to the next: the rows of one trace, then the next trace that has some. */
import { announce } from './dom.ts';
import { state, type TraceView } from './page-state.ts';
import { goTo } from './row-focus.ts';
import { type ShownRow, saysError } from './shown-rows.ts';
import { listUpTo } from './trace-list.ts';
import { setOpen } from './waterfall.ts';

/** Where the last step led; the keyboard may have moved on since. */
let last: TraceView | undefined;

/** @param step 1 or -1 */
export function walkErrors(step: 1 | -1): void {
  const { matching } = state;
  const from = placeOf(matching);
  const current = matching[from];
  if (current?.open && stepWithin(current, step)) return;
  for (let i = 1; i <= matching.length; i++) {
    const at = from + i * step;
    const place = ((at % matching.length) + matching.length) % matching.length;
    const trace = matching[place]!;
    if (trace.facts.errors === 0) continue;
    listUpTo(place);
    setOpen(trace, true);
    const stops = trace.shown.filter(saysError);
    const stop = step > 0 ? stops[0] : stops.at(-1);
    if (stop === undefined) continue;
    if (at < 0 || at >= matching.length)
      announce(step > 0 ? 'From the first error again' : 'From the last error again');
    stopAt(trace, stop);
    return;
  }
  announce('No errors');
}

/** The trace that the keyboard is in, else the one of the last step, else before all. */
function placeOf(matching: readonly TraceView[]): number {
  const focused = document.activeElement?.closest('.trace') ?? null;
  const inFocus = matching.findIndex(({ entry }) => entry !== undefined && entry.element === focused);
  if (inFocus >= 0) return inFocus;
  const before = last === undefined ? -1 : matching.indexOf(last);
  return before >= 0 ? before : matching.findIndex(({ open }) => open);
}

function stepWithin(trace: TraceView, step: 1 | -1): boolean {
  const isInRows = trace.waterfall?.rows.contains(document.activeElement) === true || last === trace;
  const at = isInRows
    ? trace.shown.findIndex(({ key }) => key === trace.current)
    : step > 0
      ? -1
      : trace.shown.length;
  const stop =
    step > 0
      ? trace.shown.find((shown, i) => i > at && saysError(shown))
      : trace.shown.findLast((shown, i) => i < at && saysError(shown));
  if (stop === undefined) return false;
  stopAt(trace, stop);
  return true;
}

function stopAt(trace: TraceView, stop: ShownRow): void {
  last = trace;
  goTo(trace, stop);
}
