/** Occurrences in the order in which traces are cut: causes before their effects. */
import { inOrder, type Occurrence, OccurrenceTable } from './gather-occurrences.ts';
import type { Placement } from './placement/placement-rule.ts';
import { compare, min } from './time.ts';

/** By the earliest time of an occurrence and of all below it, causes before their effects. */
export function inCausalOrder(
  occurrences: readonly Occurrence[],
  placements: OccurrenceTable<Placement>,
  effective: OccurrenceTable<bigint>,
): Occurrence[] {
  const depths = new OccurrenceTable<number>();
  /** How many causes are above it. */
  function depth(occurrence: Occurrence): number {
    const path: Occurrence[] = [];
    let levels = -1;
    for (let at: Occurrence | undefined = occurrence; at !== undefined; ) {
      const known = depths.get(at);
      if (known !== undefined) {
        levels = known;
        break;
      }
      path.push(at);
      const placement: Placement = placements.get(at)!;
      at = placement.under === 'occurrence' ? placement.occurrence : undefined;
    }
    for (const step of path.reverse()) depths.set(step, ++levels);
    return levels;
  }
  return [...occurrences].sort(
    (a, b) => compare(effective.get(a)!, effective.get(b)!) || depth(a) - depth(b) || inOrder(a, b),
  );
}

/** A cause never starts after its effect: the earliest time of an occurrence and of all below it. */
export function effectiveTimes(
  occurrences: readonly Occurrence[],
  placements: OccurrenceTable<Placement>,
): OccurrenceTable<bigint> {
  const times = new OccurrenceTable<bigint>();
  for (const occurrence of occurrences) times.set(occurrence, occurrence.at);
  for (const occurrence of occurrences) {
    let placement = placements.get(occurrence)!;
    while (placement.under === 'occurrence') {
      const known = times.get(placement.occurrence)!;
      if (known <= occurrence.at) break;
      times.set(placement.occurrence, min(known, occurrence.at));
      placement = placements.get(placement.occurrence)!;
    }
  }
  return times;
}
