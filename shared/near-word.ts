/** The word that was meant, where one is a slip or two away; of a short word two are half of it. */
export function nearWord(word: string, known: readonly string[]): string | undefined {
  const near = known
    .map((other) => ({ other, slips: slipsBetween(word.slice(0, 40).toLowerCase(), other.toLowerCase()) }))
    .sort((a, b) => a.slips - b.slips)[0];
  return near !== undefined && near.slips <= (word.length < 5 ? 1 : 2) ? near.other : undefined;
}

/** Levenshtein's distance: letters to put in, to leave out or to replace. */
function slipsBetween(a: string, b: string): number {
  let above = Array.from({ length: b.length + 1 }, (_, j) => j);
  for (const [i, letter] of [...a].entries()) {
    const row = [i + 1];
    for (let j = 1; j <= b.length; j++) {
      row.push(Math.min(row[j - 1]! + 1, above[j]! + 1, above[j - 1]! + (letter === b[j - 1] ? 0 : 1)));
    }
    above = row;
  }
  return above[b.length]!;
}
