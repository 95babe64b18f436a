/** Traces as plain text that a person can read and a diff can compare: `explain --format tree` and the golden tests. */
import type { Attributes, Span } from '../../../shared/span.ts';
import { buildTraces, headOf, type Trace, type Tree } from './build-trees.ts';
import {
  commitOf,
  countOf,
  describeTrace,
  durationOf,
  messageOf,
  objectName,
  phasesOf,
  releaseSummary,
  tellingName,
} from './describe-span.ts';
import { cutEnd, oneLine } from './fit-text.ts';
import { foldSiblings, type SiblingRow } from './fold-siblings.ts';

/** Longer messages are cut: kubelet repeats itself at length. */
const MESSAGE_CELLS = 90;
/** What a change changed: two images with their tags fit. */
const SUMMARY_CELLS = 140;

/**
 * One block a trace, one line a span, like siblings folded; the same spans in any order give the same text. Times are
 * seconds from the trace's start, to the millisecond:
 *
 *     trace 06970da9 StatefulSet/shop/db, 4 spans, 1 error, links 1
 *       link 4080531b generation-in-force
 *       StatefulSet.Apply db +0.000s 9.020s Apply by argocd, complete in 8.900s: pull 6.850s, ready 2.050s · replicas 1 → 2
 *         StatefulSet.SuccessfulCreate db +0.050s 4.030s x1 Create Pod db-0 in StatefulSet db successful
 *           Pod.BackOff db-0 +1.000s to +91.000s x2 to x11, 10 times ERROR Back-off restarting failed container
 */
export function renderTree(spans: readonly Span[], options: TreeOptions = {}): string {
  return buildTraces(spans)
    .map((trace) => renderTrace(trace, options))
    .join('');
}

export interface TreeOptions {
  /** Beside each line the rule that placed it, and the ground that it rests on. */
  why?: boolean;
}

function renderTrace(trace: Trace, options: TreeOptions): string {
  const { kind, namespace, object } = describeTrace(trace);
  const head = headOf(trace);
  const path = [kind, namespace, object].filter((part) => part !== '').join('/');
  const lines = [
    `trace ${trace.traceId.slice(0, 8)}${path === '' ? '' : ` ${path}`}, ${countOf(trace.spans, 'span')}${
      trace.errors > 0 ? `, ${countOf(trace.errors, 'error')}` : ''
    }, links ${trace.links.length}`,
  ];
  for (const link of trace.links) {
    const from = link.from === head ? '' : ` from ${nameOf(link.from.span)}`;
    lines.push(`  link ${link.traceId.slice(0, 8)}${link.reason === '' ? '' : ` ${link.reason}`}${from}`);
  }
  const stack = stackOf(trace.roots, 1);
  for (let next = stack.pop(); next !== undefined; next = stack.pop()) {
    const { row, depth } = next;
    lines.push('  '.repeat(depth) + renderRow(row, trace, options));
    if (row.type === 'span') stack.push(...stackOf(row.tree.children, depth + 1));
  }
  return lines.map((line) => `${line.trimEnd()}\n`).join('');
}

/** Last first: the top of a stack is its end. */
const stackOf = (siblings: readonly Tree[], depth: number) =>
  foldSiblings(siblings)
    .map((row) => ({ row, depth }))
    .reverse();

function renderRow(row: SiblingRow, trace: Trace, options: TreeOptions): string {
  switch (row.type) {
    case 'span':
      return renderSpan(row.tree, trace, options);
    case 'repeat':
      return renderRepeat(row.trees, trace, options);
    case 'more': {
      const { trees, errors, slowest } = row;
      const wrong = errors > 0 ? `, ${errors} with errors` : '';
      const lasts = slowest.end - slowest.start;
      const longest = lasts === 0n ? '' : `, slowest ${oneLine(tellingName(slowest))} ${seconds(lasts)}`;
      return `and ${trees.length} more like it${wrong}${longest}`;
    }
  }
}

function renderRepeat(trees: readonly [Tree, ...Tree[]], trace: Trace, options: TreeOptions): string {
  const counts = trees.map(({ span }) => Number(span.attributes['k8s.event.count'] ?? 1));
  const wrong = trees.findLast(({ errors }) => errors > 0);
  const [first, last] = [trees[0], trees.at(-1)!];
  return [
    nameOf(first.span),
    `+${seconds(first.start - trace.start)} to +${seconds(last.end - trace.start)}`,
    `x${Math.min(...counts)} to x${Math.max(...counts)}, ${trees.length} times`,
    wrong === undefined ? '' : 'ERROR',
    options.why === true ? whyOf(first.span) : '',
    cutEnd(messageOf((wrong ?? last).span), MESSAGE_CELLS),
  ]
    .filter((part) => part !== '')
    .join(' ');
}

function renderSpan({ span, start, end }: Tree, trace: Trace, options: TreeOptions): string {
  const { 'k8s.event.count': count, 'rootspan.change.operation': operation } = span.attributes;
  return [
    nameOf(span),
    `+${seconds(start - trace.start)}`,
    seconds(end - start),
    // The root of a change is made from the object: no Event, no count.
    count === undefined ? '' : `x${count}`,
    span.status.code === 'ERROR' ? 'ERROR' : '',
    options.why === true ? whyOf(span) : '',
    releaseSummary(span),
    operation === undefined ? cutEnd(messageOf(span), MESSAGE_CELLS) : changeOf(span, operation),
  ]
    .filter((part) => part !== '')
    .join(' ');
}

function changeOf(span: Span, operation: Attributes[string]): string {
  const { 'rootspan.change.manager': manager, 'rootspan.change.outcome': outcome } = span.attributes;
  const { 'rootspan.change.summary': summary } = span.attributes;
  const by = manager === undefined || manager === '' ? '' : ` by ${manager}`;
  const how = cutEnd(
    oneLine(`${operation}${by}${outcome === undefined ? '' : `, ${outcome}`}`),
    MESSAGE_CELLS,
  );
  const parts = [
    how + spentOf(span),
    cutEnd(oneLine(String(summary ?? '')), SUMMARY_CELLS),
    cutEnd(oneLine(commitOf(span)), SUMMARY_CELLS),
    cutEnd(messageOf(span), MESSAGE_CELLS),
  ];
  return parts.filter((part) => part !== '').join(' · ');
}

function spentOf(span: Span): string {
  const took = durationOf(span);
  if (took === undefined) return '';
  const spent = phasesOf(span).map(({ phase, lasts }) => `${phase} ${seconds(lasts)}`);
  return ` in ${seconds(took)}${spent.length === 0 ? '' : `: ${spent.join(', ')}`}`;
}

/** `[creator/message]`; nothing of a root. */
function whyOf({ attributes }: Span): string {
  const because = attributes['rootspan.because'];
  return because === undefined ? '' : oneLine(`[${because}/${attributes['rootspan.evidence']}]`);
}

const nameOf = (span: Span) => oneLine(`${span.name} ${objectName(span)}`);

function seconds(nanoseconds: bigint): string {
  const milliseconds = (nanoseconds + 500_000n) / 1_000_000n;
  return `${milliseconds / 1000n}.${String(milliseconds % 1000n).padStart(3, '0')}s`;
}
