/** What a replica does while it leads: everything is followed from the checkpoint on, shipped, and the checkpoint moved. */
import type { Cluster, EventOccurrence } from '../../shared/observation.ts';
import { type BatchLimits, createLineChannel, defaultBatchLimits, type LineChannel } from './batch-lines.ts';
import type { EventFilter, NamespaceFilter } from './filter-events.ts';
import { followEvents } from './follow-events.ts';
import { type Follow, followObjects, nameOf } from './follow-objects.ts';
import type { RateGuard } from './guard-rate.ts';
import type { Json } from './kubernetes/api-server.ts';
import type { Clock } from './kubernetes/clock.ts';
import type { Term } from './kubernetes/hold-lease.ts';
import type { LookUp } from './kubernetes/look-up-object.ts';
import { events, resourceName, type WatchedResource } from './kubernetes/watched-resources.ts';
import type { RecordSink } from './record-sink.ts';
import type { Redaction } from './redact-messages.ts';
import type { DeliveryRemark } from './remarks.ts';
import { type ShippedBatch, shipLines } from './ship-lines.ts';
import { createSubjectShipper, defaultSubjectSettings, type SubjectSettings } from './ship-subjects.ts';
import { createSnapshotCache, type Known, lineOf } from './snapshot-cache.ts';
import { type Positions, type Step, trackPositions } from './track-positions.ts';

export interface TermPorts {
  follow: Follow;
  lookUp: LookUp;
  sink: RecordSink;
  filter: EventFilter;
  mayShip: NamespaceFilter;
  guard: RateGuard;
  redaction: Redaction;
  clock: Clock;
  report(remark: DeliveryRemark): void;
  /** Each sign of life of a watch. */
  heard(resource: string): void;
  /** Where everything stands can be asked until the term ends. */
  began(state: TermState): void;
}

export interface TermState {
  channel: Pick<LineChannel, 'bytes' | 'isFull'>;
  positions: Pick<Positions, 'openSince'>;
  cachedObjects(): number;
}

export interface TermSettings {
  cluster: Cluster;
  watched: readonly WatchedResource[];
  batches: BatchLimits;
  subjects: SubjectSettings;
  /** Milliseconds that Events wait for the objects to be listed: a kind that cannot be, holds up nothing. */
  readyTime: number;
  /** Milliseconds to ship what has been read, when stopping. */
  flushTime: number;
}

export const defaultTermSettings: Omit<TermSettings, 'cluster' | 'watched'> = {
  batches: defaultBatchLimits,
  subjects: defaultSubjectSettings,
  readyTime: 30_000,
  flushTime: 15_000,
};

/** @throws what is a mistake of this program; troubles of the API server and the stream are waited out */
export async function runTerm(ports: TermPorts, settings: TermSettings, term: Term): Promise<void> {
  const { clock, report, heard, follow, redaction } = ports;
  const { watched, subjects } = settings;
  const from = term.checkpoint ?? {};
  /** Ends reading. */
  const reading = new AbortController();
  /** Ends shipping as well. */
  const all = new AbortController();

  const cache = createSnapshotCache(clock.elapsed);
  const channel = createLineChannel(settings.batches, (duration) => clock.sleep(duration, all.signal));
  let saving = false;
  const positions = trackPositions(from, clock.now, () => {
    if (saving) return;
    saving = true;
    // A batch is hundreds of moves.
    queueMicrotask(() => {
      saving = false;
      term.save(positions.checkpoint());
    });
  });
  ports.began({ channel, positions, cachedObjects: cache.size });

  const push = (type: 'event' | 'object', text: string, observedAt: string, step: Step): Promise<void> => {
    step.hold();
    return channel.push({ type, text, at: Date.parse(observedAt), done: step.release });
  };
  const ship = (known: Known, step: Step) => {
    known.shippedAt = clock.now();
    return push('object', lineOf(known), known.observedAt, step);
  };
  const groupsOf = Map.groupBy(watched, ({ kind }) => kind);
  const shipper = createSubjectShipper(
    {
      cache,
      clock,
      lookUp: ports.lookUp,
      isWatched: ({ apiVersion, kind }) =>
        groupsOf
          .get(kind)
          ?.some((each) => apiVersion === undefined || groupOf(each.apiVersion) === groupOf(apiVersion)) ??
        false,
      redact: redaction.snapshot,
      ship,
      report,
      signal: reading.signal,
    },
    subjects,
  );

  const ready = new Set<string>();
  let allReady = () => {};
  const objectsListed = new Promise<void>((resolve) => (allReady = resolve));
  const common = { follow, positions, report, heard, signal: reading.signal };
  const isFresh = (known: Known) => clock.now() - known.shippedAt <= subjects.shipAgainAfter;
  const objects = watched.map((resource) => {
    const name = resourceName(resource);
    return followObjects(
      {
        ...common,
        cache,
        mayShip: ports.mayShip,
        ship,
        shipChain: shipper.shipChain,
        isFresh,
        redact: redaction.snapshot,
      },
      resource,
      from[name],
      () => {
        ready.add(name);
        if (ready.size === watched.length) allReady();
      },
    );
  });
  if (watched.length === 0) allReady();
  const eventsFollowed = async () => {
    await Promise.race([objectsListed, clock.sleep(settings.readyTime, reading.signal)]);
    if (reading.signal.aborted) return;
    const shipEvent = (occurrence: EventOccurrence, step: Step) =>
      push('event', JSON.stringify(occurrence), occurrence.observedAt, step);
    const { filter, guard } = ports;
    await followEvents(
      { ...common, filter, guard, redact: redaction.event, shipSubject: shipper.shipWith, ship: shipEvent },
      from[resourceName(events)],
    );
  };
  const followed = Promise.all([...objects, eventsFollowed()]).then(() => shipper.settled());
  const shipped = shipLines(channel, settings.cluster, ports.sink, {
    signal: all.signal,
    onShipped(batch) {
      tellShipped(batch, clock.now(), report);
      cache.forgetDeleted(clock.elapsed());
    },
  });

  const ended = aborted(term.signal);
  try {
    await Promise.race([ended, followed, shipped]);
    if (term.signal.aborted && term.signal.reason !== 'stopping') return;
    reading.abort();
    // Who waits for room has read something; it is left to the next one where there is none in time.
    const flushed = followed.then(() => channel.close()).then(() => shipped);
    await Promise.race([flushed, clock.sleep(settings.flushTime, all.signal)]);
    // Written when the Lease is given up, which comes next.
    term.save(positions.checkpoint());
  } finally {
    reading.abort();
    all.abort();
    channel.close();
    await Promise.allSettled([shipped]);
  }
}

const groupOf = (apiVersion: string): string => apiVersion.split('/').at(-2) ?? '';

const aborted = (signal: AbortSignal): Promise<void> =>
  new Promise((resolve) => {
    if (signal.aborted) resolve();
    signal.addEventListener('abort', () => resolve(), { once: true });
  });

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
