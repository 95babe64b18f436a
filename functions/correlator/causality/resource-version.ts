/**
 * A resourceVersion as what it is compared by: a decimal integer of any size (KEP-5504: comparable resource versions; on some
 * control planes they have nineteen digits and more, which no number holds). One that is no such integer is opaque: it says nothing.
 */

/** No version, or an opaque one. */
export const unknownVersion = 0n;

/** Bounded where it enters (shared/bounds.ts). */
export const parseVersion = (text: string | undefined): bigint =>
  text !== undefined && /^\d+$/.test(text) ? BigInt(text) : unknownVersion;

/** The newest version at or before the one that somebody had in hand. Undefined where that is older than all, or opaque. */
export function versionInHand<T extends { version: bigint }>(
  versions: readonly T[],
  resourceVersion: string | undefined,
): T | undefined {
  const inHand = parseVersion(resourceVersion);
  return versions.findLast(({ version }) => version > unknownVersion && version <= inHand);
}
