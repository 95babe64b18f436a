/** Traces as one HTML file: everything is in it, nothing is fetched, it can be mailed and opened in ten years. */
import { readFileSync } from 'node:fs';
import type { Span } from '../../../shared/span.ts';
import { buildTraces, type Trace, type Tree, walkTrees } from './build-trees.ts';
import {
  containerName,
  countOf,
  describeTrace,
  formatDuration,
  formatTime,
  groundOf,
  messageOf,
  objectName,
  serviceName,
  tellingName,
} from './describe-span.ts';
import { oneLine } from './fit-text.ts';
import { foldSiblings } from './fold-siblings.ts';

const asset = (name: string) => readFileSync(new URL(`./page/${name}`, import.meta.url), 'utf8');
const page = { template: asset('page.html'), style: asset('page.css'), script: asset('page.js') };

/**
 * A page that lists the traces and shows each as a waterfall. `source` says in a few words where the spans come from.
 * Event messages are anybody's text: they are in the page as JSON only, and the script shows them as text only. What
 * the page decides about folding and wording is decided here, so that it agrees with the terminal.
 */
export function renderPage(
  spans: readonly Span[],
  { title, source }: { title: string; source: string },
): string {
  const traces = buildTraces(spans);
  const services = rankServices(traces);
  const ranks = new Map(services.map((service, rank) => [service.name, rank]));
  const parts: Record<string, string> = {
    title: escapeHtml(oneLine(title)),
    heading: `<h1>${escapeHtml(oneLine(title))}</h1>`,
    facts: escapeHtml(factsOf(traces, source)),
    style: `<style>${page.style}</style>`,
    script: `<script type="module">${page.script}</script>`,
    // One block a trace: the page parses a trace when somebody opens it.
    data: [
      embedJson('index', { services, traces: traces.map(listed) }),
      ...traces.map((trace) => embedJson(`t-${trace.traceId}`, drawn(trace, ranks))),
    ].join('\n'),
  };
  // One pass with a function: a `<!--script-->` or a `$&` in somebody's text stays text.
  return page.template.replace(/<!--(\w+)-->/g, (_, name: string) => parts[name]!);
}

/** JSON that is inert inside its element: no `<` can end the element or begin a comment. */
function embedJson(id: string, value: unknown): string {
  const json = JSON.stringify(value).replace(
    /[<>&\u2028\u2029]/g,
    (c) => `\\u${c.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
  return `<script type="application/json" id="${id}">${json}</script>`;
}

const HTML: Record<string, string> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;', "'": '&#39;' };
const escapeHtml = (text: string) => text.replace(/[&<>"']/g, (c) => HTML[c]!);

function factsOf(traces: readonly Trace[], source: string): string {
  const sum = (of: (trace: Trace) => number) => traces.reduce((total, trace) => total + of(trace), 0);
  const facts = [
    oneLine(source),
    countOf(traces.length, 'trace'),
    countOf(
      sum((trace) => trace.spans),
      'span',
    ),
  ];
  const errors = sum((trace) => trace.errors);
  if (errors > 0) facts.push(countOf(errors, 'error'));
  if (traces.length > 0) facts.push(`from ${formatTime(traces[0]!.start)} UTC`);
  return facts.filter((fact) => fact !== '').join(' · ');
}

/** The busiest first: they get the colours that are easiest to tell apart. */
function rankServices(traces: readonly Trace[]): { name: string; spans: number }[] {
  const counts = new Map<string, number>();
  for (const trace of traces)
    for (const { tree } of walkTrees(trace.roots)) {
      const name = serviceName(tree.span);
      counts.set(name, (counts.get(name) ?? 0) + 1);
    }
  return [...counts]
    .map(([name, spans]) => ({ name, spans }))
    .sort((a, b) => b.spans - a.spans || (a.name < b.name ? -1 : 1));
}

function listed(trace: Trace) {
  return {
    id: trace.traceId,
    ...describeTrace(trace),
    start: formatTime(trace.start),
    lasts: formatDuration(trace.end - trace.start),
    spans: trace.spans,
    errors: trace.errors,
  };
}

/** Rows are in reading order, each with the size of its subtree; siblings are numbers of rows, or folds of them. */
function drawn(trace: Trace, services: Map<string, number>) {
  const walked = [...walkTrees(trace.roots)].map(({ tree }) => tree);
  const numbers = new Map(walked.map((tree, i) => [tree, i]));
  const sizes = new Map<Tree, number>();
  const parents = new Map<Tree, number>();
  for (const tree of walked.toReversed()) {
    sizes.set(
      tree,
      tree.children.reduce((size, child) => size + sizes.get(child)!, 1),
    );
    for (const child of tree.children) parents.set(child, numbers.get(tree)!);
  }
  const resources = new Map<string, number>();
  const resourceOf = ({ resource }: Span) => {
    const key = JSON.stringify(resource);
    if (!resources.has(key)) resources.set(key, resources.size);
    return resources.get(key)!;
  };
  const arrange = (siblings: readonly Tree[]) =>
    foldSiblings(siblings).map((row) => {
      if (row.type === 'span') return numbers.get(row.tree)!;
      const rows = row.trees.map((tree) => numbers.get(tree)!);
      if (row.type === 'repeat') return { type: row.type, rows, errors: row.errors };
      const slowest = row.slowest.end - row.slowest.start;
      const note = slowest > 0n ? `slowest ${tellingName(row.slowest)} ${formatDuration(slowest)}` : '';
      return { type: row.type, rows, errors: row.errors, note };
    });

  const rows = walked.map((tree) => ({
    id: tree.span.spanId,
    parent: parents.get(tree) ?? -1,
    size: sizes.get(tree)!,
    name: oneLine(tree.span.name),
    object: objectName(tree.span),
    container: containerName(tree.span),
    service: services.get(serviceName(tree.span))!,
    at: Number(tree.start - trace.start),
    lasts: Number(tree.end - tree.start),
    start: formatTime(tree.start),
    time: tree.end > tree.start ? formatDuration(tree.end - tree.start) : '',
    failed: tree.span.status.code === 'ERROR',
    errors: tree.errors,
    message: messageOf(tree.span),
    ground: groundOf(tree.span),
    status: tree.span.status,
    resource: resourceOf(tree.span),
    attributes: tree.span.attributes,
    links: tree.span.links,
    below: arrange(tree.children),
  }));
  return {
    total: Number(trace.end - trace.start),
    top: arrange(trace.roots),
    rows,
    resources: [...resources.keys()].map((key) => JSON.parse(key) as unknown),
  };
}
