/** What keys do in a waterfall, and on the line of a trace. */
import { closeDetails, focusDetails, isSelected, openDetails } from './details.ts';
import { actOf } from './dom.ts';
import { state, type TraceView } from './page-state.ts';
import { currentOf, focusHead, focusRow, goAbove, goTo, goToParent, moveBy, neighbour } from './row-focus.ts';
import type { ShownRow } from './shown-rows.ts';
import { setOpen, togglePath, turn, turnAll } from './waterfall.ts';
import { scaleZoom, shiftZoom, zoomTo, zoomToRow } from './zoom.ts';

/** A page of rows; more than fit a small screen. */
const PAGE = 15;

type Act = (trace: TraceView, shown: ShownRow, event: KeyboardEvent) => void;

const zoomIn: Act = (trace, shown) =>
  scaleZoom(trace, 0.5, shown.type === 'span' ? shown.row.at + shown.row.lasts / 2 : undefined);

const acts: Readonly<Record<string, Act>> = {
  ArrowDown: (trace) => moveBy(trace, 1),
  ArrowUp: (trace) => moveBy(trace, -1),
  PageDown: (trace) => moveBy(trace, PAGE),
  PageUp: (trace, shown) => moveBy(trace, -Math.min(PAGE, trace.shown.indexOf(shown) || 1)),
  Home: (trace) => goTo(trace, trace.shown[0]),
  End: (trace) => goTo(trace, trace.shown.at(-1)),
  ArrowRight: (trace, shown, { shiftKey }) => {
    if (shiftKey) shiftZoom(trace, 0.25);
    else if (shown.foldable && !shown.open) turn(trace, shown.key);
    else if (shown.foldable) moveBy(trace, 1);
  },
  ArrowLeft: (trace, shown, { shiftKey }) => {
    if (shiftKey) shiftZoom(trace, -0.25);
    else if (shown.foldable && shown.open) turn(trace, shown.key);
    else goToParent(trace, shown);
  },
  Enter: activate,
  ' ': activate,
  z: (trace, shown) => {
    if (shown.type === 'span') zoomToRow(trace, shown.row);
  },
  '+': zoomIn,
  '=': zoomIn,
  '-': (trace) => scaleZoom(trace, 2),
  0: (trace) => zoomTo(trace, undefined),
  e: (trace, { key }) => {
    turnAll(trace, true);
    focusRow(trace, key);
  },
  E: (trace) => {
    turnAll(trace, false);
    focusRow(trace, trace.current);
  },
  c: (trace) => {
    togglePath(trace);
    focusRow(trace, trace.current);
  },
  Escape: (trace) => {
    if (state.selected === undefined) zoomTo(trace, undefined);
    else closeDetails();
  },
};

export function rowKey(trace: TraceView, event: KeyboardEvent): void {
  const shown = currentOf(trace);
  const act = actOf(acts, event);
  if (shown === undefined || act === undefined) return;
  event.preventDefault();
  event.stopPropagation();
  act(trace, shown, event);
}

function activate(trace: TraceView, shown: ShownRow): void {
  if (shown.type === 'fold') {
    turn(trace, shown.key);
    return;
  }
  const again = isSelected(trace, shown.row);
  openDetails(trace, shown.row);
  if (again) focusDetails();
}

const headActs: Readonly<Record<string, (trace: TraceView) => void>> = {
  ArrowDown: (trace) => {
    if (trace.open) focusRow(trace, trace.shown[0]?.key);
    else focusHead(neighbour(trace, 1));
  },
  ArrowUp: goAbove,
  ArrowRight: (trace) => setOpen(trace, true),
  ArrowLeft: (trace) => setOpen(trace, false),
};

export function headKey(trace: TraceView, event: KeyboardEvent): void {
  const act = actOf(headActs, event);
  if (act === undefined) return;
  event.preventDefault();
  act(trace);
}
