/**
 * What later assemblies still need of observations that are so old that every trace they are in is closed and sent.
 */
import { occurrenceSpanId } from '../../../shared/ids.ts';
import type { EventOccurrence, ObjectSnapshot, Observation } from '../../../shared/observation.ts';
import type { SentSpan } from './assemble.ts';
import { gatherObjects, type Version } from './gather-objects.ts';
import { isDisruption, matchDriver } from './rules.ts';

export interface Folded {
  lasting: Observation[];
  /** Events of traces that go on after `old`, to be folded with what is old by then. */
  open: Observation[];
}

/**
 * Of `old`, beside the rest of `all`. An object's versions that differ in more than their status say what was done to it,
 * the newest says how it is; of what was sent the scalings count how many pods the next one makes. What comes late never
 * hangs under the rest: nothing joins a trace that began more than an hour before it.
 */
export function foldObservations(
  old: Iterable<Observation>,
  all: Iterable<Observation>,
  sent: ReadonlyMap<string, SentSpan>,
): Folded {
  const snapshots = [...all].filter((observation) => observation.type === 'object');
  const kept = new Set<string>();
  for (const { uid, versions } of gatherObjects(snapshots).values()) {
    for (const [i, version] of versions.entries()) {
      const isTold = i > 0 && i < versions.length - 1 && shape(version) === shape(versions[i - 1]!);
      if (!isTold) kept.add(versionKey(uid, version));
    }
  }
  // A trace goes as a whole: half of one might be cut into other traces.
  const oldEvents = new Set([...old].filter((observation) => observation.type === 'event').map(spanIdOf));
  const current = new Set<string>();
  for (const observation of all) {
    const span = observation.type === 'event' ? sent.get(spanIdOf(observation)) : undefined;
    if (span !== undefined && !oldEvents.has(span.spanId)) current.add(span.traceId);
  }
  const isOver = (observation: EventOccurrence) => {
    const span = sent.get(spanIdOf(observation));
    return span !== undefined && !current.has(span.traceId) && !isScaling(observation.event);
  };
  const [lasting, open] = [new Map<string, Observation>(), new Map<string, Observation>()];
  for (const observation of old) {
    const isNeeded =
      observation.type === 'object'
        ? kept.has(versionKey(observation.object.uid, observation))
        : !isOver(observation);
    if (!isNeeded) continue;
    const isOpen = observation.type === 'event' && !isScaling(observation.event);
    (isOpen ? open : lasting).set(JSON.stringify(observation), observation);
  }
  return { lasting: [...lasting.values()], open: [...open.values()] };
}

const spanIdOf = ({ event }: EventOccurrence): string => occurrenceSpanId(event.uid, event.count);

const versionKey = (uid: string, { object }: Pick<ObjectSnapshot, 'object'>): string =>
  `${uid}/${object.resourceVersion ?? ''}`;

/** All that a version says but its status, of which only a disruption outlives the moment. */
function shape({ object: { status, resourceVersion: _, ...object }, deleted }: Version): string {
  return JSON.stringify([deleted, status?.conditions?.find(isDisruption)?.reason, object]);
}

const isScaling = ({ subject, reason, message }: EventOccurrence['event']): boolean =>
  matchDriver(subject.kind, reason, message)?.rule.effect === 'scales';
