/** Text in terminal cells. What is cut here was written by others (Event messages are anybody's text). */

/**
 * One printable line: control characters (a terminal would obey them) and line breaks become spaces, characters that
 * turn the reading direction are dropped (they would reorder what stands around them).
 */
export function oneLine(text: string): string {
  if (PLAIN.test(text)) return text.includes('  ') ? text.replace(/ +/g, ' ').trim() : text.trim();
  return text
    .toWellFormed()
    .replace(/[\u061c\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb]/gu, (c) =>
      c === '\u2028' || c === '\u2029' ? ' ' : '',
    )
    .replace(/[\p{Cc}\s]+/gu, ' ')
    .trim();
}

/** How many cells a line takes: 2 for East Asian wide characters and emoji, 0 for what combines. */
export function cellWidth(line: string): number {
  if (PLAIN.test(line)) return line.length;
  let cells = 0;
  for (const { segment } of GRAPHEMES.segment(line)) cells += graphemeWidth(segment);
  return cells;
}

/** The line's beginning in at most `cells` cells, with `…` where something is missing. */
export function cutEnd(line: string, cells: number): string {
  if (cellWidth(line) <= cells) return line;
  return cells < 1 ? '' : `${take(graphemes(line), cells - 1)}…`;
}

/** Beginning and end in at most `cells` cells: generated names differ at their end. */
export function cutMiddle(line: string, cells: number): string {
  if (cellWidth(line) <= cells) return line;
  if (cells < 3) return cutEnd(line, cells);
  const tail = Math.ceil((cells - 1) / 2);
  const all = graphemes(line);
  const end = [...graphemes(take(all.toReversed(), tail))].reverse().join('');
  return `${take(all, cells - 1 - tail)}…${end}`;
}

/** Fills the line up with spaces; a longer one stays as it is. */
export const padCells = (line: string, cells: number): string =>
  line + ' '.repeat(Math.max(0, cells - cellWidth(line)));

const PLAIN = /^[\x20-\x7e]*$/;
const GRAPHEMES = new Intl.Segmenter('en', { granularity: 'grapheme' });
const graphemes = (line: string) => Array.from(GRAPHEMES.segment(line), ({ segment }) => segment);

function take(segments: Iterable<string>, cells: number): string {
  let taken = '';
  let left = cells;
  for (const segment of segments) {
    left -= graphemeWidth(segment);
    if (left < 0) break;
    taken += segment;
  }
  return taken;
}

// Unicode's East Asian Width W and F in coarse blocks; a pictograph asks for two cells too. Terminals disagree about
// the rest: two cells for one that is drawn in one costs a space, the other way round would break the line.
const WIDE =
  /[\u1100-\u115f\u2e80-\u303e\u3041-\u33ff\u3400-\u4dbf\u4e00-\u9fff\ua000-\ua4cf\ua960-\ua97f\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff00-\uff60\uffe0-\uffe6\u{16fe0}-\u{18aff}\u{1aff0}-\u{1b2ff}\u{1f000}-\u{1faff}\u{20000}-\u{3fffd}]|\p{Emoji_Presentation}|\ufe0f/u;

function graphemeWidth(segment: string): number {
  if (WIDE.test(segment)) return 2;
  return /^[\p{Mn}\p{Me}\p{Cf}]+$/u.test(segment) ? 0 : 1;
}
