/**
 * Who is who: the object that each Event is about, who owns whom, which driver made or removed which object, and when each
 * came, went and was missed.
 */
import type { EventOccurrence, ObjectSnapshot, Observation } from '../../../shared/observation.ts';
import { bindDrivers } from './bind-drivers.ts';
import { addSubjects, findSubjects } from './find-subjects.ts';
import { earlier, gatherObjects } from './gather-objects.ts';
import { gatherOccurrences, inOrder, type Occurrence, rowOf } from './gather-occurrences.ts';
import { type Driver, isStarted, type KubernetesObject } from './kubernetes-object.ts';
import { createRegistry, linkOwners } from './object-registry.ts';
import type { RuleSet } from './rules/rule-set.ts';

export interface Resolved {
  /** In order of time. */
  occurrences: readonly Occurrence[];
  objects: ReadonlyMap<string, KubernetesObject>;
  subjectOf(occurrence: Occurrence): KubernetesObject;
  driverOf(occurrence: Occurrence): Driver | undefined;
  /** Objects of that kind and name, deleted ones too. */
  named(kind: string, namespace: string | undefined, name: string): readonly KubernetesObject[];
}

export function resolveObjects(observations: Iterable<Observation>, rules: RuleSet): Resolved {
  const snapshots: ObjectSnapshot[] = [];
  const events: EventOccurrence[] = [];
  for (const observation of observations) {
    if (observation.type === 'event') events.push(observation);
    else snapshots.push(observation);
  }
  const histories = gatherObjects(snapshots);
  const occurrences = gatherOccurrences(events, histories, rules);
  const registry = createRegistry(histories);
  addSubjects(registry, occurrences);
  linkOwners(registry);
  const subjects = findSubjects(registry, occurrences);
  for (const object of registry.objects.values()) narrowLifetime(object);
  const drivers = bindDrivers(registry, occurrences, subjects);
  for (const object of registry.objects.values()) endLifetime(object);
  return {
    occurrences,
    objects: registry.objects,
    subjectOf: (occurrence) => subjects.get(occurrence)!,
    driverOf: (occurrence) => drivers.get(occurrence),
    named: registry.named,
  };
}

/** What is said of it narrows when it was made; the first word of its end is when its removal was asked for at the latest. */
function narrowLifetime(object: KubernetesObject): void {
  const [first] = object.occurrences;
  if (first === undefined) return;
  const { created } = object;
  if (created === undefined) object.created = first;
  else if (first.latest >= created.at && first.latest < created.latest)
    object.created = { at: first.at, latest: first.latest };
  const teardown = object.occurrences.find((occurrence, i) =>
    isLastTearDown(object.occurrences, occurrence, i),
  );
  if (teardown !== undefined) object.removal = earlier(object.removal, teardown);
}

/** Whoever removed it asked for it; what ended by itself, or was disrupted, was missed before. */
function endLifetime(object: KubernetesObject): void {
  const { remover, history } = object;
  if (remover !== undefined) object.removal = earlier(object.removal, remover.occurrence);
  object.scalings.sort((a, b) => inOrder(a.occurrence, b.occurrence));
  const uncounted = history?.uncounted;
  object.missed = uncounted === undefined ? object.removal : earlier(object.removal, uncounted);
}

/** A container that starts again was not killed for good (its sandbox had changed, say). */
function isLastTearDown(occurrences: readonly Occurrence[], occurrence: Occurrence, index: number): boolean {
  if (rowOf(occurrence).direction !== 'tear-down') return false;
  const { fieldPath } = occurrence.event.subject;
  return !occurrences.some(
    (later, i) => i > index && isStarted(later) && later.event.subject.fieldPath === fieldPath,
  );
}
