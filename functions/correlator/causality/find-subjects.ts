/** The object that each Event is about. Objects are known by UID; names only lead to UIDs. */
import { isSameKind } from '../../../shared/group-kind.ts';
import type { ObjectReference } from '../../../shared/observation.ts';
import { type Occurrence, OccurrenceTable } from './gather-occurrences.ts';
import { type KubernetesObject, nameKey } from './kubernetes-object.ts';
import { alive, type ObjectRegistry } from './object-registry.ts';

/** Objects that only Events speak of, with a UID. */
export function addSubjects({ objects, add }: ObjectRegistry, occurrences: readonly Occurrence[]): void {
  for (const { event } of occurrences) {
    const { subject } = event;
    if (hasUid(subject) && !objects.has(subject.uid)) add(subject.uid, subject);
  }
}

/** Each object gets its occurrences, in order of time. */
export function findSubjects(
  registry: ObjectRegistry,
  occurrences: readonly Occurrence[],
): OccurrenceTable<KubernetesObject> {
  const subjects = new OccurrenceTable<KubernetesObject>();
  for (const occurrence of occurrences) {
    const subject = findSubject(registry, occurrence);
    subjects.set(occurrence, subject);
    subject.occurrences.push(occurrence);
  }
  return subjects;
}

function findSubject({ objects, add, named }: ObjectRegistry, occurrence: Occurrence): KubernetesObject {
  const { subject } = occurrence.event;
  if (hasUid(subject)) return objects.get(subject.uid)!;
  // Without a name it is nobody's: it joins nothing.
  if (subject.name === '')
    return objects.get(namelessKey(occurrence)) ?? add(namelessKey(occurrence), subject);
  const namespace = namespaceOf(subject);
  const key = nameKey(subject.kind, namespace, subject.name);
  const sameName = named(subject.kind, namespace, subject.name).filter((object) =>
    isSameKind(object, subject),
  );
  return alive(sameName, occurrence) ?? objects.get(key) ?? add(key, { ...subject, namespace });
}

const namelessKey = ({ event }: Occurrence): string => `/${event.namespace ?? ''}/${event.uid}`;

/** Older kubelets put the node's name where its UID belongs. */
function hasUid(subject: ObjectReference): subject is ObjectReference & { uid: string } {
  return subject.uid !== undefined && !(subject.kind === 'Node' && subject.uid === subject.name);
}

/** Events about a Node are in namespace default, Nodes in none. */
const namespaceOf = ({ kind, namespace }: ObjectReference): string | undefined =>
  kind === 'Node' ? undefined : namespace;
