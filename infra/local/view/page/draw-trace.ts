/** The rows of a trace in reading order, folded as the terminal folds them. */
import { min } from '../../../../functions/correlator/causality/time.ts';
import type { Span } from '../../../../shared/span.ts';
import { buildTraces, headOf, type Tree, walkTrees } from '../build-trees.ts';
import { containerName, messageOf, objectName, serviceName } from '../describe-span.ts';
import { findCriticalPath } from '../find-critical-path.ts';
import { oneLine } from '../fit-text.ts';
import { foldSiblings } from '../fold-siblings.ts';

export interface Row {
  /** The span's id. */
  key: string;
  number: number;
  /** -1 of a root. */
  parent: number;
  /** Rows of its subtree, its own included. */
  size: number;
  tree: Tree;
  /** Nanoseconds, from the trace's start. */
  at: number;
  lasts: number;
  failed: boolean;
  /** A place among the page's services. */
  service: number;
  below: Item[];
  /** What was waited for within it, nanoseconds from the trace's start; undefined where it is not on the critical path. */
  path: [from: number, until: number][] | undefined;
}

/** Siblings are numbers of rows, or folds of them. */
export type Item = number | Fold;

export interface Fold {
  type: 'repeat' | 'more';
  key: string;
  rows: number[];
  /** Of its trees, those with an error in them. */
  errors: number;
  slowest: Tree | undefined;
}

export interface DrawnTrace {
  rows: Row[];
  top: Item[];
  /** Nanoseconds; 1 of a trace that is one instant, so that nothing divides by 0. */
  total: number;
}

/** @param took how long the change took, in nanoseconds, where it is one */
export function drawTrace(
  spans: readonly Span[],
  services: ReadonlyMap<string, number>,
  took: number | undefined,
): DrawnTrace {
  const trace = buildTraces(spans)[0]!;
  const walked = [...walkTrees(trace.roots)].map(({ tree }) => tree);
  const numbers = new Map(walked.map((tree, i) => [tree, i]));
  const parents = new Map<Tree, number>();
  for (const [number, tree] of walked.entries())
    for (const child of tree.children) parents.set(child, number);
  const serviceOf = memoizeServices(services);
  const arrange = (siblings: readonly Tree[]) => arrangeRows(siblings, numbers);
  const since = (time: bigint) => Number(time - trace.start);
  const head = headOf(trace);
  const end = took === undefined ? head.end : min(head.end, head.start + BigInt(took));
  const path = findCriticalPath(head, end);

  const rows = walked.map(
    (tree, number): Row => ({
      key: tree.span.spanId,
      number,
      parent: parents.get(tree) ?? -1,
      size: 1,
      tree,
      at: since(tree.start),
      lasts: Number(tree.end - tree.start),
      failed: tree.span.status.code === 'ERROR',
      service: serviceOf(tree.span),
      below: arrange(tree.children),
      path: path.get(tree)?.map(({ from, until }) => [since(from), since(until)]),
    }),
  );
  for (const { parent, size } of rows.toReversed()) if (parent >= 0) rows[parent]!.size += size;
  return { rows, top: arrange(trace.roots), total: since(trace.end) || 1 };
}

/** Spans of one reporter share their resource. */
function memoizeServices(services: ReadonlyMap<string, number>): (span: Span) => number {
  const known = new Map<Span['resource'], number>();
  return (span) => {
    const place = known.get(span.resource) ?? services.get(serviceName(span)) ?? 0;
    known.set(span.resource, place);
    return place;
  };
}

function arrangeRows(siblings: readonly Tree[], numbers: ReadonlyMap<Tree, number>): Item[] {
  return foldSiblings(siblings).map((row): Item => {
    if (row.type === 'span') return numbers.get(row.tree)!;
    const { type, trees, errors } = row;
    return {
      type,
      key: `${type} ${trees[0].span.spanId}`,
      rows: trees.map((tree) => numbers.get(tree)!),
      errors,
      slowest: row.type === 'more' ? row.slowest : undefined,
    };
  });
}

export interface RowWords {
  name: string;
  object: string;
  container: string;
  message: string;
}

export const wordsOf = ({ tree: { span } }: Row): RowWords => ({
  name: oneLine(span.name),
  object: objectName(span),
  container: containerName(span),
  message: messageOf(span),
});

/** What a search finds it by. */
export function searchText(row: Row): string {
  const { name, object, container, message } = wordsOf(row);
  return `${name} ${object} ${container} ${message}`.toLowerCase();
}

/** What went wrong first within a fold, for all of it to say. */
export function reasonOf({ rows }: DrawnTrace, fold: Fold): string {
  for (const number of fold.rows) {
    const { size } = rows[number]!;
    // The deepest of the first that failed: an ancestor only says that something below did.
    const failed = rows.slice(number, number + size).findLast((row) => row.failed);
    if (failed !== undefined) return wordsOf(failed).message;
  }
  return '';
}
