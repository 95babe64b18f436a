/** The page's script: lists the traces, opens the one that needs attention, and listens. */
import { closeDetails } from './details.ts';
import { actOf, byId } from './dom.ts';
import { drawFilters, filter } from './filter-bar.ts';
import { needsAttention } from './filter-traces.ts';
import { drawLegend } from './legend.ts';
import { state, type TraceView, traces } from './page-state.ts';
import { followHash } from './reveal.ts';
import { entryOf, listUpTo } from './trace-list.ts';
import { walkErrors } from './walk-errors.ts';
import { fill, setOpen } from './waterfall.ts';
import { redrawTicks } from './zoom.ts';

const search = byId('search', HTMLInputElement);
const help = byId('help', HTMLDialogElement);

const showHelp = (): void => (help.open ? help.close() : help.showModal());

function focusSearch(): void {
  search.focus();
  search.select();
}

const acts: Readonly<Record<string, () => void>> = {
  '/': focusSearch,
  n: () => walkErrors(1),
  p: () => walkErrors(-1),
  '?': showHelp,
  Escape: closeDetails,
};

function pageKey(event: KeyboardEvent): void {
  const isWriting = event.target === search || event.target instanceof HTMLSelectElement;
  const act = actOf(acts, event);
  if (act === undefined || (help.open && event.key !== '?') || (isWriting && event.key !== 'Escape')) return;
  event.preventDefault();
  act();
}

/** What takes longer to draw than somebody notices: 20,000 take a quarter of a second. */
const MANY_SPANS = 5_000;

/** Everything that is open goes to paper, up to a length that nobody prints. */
const MOST_PRINTED = 50;

addEventListener('keydown', pageKey);
addEventListener('hashchange', () => void followHash());
addEventListener('resize', redrawTicks);
addEventListener('beforeprint', () => {
  for (const { open, waterfall } of traces)
    if (open) for (const chunk of waterfall?.chunks.slice(0, MOST_PRINTED) ?? []) fill(chunk);
});
matchMedia('(prefers-color-scheme: dark)').addEventListener('change', redrawTicks);
byId('next-error', HTMLButtonElement).addEventListener('click', () => walkErrors(1));
byId('previous-error', HTMLButtonElement).addEventListener('click', () => walkErrors(-1));
byId('show-help', HTMLButtonElement).addEventListener('click', showHelp);
help.addEventListener('click', ({ target }) => {
  // Beside the panel, or on its own button.
  if (target === help || (target instanceof Element && target.closest('button'))) help.close();
});

drawLegend();
drawFilters();
filter();
if (!followHash()) openFirst(needsAttention(traces));

function openFirst(trace: TraceView | undefined): void {
  if (trace === undefined) return;
  const place = state.matching.indexOf(trace);
  listUpTo(place);
  const open = () => setOpen(trace, true);
  // The list is there before a trace that takes a while.
  if (trace.facts.spans > MANY_SPANS) requestAnimationFrame(() => setTimeout(open));
  else open();
  // At the top of the list there is nothing to scroll past.
  if (place > 2) entryOf(trace).element.scrollIntoView();
}
