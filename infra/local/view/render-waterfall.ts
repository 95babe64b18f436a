/** Traces as a waterfall in the terminal. */
import type { Span } from '../../../shared/span.ts';
import { buildTraces, type Trace, type Tree } from './build-trees.ts';
import {
  containerName,
  countOf,
  describeTrace,
  formatDuration,
  formatTime,
  messageOf,
  objectName,
  serviceName,
  tellingName,
  withContainer,
} from './describe-span.ts';
import { cellWidth, cutEnd, cutMiddle, oneLine, padCells } from './fit-text.ts';
import { foldSiblings, type SiblingRow } from './fold-siblings.ts';

/**
 * One block a trace: who changed what and how it went, then a row a span with its bar to the scale of the trace.
 * Siblings that are alike are folded. `width` is in columns (60 to 250 are honoured); no line is wider. Without
 * `color` there is no escape code in the result, whatever the spans hold. Empty for no spans.
 */
export function renderWaterfall(
  spans: readonly Span[],
  { width, color }: { width: number; color: boolean },
): string {
  const traces = buildTraces(spans);
  if (traces.length === 0) return '';
  const columns = Math.max(60, Math.min(250, Math.floor(width) || 80));
  const blocks = traces.map((trace) => ({ trace, rows: rowsOf(trace) }));
  const widest = blocks.reduce((most, { rows }) => Math.max(most, widestLabel(rows)), 0);
  const label = Math.min(widest, Math.floor((columns - DURATION - 2) * 0.58));
  const layout: Layout = { columns, label, lane: columns - label - DURATION - 2, hues: huesOf(spans) };

  const paint = color ? paintAnsi : paintPlain;
  const text = blocks.map(({ trace, rows }) =>
    [...header(trace, columns), scale(trace, layout), ...rows.flatMap((row) => drawRow(row, trace, layout))]
      .map((line) => `${paint(line)}\n`)
      .join(''),
  );
  if (color)
    text.push(
      legend(layout)
        .map((line) => `${paint(line)}\n`)
        .join(''),
    );
  return text.join('\n');
}

const DURATION = 8;

type Style = 'bold' | 'dim' | 'red' | 'boldRed' | 'green' | 'yellow' | Hue;
type Hue = (typeof HUES)[number];
type Line = [text: string, style?: Style][];
type Layout = { columns: number; label: number; lane: number; hues: Map<string, Hue> };
/** `above` leads to the row itself, `below` goes on beside what stands under it; `reason` says why it failed. */
type DrawnRow = { row: SiblingRow; above: string; below: string; parent: Tree | undefined; reason: string };

const HUES = ['blue', 'cyan', 'magenta', 'amber', 'lime', 'gray'] as const;
const CODES: Record<Style, string> = {
  bold: '1',
  dim: '2',
  red: '31',
  boldRed: '1;31',
  green: '32',
  yellow: '33',
  blue: '34',
  cyan: '36',
  magenta: '35',
  amber: '38;5;172',
  lime: '38;5;107',
  gray: '38;5;245',
};

/** The folded rows of a trace in reading order, each with its tree lines. */
function rowsOf(trace: Trace): DrawnRow[] {
  const drawn: DrawnRow[] = [];
  const stack: DrawnRow[] = [];
  const said = new Set<string>();
  const push = (siblings: readonly Tree[], parent: Tree | undefined, indent: string) => {
    const rows = foldSiblings(siblings);
    for (let i = rows.length - 1; i >= 0; i--) {
      const last = i === rows.length - 1;
      const [above, below] = parent === undefined ? ['', ''] : last ? ['└ ', '  '] : ['├ ', '│ '];
      stack.push({ row: rows[i]!, above: indent + above, below: indent + below, parent, reason: '' });
    }
  };
  push(trace.roots, undefined, '');
  for (let next = stack.pop(); next; next = stack.pop()) {
    // A crash loop gives the same reason again and again: under one parent it is said once.
    const reason = reasonOf(next.row);
    const key = `${next.parent?.span.spanId} ${reason}`;
    if (reason !== '' && !said.has(key)) next.reason = reason;
    said.add(key);
    drawn.push(next);
    if (next.row.type === 'span') push(next.row.tree.children, next.row.tree, next.below);
  }
  return drawn;
}

function reasonOf(row: SiblingRow): string {
  if (row.type === 'more') return '';
  const wrong = row.type === 'span' ? row.tree : row.trees.findLast((tree) => tree.errors > 0);
  return wrong?.span.status.code === 'ERROR' ? messageOf(wrong.span) : '';
}

function widestLabel(rows: DrawnRow[]): number {
  let widest = 24;
  for (const drawn of rows) {
    if (drawn.row.type === 'more') continue;
    const { name, object, times, mark } = labelOf(drawn);
    widest = Math.max(widest, cellWidth(`${drawn.above}${mark}${name} ${object}${times}`));
  }
  return widest;
}

function labelOf({ row, parent }: DrawnRow): { name: string; object: string; times: string; mark: string } {
  const tree = row.type === 'span' ? row.tree : row.trees[0];
  const failed = row.type === 'span' ? tree.span.status.code === 'ERROR' : row.errors > 0;
  return {
    name: oneLine(tree.span.name),
    object: withContainer(shortName(tree, parent), containerName(tree.span)),
    times: row.type === 'repeat' ? ` ×${row.trees.length}` : '',
    mark: failed ? '✗ ' : '',
  };
}

/** What the parent's row says already is left out: `web-7876-x2k` under `web-7876` reads `…x2k`. */
function shortName(tree: Tree, parent: Tree | undefined): string {
  const name = objectName(tree.span);
  if (parent === undefined) return name;
  const above = objectName(parent.span);
  const kind = (of: Tree) => of.span.attributes['k8s.object.kind'];
  if (name === above && kind(tree) === kind(parent)) return '';
  return above !== '' && name.startsWith(`${above}-`) ? `…${name.slice(above.length + 1)}` : name;
}

function header(trace: Trace, columns: number): Line[] {
  const { name, object, namespace, manager, outcome, summary, commit, took, spent } = describeTrace(trace);
  const lasts = formatDuration(trace.end - trace.start);
  const title = cutEnd(`${name} ${object}`.trim() || trace.traceId.slice(0, 8), columns);
  const facts: Line = [];
  if (namespace !== '') facts.push([namespace]);
  if (manager !== '') facts.push([`by ${manager}`]);
  if (summary !== '') facts.push([summary]);
  if (commit !== '') facts.push([commit]);
  if (outcome !== '') facts.push(outcomeFact(outcome, took === '' || took === lasts ? '' : ` after ${took}`));
  if (spent !== '') facts.push([spent]);
  facts.push([lasts], [countOf(trace.spans, 'span')]);
  if (trace.errors > 0) facts.push([`✗ ${countOf(trace.errors, 'error')}`, 'red']);
  if (trace.links.length > 0)
    facts.push([
      `${trace.links.length === 1 ? 'link' : 'links'} to ${trace.links
        .slice(0, 3)
        .map(({ traceId, reason }) => `${traceId.slice(0, 8)}${reason === '' ? '' : ` (${reason})`}`)
        .join(', ')}${trace.links.length > 3 ? ` and ${trace.links.length - 3} more` : ''}`,
      'dim',
    ]);

  facts.push([`trace ${trace.traceId}`, 'dim']);

  const lines: Line[] = [[[title, trace.errors > 0 ? 'boldRed' : 'bold']]];
  let used = cellWidth(title);
  for (const [fact, style] of facts) {
    const fits = used + 3 + cellWidth(fact) <= columns;
    if (!fits) lines.push([]);
    const line = lines.at(-1)!;
    const before = fits ? ' · ' : '  ';
    const text = cutEnd(fact, columns - before.length);
    line.push([before, 'dim'], [text, style ?? 'dim']);
    used = (fits ? used : 0) + before.length + cellWidth(text);
  }
  return lines;
}

/** @param after how long that took, where the trace goes on */
function outcomeFact(outcome: string, after: string): Line[number] {
  switch (outcome) {
    case 'complete':
      return [`✓ ${outcome}${after}`, 'green'];
    case 'failed':
      return [`✗ ${outcome}${after}`, 'red'];
    default:
      return [`${outcome}${after}`, 'yellow'];
  }
}

/** The trace's start on the clock, and what the lane's ends and middle stand for. */
function scale(trace: Trace, { label, lane }: Layout): Line {
  const total = trace.end - trace.start;
  const start = padCells(cutEnd(`${formatTime(trace.start)} UTC`, label), label);
  if (total === 0n) return [[start.trimEnd(), 'dim']];
  const right = formatDuration(total);
  const middle = formatDuration(total / 2n);
  const gap = Math.floor((lane - middle.length) / 2);
  const left = gap > 4 ? `0${' '.repeat(gap - 1)}${middle}` : '0';
  if (left.length + 1 + right.length > lane) return [[start.trimEnd(), 'dim']];
  return [[`${start} ${padCells(left, lane - right.length)}${right}`, 'dim']];
}

function drawRow(drawn: DrawnRow, trace: Trace, layout: Layout): Line[] {
  const { row } = drawn;
  switch (row.type) {
    case 'span': {
      const { tree } = row;
      const failed = tree.span.status.code === 'ERROR';
      const line: Line = [
        ...label(drawn, layout, failed),
        [' '],
        [drawLane([tree], trace, layout), hueOf(tree, layout)],
      ];
      if (tree.end > tree.start) line.push([` ${formatDuration(tree.end - tree.start).padStart(DURATION)}`]);
      return drawn.reason === '' ? [line] : [line, reasonLine(drawn, layout)];
    }
    case 'repeat': {
      const lane = drawLane(row.trees, trace, layout);
      const wrong = row.trees.findLast((tree) => tree.errors > 0);
      const line: Line = [
        ...label(drawn, layout, wrong !== undefined),
        [' '],
        [lane, hueOf(wrong ?? row.trees[0], layout)],
      ];
      return drawn.reason === '' ? [line] : [line, reasonLine(drawn, layout)];
    }
    case 'more': {
      const alike = `… and ${row.trees.length} more like it`;
      const wrong = row.errors > 0 ? `, ✗ ${row.errors} with errors` : '';
      const slowest = row.slowest.end - row.slowest.start;
      const lasts = ` ${formatDuration(slowest)}`;
      const taken = cellWidth(`${drawn.above}${alike}${wrong}, slowest ${lasts}`);
      const line: Line = [
        [drawn.above, 'dim'],
        [alike, 'dim'],
        [wrong, 'red'],
      ];
      if (slowest > 0n && layout.columns - taken >= 8)
        line.push([
          `, slowest ${cutMiddle(tellingName(row.slowest), layout.columns - taken)}${lasts}`,
          'dim',
        ]);
      return [fitLine(line, layout.columns)];
    }
  }
}

/** Exactly `layout.label` cells: tree lines, mark, name, and as much of the object as fits. */
function label(drawn: DrawnRow, layout: Layout, failed: boolean): Line {
  const { name, object, times, mark } = labelOf(drawn);
  // A very deep tree keeps its innermost lines; the name needs the room.
  const most = Math.floor(layout.label / 2);
  const guides = drawn.above.length > most ? `…${drawn.above.slice(1 - most)}` : drawn.above;
  const room = layout.label - guides.length - mark.length - times.length;
  const shownName = cutEnd(name, room);
  const left = room - cellWidth(shownName) - 1;
  const shownObject =
    object === '' || left < Math.min(5, cellWidth(object)) ? '' : ` ${cutMiddle(object, left)}`;
  const filled = cellWidth(shownName + shownObject) + guides.length + mark.length + times.length;
  return [
    [guides, 'dim'],
    [mark, 'red'],
    [shownName, failed ? 'red' : undefined],
    [shownObject, 'dim'],
    [times, 'bold'],
    [' '.repeat(Math.max(0, layout.label - filled))],
  ] as Line;
}

function reasonLine({ row, below, reason }: DrawnRow, { columns }: Layout): Line {
  const most = Math.floor(columns / 2);
  const guides = below.length > most ? below.slice(-most) : below;
  const trunk = row.type === 'span' && row.tree.children.length > 0 ? '│ ' : '  ';
  return fitLine(
    [
      [guides + trunk, 'dim'],
      [reason, 'red'],
    ],
    columns,
  );
}

/** Bars (to an eighth of a cell at their end) and instants (`◆`) of all trees on one lane of exactly `lane` cells. */
function drawLane(trees: readonly Tree[], trace: Trace, { lane }: Layout): string {
  const cells = new Array<string>(lane).fill(' ');
  const total = Number(trace.end - trace.start);
  const position = (time: bigint) => (total === 0 ? 0 : (Number(time - trace.start) / total) * lane);
  for (const { start, end } of trees) {
    const from = position(start);
    if (start === end) {
      cells[Math.min(lane - 1, Math.floor(from))] = '◆';
      continue;
    }
    const to = position(end);
    const begin = Math.min(lane - 1, Math.round(from * 2) / 2);
    const first = Math.floor(begin);
    const eighths = Math.round((to - first) * 8);
    if (eighths < 8) {
      // One cell holds it all; only its length can be shown, not where in the cell it begins.
      if (cells[first] === ' ')
        cells[first] = EIGHTHS[Math.max(1, Math.min(8, Math.round((to - from) * 8)))]!;
      continue;
    }
    if (cells[first] === ' ') cells[first] = begin > first ? '▐' : '█';
    const full = Math.min(lane, first + Math.floor(eighths / 8));
    for (let i = first + 1; i < full; i++) if (cells[i] !== '◆') cells[i] = '█';
    if (full < lane && cells[full] === ' ') cells[full] = EIGHTHS[eighths % 8]!;
  }
  return cells.join('');
}

const EIGHTHS = [' ', '▏', '▎', '▍', '▌', '▋', '▊', '▉', '█'];

/** The busiest services get a colour of their own, the others share the last. */
function huesOf(spans: readonly Span[]): Map<string, Hue> {
  const counts = new Map<string, number>();
  for (const span of spans) counts.set(serviceName(span), (counts.get(serviceName(span)) ?? 0) + 1);
  const busiest = [...counts].sort((a, b) => b[1] - a[1] || (a[0] < b[0] ? -1 : 1));
  return new Map(busiest.map(([service], i) => [service, HUES[Math.min(i, HUES.length - 1)]!]));
}

const hueOf = (tree: Tree, { hues }: Layout): Style =>
  tree.span.status.code === 'ERROR' ? 'red' : hues.get(serviceName(tree.span))!;

function legend({ hues, columns }: Layout): Line[] {
  const lines: Line[] = [[]];
  let used = 0;
  for (const [service, hue] of [...hues, ['✗ error', 'red'] as const]) {
    if (service === '') continue;
    const text = cutEnd(service, columns - 4);
    if (used + cellWidth(text) + 4 > columns) {
      lines.push([]);
      used = 0;
    }
    lines.at(-1)!.push(['■ ', hue], [`${text}  `, 'dim']);
    used += cellWidth(text) + 4;
  }
  return lines;
}

function fitLine(line: Line, columns: number): Line {
  let left = columns;
  const fitted: Line = [];
  for (const [text, style] of line) {
    const cut = cutEnd(text, left);
    fitted.push(style === undefined ? [cut] : [cut, style]);
    left -= cellWidth(cut);
  }
  return fitted;
}

const paintPlain = (line: Line): string =>
  line
    .map(([text]) => text)
    .join('')
    .trimEnd();

function paintAnsi(line: Line): string {
  return line
    .map(([text, style]) =>
      text.trim() === '' || style === undefined ? text : `\u001b[${CODES[style]}m${text}\u001b[0m`,
    )
    .join('')
    .trimEnd();
}
