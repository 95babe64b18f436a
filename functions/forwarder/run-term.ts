/** What a replica does while it leads: everything is followed from the checkpoint on, shipped, and the checkpoint moved. */
import type { Cluster, EventOccurrence, ObjectReference } from '../../shared/observation.ts';
import type { Sign } from '../../shared/sign-batches.ts';
import {
  type BatchLimits,
  createLineChannel,
  defaultBatchLimits,
  type Line,
  type LineChannel,
} from './batch-lines.ts';
import type { EventFilter, NamespaceFilter } from './filter-events.ts';
import { rootOf, rootOfReference } from './find-partition.ts';
import { type EventPorts, followEvents } from './follow-events.ts';
import {
  defaultKindSettings,
  type FollowedKinds,
  followKinds,
  type KindSettings,
  type KindState,
} from './follow-kinds.ts';
import { type Follow, followObjects, forgetObjects, nameOf, type ObjectPorts } from './follow-objects.ts';
import type { RateGuard } from './guard-rate.ts';
import type { Json } from './kubernetes/api-server.ts';
import { type Clock, untilAborted } from './kubernetes/clock.ts';
import type { Discover } from './kubernetes/discover-kinds.ts';
import type { Handover } from './kubernetes/handover-annotations.ts';
import type { Term } from './kubernetes/hold-lease.ts';
import type { LookUp } from './kubernetes/look-up-object.ts';
import { events, groupOf, resourceName, type WatchedResource } from './kubernetes/watched-resources.ts';
import { createSpecReader, type SpecReader } from './read-spec.ts';
import type { RecordSink } from './record-sink.ts';
import type { Redaction } from './redact-messages.ts';
import type { DeliveryRemark, KindRemark } from './remarks.ts';
import { type ShippedBatch, shipLines } from './ship-lines.ts';
import {
  createSubjectShipper,
  defaultSubjectSettings,
  type SubjectSettings,
  type SubjectShipper,
} from './ship-subjects.ts';
import { createSnapshotCache, type Known, lineOf, type SnapshotCache } from './snapshot-cache.ts';
import { type Positions, type Step, trackPositions } from './track-positions.ts';

export interface TermPorts {
  follow: Follow;
  /** What else there is to follow. */
  discover: Discover;
  lookUp: LookUp;
  sink: RecordSink;
  /** Where the cluster has a key. */
  sign?: Sign | undefined;
  filter: EventFilter;
  mayShip: NamespaceFilter;
  guard: RateGuard;
  redaction: Redaction;
  clock: Clock;
  report(remark: DeliveryRemark | KindRemark): void;
  /** Each sign of life of a watch. */
  heard(resource: string): void;
  /** Where everything stands can be asked until the term ends. */
  began(state: TermState): void;
}

export interface TermState {
  channel: Pick<LineChannel, 'bytes' | 'isFull'>;
  positions: Pick<Positions, 'openSince'>;
  cachedObjects(): number;
  customKinds(): ReadonlyMap<string, KindState>;
}

export interface TermSettings {
  cluster: Cluster;
  /** Partition keys of the cluster. */
  partitions: number;
  /** Kubernetes' own kinds. */
  watched: readonly WatchedResource[];
  discovery: KindSettings;
  batches: BatchLimits;
  subjects: SubjectSettings;
  /** Milliseconds that Events wait for the objects to be listed: a kind that cannot be, holds up nothing. */
  readyTime: number;
  /** Milliseconds to ship what has been read, when stopping. */
  flushTime: number;
}

export const defaultTermSettings: Omit<TermSettings, 'cluster' | 'watched'> = {
  discovery: defaultKindSettings,
  partitions: 1,
  batches: defaultBatchLimits,
  subjects: defaultSubjectSettings,
  readyTime: 30_000,
  flushTime: 15_000,
};

/** @throws what is a mistake of this program; troubles of the API server and the stream are waited out */
export async function runTerm(ports: TermPorts, settings: TermSettings, term: Term): Promise<void> {
  const { clock, report } = ports;
  /** Ends reading. */
  const reading = new AbortController();
  /** Ends shipping as well. */
  const all = new AbortController();

  const cache = createSnapshotCache(clock.elapsed);
  const channel = createLineChannel(settings.batches, (duration) => clock.sleep(duration, all.signal));
  const positions = trackPositions(term.handover?.checkpoint ?? {}, clock.now, () => save());
  const reader = readCluster(ports, settings, {
    cache,
    channel,
    positions,
    specs: createSpecReader(term.digestKey),
    leftLookUps: term.handover?.lookingUp ?? [],
    onLookedUp: () => save(),
    signal: reading.signal,
  });
  const standing = (): Handover => ({ checkpoint: positions.checkpoint(), lookingUp: reader.lookingUp() });
  const save = savingOnce(term, standing);
  ports.began({ channel, positions, cachedObjects: cache.size, customKinds: reader.customKinds });
  const followed = reader.ended;
  const shipped = shipLines(channel, settings.cluster, ports.sink, {
    signal: all.signal,
    sign: ports.sign,
    partitions: settings.partitions,
    mayPut: () => term.confirmed(all.signal),
    onShipped(batch) {
      tellShipped(batch, clock.now(), report);
      cache.forgetDeleted(clock.elapsed());
    },
  });

  const ended = untilAborted(term.signal);
  try {
    await Promise.race([ended, followed, shipped]);
    if (term.signal.aborted && term.signal.reason !== 'stopping') return;
    reading.abort();
    // Who waits for room has read something; it is left to the next one where there is none in time.
    const flushed = followed.then(() => channel.close()).then(() => shipped);
    await Promise.race([flushed, clock.sleep(settings.flushTime, all.signal)]);
    // Written when the Lease is given up, which comes next.
    term.save(standing());
  } finally {
    reading.abort();
    all.abort();
    channel.close();
    await Promise.allSettled([shipped]);
  }
}

/** A batch is hundreds of moves: they are saved as one. */
function savingOnce(term: Term, standing: () => Handover): () => void {
  let saving = false;
  return () => {
    if (saving) return;
    saving = true;
    queueMicrotask(() => {
      saving = false;
      term.save(standing());
    });
  };
}

interface Reading {
  cache: SnapshotCache;
  channel: LineChannel;
  positions: Positions;
  specs: SpecReader;
  /** Of the term before. */
  leftLookUps: readonly ObjectReference[];
  onLookedUp(): void;
  signal: AbortSignal;
}

interface Reader {
  customKinds: TermState['customKinds'];
  lookingUp(): ObjectReference[];
  /** Once everything that was read is in the channel. */
  ended: Promise<unknown>;
}

/** All that is followed, into the channel: Kubernetes' own kinds, those of others, and Events once the objects are known. */
function readCluster(ports: TermPorts, settings: TermSettings, reading: Reading): Reader {
  const { clock } = ports;
  const { cache, positions, specs, leftLookUps, signal } = reading;
  const { shipEvent, ship, isFresh, isTold } = createPushes(ports, settings.subjects, reading);
  const shipper = createSubjects(ports, settings, reading, ship, () => kinds);
  const common = { follow: ports.follow, positions, report: ports.report, heard: ports.heard, signal };
  const objectPorts: ObjectPorts = {
    ...common,
    cache,
    specs,
    mayShip: ports.mayShip,
    ship,
    shipChain: shipper.shipChain,
    isFresh,
    isTold,
    redact: ports.redaction.snapshot,
  };
  const follow = (resource: WatchedResource, onReady: () => void) =>
    followObjects(objectPorts, resource, positions.checkpoint()[resourceName(resource)], onReady);
  const own = settings.watched.map((resource) => {
    const known = Promise.withResolvers<void>();
    return { known: known.promise, ended: follow(resource, known.resolve) };
  });
  const kinds = followKinds(
    {
      discover: ports.discover,
      clock,
      follow,
      forget: (resource) => forgetObjects(objectPorts, resource, new Date(clock.now()).toISOString()),
      report: ports.report,
      signal,
    },
    settings.discovery,
  );
  const objectsKnown = Promise.all([...own.map(({ known }) => known), kinds.firstKnown]);
  const { filter, guard, redaction } = ports;
  const ready = Promise.race([objectsKnown, clock.sleep(settings.readyTime, signal)]);
  const eventsFollowed = followEventsAfter(
    ready.then(() => shipper.lookUpAgain(leftLookUps)),
    { ...common, filter, guard, redact: redaction.event, shipSubject: shipper.shipWith, ship: shipEvent },
  );
  const ended = Promise.all([...own.map((each) => each.ended), kinds.ended, eventsFollowed]);
  return {
    customKinds: kinds.states,
    lookingUp: shipper.lookingUp,
    ended: ended.then(() => shipper.settled()),
  };
}

/** What goes with Events. @param kinds those of others, which are followed once there is something to ship with */
function createSubjects(
  ports: TermPorts,
  { watched, subjects }: TermSettings,
  { cache, specs, onLookedUp, signal }: Reading,
  ship: (known: Known, step: Step) => Promise<void>,
  kinds: () => FollowedKinds,
): SubjectShipper {
  const isOwn = createIsWatched(watched);
  return createSubjectShipper(
    {
      cache,
      clock: ports.clock,
      lookUp: ports.lookUp,
      specs,
      isWatched: (reference) => isOwn(reference) || kinds().isFollowed(reference),
      onUnwatched: (reference) => kinds().named(reference),
      redact: ports.redaction.snapshot,
      ship,
      onLookedUp,
      report: ports.report,
      signal,
    },
    subjects,
  );
}

/** @param ready once the objects are known that the Events are about, or were waited for long enough */
async function followEventsAfter(ready: Promise<unknown>, ports: EventPorts): Promise<void> {
  await ready;
  if (ports.signal.aborted) return;
  await followEvents(ports, ports.positions.checkpoint()[resourceName(events)]);
}

/** Each holds the step until it is stored. */
function createPushes(
  { clock }: TermPorts,
  { shipAgainAfter }: SubjectSettings,
  { cache, channel }: Reading,
) {
  const push = (line: Omit<Line, 'at' | 'done'>, observedAt: string, step: Step): Promise<void> => {
    step.hold();
    return channel.push({ ...line, at: Date.parse(observedAt), done: step.release });
  };
  const rootOfKnown = (known: Known) => rootOf(known, cache.byUid);
  const isRecent = (at: number) => clock.now() - at <= shipAgainAfter;
  return {
    /** What its spec says goes with the first of its snapshots. */
    ship(known: Known, step: Step): Promise<void> {
      const isSpecDue = !isRecent(known.specShippedAt);
      const line = { type: 'object', text: lineOf(known, isSpecDue), root: rootOfKnown(known) } as const;
      cache.shipped(known, clock.now(), isSpecDue);
      return push(line, known.observedAt, step);
    },
    isFresh: (known: Known) => isRecent(known.shippedAt),
    /** With what its spec says, which is never shipped later than the rest. */
    isTold: (known: Known) => isRecent(known.specShippedAt),
    shipEvent(occurrence: EventOccurrence, step: Step): Promise<void> {
      const { subject } = occurrence.event;
      const known = cache.find(subject);
      const root = known === undefined ? rootOfReference(subject) : rootOfKnown(known);
      return push({ type: 'event', text: JSON.stringify(occurrence), root }, occurrence.observedAt, step);
    },
  };
}

/** Of a reference that names no group any group will do. */
function createIsWatched(watched: readonly WatchedResource[]) {
  const byKind = Map.groupBy(watched, ({ kind }) => kind);
  return ({ apiVersion, kind }: Pick<ObjectReference, 'apiVersion' | 'kind'>): boolean =>
    byKind
      .get(kind)
      ?.some((each) => apiVersion === undefined || groupOf(each.apiVersion) === groupOf(apiVersion)) ?? false;
}

function tellShipped(
  { lines, records, bytes, rejected }: ShippedBatch,
  now: number,
  report: (remark: DeliveryRemark) => void,
): void {
  const dropped = { events: 0, snapshots: 0 };
  for (const { by: reason, reason: why, payload } of rejected) {
    const { type, event, object } = JSON.parse(payload) as { type: string; event?: Json; object?: Json };
    if (type === 'event') {
      dropped.events++;
      const about = nameOf({ kind: 'Event', metadata: event });
      report({ type: 'event-dropped', reason, about, why });
    } else {
      dropped.snapshots++;
      const about = nameOf({ kind: object?.kind, metadata: object });
      report({ type: 'snapshot-dropped', reason, about, why });
    }
  }
  const lags = lines.filter(({ type }) => type === 'event').map(({ at }) => now - at);
  report({
    type: 'shipped',
    events: lags.length - dropped.events,
    snapshots: lines.length - lags.length - dropped.snapshots,
    records,
    bytes,
    lags,
  });
}
