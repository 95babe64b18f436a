/** Thirty pods that roll out alike are one story: siblings of the same shape fold into the first and a count. */
import type { Tree } from './build-trees.ts';

/** From how many alike on they fold: a handful still reads better one by one. */
const MOST_SHOWN = 5;
/** Among so many siblings an Event folds at its third time: a crash loop's rounds stand below each other. */
const MANY = 2 * MOST_SHOWN;

export type SiblingRow =
  | { type: 'span'; tree: Tree }
  /** One Event that came again and again (a crash loop's back-offs): one line for all. */
  | { type: 'repeat'; trees: [Tree, ...Tree[]]; errors: number }
  /** What is left of a group of like trees after those shown above it; `errors` counts trees with one in them. */
  | { type: 'more'; trees: [Tree, ...Tree[]]; errors: number; slowest: Tree };

/**
 * Arranges siblings (children of one span, or the roots of a trace) for reading. Every tree comes back in exactly one
 * row, groups where their first tree stood. A fold hides no error unsaid: a group shows its first tree and the first
 * one with an error, and counts the rest.
 */
export function foldSiblings(siblings: readonly Tree[]): SiblingRow[] {
  if (siblings.length <= MOST_SHOWN) return siblings.map((tree) => ({ type: 'span', tree }));
  const repeats = groupBy(siblings, repeatKey);
  const most = siblings.length > MANY ? 2 : MOST_SHOWN;
  const repeated = (tree: Tree) => repeats.get(repeatKey(tree))!.length > most;
  const alike = groupBy(
    siblings.filter((tree) => !repeated(tree)),
    (tree) => String(tree.shape),
  );

  const done = new Set<Tree>();
  const rows: SiblingRow[] = [];
  for (const tree of siblings) {
    if (done.has(tree)) continue;
    if (repeated(tree)) {
      const trees = repeats.get(repeatKey(tree))!;
      for (const each of trees) done.add(each);
      rows.push({ type: 'repeat', trees, errors: countErrors(trees) });
      continue;
    }
    const group = alike.get(String(tree.shape))!;
    if (group.length <= MOST_SHOWN) {
      rows.push({ type: 'span', tree });
      continue;
    }
    for (const each of group) done.add(each);
    const shown = [tree];
    const failed = group.find((each) => each.errors > 0);
    if (failed && tree.errors === 0) shown.push(failed);
    const hidden = group.filter((each) => !shown.includes(each)) as [Tree, ...Tree[]];
    for (const each of shown) rows.push({ type: 'span', tree: each });
    rows.push({ type: 'more', trees: hidden, errors: countErrors(hidden), slowest: slowestOf(hidden) });
  }
  return rows;
}

/** Only a tree without children can be one mark in a line of many. */
function repeatKey(tree: Tree): string {
  const event = tree.children.length > 0 ? undefined : tree.span.attributes['k8s.event.uid'];
  return event === undefined ? `span ${tree.span.spanId}` : `event ${event}`;
}

const countErrors = (trees: readonly Tree[]) => trees.filter((tree) => tree.errors > 0).length;

function slowestOf(trees: [Tree, ...Tree[]]): Tree {
  return trees.reduce((slowest, tree) =>
    tree.end - tree.start > slowest.end - slowest.start ? tree : slowest,
  );
}

function groupBy(trees: readonly Tree[], key: (tree: Tree) => string): Map<string, [Tree, ...Tree[]]> {
  const groups = new Map<string, [Tree, ...Tree[]]>();
  for (const tree of trees) {
    const group = groups.get(key(tree));
    if (group) group.push(tree);
    else groups.set(key(tree), [tree]);
  }
  return groups;
}
