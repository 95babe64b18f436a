/**
 * Kubernetes often gives whole seconds only: such a time is the whole second. What one reporter said of one object inside it
 * is in order of the Events' resourceVersion, since its recorder sends them one after the other, and starts at strictly
 * increasing times; and behind what others said of the object by then with a better time. Only times that are guesses move, and
 * never out of their second.
 */
import type { Occurrence } from './gather-occurrences.ts';
import { unknownVersion } from './resource-version.ts';
import { compare, max, min, SECOND, secondOf } from './time.ts';

/** Moves what has no better time than a second; changes the occurrences that it is given. */
export function orderWithinSeconds(occurrences: readonly Occurrence[]): void {
  const coarse = occurrences.filter(({ exact, version }) => !exact && version > unknownVersion);
  if (coarse.length === 0) return;
  const subjects = new Set(coarse.map(subjectOf));
  const groups = new Map<string, Occurrence[]>(coarse.map((occurrence) => [placeAndTime(occurrence), []]));
  const known = new Map<string, Occurrence[]>();
  for (const occurrence of occurrences) {
    // Most are of objects of which everything has a finer time.
    if (occurrence.version === unknownVersion || !subjects.has(subjectOf(occurrence))) continue;
    groups.get(placeAndTime(occurrence))?.push(occurrence);
    if (occurrence.exact) pushTo(known, subjectAndTime(occurrence), occurrence);
  }
  const open = new Set(coarse.filter(({ at }) => at % SECOND === 0n));
  if (known.size > 0) putAllAfter(occurrences, open, known);
  for (const group of groups.values()) if (group.length > 1) spread(group, open);
}

function putAllAfter(
  occurrences: readonly Occurrence[],
  open: ReadonlySet<Occurrence>,
  known: ReadonlyMap<string, readonly Occurrence[]>,
): void {
  const repeats = new Set<string>();
  for (const occurrence of occurrences) if (occurrence.event.count > 1) repeats.add(writing(occurrence));
  for (const occurrence of open) {
    const others = known.get(subjectAndTime(occurrence));
    const isMade = occurrence.event.count === 1 && repeats.has(writing(occurrence));
    if (others !== undefined && !isMade) putAfter(occurrence, others);
  }
}

/** Of a first occurrence that was made from a repeat it is the repeat's: that tells nothing of when the first was written. */
const writing = ({ event, version }: Occurrence): string => `${event.uid}/${version}`;

/**
 * Behind what others say of the object with a better time in that second, and wrote before it (the scheduler's word, before any of
 * the kubelet's). A recorder may be late: that moves a guess no further than within its second, and no cause behind its effect.
 */
function putAfter(occurrence: Occurrence, known: readonly Occurrence[]): void {
  for (const { version, at } of known)
    if (version < occurrence.version && at >= occurrence.at)
      occurrence.at = min(at + 1n, secondOf(at) + SECOND - 1n);
  occurrence.latest = max(occurrence.latest, occurrence.at);
}

function pushTo<K, V>(lists: Map<K, V[]>, key: K, value: V): void {
  const list = lists.get(key);
  if (list === undefined) lists.set(key, [value]);
  else list.push(value);
}

const subjectOf = ({ event }: Occurrence): string => event.subject.uid ?? event.subject.name;

const subjectAndTime = (occurrence: Occurrence): string =>
  `${subjectOf(occurrence)}|${secondOf(occurrence.at)}`;

const placeAndTime = (occurrence: Occurrence): string => {
  const { component, instance } = occurrence.event.reporter;
  return `${component}|${instance}|${subjectAndTime(occurrence)}`;
};

/** @param open those that may be anywhere in their second: of the others what they have is the latest that it can be */
function spread(group: Occurrence[], open: ReadonlySet<Occurrence>): void {
  group.sort(
    (a, b) => compare(a.version, b.version) || a.event.count - b.event.count || (a.key < b.key ? -1 : 1),
  );
  // None later than its successor …
  let limit: bigint | undefined;
  for (const current of group.toReversed()) {
    if (limit !== undefined && !current.exact)
      current.at = max(secondOf(current.at), min(current.at, limit - 1n));
    if (!open.has(current)) limit = current.at;
    else if (limit !== undefined) limit -= 1n;
  }
  // … and all come after their predecessor.
  for (let i = 1; i < group.length; i++) {
    const [previous, current] = [group[i - 1]!, group[i]!];
    if (!current.exact && current.at <= previous.at)
      current.at = min(previous.at + 1n, secondOf(current.at) + SECOND - 1n);
  }
  for (const occurrence of group) occurrence.latest = max(occurrence.latest, occurrence.at);
}
