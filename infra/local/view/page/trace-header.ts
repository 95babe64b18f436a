/** What stands above an open waterfall: how it ended and why, what changed, who changed it, where the time went. */
import { fillTraceUrl } from '../../../../shared/trace-url.ts';
import { formatDuration } from '../describe-span.ts';
import type { TraceFacts } from '../page-data.ts';
import { commandLines } from './command-lines.ts';
import { button, make } from './dom.ts';
import { drawnOf, index, type TraceView } from './page-state.ts';
import { linksOf } from './trace-links.ts';

export function traceHeader(trace: TraceView): HTMLElement[] {
  const { facts } = trace;
  const lines: [title: string, content: (Node | string)[]][] = [
    ['Outcome', outcomeLine(facts)],
    [facts.outcome === undefined ? 'About' : 'Changed', changedLine(facts)],
    ['By', byLine(facts)],
    ['Time', timeLine(facts)],
  ];
  const links = linksOf(trace);
  if (links.length > 0) lines.push(['Links', linksLine(links)]);
  lines.push(['Inspect', inspectLine(trace)]);
  const list = make('dl', { class: 'facts-of' });
  for (const [title, content] of lines)
    if (content.length > 0) list.append(make('dt', { text: title }), make('dd', {}, ...content));
  return list.childElementCount > 0 ? [list] : [];
}

/** A sign beside the colour: not everybody tells red from green. */
export function toneOf(outcome: string): { sign: string; tone: string } {
  switch (outcome) {
    case 'complete':
      return { sign: '✓ ', tone: 'good' };
    case 'failed':
      return { sign: '✗ ', tone: 'bad' };
    case 'stalled':
      return { sign: '! ', tone: 'warn' };
    default:
      return { sign: '', tone: 'dim' };
  }
}

/** `✗ failed after 13.8 s: ErrImagePull. Pod web-1, container app: …`. */
function outcomeLine({ outcome = '', took, cause, why }: TraceFacts): (Node | string)[] {
  const { sign, tone } = toneOf(outcome);
  const parts: (Node | string)[] = [];
  if (outcome !== '') parts.push(make('b', { class: tone, text: sign + outcome }));
  if (outcome !== '' && took !== undefined) parts.push(` after ${formatDuration(BigInt(took))}`);
  if (cause !== undefined) parts.push(outcome === '' ? '' : ': ', make('b', { class: 'bad', text: cause }));
  if (why !== undefined)
    parts.push(parts.length === 0 ? '' : ' · ', make('span', { class: 'sentence', text: why }));
  return parts;
}

function byLine({ manager, operation, commit }: TraceFacts): string[] {
  const parts = [
    manager && (operation === undefined ? manager : `${manager} (${operation})`),
    commit && `commit ${commit}`,
  ].filter((part) => part !== undefined && part !== '');
  return parts.length > 0 ? [parts.join(' · ')] : [];
}

/** `Deployment web · namespace shop · image app v1 → v2`. */
function changedLine({
  kind = '',
  object = '',
  namespace = '',
  cluster = '',
  summary = '',
}: TraceFacts): Node[] {
  const where = [namespace && `namespace ${namespace}`, cluster && `cluster ${cluster}`].filter(
    (part) => part !== '',
  );
  return [
    make('b', { text: `${kind} ${object}`.trim() }),
    make('span', { class: 'dim', text: where.map((part) => ` · ${part}`).join('') }),
    make('span', { text: summary && ` · ${summary}` }),
  ];
}

/** The critical path by phase, as its root says it. */
function timeLine({ spent = [], took }: TraceFacts): Node[] {
  const all = spent.reduce((sum, [, lasts]) => sum + lasts, 0);
  if (all === 0 || took === undefined) return [];
  const said = spent.map(([phase, lasts]) => ({
    phase,
    lasts,
    text: `${phase} ${formatDuration(BigInt(lasts))}`,
  }));
  const hue = (phase: string) => ({ class: `phase-${phase}` });
  const bar = make('span', { class: 'phases', 'aria-hidden': 'true' });
  for (const { phase, lasts, text } of said)
    bar.append(make('i', { ...hue(phase), title: text, '--share': String(lasts / all) }));
  const words = make('span', { class: 'phase-words' });
  for (const { phase, text } of said) words.append(make('span', {}, make('i', hue(phase)), text));
  return [make('div', { class: 'line' }, bar, words)];
}

/** A CronJob has a run a minute: so many are read at a glance, the rest when somebody asks. */
const FEW_LINKS = 6;

function linksLine(links: readonly HTMLElement[]): Node[] {
  const list = make('ul', {}, ...links.slice(0, FEW_LINKS));
  const rest = links.slice(FEW_LINKS);
  if (rest.length === 0) return [list];
  const more: HTMLButtonElement = button({
    class: 'pill',
    text: `and ${rest.length} more`,
    onclick: () => more.parentElement!.replaceWith(...rest),
  });
  list.append(make('li', {}, more));
  return [list];
}

function inspectLine(trace: TraceView): Node[] {
  const { rows } = drawnOf(trace);
  const head = rows.find(({ tree }) => tree.span.parentSpanId === null) ?? rows[0];
  const commands = head === undefined ? [] : commandLines(head.tree.span);
  const parts = [...commands, ...backendLink(trace, head?.tree.span.spanId)];
  return parts.length === 0 ? [] : [make('div', { class: 'line' }, ...parts)];
}

export function backendLink({ facts }: TraceView, spanId: string | undefined): HTMLElement[] {
  if (index.traceUrl === undefined) return [];
  const href = fillTraceUrl(index.traceUrl, {
    traceId: facts.id,
    spanId,
    start: facts.start,
    end: facts.start + Math.ceil(facts.lasts / 1e6),
  });
  return [
    make('a', {
      class: 'pill',
      href,
      target: '_blank',
      rel: 'noopener noreferrer',
      text: 'Open in the backend ↗',
    }),
  ];
}
