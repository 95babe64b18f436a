/** Under what each occurrence hangs, by the first rule that has an answer; where rules close a circle it is opened here. */
import { inOrder, type Occurrence, OccurrenceTable } from '../gather-occurrences.ts';
import type { KubernetesObject } from '../kubernetes-object.ts';
import { nothing, type Place, type Placement } from './placement-rule.ts';
import { episode, placementRules } from './placement-rules.ts';
import { isTearDown, type World } from './world.ts';

const unexplained: Placement = { ...nothing('time'), because: episode.name };

/** The result is final: nothing changes a placement later. */
export function placeOccurrences(world: World): OccurrenceTable<Placement> {
  const placements = new OccurrenceTable<Placement>();
  for (const occurrence of world.occurrences) placements.set(occurrence, placementOf(occurrence, world));
  openCircles(world, placements);
  return placements;
}

const isOther = (above: Occurrence, occurrence: Occurrence): boolean => above !== occurrence;

/** By the first rule with an answer that it may hang under. */
function placementOf(occurrence: Occurrence, world: World, mayHangUnder = isOther): Placement {
  const subject = concerned(occurrence, world);
  for (const rule of placementRules) {
    const place = rule.place(occurrence, subject, world);
    if (place === undefined) continue;
    if (place.under === 'occurrence' && !mayHangUnder(place.occurrence, occurrence)) continue;
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

/**
 * Rules look at one occurrence at a time; together they may close a circle (an operator's word that it restarts a pod took the old
 * one away, and made the one that came for it). A cause never starts after its effect: the circle's first goes on to the next
 * rule whose answer does not lead back to it.
 */
function openCircles(world: World, placements: OccurrenceTable<Placement>): void {
  const safe = new OccurrenceTable<true>();
  const isNoEffect = (above: Occurrence, occurrence: Occurrence) => !leadsTo(above, occurrence, placements);
  for (const occurrence of world.occurrences) {
    const path = new Set<Occurrence>();
    for (let at: Occurrence | undefined = occurrence; at !== undefined && safe.get(at) === undefined; ) {
      if (path.has(at)) {
        const [first] = [...path].slice([...path].indexOf(at)).sort(inOrder);
        placements.set(first!, placementOf(first!, world, isNoEffect));
        break;
      }
      path.add(at);
      at = above(at, placements);
    }
    for (const step of path) safe.set(step, true);
  }
}

function above(occurrence: Occurrence, placements: OccurrenceTable<Placement>): Occurrence | undefined {
  const placement = placements.get(occurrence)!;
  return placement.under === 'occurrence' ? placement.occurrence : undefined;
}

/** Also past circles that are not opened yet. */
function leadsTo(from: Occurrence, wanted: Occurrence, placements: OccurrenceTable<Placement>): boolean {
  const path = new Set<Occurrence>();
  for (let at: Occurrence | undefined = from; at !== undefined && !path.has(at); at = above(at, placements)) {
    if (at === wanted) return true;
    path.add(at);
  }
  return false;
}
