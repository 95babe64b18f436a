/**
 * Points in time as nanoseconds since 1970 (bigint), and how much Kubernetes knows of them.
 */
export const SECOND = 1_000_000_000n;
export const MINUTE = 60n * SECOND;
export const HOUR = 60n * MINUTE;
export const DAY = 24n * HOUR;

let cachedPrefix = '';
let cachedNanos = 0n;

/** RFC 3339 with any number of fraction digits, of which nine count. */
export function parseTime(text: string): bigint {
  const prefix = text.slice(0, 19);
  if (!text.endsWith('Z')) {
    const offset = text.slice(19).replace(/^\.\d+/, '');
    return BigInt(Date.parse(prefix + offset)) * 1_000_000n + fraction(text);
  }
  if (prefix !== cachedPrefix) {
    cachedNanos = BigInt(Date.parse(`${prefix}Z`)) * 1_000_000n;
    cachedPrefix = prefix;
  }
  return text.length === 20 ? cachedNanos : cachedNanos + fraction(text);
}

function fraction(text: string): bigint {
  if (text.charCodeAt(19) !== 46) return 0n;
  let nanos = 0;
  let digits = 0;
  for (let i = 20; i < text.length && digits < 9; i++) {
    const digit = text.charCodeAt(i) - 48;
    if (digit < 0 || digit > 9) break;
    nanos = nanos * 10 + digit;
    digits++;
  }
  return BigInt(nanos * 10 ** (9 - digits));
}

export function secondOf(at: bigint): bigint {
  const past = at % SECOND;
  return past < 0n ? at - past - SECOND : at - past;
}

/**
 * The hex after the last dot of an Event's name: its first time, in nanoseconds. Both of client-go's recorders write
 * it (tools/record/event.go, tools/events/event_recorder.go), no API promises it.
 */
export function timeInName(name: string): bigint | undefined {
  const dot = name.lastIndexOf('.');
  const hex = name.slice(dot + 1);
  return dot >= 0 && /^[0-9a-f]{15,16}$/.test(hex) ? BigInt(`0x${hex}`) : undefined;
}

/** What is known of a moment: a best guess, and the latest that it can have been. */
export interface Moment {
  at: bigint;
  latest: bigint;
}

/**
 * A whole-second timestamp is that whole second, narrowed by when it was observed, which is an upper bound: the end of its
 * second where that is known to the second only, too (a dump's items are observed at their own time).
 */
export function narrow(timestamp: bigint, observedAt: bigint): Moment {
  const end = timestamp + SECOND - 1n;
  if (timestamp % SECOND !== 0n) return { at: timestamp, latest: timestamp };
  if (observedAt % SECOND === 0n || observedAt < timestamp || observedAt > end)
    return { at: timestamp, latest: end };
  return { at: observedAt, latest: observedAt };
}

export const min = (a: bigint, b: bigint): bigint => (a < b ? a : b);
export const max = (a: bigint, b: bigint): bigint => (a > b ? a : b);
export const compare = (a: bigint, b: bigint): number => (a < b ? -1 : a > b ? 1 : 0);
export const distance = (a: bigint, b: bigint): bigint => (a < b ? b - a : a - b);
