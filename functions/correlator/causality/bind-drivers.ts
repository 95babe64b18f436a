/**
 * Drivers: occurrences that act on an object. Which object the message means is told by its name, its owner, and by whose
 * creation or removal is nearest.
 */

import { findNamedByOwner } from './find-named-by-owner.ts';
import { findOwnersByName } from './find-owner-by-name.ts';
import { inOrder, type Occurrence, OccurrenceTable } from './gather-occurrences.ts';
import type { Driver, KubernetesObject } from './kubernetes-object.ts';
import { alive, type ObjectRegistry, own } from './object-registry.ts';
import type { Match } from './rules/rule-set.ts';
import { distance, MINUTE, type Moment } from './time.ts';

/** An object's creator and remover write their Events at once: what is further away speaks of another object of that name. */
const nearby = MINUTE;

/** Each target gets its drivers. */
export function bindDrivers(
  registry: ObjectRegistry,
  occurrences: readonly Occurrence[],
  subjects: OccurrenceTable<KubernetesObject>,
): OccurrenceTable<Driver> {
  const drivers = new OccurrenceTable<Driver>();
  for (const occurrence of occurrences) {
    const { match } = occurrence;
    if (match?.row.effect === undefined) continue;
    const subject = subjects.get(occurrence)!;
    const target = findTarget(registry, match, subject, occurrence);
    const { up, from, to } = match;
    const driver: Driver = { occurrence, effect: match.row.effect, target, up, from, to };
    drivers.set(occurrence, driver);
    if (target === undefined) continue;
    bind(driver, subject, target);
    const isUnseen = target.owner === undefined && target.history === undefined;
    if (match.row.controls === true && isUnseen) own(subject, target);
  }
  for (const [owner, pod] of [...findOwnersByName(registry)]) own(owner, pod);
  for (const { occurrence, effect, target } of findNamedByOwner(registry.objects.values())) {
    const driver: Driver = {
      occurrence,
      effect,
      target,
      up: undefined,
      from: undefined,
      to: undefined,
    };
    drivers.set(occurrence, driver);
    bind(driver, subjects.get(occurrence)!, target);
  }
  return drivers;
}

function findTarget(
  { objects, named }: ObjectRegistry,
  match: Match,
  subject: KubernetesObject,
  at: Occurrence,
): KubernetesObject | undefined {
  const { row } = match;
  if (row.target === 'subject') return subject;
  const namespace = match.namespace ?? subject.namespace;
  if (row.target === 'scaleTargetRef') {
    const ref = subject.history?.versions.at(-1)?.object.scaleTargetRef;
    return ref === undefined ? undefined : alive(named(ref.kind, namespace, ref.name), at);
  }
  const kind = row.target === 'message' ? match.kind : row.target;
  if (kind === undefined) return undefined;
  const related = at.event.related?.kind === kind ? at.event.related : undefined;
  if (match.name === undefined && related?.uid !== undefined) return objects.get(related.uid);
  const name = match.name ?? related?.name;
  if (name === undefined) return undefined;
  const sameName = named(kind, namespace, name);
  const candidates = row.controls === true ? ownedBy(subject, sameName) : sameName;
  if (row.effect === 'creates') return closest(candidates, ({ created }) => created, at);
  if (row.effect === 'removes') return closest(candidates, ({ removal }) => removal, at);
  return alive(candidates, at);
}

/** What a driver does is known of its target from now on. */
function bind(driver: Driver, subject: KubernetesObject, target: KubernetesObject): void {
  switch (driver.effect) {
    case 'creates':
      target.creator = nearest(target.creator, driver, target.created);
      break;
    case 'removes':
      target.remover = nearest(target.remover, driver, target.removal);
      break;
    case 'scales':
      target.scalings.push(driver);
      break;
    case 'awaits':
      subject.awaits = target;
      break;
    case 'rescales':
    case 'observes':
    case 'applies':
      break;
  }
}

/**
 * Those that it owns or once owned: what was orphaned may have another owner by now. Else those of its namesake: it may
 * have adopted them.
 */
function ownedBy(owner: KubernetesObject, candidates: readonly KubernetesObject[]): KubernetesObject[] {
  const own = candidates.filter(
    ({ owner: last, history }) =>
      last === undefined ||
      last === owner ||
      history?.versions.some(({ object }) => object.owner?.uid === owner.uid) === true,
  );
  if (own.length > 0) return own;
  return candidates.filter(({ owner: last }) => last?.kind === owner.kind && last.name === owner.name);
}

function closest(
  candidates: readonly KubernetesObject[],
  momentOf: (object: KubernetesObject) => Moment | undefined,
  { at }: Moment,
): KubernetesObject | undefined {
  let best: { object: KubernetesObject; away: bigint } | undefined;
  for (const object of candidates) {
    const moment = momentOf(object);
    if (moment === undefined) continue;
    const away = awayFrom(moment, at);
    if (away > nearby) continue;
    if (best === undefined || away < best.away || (away === best.away && object.uid < best.object.uid)) {
      best = { object, away };
    }
  }
  return best?.object;
}

/** No distance within what is not known. */
function awayFrom(moment: Moment, time: bigint): bigint {
  if (time >= moment.at && time <= moment.latest) return 0n;
  return time < moment.at ? distance(moment.at, time) : distance(moment.latest, time);
}

function nearest(known: Driver | undefined, driver: Driver, moment: Moment | undefined): Driver {
  if (known === undefined || moment === undefined) return known ?? driver;
  const [a, b] = [awayFrom(moment, known.occurrence.at), awayFrom(moment, driver.occurrence.at)];
  if (a !== b) return a < b ? known : driver;
  return inOrder(known.occurrence, driver.occurrence) <= 0 ? known : driver;
}
