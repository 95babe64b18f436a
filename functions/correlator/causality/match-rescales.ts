/** Which Event announced which change of replicas: an autoscaler says what it asks for, and the object has it as a generation. */

import type { Change } from './change.ts';
import { inOrder, type Occurrence } from './gather-occurrences.ts';
import type { Driver, KubernetesObject } from './kubernetes-object.ts';
import type { Resolved } from './resolve-objects.ts';
import { compare, distance, MINUTE, SECOND } from './time.ts';

export interface Rescales {
  rescaleOf(change: Change): Occurrence | undefined;
  rescaledBy(occurrence: Occurrence): Change | undefined;
  /** The autoscaler's Event that asked for what this one carried out, where no generation tells when that was. */
  askedBy(occurrence: Occurrence): Occurrence | undefined;
}

/** What is further away speaks of another rescale to the same size. */
const nearby = MINUTE;

export function matchRescales(
  resolved: Resolved,
  changesOf: (object: KubernetesObject) => readonly Change[],
): Rescales {
  const announcements = new Map<Change, Driver>();
  const asked = Map.groupBy(
    resolved.occurrences.flatMap((occurrence) => {
      const driver = resolved.driverOf(occurrence);
      return driver?.effect === 'rescales' ? driver : [];
    }),
    ({ target }) => target,
  );
  for (const [target, own] of asked) {
    const changes = target === undefined ? [] : changesOf(target);
    for (const driver of own) {
      const written = nearestChange(driver, changes);
      const known = written && announcements.get(written);
      if (
        written !== undefined &&
        (known === undefined || closer(driver.occurrence, known.occurrence, written.moment!.at))
      )
        announcements.set(written, driver);
    }
  }
  const declared = new Map([...announcements].map(([change, { occurrence }]) => [change, occurrence]));
  const announced = new Map([...findSpoken(resolved, changesOf), ...declared]);
  const changes = new Map([...announced].map(([change, occurrence]) => [occurrence, change]));
  return {
    rescaleOf: (change) => announced.get(change),
    rescaledBy: (occurrence) => changes.get(occurrence),
    askedBy(occurrence) {
      const done = resolved.driverOf(occurrence);
      if (done === undefined) return undefined;
      const subject = resolved.subjectOf(occurrence);
      const last = asked.get(subject)?.findLast((driver) => carriesOut(done, driver, subject))?.occurrence;
      return last === undefined || changes.has(last) ? undefined : last;
    },
  };
}

/** An autoscaler speaks as it writes the number. Longer: what it says of its metrics becomes the reason for a scaling by hand. */
const spokenWithin = 5n * SECOND;

/**
 * Autoscalers that no row knows have a scaleTargetRef as well: what one says in the seconds in which its target is scaled, and not by
 * a person, announced that.
 */
function findSpoken(
  { objects, named }: Resolved,
  changesOf: (object: KubernetesObject) => readonly Change[],
): Map<Change, Occurrence> {
  const spoken = new Map<Change, Occurrence>();
  for (const { namespace, history, occurrences } of objects.values()) {
    const ref = history?.versions.at(-1)?.object.scaleTargetRef;
    const said = occurrences.filter(({ match, event }) => match === undefined && event.type !== 'Warning');
    if (ref === undefined || said.length === 0) continue;
    const scalings = named(ref.kind, namespace, ref.name).flatMap(changesOf).filter(isScaling);
    for (const occurrence of said) {
      const change = nearestTo(occurrence, scalings, spokenWithin);
      const known = change && spoken.get(change);
      if (change !== undefined && (known === undefined || closer(occurrence, known, change.moment!.at)))
        spoken.set(change, occurrence);
    }
  }
  return spoken;
}

/** Somebody wrote its size only, through the subresource for that. */
const isScaling = ({ verb, moment, manager, version }: Change): boolean =>
  verb === 'Scale' &&
  moment !== undefined &&
  !manager.startsWith('kubectl') &&
  version?.object.managers?.some(({ subresource }) => subresource === 'scale') === true;

/** An autoscaler speaks once it has written the number: what came of it may be told a moment before. */
const saidWithin = 2n * SECOND;
/** A StatefulSet makes one pod after the other. */
const carriedOutWithin = 15n * MINUTE;

function carriesOut(done: Driver, asked: Driver, { kind }: KubernetesObject): boolean {
  const { at, latest } = done.occurrence;
  const { occurrence, from, to } = asked;
  if (to === undefined || occurrence.at > latest + saidWithin) return false;
  if (done.effect === 'scales') {
    const isSameWay = from === undefined || done.up === to > from;
    return isSameWay && done.to === to && at - occurrence.latest <= nearby;
  }
  const ordinal =
    kind === 'StatefulSet' ? Number(/-(\d+)$/.exec(done.occurrence.match?.name ?? '')?.[1]) : Number.NaN;
  if (Number.isNaN(ordinal) || at - occurrence.latest > carriedOutWithin) return false;
  if (done.effect === 'creates') return ordinal < to && ordinal >= (from ?? 0);
  return done.effect === 'removes' && ordinal >= to;
}

/** The change that gave the target this many. */
const nearestChange = ({ to, occurrence }: Driver, changes: readonly Change[]): Change | undefined =>
  nearestTo(
    occurrence,
    changes.filter(({ type, version }) => type === 'generation' && version?.object.replicas === to),
    nearby,
  );

function nearestTo({ at }: Occurrence, changes: readonly Change[], within: bigint): Change | undefined {
  const away = ({ moment }: Change): bigint => distance(moment!.at, at);
  const [nearest] = changes
    .filter((change) => change.moment !== undefined && away(change) <= within)
    .sort((a, b) => compare(away(a), away(b)));
  return nearest;
}

function closer(a: Occurrence, b: Occurrence, time: bigint): boolean {
  const [awayA, awayB] = [distance(a.at, time), distance(b.at, time)];
  return awayA === awayB ? inOrder(a, b) < 0 : awayA < awayB;
}
