/** UIDs of generated Events say when each was made and its number: whoever counts what arrived needs no table. */

let made = 0;

/** @param at milliseconds since 1970 */
export function writeEventUid(at: number): string {
  const time = Math.round(at).toString(16).padStart(12, '0');
  const number = (made++).toString(16).padStart(12, '0');
  return `${time.slice(0, 8)}-${time.slice(8)}-4000-8000-${number}`;
}

export function readEventUid(uid: string): { at: number; number: number } {
  const [high, low, , , number] = uid.split('-');
  return { at: Number.parseInt(`${high}${low}`, 16), number: Number.parseInt(number!, 16) };
}
