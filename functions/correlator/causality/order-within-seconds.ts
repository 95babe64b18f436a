/**
 * Kubernetes often gives whole seconds only: such a time is the whole second. What one reporter said of one object inside it
 * is in order of the Events' resourceVersion, since its recorder sends them one after the other, and starts at strictly
 * increasing times. Only times that are guesses move, and never out of their second.
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
  for (const occurrence of occurrences) {
    // Most are of objects of which everything has a finer time.
    if (occurrence.version > unknownVersion && subjects.has(subjectOf(occurrence)))
      groups.get(placeAndTime(occurrence))?.push(occurrence);
  }
  for (const group of groups.values()) if (group.length > 1) spread(group);
}

const subjectOf = ({ event }: Occurrence): string => event.subject.uid ?? event.subject.name;

const placeAndTime = (occurrence: Occurrence): string => {
  const { component, instance } = occurrence.event.reporter;
  return `${component}|${instance}|${subjectOf(occurrence)}|${secondOf(occurrence.at)}`;
};

function spread(group: Occurrence[]): void {
  group.sort(
    (a, b) => compare(a.version, b.version) || a.event.count - b.event.count || (a.key < b.key ? -1 : 1),
  );
  // None later than its successor …
  for (let i = group.length - 2; i >= 0; i--) {
    const [current, next] = [group[i]!, group[i + 1]!];
    if (!current.exact && current.at >= next.at) current.at = max(secondOf(current.at), next.at - 1n);
  }
  // … and all come after their predecessor.
  for (let i = 1; i < group.length; i++) {
    const [previous, current] = [group[i - 1]!, group[i]!];
    if (!current.exact && current.at <= previous.at)
      current.at = min(previous.at + 1n, secondOf(current.at) + SECOND - 1n);
  }
  for (const occurrence of group) occurrence.latest = max(occurrence.latest, occurrence.at);
}
