/** Traces as one HTML file: everything is in it, nothing is fetched, it can be mailed and opened in ten years. */
import { basename } from 'node:path';
import type { Span } from '../../../shared/span.ts';
import { buildTraces, type Trace } from './build-trees.ts';
import { countOf, formatTime } from './describe-span.ts';
import { cutEnd, oneLine } from './fit-text.ts';
import { type PageAssets, readPageAssets } from './page-assets.ts';
import { type PageLinks, pageDataOf } from './page-data.ts';

/** `traceUrl` is a template that was checked (shared/trace-url.ts). */
export interface PageOptions extends PageLinks {
  title: string;
  /** Where the spans come from: in a few words, or files as the user named them. */
  source: string | readonly string[];
}

let assets: PageAssets | undefined;

/**
 * A page that lists the traces and shows each as a waterfall. Event messages are anybody's text: they are in the page as JSON
 * only, and the script shows them as text only. The script folds and words spans with the modules that the terminal has.
 */
export function renderPage(spans: readonly Span[], { title, source, ...links }: PageOptions): string {
  assets ??= readPageAssets();
  const { template, style, script } = assets;
  const traces = buildTraces(spans);
  const data = pageDataOf(traces, links);
  const parts: Record<string, string> = {
    title: escapeHtml(titleOf(title, source)),
    heading: `<h1>${escapeHtml(oneLine(title))}</h1>`,
    facts: `<p class="facts" title="${escapeHtml(wholeSource(source))}">${escapeHtml(factsOf(traces, source))}</p>`,
    style: `<style>${style}</style>`,
    script: `<script type="module">${script}</script>`,
    // One block a trace: the page parses a trace when somebody opens it.
    data: [
      embedJson('index', data.index),
      ...data.traces.map((trace) => embedJson(`t-${trace.traceId}`, trace)),
    ].join('\n'),
  };
  // One pass with a function: a `<!--script-->` or a `$&` in somebody's text stays text.
  return template.replace(/<!--(\w+)-->/g, (_, name: string) => parts[name]!);
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

/** What a browser's tab has room for, twice over: the whole of it is in a list of tabs. */
const TITLE_CELLS = 80;

/** By file: somebody has several of these open. */
const titleOf = (title: string, source: Source): string =>
  [cutEnd(shortSource(source), TITLE_CELLS), oneLine(title)].filter((part) => part !== '').join(' · ');

type Source = PageOptions['source'];

const nameOf = (file: string): string => (file === '-' ? 'standard input' : file);

const wholeSource = (source: Source): string =>
  oneLine(typeof source === 'string' ? source : source.map(nameOf).join(', '));

/** `drain.jsonl and 12 more`. What is said in words (a cluster, whose context may have a `/` in it) stays whole. */
function shortSource(source: Source): string {
  if (typeof source === 'string') return oneLine(source);
  const files = source.map((file) => oneLine(basename(nameOf(file))));
  return files.length > 2 ? `${files[0]} and ${files.length - 1} more` : files.join(', ');
}

function factsOf(traces: readonly Trace[], source: Source): string {
  const sum = (of: (trace: Trace) => number) => traces.reduce((total, trace) => total + of(trace), 0);
  const spans = sum((trace) => trace.spans);
  const errors = sum((trace) => trace.errors);
  const facts = [shortSource(source), countOf(traces.length, 'trace'), countOf(spans, 'span')];
  if (errors > 0) facts.push(countOf(errors, 'error'));
  if (traces.length > 0) facts.push(`from ${formatTime(traces[0]!.start)} UTC`);
  return facts.filter((fact) => fact !== '').join(' · ');
}
