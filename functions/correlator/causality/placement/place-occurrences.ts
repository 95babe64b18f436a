/** Under what each occurrence hangs, by the first rule that has an answer; where rules close a circle it is opened here. */
import { inOrder, type Occurrence, OccurrenceTable } from '../gather-occurrences.ts';
import type { KubernetesObject } from '../resolve-objects.ts';
import { nothing, type Place, type Placement } from './placement-rule.ts';
import { episode, placementRules } from './placement-rules.ts';
import { isTearDown, type World } from './world.ts';

const unexplained: Placement = { ...nothing('time'), because: episode.name };

/** The result is final: nothing changes a placement later. */
export function placeOccurrences(world: World): OccurrenceTable<Placement> {
  const placements = new OccurrenceTable<Placement>();
  for (const occurrence of world.occurrences) placements.set(occurrence, placementOf(occurrence, world));
  openCircles(world.occurrences, placements);
  return placements;
}

function placementOf(occurrence: Occurrence, world: World): Placement {
  const subject = concerned(occurrence, world);
  for (const rule of placementRules) {
    const place = rule.place(occurrence, subject, world);
    if (place === undefined) continue;
    if (place.under === 'occurrence' && place.occurrence === occurrence) continue;
    return placed(place, rule.name);
  }
  return unexplained;
}

/** Field by field: V8 makes hash tables of objects that are spread together, and there are as many as Events. */
function placed(place: Place, because: string): Placement {
  const { evidence } = place;
  switch (place.under) {
    case 'occurrence':
      return { under: 'occurrence', occurrence: place.occurrence, evidence, because };
    case 'change':
      return { under: 'change', change: place.change, evidence, because };
    case 'nothing':
      return { under: 'nothing', evidence, because };
  }
}

/** Its subject; of one that another waits for, made by nobody who is known, the other. */
function concerned(occurrence: Occurrence, world: World): KubernetesObject {
  const subject = world.subjectOf(occurrence);
  const { awaits, creator } = subject;
  const isHeldUp =
    awaits?.created !== undefined && creator === undefined && occurrence.latest >= awaits.created.at;
  return isHeldUp && !isTearDown(occurrence, subject) ? awaits : subject;
}

/** Rules look at one occurrence at a time; where together they close a circle, its first occurrence comes loose. */
function openCircles(occurrences: readonly Occurrence[], placements: OccurrenceTable<Placement>): void {
  const safe = new OccurrenceTable<true>();
  for (const occurrence of occurrences) {
    const path = new Set<Occurrence>();
    for (let at: Occurrence | undefined = occurrence; at !== undefined && safe.get(at) === undefined; ) {
      if (path.has(at)) {
        const circle = [...path].slice([...path].indexOf(at)).sort(inOrder);
        placements.set(circle[0]!, unexplained);
        break;
      }
      path.add(at);
      const placement: Placement = placements.get(at)!;
      at = placement.under === 'occurrence' ? placement.occurrence : undefined;
    }
    for (const step of path) safe.set(step, true);
  }
}
