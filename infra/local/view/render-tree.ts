/** Traces as plain text that a person can read and a diff can compare: `explain --format tree` and the golden tests. */
import type { Span } from '../../../shared/span.ts';
import { buildTraces, headOf, type Trace, type Tree, walkTrees } from './build-trees.ts';
import { countOf, describeTrace, messageOf, objectName } from './describe-span.ts';
import { cutEnd, oneLine } from './fit-text.ts';

/** Longer messages are cut: kubelet repeats itself at length. */
const MESSAGE_CELLS = 90;

/**
 * One block a trace, one line a span, nothing folded; the same spans in any order give the same text. Times are
 * seconds from the trace's start, to the millisecond:
 *
 *     trace 06970da9 StatefulSet/shop/db, 4 spans, 1 error, links 1
 *       link 4080531b
 *       StatefulSet.Apply db +0.000s 9.020s Apply by argocd, complete
 *         StatefulSet.SuccessfulCreate db +0.050s 4.030s x1 Create Pod db-0 in StatefulSet db successful
 *           Pod.BackOff db-0 +1.000s 0.000s x2 ERROR Back-off restarting failed container
 */
export function renderTree(spans: readonly Span[]): string {
  return buildTraces(spans).map(renderTrace).join('');
}

function renderTrace(trace: Trace): string {
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
    lines.push(`  link ${link.traceId.slice(0, 8)}${from}`);
  }
  for (const { tree, depth } of walkTrees(trace.roots))
    lines.push('  '.repeat(depth + 1) + renderSpan(tree, trace));
  return lines.map((line) => `${line.trimEnd()}\n`).join('');
}

function renderSpan({ span, start, end }: Tree, trace: Trace): string {
  const { 'k8s.event.count': count, 'k8s.change.operation': operation } = span.attributes;
  return [
    nameOf(span),
    `+${seconds(start - trace.start)}`,
    seconds(end - start),
    // The root of a change is made from the object: no Event, no count.
    count === undefined ? '' : `x${count}`,
    span.status.code === 'ERROR' ? 'ERROR' : '',
    operation === undefined ? '' : changeOf(span, operation),
    cutEnd(messageOf(span), MESSAGE_CELLS),
  ]
    .filter((part) => part !== '')
    .join(' ');
}

function changeOf(span: Span, operation: string | number | boolean): string {
  const { 'k8s.change.manager': manager, 'k8s.change.outcome': outcome } = span.attributes;
  const by = manager === undefined || manager === '' ? '' : ` by ${manager}`;
  return cutEnd(oneLine(`${operation}${by}${outcome === undefined ? '' : `, ${outcome}`}`), MESSAGE_CELLS);
}

const nameOf = (span: Span) => oneLine(`${span.name} ${objectName(span)}`);

function seconds(nanoseconds: bigint): string {
  const milliseconds = (nanoseconds + 500_000n) / 1_000_000n;
  return `${milliseconds / 1000n}.${String(milliseconds % 1000n).padStart(3, '0')}s`;
}
