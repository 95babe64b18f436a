/**
 * What a trace waited for, by the times of its spans: from its end back, always the span that ended last before. The core's phases
 * know more (who was missed, what a status counted) and are told on the root; this says where in the waterfall to look.
 */
import { compare, min } from '../../../functions/correlator/causality/time.ts';
import type { Tree } from './build-trees.ts';

export interface Stretch {
  from: bigint;
  until: bigint;
}

/** Nanoseconds by which what comes after may begin early: times are rounded. Larger, and what ran beside counts as before. */
const SLACK = 1_000_000n;

interface Frame {
  tree: Tree;
  /** Everything later is charged. */
  until: bigint;
  /** The change ended here: what went on after it counts up to here. */
  isEnd: boolean;
  /** By their end, the last first. */
  children: Tree[];
  next: number;
}

/**
 * @param end when the change ended; what came later was waited for by nobody
 * @returns each span on the path, with the stretches in which nothing below it was waited for; none for an instant
 */
export function findCriticalPath(root: Tree, end: bigint): Map<Tree, Stretch[]> {
  const path = new Map<Tree, Stretch[]>();
  const stack = [enter(path, root, end, true)];
  for (let frame = stack.at(-1); frame; frame = stack.at(-1)) {
    const child = nextWaitedFor(frame);
    const until = child === undefined ? frame.tree.start : min(child.end, frame.until);
    if (until < frame.until) path.get(frame.tree)!.push({ from: until, until: frame.until });
    if (child === undefined) {
      stack.pop();
      continue;
    }
    const { isEnd } = frame;
    frame.until = child.start;
    frame.isEnd = false;
    stack.push(enter(path, child, until, isEnd));
  }
  return path;
}

function enter(path: Map<Tree, Stretch[]>, tree: Tree, until: bigint, isEnd: boolean): Frame {
  path.set(tree, []);
  const byEnd = (a: Tree, b: Tree) => compare(b.end, a.end) || compare(b.start, a.start);
  // What goes on at the end counts up to there: then the one that began last.
  const children = tree.children.filter(
    ({ start, end }) => start <= until && (isEnd || end <= until + SLACK),
  );
  const atEnd = (a: Tree, b: Tree) =>
    compare(min(b.end, until), min(a.end, until)) || compare(b.start, a.start);
  return { tree, until, isEnd, children: children.sort(isEnd ? atEnd : byEnd), next: 0 };
}

function nextWaitedFor(frame: Frame): Tree | undefined {
  const { children, isEnd, until } = frame;
  while (frame.next < children.length) {
    const child = children[frame.next++]!;
    if (child.start <= until && (isEnd || child.end <= until + SLACK)) return child;
  }
  return undefined;
}
