/** Spans as people read them: one tree a trace, causes above their effects. Shared by everything that shows spans. */
import type { Span } from '../../../shared/span.ts';
import { oneLine } from './fit-text.ts';

/** One span with what hangs under it. Times are nanoseconds since 1970; `end` is never before `start`. */
export type Tree = {
  span: Span;
  start: bigint;
  end: bigint;
  /** By start, then end, then span id. */
  children: Tree[];
  /** Spans with an error in this subtree, its own included. */
  errors: number;
  /** Trees with the same number look alike: the same name above the same set of shapes, however often each repeats. */
  shape: number;
};

export type Trace = {
  traceId: string;
  /** By start, then end, then span id. More than one where a parent is missing (not sent yet, or held by another backend). */
  roots: Tree[];
  start: bigint;
  end: bigint;
  spans: number;
  errors: number;
  /** Other traces that spans of this one link to: each once, in the order of the spans. */
  links: { from: Tree; traceId: string; spanId: string; reason: string }[];
};

/**
 * Groups spans into traces (by start, then trace id) and hangs each span under its parent. A span whose parent is not
 * among the spans is a root of its trace; so is the earliest of spans that form a ring. A span delivered twice (same
 * trace and span id) counts once. Never throws, and no depth overflows the stack.
 */
export function buildTraces(spans: readonly Span[]): Trace[] {
  const byTrace = new Map<string, Map<string, Tree>>();
  for (const span of spans) {
    const trees = byTrace.get(span.traceId) ?? new Map<string, Tree>();
    byTrace.set(span.traceId, trees);
    if (trees.has(span.spanId)) continue;
    const start = BigInt(span.startTimeUnixNano);
    const end = BigInt(span.endTimeUnixNano);
    trees.set(span.spanId, {
      span,
      start,
      end: end < start ? start : end,
      children: [],
      errors: 0,
      shape: 0,
    });
  }
  const shapes = new Map<string, number>();
  return [...byTrace]
    .map(([traceId, trees]) => buildTrace(traceId, trees, shapes))
    .sort((a, b) => compare(a.start, b.start) || compare(a.traceId, b.traceId));
}

/** Every tree under `roots`, parents before children, siblings in order. */
export function* walkTrees(roots: readonly Tree[]): Generator<{ tree: Tree; depth: number }> {
  const stack = roots.map((tree) => ({ tree, depth: 0 })).reverse();
  for (let next = stack.pop(); next; next = stack.pop()) {
    yield next;
    const { children } = next.tree;
    for (let i = children.length - 1; i >= 0; i--) stack.push({ tree: children[i]!, depth: next.depth + 1 });
  }
}

/** The span that names the trace: its first true root, else its first orphan. */
export function headOf(trace: Trace): Tree {
  return trace.roots.find((root) => root.span.parentSpanId === null) ?? trace.roots[0]!;
}

function buildTrace(traceId: string, trees: Map<string, Tree>, shapes: Map<string, number>): Trace {
  const ordered = [...trees.values()].sort(inOrder);
  const roots: Tree[] = [];
  for (const tree of ordered) {
    const parent = tree.span.parentSpanId === null ? undefined : trees.get(tree.span.parentSpanId);
    if (parent) parent.children.push(tree);
    else roots.push(tree);
  }
  breakRings(ordered, roots, trees);

  const walked = [...walkTrees(roots)];
  for (const { tree } of walked.toReversed()) {
    tree.errors = Number(tree.span.status.code === 'ERROR');
    for (const child of tree.children) tree.errors += child.errors;
    tree.shape = numberOf(shapes, tree);
  }
  return {
    traceId,
    roots,
    start: ordered[0]!.start,
    end: latestEnd(ordered),
    spans: ordered.length,
    errors: roots.reduce((sum, root) => sum + root.errors, 0),
    links: linksOf(traceId, walked),
  };
}

function latestEnd(trees: readonly Tree[]): bigint {
  let latest = trees[0]!.end;
  for (const { end } of trees) if (end > latest) latest = end;
  return latest;
}

/** Spans that are each other's ancestors hang under no root: without this they would vanish. */
function breakRings(ordered: Tree[], roots: Tree[], trees: Map<string, Tree>): void {
  const seen = new Set<Tree>();
  for (const { tree } of walkTrees(roots)) seen.add(tree);
  if (seen.size === ordered.length) return;
  for (const tree of ordered) {
    if (seen.has(tree)) continue;
    const siblings = trees.get(tree.span.parentSpanId!)!.children;
    siblings.splice(siblings.indexOf(tree), 1);
    roots.push(tree);
    for (const below of walkTrees([tree])) seen.add(below.tree);
  }
  roots.sort(inOrder);
}

/** Of what begins at once the shortest first: a container is started, and then becomes ready. */
const inOrder = (a: Tree, b: Tree): number =>
  compare(a.start, b.start) || compare(a.end, b.end) || compare(a.span.spanId, b.span.spanId);

/** Children count as a set: a pod that backed off twelve times looks like one that did so eleven times. */
function numberOf(shapes: Map<string, number>, tree: Tree): number {
  const below = [...new Set(tree.children.map((child) => child.shape))].sort((a, b) => a - b);
  const key = `${below.join(' ')} ${tree.span.name}`;
  const known = shapes.get(key);
  if (known !== undefined) return known;
  shapes.set(key, shapes.size);
  return shapes.size - 1;
}

const reasonOf = ({ attributes }: Tree['span']['links'][number]): string =>
  oneLine(String(attributes?.['rootspan.link'] ?? ''));

function linksOf(traceId: string, walked: { tree: Tree }[]): Trace['links'] {
  const links = new Map<string, Trace['links'][number]>();
  for (const { tree } of walked)
    for (const link of tree.span.links)
      if (link.traceId !== traceId && !links.has(link.traceId))
        links.set(link.traceId, {
          from: tree,
          traceId: link.traceId,
          spanId: link.spanId,
          reason: reasonOf(link),
        });
  return [...links.values()];
}

function compare<T extends bigint | string>(a: T, b: T): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
