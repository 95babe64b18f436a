/**
 * Who is who: the object that each Event is about, who controls whom, and which driver made or removed which object.
 * Objects are known by UID; names only lead to UIDs.
 */
import type { ObjectReference } from '../../../shared/observation.ts';
import { findNamedByOwner } from './find-named-by-owner.ts';
import { findOwnersByName } from './find-owner-by-name.ts';
import { earlier, type ObjectHistory } from './gather-objects.ts';
import { inOrder, type Occurrence, OccurrenceTable, rowOf } from './gather-occurrences.ts';
import { disruptions } from './rules/disruptions.ts';
import type { Disruption, Effect } from './rules/event-row.ts';
import type { Match } from './rules/rule-set.ts';
import { distance, MINUTE, type Moment } from './time.ts';

/** An object as all snapshots and Events together show it. */
export interface KubernetesObject {
  /** Of an object without one: `kind/namespace/name`. */
  uid: string;
  apiVersion: string | undefined;
  kind: string;
  namespace: string | undefined;
  name: string;
  history: ObjectHistory | undefined;
  owner: KubernetesObject | undefined;
  controlled: KubernetesObject[];
  /** In order of time. */
  occurrences: Occurrence[];
  created: Moment | undefined;
  /** When its removal was asked for. */
  removal: Moment | undefined;
  /** From when on its controller did not count it any more: from its removal on at the latest. */
  missed: Moment | undefined;
  /** Why it went, where its condition DisruptionTarget says so. */
  disruption: Disruption | undefined;
  creator: Driver | undefined;
  remover: Driver | undefined;
  /** Drivers that changed how many objects it controls, in order of time. */
  scalings: Driver[];
  /** The object that it was last held up for: what it goes through is that one's start. */
  awaits: KubernetesObject | undefined;
}

/** An occurrence that acts on an object: on `target`, where that is known. */
export interface Driver {
  occurrence: Occurrence;
  effect: Effect;
  target: KubernetesObject | undefined;
  up: boolean | undefined;
  from: number | undefined;
  to: number | undefined;
}

export interface Resolved {
  /** In order of time. */
  occurrences: readonly Occurrence[];
  objects: ReadonlyMap<string, KubernetesObject>;
  subjectOf(occurrence: Occurrence): KubernetesObject;
  driverOf(occurrence: Occurrence): Driver | undefined;
  /** Objects of that kind and name, deleted ones too. */
  named(kind: string, namespace: string | undefined, name: string): readonly KubernetesObject[];
}

/** An object's creator and remover write their Events at once: what is further away speaks of another object of that name. */
const nearby = MINUTE;

export function resolveObjects(
  histories: ReadonlyMap<string, ObjectHistory>,
  occurrences: readonly Occurrence[],
): Resolved {
  const objects = new Map<string, KubernetesObject>();
  const byName = new Map<string, KubernetesObject[]>();
  const subjects = new OccurrenceTable<KubernetesObject>();
  const drivers = new OccurrenceTable<Driver>();

  const named = (kind: string, namespace: string | undefined, name: string) =>
    byName.get(nameKey(kind, namespace, name)) ?? [];

  function add(uid: string, reference: Omit<ObjectReference, 'uid'>): KubernetesObject {
    const history = histories.get(uid);
    const object: KubernetesObject = {
      uid,
      apiVersion: reference.apiVersion,
      kind: reference.kind,
      namespace: reference.namespace,
      name: reference.name,
      history,
      owner: undefined,
      controlled: [],
      occurrences: [],
      created: history?.created,
      removal: history?.deletion,
      missed: undefined,
      disruption: history === undefined ? undefined : disruptionOf(history),
      creator: undefined,
      remover: undefined,
      scalings: [],
      awaits: undefined,
    };
    objects.set(uid, object);
    const key = nameKey(object.kind, object.namespace, object.name);
    const sameName = byName.get(key);
    if (sameName === undefined) byName.set(key, [object]);
    else sameName.push(object);
    return object;
  }

  const inOrderOfUid = [...histories.values()].sort((a, b) => (a.uid < b.uid ? -1 : 1));
  for (const history of inOrderOfUid) {
    const { uid } = history;
    add(uid, { ...history, apiVersion: history.versions.at(-1)!.object.apiVersion });
  }
  for (const occurrence of occurrences) {
    const { subject } = occurrence.event;
    if (hasUid(subject) && !objects.has(subject.uid)) add(subject.uid, subject);
  }
  // A controller that has not been seen itself still is one: what it controls hangs together.
  for (const { uid, owner, namespace } of inOrderOfUid) {
    if (owner === undefined) continue;
    own(objects.get(owner.uid) ?? add(owner.uid, { ...owner, namespace }), objects.get(uid)!);
  }

  for (const occurrence of occurrences) {
    const { subject } = occurrence.event;
    const object = hasUid(subject)
      ? objects.get(subject.uid)!
      : subject.name === ''
        ? // Without a name it is nobody's: it joins nothing.
          (objects.get(namelessKey(occurrence)) ?? add(namelessKey(occurrence), subject))
        : (alive(named(subject.kind, namespaceOf(subject), subject.name), occurrence) ??
          objects.get(nameKey(subject.kind, namespaceOf(subject), subject.name)) ??
          add(nameKey(subject.kind, namespaceOf(subject), subject.name), {
            ...subject,
            namespace: namespaceOf(subject),
          }));
    subjects.set(occurrence, object);
    object.occurrences.push(occurrence);
  }

  for (const object of objects.values()) {
    const [first] = object.occurrences;
    if (object.created === undefined && first !== undefined) object.created = first;
    else if (object.created !== undefined && first !== undefined && first.latest >= object.created.at) {
      if (first.latest < object.created.latest) object.created = { at: first.at, latest: first.latest };
    }
    const teardown = object.occurrences.find((occurrence, i) =>
      isLastTearDown(object.occurrences, occurrence, i),
    );
    if (teardown !== undefined) object.removal = earlier(object.removal, teardown);
  }

  for (const occurrence of occurrences) {
    const { match } = occurrence;
    if (match?.row.effect === undefined) continue;
    const subject = subjects.get(occurrence)!;
    const driver: Driver = {
      occurrence,
      effect: match.row.effect,
      target: targetOf(match, subject, occurrence),
      up: match.up,
      from: match.from,
      to: match.to,
    };
    drivers.set(occurrence, driver);
    if (driver.target === undefined) continue;
    bind(driver, subject, driver.target);
    if (
      match.row.controls === true &&
      driver.target.owner === undefined &&
      driver.target.history === undefined
    ) {
      own(subject, driver.target);
    }
  }
  for (const [owner, pod] of [...findOwnersByName(objects.values(), named)]) own(owner, pod);
  for (const [occurrence, target] of findNamedByOwner(objects.values())) {
    const driver = { occurrence, target, up: undefined, from: undefined, to: undefined };
    drivers.set(occurrence, { ...driver, effect: 'creates' });
    bind(drivers.get(occurrence)!, subjects.get(occurrence)!, target);
  }
  for (const object of objects.values()) {
    if (object.remover !== undefined) object.removal = earlier(object.removal, object.remover.occurrence);
    object.scalings.sort((a, b) => inOrder(a.occurrence, b.occurrence));
    const { uncounted } = object.history ?? {};
    object.missed = uncounted === undefined ? object.removal : earlier(object.removal, uncounted);
  }

  function targetOf(match: Match, subject: KubernetesObject, at: Occurrence): KubernetesObject | undefined {
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

  return {
    occurrences,
    objects,
    subjectOf: (occurrence) => subjects.get(occurrence)!,
    driverOf: (occurrence) => drivers.get(occurrence),
    named,
  };
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

/** What stands in for a UID. Events about a Node are in namespace default, Nodes in none. */
export const nameKey = (kind: string, namespace: string | undefined, name: string): string =>
  `${kind}/${kind === 'Node' ? '' : (namespace ?? '')}/${name}`;

const namelessKey = ({ event }: Occurrence): string => `/${event.namespace ?? ''}/${event.uid}`;

/** Older kubelets put the node's name where its UID belongs. */
function hasUid(subject: ObjectReference): subject is ObjectReference & { uid: string } {
  return subject.uid !== undefined && !(subject.kind === 'Node' && subject.uid === subject.name);
}

/** Events about a Node are in namespace default, Nodes in none. */
const namespaceOf = ({ kind, namespace }: ObjectReference): string | undefined =>
  kind === 'Node' ? undefined : namespace;

/** Nobody checks ownerReferences for circles: the one that would close it is left out. */
function own(owner: KubernetesObject, object: KubernetesObject): void {
  if (controls(object, owner)) return;
  object.owner = owner;
  owner.controlled.push(object);
}

/** A container that starts again was not killed for good (its sandbox had changed, say). */
function isLastTearDown(occurrences: readonly Occurrence[], occurrence: Occurrence, index: number): boolean {
  if (rowOf(occurrence).direction !== 'tear-down') return false;
  const { fieldPath } = occurrence.event.subject;
  return !occurrences.some(
    (later, i) => i > index && isStarted(later) && later.event.subject.fieldPath === fieldPath,
  );
}

/** The container runs: a round, or what looked like an end, is over. */
export const isStarted = ({ event }: Occurrence): boolean =>
  event.reason === 'Started' && event.subject.kind === 'Pod' && event.subject.fieldPath !== undefined;

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

/** Whether `owner` is `object` or below it. */
function controls(object: KubernetesObject, owner: KubernetesObject | undefined): boolean {
  for (let above = owner; above !== undefined; above = above.owner) if (above === object) return true;
  return false;
}

/**
 * The object that bears the name at that time: the one created last before it, else the first one after. A kubelet speaks of its
 * Node a moment before it is there: not of the one of that name which was removed.
 */
function alive(named: readonly KubernetesObject[], { latest }: Moment): KubernetesObject | undefined {
  const left = named.filter((candidate) => !isRemovedNode(candidate, latest));
  const candidates = left.length > 0 ? left : named;
  let best: KubernetesObject | undefined;
  for (const candidate of candidates) {
    if (best === undefined || better(candidate, best, latest)) best = candidate;
  }
  return best;
}

/** As far as its Events up to now say, which come in order of time. */
const isRemovedNode = ({ kind, removal, occurrences }: KubernetesObject, time: bigint): boolean =>
  kind === 'Node' &&
  ((removal !== undefined && removal.at <= time) ||
    occurrences.some((said) => rowOf(said).turn === 'removed' && said.at <= time));

function better(a: KubernetesObject, b: KubernetesObject, time: bigint): boolean {
  const [createdA, createdB] = [a.created?.at ?? 0n, b.created?.at ?? 0n];
  const [pastA, pastB] = [createdA <= time, createdB <= time];
  if (pastA !== pastB) return pastA;
  if (createdA !== createdB) return pastA ? createdA > createdB : createdA < createdB;
  return a.uid < b.uid;
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

function disruptionOf({ versions }: ObjectHistory): KubernetesObject['disruption'] {
  for (const { object } of versions) {
    for (const condition of object.status?.conditions ?? []) {
      if (condition.type !== 'DisruptionTarget' || condition.status !== 'True') continue;
      const cause = disruptions[condition.reason ?? ''];
      if (cause !== undefined) return cause;
    }
  }
  return undefined;
}
