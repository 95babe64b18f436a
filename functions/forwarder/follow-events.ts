/** The cluster's Events: filtered, guarded, redacted, with their subjects before them, on their way. */
import type { EventOccurrence, ObjectReference } from '../../shared/observation.ts';
import type { EventFilter } from './filter-events.ts';
import { type Follow, nameOf, versionOf } from './follow-objects.ts';
import type { RateGuard } from './guard-rate.ts';
import type { Json } from './kubernetes/api-server.ts';
import { compareVersions } from './kubernetes/resource-versions.ts';
import { events, resourceName } from './kubernetes/watched-resources.ts';
import { observeEvent } from './observe.ts';
import type { DeliveryRemark } from './remarks.ts';
import type { Positions, Step } from './track-positions.ts';

export interface EventPorts {
  follow: Follow;
  positions: Positions;
  filter: EventFilter;
  guard: RateGuard;
  redact(occurrence: EventOccurrence): EventOccurrence;
  /** Resolves once what is known of the subject is on its way. */
  shipSubject(subject: ObjectReference, step: Step): Promise<void>;
  /** Resolves once the Event is on its way; holds the step until it is stored. */
  ship(occurrence: EventOccurrence, step: Step): Promise<void>;
  heard(resource: string): void;
  report(remark: DeliveryRemark): void;
  signal: AbortSignal;
}

/** From the checkpoint on; where there is none, all there are: up to an hour of them, a first picture at once. */
export async function followEvents(ports: EventPorts, from: string | undefined): Promise<void> {
  const { follow, positions, heard, signal } = ports;
  const name = resourceName(events);
  /** What a list repeats. */
  let told = from;
  const tell = (version: string | undefined) => {
    told = version ?? told;
    return positions.open(name, version);
  };
  for await (const next of follow(events, { from, signal })) {
    heard(name);
    switch (next.type) {
      case 'list-start':
        break;
      case 'listed': {
        const version = versionOf(next.object);
        if (version !== undefined && told !== undefined && compareVersions(version, told) <= 0) break;
        const step = positions.open(name, undefined);
        await take(ports, next, step);
        step.release();
        break;
      }
      case 'changed': {
        const step = tell(versionOf(next.object));
        // The end of an Event is its expiry.
        if (next.how !== 'DELETED') await take(ports, next, step);
        step.release();
        break;
      }
      case 'list-complete':
        // etcd came back from a backup: versions say nothing of what was told before.
        if (told !== undefined && compareVersions(next.resourceVersion, told) < 0) {
          return followEvents(ports, undefined);
        }
        tell(next.resourceVersion).release();
        break;
      case 'bookmark':
        tell(next.resourceVersion).release();
        break;
      case 'unavailable':
        // Events are Kubernetes' own.
        return;
    }
  }
}

async function take(
  { filter, guard, redact, shipSubject, ship, report }: EventPorts,
  { object, receivedAt }: { object: Json; receivedAt: string },
  step: Step,
): Promise<void> {
  report({ type: 'event-received' });
  const observed = observeEvent(object, receivedAt);
  if (!observed.ok) {
    const about = nameOf({ kind: 'Event', metadata: object.metadata });
    report({ type: 'event-dropped', reason: 'unreadable', about, why: observed.reason });
    return;
  }
  const { subject } = observed.value.event;
  const by = filter(observed.value.event);
  if (by !== undefined) return report({ type: 'event-filtered', by });
  const exceeded = guard(subject);
  if (exceeded !== undefined) return report({ type: 'event-dropped', reason: exceeded, about: subject });
  await shipSubject(subject, step);
  await ship(redact(observed.value), step);
}
