/** Which rows of a trace are to be seen, as it stands folded. */
import type { DrawnTrace, Fold, Item, Row } from './draw-trace.ts';

export type ShownRow = {
  key: string;
  depth: number;
  foldable: boolean;
  open: boolean;
} & ({ type: 'span'; row: Row } | { type: 'fold'; fold: Fold });

export interface Folding {
  /** Keys of rows that are not as they are at first: spans folded, folds unfolded. */
  turned: ReadonlySet<string>;
  /** Only what the change waited for. */
  onlyPath: boolean;
}

/** In reading order. */
export function shownRows({ rows, top }: DrawnTrace, { turned, onlyPath }: Folding): ShownRow[] {
  const shown: ShownRow[] = [];
  const stack: { item: Item; depth: number }[] = [];
  const push = (siblings: readonly Item[], depth: number) => {
    const items = onlyPath ? onPath(rows, siblings) : siblings;
    for (let i = items.length - 1; i >= 0; i--) stack.push({ item: items[i]!, depth });
  };
  push(top, 0);
  for (let next = stack.pop(); next; next = stack.pop()) {
    const { item, depth } = next;
    if (typeof item === 'number') {
      const row = rows[item]!;
      const foldable = row.below.length > 0 && (!onlyPath || onPath(rows, row.below).length > 0);
      const open = foldable && !turned.has(row.key);
      shown.push({ type: 'span', key: row.key, row, depth, foldable, open });
      if (open) push(row.below, depth + 1);
    } else {
      const open = turned.has(item.key);
      shown.push({ type: 'fold', key: item.key, fold: item, depth, foldable: true, open });
      if (open) push(item.rows, depth + 1);
    }
  }
  return shown;
}

const onPath = (rows: readonly Row[], siblings: readonly Item[]): number[] =>
  siblings
    .flatMap((item) => (typeof item === 'number' ? [item] : item.rows))
    .filter((number) => rows[number]!.path !== undefined)
    .sort((a, b) => a - b);

/** Keys to turn for everything to be unfolded: the folds. */
export function allUnfolded({ rows, top }: DrawnTrace): Set<string> {
  return new Set(
    [top, ...rows.map(({ below }) => below)]
      .flat()
      .flatMap((item) => (typeof item === 'number' ? [] : [item.key])),
  );
}

/** Keys to turn for only the roots and what hangs right under them to be seen. */
export function allFolded({ rows }: DrawnTrace): Set<string> {
  return new Set(rows.filter(({ parent, below }) => parent >= 0 && below.length > 0).map(({ key }) => key));
}

/** Turns what hides a row: folds that it is in, ancestors that are folded. */
export function unfoldTo({ rows, top }: DrawnTrace, number: number, turned: Set<string>): void {
  for (let at = number; at >= 0; at = rows[at]!.parent) {
    const { key, parent } = rows[at]!;
    if (at !== number) turned.delete(key);
    const siblings = parent < 0 ? top : rows[parent]!.below;
    const fold = siblings.find((item) => typeof item === 'object' && item.rows.includes(at));
    if (typeof fold === 'object') turned.add(fold.key);
  }
}

/** A row that fails, a fold with failures, or a folded row above some: what "next error" stops at. */
export function saysError(shown: ShownRow): boolean {
  if (shown.type === 'fold') return shown.fold.errors > 0 && !shown.open;
  return shown.row.failed || (shown.foldable && !shown.open && errorsBelow(shown.row) > 0);
}

export const errorsBelow = ({ tree, failed }: Row): number => tree.errors - Number(failed);
