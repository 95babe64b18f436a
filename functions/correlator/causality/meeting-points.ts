/**
 * Where activities of different roots have to meet. Both sides of every rule that crosses roots name the same point:
 * who comes second finds the other there, so the order in which they come does not matter.
 */
import { hash } from 'node:crypto';
import type {
  EventOccurrence,
  ObjectReference,
  ObjectSnapshot,
  Observation,
} from '../../../shared/observation.ts';
import { nameKey } from './resolve-objects.ts';
import {
  driverRules,
  isDisruption,
  isUnschedulable,
  matchDriver,
  nodeEffectOf,
  nodeTurns,
  waitsForVolumes,
} from './rules.ts';

type SnapshotObject = ObjectSnapshot['object'];

const refName = ({ kind, namespace, name }: Pick<ObjectReference, 'kind' | 'namespace' | 'name'>): string =>
  nameKey(kind, namespace, name);

/** Kinds that a controller makes without controlling them: they are roots of their own. */
const madeForOthers: ReadonlySet<string> = new Set(
  driverRules.filter(({ effect, controls }) => effect === 'creates' && !controls).map(({ target }) => target),
);

/** Points by name (`kind/namespace/name`) or UID (`uid:…`), sorted. Most activities have none. */
export function meetingPoints(observations: Iterable<Observation>): string[] {
  const points = new Set<string>();
  const snapshots: SnapshotObject[] = [];
  const events: EventOccurrence['event'][] = [];
  const known = new Set<string>();
  const nodeOfPod = new Map<string, string>();
  const claimsOfPod = new Map<string, string[]>();
  for (const observation of observations) {
    if (observation.type === 'event') {
      events.push(observation.event);
      continue;
    }
    const { object } = observation;
    snapshots.push(observation.deleted ? { ...object, deletionTimestamp: observation.observedAt } : object);
    known.add(refName(object));
    if (object.nodeName !== undefined) nodeOfPod.set(object.uid, object.nodeName);
    if (object.claims !== undefined) claimsOfPod.set(object.uid, object.claims);
  }
  for (const name of changedHands(snapshots)) points.add(name);
  for (const object of snapshots) {
    if (object.kind === 'Node') points.add(refName(object));
    if (object.managers?.some(({ subresource }) => subresource === 'scale')) points.add(refName(object));
    for (const condition of object.status?.conditions ?? []) {
      if (!isDisruption(condition)) continue;
      const node = nodeOfPod.get(object.uid);
      if (node !== undefined) points.add(nameKey('Node', undefined, node));
      // The taint manager names the pod without its UID.
      points.add(refName(object));
    }
    // A claim names the pod that it waits for.
    if (object.kind === 'Pod' && object.claims !== undefined) points.add(refName(object));
    if (object.scaleTargetRef !== undefined) {
      points.add(nameKey(object.scaleTargetRef.kind, object.namespace, object.scaleTargetRef.name));
    }
  }
  for (const event of events) {
    const { subject, related } = event;
    if (subject.uid === undefined || !known.has(refName(subject)) || madeForOthers.has(subject.kind)) {
      points.add(refName(subject));
    }
    if (subject.kind === 'Node' && nodeTurns[event.reason] !== undefined) points.add(refName(subject));
    if (isUnschedulable(event.reason) && subject.uid !== undefined) points.add(`uid:${subject.uid}`);
    if (subject.kind === 'Pod' && nodeEffectOf(event.reason, event.message) !== undefined) {
      points.add(refName(subject));
      const node = nodeOfPod.get(subject.uid ?? '');
      if (node !== undefined) points.add(nameKey('Node', undefined, node));
    }
    if (subject.kind === 'Pod' && waitsForVolumes(event.reason, event.message)) {
      for (const claim of claimsOfPod.get(subject.uid ?? '') ?? []) {
        points.add(nameKey('PersistentVolumeClaim', subject.namespace, claim));
      }
    }
    const driver = matchDriver(subject.kind, event.reason, event.message);
    if (driver === undefined) continue;
    const acting = driver.uid ?? (driver.rule.target === 'subject' ? related?.uid : undefined);
    if (acting !== undefined) points.add(`uid:${acting}`);
    if (driver.name === undefined) continue;
    const target = nameKey(driver.rule.target, driver.namespace ?? subject.namespace, driver.name);
    if (!known.has(target)) points.add(target);
  }
  return [...points].sort();
}

/**
 * Of each observation what its meeting points come from, as a digest: where nothing is new among the digests, no point
 * is new.
 */
export function meetingDigests(observations: Iterable<Observation>): Set<string> {
  const facts = new Set<string>();
  for (const observation of observations) {
    facts.add(
      JSON.stringify(observation.type === 'event' ? eventFact(observation) : objectFact(observation)),
    );
  }
  return new Set([...facts].map((fact) => hash('sha256', fact, 'base64url').slice(0, 8)));
}

function eventFact({ event: { subject, related, reason, message } }: EventOccurrence): unknown {
  const driver = matchDriver(subject.kind, reason, message);
  return [
    refName(subject),
    subject.uid,
    subject.kind === 'Node' && nodeTurns[reason] !== undefined,
    isUnschedulable(reason),
    nodeEffectOf(reason, message) !== undefined,
    waitsForVolumes(reason, message),
    driver && [driver.rule.target, driver.namespace, driver.name, driver.uid, related?.uid],
  ];
}

const objectFact = ({ object, deleted }: ObjectSnapshot): unknown => [
  refName(object),
  object.uid,
  object.owner?.uid,
  object.nodeName,
  object.claims,
  object.creationTimestamp,
  deleted || object.deletionTimestamp !== undefined,
  object.scaleTargetRef,
  object.managers?.some(({ subresource }) => subresource === 'scale') === true,
  object.status?.conditions?.some(isDisruption) === true,
];

/**
 * Objects that may have had, or may get, another owner (`kubectl delete --cascade=orphan`): without one, older than the
 * one they have, or left behind by one that goes.
 */
function* changedHands(snapshots: readonly SnapshotObject[]): Iterable<string> {
  const created = new Map<string, string>();
  const going = new Set<string>();
  for (const { uid, creationTimestamp, deletionTimestamp } of snapshots) {
    if (creationTimestamp !== undefined) created.set(uid, creationTimestamp);
    if (deletionTimestamp !== undefined) going.add(uid);
  }
  for (const object of snapshots) {
    const { uid, owner, creationTimestamp } = object;
    const isLeft = owner === undefined ? adoptable.has(object.kind) : going.has(owner.uid) && !going.has(uid);
    const since = owner === undefined ? undefined : created.get(owner.uid);
    const isOlder = since !== undefined && creationTimestamp !== undefined && creationTimestamp < since;
    if (isLeft || isOlder) yield refName(object);
  }
}

/** Kinds that controllers adopt. */
const adoptable: ReadonlySet<string> = new Set(['Pod', 'ReplicaSet', 'Job']);
