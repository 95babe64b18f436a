// The page's behaviour. It runs in browsers as it is: no build step, no imports. Everything it shows was written by
// others, so text goes in as text (textContent, never HTML).

const byId = (id) => document.getElementById(id);
const index = JSON.parse(byId('index').textContent);
const main = { list: byId('traces'), nothing: byId('nothing'), search: byId('search') };
const details = byId('details');

/** How many list entries, and rows of a waterfall, are made at once. The rest follows when it comes into view. */
const ENTRIES = 200;
const CHUNK = 100;
/** More marks than this on one folded row cannot be told apart. */
const MOST_MARKS = 80;
const HUES = 8;

const traces = index.traces.map((facts) => ({
  facts,
  element: undefined,
  open: false,
  /** Keys of rows that are not as they are at first: spans folded, folds unfolded. */
  turned: new Set(),
  zoom: undefined,
  shown: [],
  current: undefined,
  drawn: undefined,
  haystack: undefined,
}));
const traceById = new Map(traces.map((trace) => [trace.facts.id, trace]));
let terms = [];
let matching = traces;
let listedEntries = 0;
let selected;

function make(tag, props = {}, ...children) {
  const element = document.createElement(tag);
  for (const [key, value] of Object.entries(props)) {
    if (key === 'text') element.textContent = value;
    else if (key === 'class') element.className = value;
    else if (key.startsWith('--')) element.style.setProperty(key, value);
    else if (key.startsWith('on')) element.addEventListener(key.slice(2), value);
    else element.setAttribute(key, value);
  }
  element.append(...children);
  return element;
}

const hue = (service) => `var(--c${Math.min(service, HUES - 1)})`;
const plural = (n, noun) => `${n} ${noun}${n === 1 ? '' : 's'}`;

/** The trace's spans; parsed when they are first needed. */
function drawnOf(trace) {
  trace.drawn ??= JSON.parse(byId(`t-${trace.facts.id}`).textContent);
  return trace.drawn;
}

// The list of traces

const sameDay = new Set(traces.map(({ facts }) => facts.start.slice(0, 10))).size < 2;
document.body.classList.toggle('dates', !sameDay);

function entryOf(trace) {
  if (trace.element) return trace.element;
  const { facts } = trace;
  const start = sameDay ? facts.start.slice(11) : facts.start;
  const by = facts.manager && `by ${facts.manager}`;
  const title = [facts.name, facts.object, facts.summary && `· ${facts.summary}`].filter(Boolean).join(' ');
  const head = make(
    'button',
    { class: 'head', 'aria-expanded': 'false', type: 'button', onclick: () => setOpen(trace, !trace.open) },
    make('span', { class: 'twist' }),
    make(
      'span',
      { class: 'what', title: facts.spent ? `${title}: ${facts.spent}` : title },
      make('b', { text: facts.name }),
      make('span', { text: facts.object && ` ${facts.object}` }),
      make('span', { class: 'dim', text: facts.summary && ` · ${facts.summary}` }),
      make('span', { class: 'dim', text: facts.spent && ` · ${facts.spent}` }),
    ),
    make('span', { class: 'wide', text: facts.namespace }),
    make('span', { class: 'wide', text: facts.manager, title: facts.manager }),
    outcomeOf(facts.outcome, facts.took),
    make('span', { class: 'wide n', text: start }),
    make('span', { class: 'lasts n', text: facts.lasts }),
    make('span', { class: 'wide n dim', text: String(facts.spans) }),
    make('span', {
      class: `errors n${facts.errors ? ' bad' : ''}`,
      text: facts.errors ? `✗ ${facts.errors}` : '',
      title: facts.errors ? plural(facts.errors, 'error') : '',
    }),
    make(
      'span',
      { class: 'rest dim' },
      make('span', { class: 'brief', text: facts.outcome && `${facts.outcome} · ` }),
      make('span', {
        text: [facts.namespace, start, plural(facts.spans, 'span'), by].filter(Boolean).join(' · '),
      }),
    ),
  );
  head.addEventListener('keydown', (event) => headKey(trace, event));
  trace.head = head;
  trace.element = make('li', { class: 'trace' }, make('h2', {}, head));
  return trace.element;
}

function outcomeOf(outcome, took) {
  const [sign, tone] = { complete: ['✓ ', 'good'], failed: ['✗ ', 'bad'] }[outcome] ?? ['', 'dim'];
  return make('span', {
    class: `outcome ${tone}`,
    text: outcome && sign + outcome,
    title: took && `after ${took}`,
  });
}

const more = make('li', { 'aria-hidden': 'true' });
const reachedEnd = new IntersectionObserver(
  (seen) => seen.some((each) => each.isIntersecting) && listEntries(),
  {
    rootMargin: '800px',
  },
);

function listEntries(atLeast = listedEntries + ENTRIES) {
  more.remove();
  reachedEnd.unobserve(more);
  const until = Math.max(atLeast, listedEntries);
  main.list.append(...matching.slice(listedEntries, until).map(entryOf));
  listedEntries = Math.min(until, matching.length);
  if (listedEntries < matching.length) {
    main.list.append(more);
    reachedEnd.observe(more);
  }
}

function filter() {
  terms = main.search.value.toLowerCase().split(/\s+/).filter(Boolean);
  const errorsOnly = byId('errors-only').checked;
  matching = traces.filter(
    (trace) =>
      (!errorsOnly || trace.facts.errors > 0) && terms.every((term) => haystackOf(trace).includes(term)),
  );
  main.list.replaceChildren();
  listedEntries = 0;
  listEntries();
  for (const trace of matching) if (trace.open) drawRows(trace);
  const all = matching.length === traces.length;
  byId('found').textContent = all
    ? plural(traces.length, 'trace')
    : `${matching.length} of ${plural(traces.length, 'trace')}`;
  main.nothing.hidden = matching.length > 0;
  main.nothing.textContent =
    traces.length === 0
      ? 'No traces: there were no spans to show.'
      : 'No trace matches. Esc in the search field clears it.';
}

const textOf = (row) => `${row.name} ${row.object} ${row.container} ${row.message}`.toLowerCase();
const headText = ({ facts }) =>
  `${facts.id} ${facts.name} ${facts.object} ${facts.namespace} ${facts.manager} ${facts.outcome} ${facts.summary} ${facts.commit}`.toLowerCase();

function haystackOf(trace) {
  trace.haystack ??= [headText(trace), ...new Set(drawnOf(trace).rows.map(textOf))].join('\n');
  return trace.haystack;
}

/** Which rows to mark: those with all the words that the trace's own line does not have already. */
function hitsOf(trace) {
  const head = headText(trace);
  const wanted = terms.filter((term) => !head.includes(term));
  const hits = new Set();
  if (wanted.length === 0) return hits;
  drawnOf(trace).rows.forEach((row, i) => {
    const text = textOf(row);
    if (wanted.every((term) => text.includes(term))) hits.add(i);
  });
  return hits;
}

// One waterfall

function setOpen(trace, open) {
  if (trace.open === open) return;
  trace.open = open;
  trace.head.setAttribute('aria-expanded', String(open));
  if (!open) {
    trace.body.remove();
    return;
  }
  trace.body ?? buildBody(trace);
  trace.element.append(trace.body);
  drawRows(trace);
  drawTicks(trace);
}

function buildBody(trace) {
  trace.ticks = make('div', { class: 'ticks', title: 'Drag to zoom' });
  trace.tools = make('span', { class: 'tools' });
  trace.rows = make('div', {
    class: 'rows',
    role: 'tree',
    'aria-label': `Spans of ${trace.facts.name} ${trace.facts.object}`,
  });
  trace.grid = make('div', { class: 'grid' });
  trace.brushArea = make('div', { class: 'brush-area' });
  const whole = make('button', {
    class: 'pill',
    type: 'button',
    text: 'Whole trace',
    hidden: '',
    onclick: () => zoomTo(trace, undefined),
  });
  trace.whole = whole;
  trace.tools.append(whole);
  trace.body = make(
    'div',
    { class: 'body' },
    make('p', {
      class: 'changed dim',
      text: [trace.facts.summary, trace.facts.commit].filter(Boolean).join(' · '),
      ...(!trace.facts.summary && !trace.facts.commit && { hidden: '' }),
    }),
    make(
      'div',
      { class: 'axis' },
      make('span', { class: 'from', text: `${trace.facts.start} UTC` }),
      trace.tools,
      trace.ticks,
    ),
    trace.rows,
  );
  trace.rows.addEventListener('click', (event) => rowClick(trace, event));
  trace.rows.addEventListener('keydown', (event) => rowKey(trace, event));
  trace.rows.addEventListener('focusin', (event) => {
    const row = event.target.closest('.row');
    if (row) setCurrent(trace, row.dataset.key);
  });
  trace.ticks.addEventListener('pointerdown', (event) => brush(trace, event));
  trace.rows.addEventListener('pointerdown', (event) => {
    // A finger on the bars scrolls the page; on the axis it zooms.
    if (event.pointerType === 'mouse' && event.target.closest('.lane')) brush(trace, event);
  });
}

const isOpen = (trace, key, atFirst) => trace.turned.has(key) !== atFirst;

/** The rows as they stand folded, in reading order. */
function shownRows(trace) {
  const { rows, top } = drawnOf(trace);
  const shown = [];
  const stack = [];
  const push = (siblings, depth) => {
    for (let i = siblings.length - 1; i >= 0; i--) stack.push({ item: siblings[i], depth });
  };
  push(top, 0);
  while (stack.length > 0) {
    const { item, depth } = stack.pop();
    if (typeof item === 'number') {
      const row = rows[item];
      const foldable = row.below.length > 0;
      const open = foldable && isOpen(trace, row.id, true);
      shown.push({ key: row.id, number: item, row, depth, foldable, open });
      if (open) push(row.below, depth + 1);
    } else {
      const key = foldKey(rows, item);
      const open = isOpen(trace, key, false);
      shown.push({ key, fold: item, depth, foldable: true, open });
      if (open) push(item.rows, depth + 1);
    }
  }
  return shown;
}

const foldKey = (rows, fold) => `${fold.type} ${rows[fold.rows[0]].id}`;

const fillers = new WeakMap();
const comesIntoView = new IntersectionObserver(
  (seen) => {
    for (const { isIntersecting, target } of seen) if (isIntersecting) fill(target);
  },
  { rootMargin: '600px' },
);

function fill(chunk) {
  const make = fillers.get(chunk);
  if (!make) return;
  fillers.delete(chunk);
  comesIntoView.unobserve(chunk);
  chunk.style.height = '';
  chunk.append(...make());
}

function drawRows(trace) {
  trace.shown = shownRows(trace);
  const hits = hitsOf(trace);
  if (!trace.shown.some(({ key }) => key === trace.current)) trace.current = trace.shown[0]?.key;
  for (const chunk of trace.chunks ?? []) comesIntoView.unobserve(chunk);
  trace.chunks = [];
  for (let from = 0; from < trace.shown.length; from += CHUNK) {
    const part = trace.shown.slice(from, from + CHUNK);
    const chunk = make('div', { role: 'none' });
    chunk.style.height = `calc(var(--row) * ${part.length})`;
    fillers.set(chunk, () => part.map((shown) => rowElement(trace, shown, hits)));
    comesIntoView.observe(chunk);
    trace.chunks.push(chunk);
  }
  // What is seen first is there at once, without a frame of nothing.
  if (trace.chunks[0]) fill(trace.chunks[0]);
  trace.rows.replaceChildren(trace.grid, ...trace.chunks, trace.brushArea);
}

function rowElement(trace, shown, hits) {
  const { key, depth, foldable, open } = shown;
  const isSelected = selected?.trace === trace && selected.key === key;
  const element = make('div', {
    class: 'row',
    role: 'treeitem',
    'data-key': key,
    'aria-level': String(depth + 1),
    'aria-selected': String(isSelected),
    tabindex: trace.current === key ? '0' : '-1',
    '--depth': String(depth),
  });
  if (foldable) element.setAttribute('aria-expanded', String(open));
  const label = make('div', { class: 'label' });
  label.append(
    foldable
      ? make('span', { class: 'twist', title: open ? 'Fold' : 'Unfold' })
      : make('span', { class: 'none' }),
  );
  const time = make('div', { class: 'time' });
  const lane = make('div', { class: 'lane' });
  element.append(label, time, lane);
  if (shown.fold) foldContent(trace, shown, hits, { element, label, lane });
  else spanContent(trace, shown, hits, { element, label, time, lane });
  return element;
}

function errorMark() {
  return make(
    'span',
    { class: 'mark', title: 'Error' },
    '✗',
    make('span', { class: 'unseen', text: ' error ' }),
  );
}

function spanContent(trace, { row, number, open, foldable }, hits, { element, label, time, lane }) {
  element.classList.toggle('failed', row.failed);
  element.classList.toggle('hit', hits.has(number));
  if (row.failed) label.append(errorMark());
  label.append(make('span', { class: 'name', text: row.name }));
  // The row above says it already.
  const above = drawnOf(trace).rows[row.parent];
  if (above?.object !== row.object)
    label.append(make('span', { class: 'object tail' }, make('bdi', { text: row.object })));
  if (row.container) label.append(make('span', { class: 'container', text: `[${row.container}]` }));
  label.title = [row.name, row.object, row.container, row.message].filter(Boolean).join('\n');
  const hidden = row.errors - Number(row.failed);
  if (foldable && !open && hidden > 0)
    label.append(make('span', { class: 'below', text: `✗ ${hidden} below` }));
  time.textContent = row.time;
  lane.append(markOf(trace, row));
  if (row.failed) lane.append(...whyOf(trace, row));
  lane.append(make('button', { class: 'zoom', type: 'button', tabindex: '-1', text: 'Zoom' }));
}

/** The reason beside the bar of what failed, on the side that has room. */
function whyOf(trace, row) {
  const total = drawnOf(trace).total || 1;
  const [before, after] = [row.at / total, 1 - (row.at + row.lasts) / total];
  if (Math.max(before, after) < 0.3) return [];
  const why = make('span', { class: after >= before ? 'why' : 'why before', text: row.message });
  why.style.setProperty('--s', String(row.at / total));
  why.style.setProperty('--l', String(row.lasts / total));
  return [why];
}

function foldContent(trace, { fold, open }, hits, { element, label, lane }) {
  const { rows } = drawnOf(trace);
  const first = rows[fold.rows[0]];
  element.classList.add('fold', fold.type);
  if (fold.errors > 0) label.append(errorMark());
  if (fold.type === 'repeat') {
    element.classList.toggle('failed', fold.errors > 0);
    label.append(
      make('span', { class: 'name', text: first.name }),
      make('span', { class: 'times', text: `×${fold.rows.length}` }),
      make('span', { class: 'object tail' }, make('bdi', { text: first.object })),
    );
    label.title = [`${first.name} ×${fold.rows.length}`, first.object, rows[fold.rows.at(-1)].message]
      .filter(Boolean)
      .join('\n');
  } else {
    const alike = `${open ? '' : '… and '}${fold.rows.length} more like it`;
    label.append(make('span', { class: 'name', text: [alike, fold.note].filter(Boolean).join(', ') }));
    if (fold.errors > 0) label.append(make('span', { class: 'below', text: `${fold.errors} with errors` }));
    label.title = [alike, fold.note].filter(Boolean).join(', ');
  }
  const inside = fold.rows.reduce((sum, i) => sum + countBetween(hits, i, i + rows[i].size), 0);
  element.classList.toggle('hit', inside > 0);
  if (open) return;
  const step = Math.ceil(fold.rows.length / MOST_MARKS);
  // The bad ones are never among those left out.
  const marked = fold.rows.filter((i, n) => n % step === 0 || rows[i].failed);
  lane.append(...marked.map((i) => markOf(trace, rows[i])));
}

function countBetween(numbers, from, until) {
  if (numbers.size === 0) return 0;
  let count = 0;
  for (let i = from; i < until; i++) if (numbers.has(i)) count++;
  return count;
}

function markOf(trace, row) {
  const total = drawnOf(trace).total || 1;
  const edge = row.lasts > 0 ? '' : row.at === 0 ? ' first' : row.at === total ? ' last' : '';
  return make('i', {
    class: `mark-bar${row.lasts > 0 ? '' : ` instant${edge}`}${row.failed ? ' error' : ''}`,
    '--s': String(row.at / total),
    '--l': String(row.lasts / total),
    '--hue': hue(row.service),
  });
}

// Zoom

/** `range` in nanoseconds from the trace's start; undefined is the whole. */
function zoomTo(trace, range) {
  const total = drawnOf(trace).total || 1;
  trace.zoom = undefined;
  if (range) {
    // A microsecond is the finest that any Event tells.
    const width = Math.min(total, Math.max(1000, range[1] - range[0]));
    const from = Math.max(0, Math.min(total - width, range[0]));
    if (width < total) trace.zoom = [from, from + width];
  }
  drawTicks(trace);
}

const rangeOf = (trace) => trace.zoom ?? [0, drawnOf(trace).total || 1];

function scaleZoom(trace, factor, center) {
  const [from, until] = rangeOf(trace);
  const middle = center ?? (from + until) / 2;
  zoomTo(trace, [middle - (middle - from) * factor, middle + (until - middle) * factor]);
}

function zoomToRow(trace, row) {
  const margin = row.lasts > 0 ? row.lasts * 0.06 : (drawnOf(trace).total || 1) * 0.02;
  zoomTo(trace, [row.at - margin, row.at + row.lasts + margin]);
}

const STEPS = [1, 2, 5, 10, 20, 50, 100, 200, 500]
  .flatMap((n) => [n * 1e3, n * 1e6])
  .sort((a, b) => a - b)
  .concat(
    [1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 21600, 43200, 86400].map((s) => s * 1e9),
  );

function drawTicks(trace) {
  const total = drawnOf(trace).total || 1;
  const [from, until] = rangeOf(trace);
  trace.rows.style.setProperty('--z', String(from / total));
  trace.rows.style.setProperty('--w', String((until - from) / total));
  trace.whole.hidden = !trace.zoom;
  if (drawnOf(trace).total === 0) return;
  const most = Math.max(2, Math.floor(trace.ticks.clientWidth / 92));
  const step = STEPS.find((each) => (until - from) / each <= most) ?? (until - from) / most;
  const labels = [];
  const lines = [];
  for (let at = Math.ceil(from / step) * step; at <= until; at += step) {
    const left = `${((at - from) / (until - from)) * 100}%`;
    // A label at the very end would be cut off.
    if ((until - at) / (until - from) > 0.04) {
      const label = make('span', { text: tickText(at, step) });
      label.style.left = left;
      labels.push(label);
    }
    const line = make('i');
    line.style.left = left;
    lines.push(line);
  }
  trace.ticks.replaceChildren(...labels);
  trace.grid.replaceChildren(...lines);
}

function tickText(at, step) {
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

function brush(trace, down) {
  if (down.button !== 0 || down.target.closest('button')) return;
  const area = trace.ticks.getBoundingClientRect();
  const [from, until] = rangeOf(trace);
  const share = (event) => Math.max(0, Math.min(1, (event.clientX - area.left) / area.width));
  const mark = make('div', { class: 'brush' });
  const begin = share(down);
  const stop = new AbortController();
  const { signal } = stop;
  let moved = false;
  addEventListener(
    'pointermove',
    (event) => {
      if (!moved && Math.abs(event.clientX - down.clientX) < 5) return;
      moved = true;
      trace.brushArea.append(mark);
      const [a, b] = [begin, share(event)].sort((x, y) => x - y);
      mark.style.left = `${a * 100}%`;
      mark.style.width = `${(b - a) * 100}%`;
      event.preventDefault();
    },
    { signal },
  );
  const end = (event) => {
    stop.abort();
    mark.remove();
    if (!moved || event.type === 'pointercancel') return;
    const [a, b] = [begin, share(event)].sort((x, y) => x - y);
    zoomTo(trace, [from + a * (until - from), from + b * (until - from)]);
    // The click that ends a drag is no click on a row.
    addEventListener('click', (click) => click.stopPropagation(), { capture: true, once: true });
    setTimeout(() => dispatchEvent(new MouseEvent('click')));
  };
  addEventListener('pointerup', end, { signal });
  addEventListener('pointercancel', end, { signal });
}

// Rows under mouse and keys

const shownOf = (trace, key) => trace.shown.find((shown) => shown.key === key);

function rowClick(trace, event) {
  const element = event.target.closest('.row');
  if (!element) return;
  const shown = shownOf(trace, element.dataset.key);
  if (event.target.closest('.zoom')) return zoomToRow(trace, shown.row);
  focusRow(trace, shown.key);
  if (shown.fold || event.target.closest('.twist')) return turn(trace, shown);
  select(trace, shown);
}

function turn(trace, { key, foldable }) {
  if (!foldable) return;
  if (!trace.turned.delete(key)) trace.turned.add(key);
  drawRows(trace);
  focusRow(trace, key);
}

function rowNode(trace, key) {
  const at = trace.shown.findIndex((shown) => shown.key === key);
  if (at < 0) return undefined;
  const chunk = trace.chunks[Math.floor(at / CHUNK)];
  fill(chunk);
  return chunk.children[at % CHUNK];
}

function setCurrent(trace, key) {
  if (trace.current === key) return;
  rowNode(trace, trace.current)?.setAttribute('tabindex', '-1');
  trace.current = key;
  rowNode(trace, key)?.setAttribute('tabindex', '0');
}

function focusRow(trace, key) {
  const node = rowNode(trace, key);
  if (!node) return;
  node.focus({ preventScroll: true });
  bringIntoView(node);
}

/** Toolbar and axis stick to the top, a sheet may cover the bottom: "nearest" would leave rows behind them. */
function bringIntoView(node) {
  const box = node.getBoundingClientRect();
  const axis = node.closest('.body').firstElementChild;
  const top = document.querySelector('.bar').offsetHeight + axis.offsetHeight;
  const isSheet = !details.hidden && details.offsetWidth > innerWidth * 0.9;
  const sheet = innerHeight - (isSheet ? details.offsetHeight : 0);
  if (box.top < top) scrollBy(0, box.top - top);
  else if (box.bottom > sheet - 8) scrollBy(0, box.bottom - sheet + 8);
}

function moveBy(trace, steps) {
  const at = trace.shown.findIndex((shown) => shown.key === trace.current);
  const to = at + steps;
  if (to < 0) return trace.head.focus();
  if (to >= trace.shown.length && steps === 1) return neighbour(trace, 1)?.head.focus();
  goTo(trace, trace.shown[Math.min(to, trace.shown.length - 1)]);
}

function goTo(trace, shown) {
  if (!shown) return;
  focusRow(trace, shown.key);
  // With the details open, moving reads through them.
  if (!details.hidden && shown.row) select(trace, shown);
}

function neighbour(trace, step) {
  const at = matching.indexOf(trace) + step;
  if (at >= listedEntries) listEntries();
  return matching[at];
}

function rowKey(trace, event) {
  if (event.ctrlKey || event.metaKey || event.altKey) return;
  const shown = shownOf(trace, trace.current);
  if (!shown) return;
  const act = {
    ArrowDown: () => moveBy(trace, 1),
    ArrowUp: () => moveBy(trace, -1),
    PageDown: () => moveBy(trace, 15),
    PageUp: () => moveBy(trace, -Math.min(15, trace.shown.indexOf(shown) || 1)),
    Home: () => goTo(trace, trace.shown[0]),
    End: () => goTo(trace, trace.shown.at(-1)),
    ArrowRight: () => {
      if (event.shiftKey) shiftZoom(trace, 0.25);
      else if (shown.foldable && !shown.open) turn(trace, shown);
      else if (shown.foldable) moveBy(trace, 1);
    },
    ArrowLeft: () => {
      if (event.shiftKey) shiftZoom(trace, -0.25);
      else if (shown.foldable && shown.open) turn(trace, shown);
      else
        goTo(
          trace,
          trace.shown.slice(0, trace.shown.indexOf(shown)).findLast((each) => each.depth < shown.depth),
        );
    },
    Enter: () => activate(trace, shown),
    ' ': () => activate(trace, shown),
    z: () => shown.row && zoomToRow(trace, shown.row),
    '+': () => scaleZoom(trace, 0.5, shown.row && shown.row.at + shown.row.lasts / 2),
    '=': () => scaleZoom(trace, 0.5, shown.row && shown.row.at + shown.row.lasts / 2),
    '-': () => scaleZoom(trace, 2),
    0: () => zoomTo(trace, undefined),
    Escape: () => {
      if (details.hidden) zoomTo(trace, undefined);
      else closeDetails();
    },
  }[event.key];
  if (!act) return;
  event.preventDefault();
  event.stopPropagation();
  act();
}

function shiftZoom(trace, share) {
  const [from, until] = rangeOf(trace);
  const by = (until - from) * share;
  zoomTo(trace, [from + by, until + by]);
}

function activate(trace, shown) {
  if (shown.fold) return turn(trace, shown);
  const again = selected?.trace === trace && selected.key === shown.key && !details.hidden;
  select(trace, shown);
  if (again) details.focus();
}

function headKey(trace, event) {
  const before = () => {
    const previous = neighbour(trace, -1);
    if (previous?.open) focusRow(previous, previous.shown.at(-1)?.key);
    else previous?.head.focus();
  };
  const act = {
    ArrowDown: () => (trace.open ? focusRow(trace, trace.shown[0]?.key) : neighbour(trace, 1)?.head.focus()),
    ArrowUp: before,
    ArrowRight: () => setOpen(trace, true),
    ArrowLeft: () => setOpen(trace, false),
  }[event.key];
  if (!act) return;
  event.preventDefault();
  act();
}

// Details of a span

function select(trace, shown) {
  const before = selected;
  selected = { trace, key: shown.key };
  if (before) rowNode(before.trace, before.key)?.setAttribute('aria-selected', 'false');
  rowNode(trace, shown.key)?.setAttribute('aria-selected', 'true');
  const narrow = details.hidden;
  showDetails(trace, shown);
  // The panel took room from the bars.
  if (narrow) redrawTicks();
  bringIntoView(rowNode(trace, shown.key));
  setHash(`#${trace.facts.id}/${shown.row.id}`);
}

function setHash(hash) {
  // Refused for some sources (srcdoc): a link less, nothing else.
  try {
    history.replaceState(null, '', hash || location.pathname + location.search);
  } catch {}
}

function closeDetails() {
  if (details.hidden) return;
  details.hidden = true;
  document.body.classList.remove('aside');
  redrawTicks();
  setHash('');
  if (!selected) return;
  const { trace, key } = selected;
  selected = undefined;
  rowNode(trace, key)?.setAttribute('aria-selected', 'false');
  if (trace.open) focusRow(trace, key);
}

function redrawTicks() {
  for (const trace of traces) if (trace.open) drawTicks(trace);
}

function showDetails(trace, { row }) {
  const resource = drawnOf(trace).resources[row.resource];
  details.replaceChildren(
    titleOf(row),
    ...(row.message ? [messageOf(row)] : []),
    toolsOf(trace, row),
    listOf('Span', factsOf(trace, row)),
    ...linksOf(row),
    listOf('Attributes', sorted(row.attributes)),
    listOf('Resource', sorted(resource)),
  );
  details.hidden = false;
  details.scrollTop = 0;
  document.body.classList.add('aside');
}

function titleOf(row) {
  const title = make('h2', { text: row.name }, make('small', { text: row.object }));
  const close = make('button', {
    class: 'close',
    type: 'button',
    'aria-label': 'Close details',
    text: '×',
    onclick: closeDetails,
  });
  return make('div', { class: 'title' }, title, close);
}

function messageOf(row) {
  const message = make('p', { class: `message${row.failed ? ' bad' : ''}` });
  message.textContent =
    (row.failed ? '✗ ' : '') + (row.status.message ?? row.attributes['k8s.event.message'] ?? row.message);
  return message;
}

function toolsOf(trace, row) {
  const pill = (text, onclick) => make('button', { class: 'pill', type: 'button', text, onclick });
  return make(
    'div',
    { class: 'tools' },
    pill('Zoom to it', () => zoomToRow(trace, row)),
    pill('Copy link', () => copy(`${location.href.split('#')[0]}#${trace.facts.id}/${row.id}`, 'Link')),
    pill('Copy as JSON', () => copy(JSON.stringify(plainSpan(trace, row), null, 2), 'Span')),
  );
}

function plainSpan(trace, row) {
  const { rows, resources } = drawnOf(trace);
  return {
    traceId: trace.facts.id,
    spanId: row.id,
    parentSpanId: rows[row.parent]?.id ?? null,
    name: row.name,
    start: row.start,
    status: row.status,
    resource: resources[row.resource],
    attributes: row.attributes,
    links: row.links,
  };
}

function factsOf(trace, row) {
  const facts = [
    ['Start', `${row.start} UTC`],
    ['After trace start', `+${(row.at / 1e9).toFixed(3)} s`],
    ['Duration', row.time || 'an instant'],
    ['Status', row.failed ? '✗ Error' : 'OK'],
    ['Span id', idOf(row.id, 'Span id')],
    ['Trace id', idOf(trace.facts.id, 'Trace id')],
  ];
  const parent = drawnOf(trace).rows[row.parent];
  if (parent)
    facts.push([
      'Parent',
      make('button', {
        class: 'jump',
        type: 'button',
        text: nameOf(parent),
        onclick: () => reveal(trace.facts.id, parent.id),
      }),
    ]);
  if (row.ground) {
    const { because, why, evidence } = row.ground;
    facts.push(['Because', why ? `${why} (${because})` : because], ['On the ground of', evidence]);
  }
  return facts;
}

const linksOf = ({ links }) =>
  links.length === 0
    ? []
    : [
        make('h3', { text: 'Links' }),
        make('ul', { class: 'links' }, ...links.map((link) => make('li', {}, linkTo(link), reasonOf(link)))),
      ];

const nameOf = (row) => [row.name, row.object].filter(Boolean).join(' ');
const sorted = (attributes) => Object.entries(attributes).sort(([a], [b]) => (a < b ? -1 : 1));

/** A long name breaks after a dot or an underscore, and not within a word. */
const breakable = (name) =>
  name.split(/(?<=[._])/).flatMap((part, index) => (index === 0 ? [part] : [make('wbr'), part]));

function listOf(title, entries) {
  const list = make('dl');
  for (const [key, value] of entries)
    list.append(
      make('dt', {}, ...breakable(key)),
      make('dd', {}, value instanceof Node ? value : Array.isArray(value) ? value.join(', ') : String(value)),
    );
  return entries.length === 0 ? '' : make('section', {}, make('h3', { text: title }), list);
}

const reasonOf = ({ attributes }) => {
  const reason = attributes?.['rootspan.link'];
  return reason === undefined ? '' : make('span', { class: 'dim', text: ` ${reason}` });
};

function linkTo(link) {
  const target = traceById.get(link.traceId);
  if (!target)
    return make(
      'span',
      {},
      make('code', { text: link.traceId }),
      make('span', { class: 'dim', text: ' (not on this page)' }),
    );
  return make('button', {
    class: 'jump',
    type: 'button',
    text: `${[target.facts.name, target.facts.object].filter(Boolean).join(' ')}, ${target.facts.start} UTC`,
    onclick: () => reveal(link.traceId, link.spanId),
  });
}

function idOf(id, what) {
  return make(
    'span',
    {},
    make('code', { text: id }),
    make('button', {
      class: 'copy',
      type: 'button',
      text: 'Copy',
      'aria-label': `Copy ${what}`,
      onclick: () => copy(id, what),
    }),
  );
}

async function copy(text, what) {
  let copied = true;
  try {
    await navigator.clipboard.writeText(text);
  } catch {
    // Pages from plain HTTP have no clipboard; the old way still works there.
    const field = make('textarea', { class: 'unseen' });
    field.value = text;
    document.body.append(field);
    field.select();
    copied = document.execCommand('copy');
    field.remove();
  }
  byId('said').textContent = copied ? `${what} copied` : 'The browser refused to copy';
  const button = document.activeElement;
  if (!copied || button?.tagName !== 'BUTTON') return;
  const before = button.textContent;
  if (before === 'Copied') return;
  button.textContent = 'Copied';
  setTimeout(() => {
    button.textContent = before;
  }, 1200);
}

// Deep links

/** Opens everything on the way to a span (the trace, folds, ancestors), goes there and shows it. */
function reveal(traceId, spanId) {
  const trace = traceById.get(traceId);
  if (!trace) return;
  if (!matching.includes(trace)) {
    main.search.value = '';
    byId('errors-only').checked = false;
    filter();
  }
  if (matching.indexOf(trace) >= listedEntries) listEntries(matching.indexOf(trace) + 1);
  setOpen(trace, true);
  const { rows, top } = drawnOf(trace);
  const number = rows.findIndex((row) => row.id === spanId);
  if (number < 0) {
    trace.head.focus({ preventScroll: true });
    trace.element.scrollIntoView();
    return;
  }
  for (let at = number; at >= 0; at = rows[at].parent) {
    if (at !== number) trace.turned.delete(rows[at].id);
    const siblings = rows[at].parent < 0 ? top : rows[rows[at].parent].below;
    const fold = siblings.find((item) => typeof item === 'object' && item.rows.includes(at));
    if (fold) trace.turned.add(foldKey(rows, fold));
  }
  drawRows(trace);
  focusRow(trace, spanId);
  select(trace, shownOf(trace, spanId));
}

function followHash() {
  const [, traceId, spanId] = /^#([0-9a-f]{32})(?:\/([0-9a-f]{16}))?$/.exec(location.hash) ?? [];
  if (traceId) reveal(traceId, spanId);
  return traceById.has(traceId);
}

// The page as a whole

const legend = index.services
  .slice(0, HUES - 1)
  .map(({ name }, rank) => make('li', {}, make('i', { '--hue': hue(rank) }), name || 'unknown'));
if (index.services.length === HUES)
  legend.push(
    make('li', {}, make('i', { '--hue': hue(HUES - 1) }), index.services[HUES - 1].name || 'unknown'),
  );
else if (index.services.length > HUES)
  legend.push(
    make('li', {}, make('i', { '--hue': hue(HUES - 1) }), `${index.services.length - HUES + 1} others`),
  );
if (traces.length > 0)
  legend.push(
    make('li', {}, make('i', { class: 'error' }), '✗ error'),
    make('li', {}, make('i', { class: 'instant', '--hue': 'var(--muted)' }), 'instant'),
  );
byId('legend').append(...legend);

let typing;
main.search.addEventListener('input', () => {
  clearTimeout(typing);
  typing = setTimeout(filter, 120);
});
main.search.addEventListener('keydown', (event) => {
  if (event.key === 'Escape') {
    if (main.search.value === '') main.search.blur();
    main.search.value = '';
    filter();
  } else if (event.key === 'Enter') {
    clearTimeout(typing);
    filter();
    firstHit();
  } else if (event.key === 'ArrowDown') {
    event.preventDefault();
    matching[0]?.head.focus();
  } else return;
  event.stopPropagation();
});

/** Enter in the search field goes to the first row that matches, else to the first trace. */
function firstHit() {
  for (const trace of matching) {
    const [first] = hitsOf(trace);
    if (first !== undefined) return reveal(trace.facts.id, drawnOf(trace).rows[first].id);
  }
  const [trace] = matching;
  if (!trace) return;
  setOpen(trace, true);
  trace.head.focus();
}

byId('errors-only').addEventListener('change', filter);
addEventListener('keydown', (event) => {
  const writing = event.target instanceof HTMLInputElement && event.target.type === 'search';
  if (event.key === '/' && !writing && !event.ctrlKey && !event.metaKey && !event.altKey) {
    event.preventDefault();
    main.search.focus();
    main.search.select();
  } else if (event.key === 'Escape') closeDetails();
});
addEventListener('hashchange', followHash);
addEventListener('resize', redrawTicks);
addEventListener('beforeprint', () => {
  for (const trace of traces) if (trace.open) for (const chunk of trace.chunks.slice(0, 50)) fill(chunk);
});

filter();
if (!followHash() && traces[0]) setOpen(traces[0], true);
