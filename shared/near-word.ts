/** Letters: of fewer too many words begin so. */
const shortestBeginning = 3;

/** The word that was meant: one is a slip or two away (of a short word two are half of it), or one alone begins so. */
export function nearWord(word: string, known: readonly string[]): string | undefined {
  const near = known
    .map((other) => ({ other, slips: slipsBetween(word.slice(0, 40).toLowerCase(), other.toLowerCase()) }))
    .sort((a, b) => a.slips - b.slips)[0];
  if (near !== undefined && near.slips <= (word.length < 5 ? 1 : 2)) return near.other;
  const [longer, ...more] = known.filter((other) => other.toLowerCase().startsWith(word.toLowerCase()));
  return word.length >= shortestBeginning && more.length === 0 ? longer : undefined;
}

/** Optimal string alignment: letters to put in, to leave out, to replace, and neighbours that changed places. */
function slipsBetween(a: string, b: string): number {
  let [twoAbove, above]: [number[], number[]] = [[], Array.from({ length: b.length + 1 }, (_, j) => j)];
  for (const [i, letter] of a.split('').entries()) {
    const row = [i + 1];
    for (let j = 1; j <= b.length; j++) {
      const slips = [row[j - 1]! + 1, above[j]! + 1, above[j - 1]! + (letter === b[j - 1] ? 0 : 1)];
      if (i > 0 && j > 1 && letter === b[j - 2] && a[i - 1] === b[j - 1]) slips.push(twoAbove[j - 2]! + 1);
      row.push(Math.min(...slips));
    }
    [twoAbove, above] = [above, row];
  }
  return above[b.length]!;
}
