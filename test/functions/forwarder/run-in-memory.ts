/** One term of the forwarder on a cluster and a stream in memory; what has arrived reads like a list. */
import { setImmediate } from 'node:timers/promises';
import * as v from 'valibot';
import {
  createEventFilter,
  createNamespaceFilter,
  type EventFilters,
} from '../../../functions/forwarder/filter-events.ts';
import { createRateGuard, EventRateLimitSchema } from '../../../functions/forwarder/guard-rate.ts';
import type { Clock } from '../../../functions/forwarder/kubernetes/clock.ts';
import type { Handover } from '../../../functions/forwarder/kubernetes/handover-annotations.ts';
import type { Checkpoint } from '../../../functions/forwarder/kubernetes/watch-signal.ts';
import { watchedObjects } from '../../../functions/forwarder/kubernetes/watched-resources.ts';
import type { RecordSink } from '../../../functions/forwarder/record-sink.ts';
import { createRedaction } from '../../../functions/forwarder/redact-messages.ts';
import type { DeliveryRemark, KindRemark } from '../../../functions/forwarder/remarks.ts';
import {
  defaultTermSettings,
  runTerm,
  type TermPorts,
  type TermSettings,
} from '../../../functions/forwarder/run-term.ts';
import { decodeBatch } from '../../../shared/batch-codec.ts';
import type { Observation } from '../../../shared/observation.ts';
import type { MemoryCluster } from './memory-cluster.ts';

/** Short sleeps are over at once, long ones only when somebody gives up; `skip` moves the time. */
export function createTestClock(): Clock & { skip(milliseconds: number): void } {
  let skipped = Date.UTC(2026, 2, 2);
  return {
    now: () => skipped,
    elapsed: () => skipped,
    skip(milliseconds) {
      skipped += milliseconds;
    },
    async sleep(duration, signal) {
      if (duration <= 1_000) {
        for (let i = 0; i < 5; i++) await setImmediate();
        return;
      }
      if (signal.aborted) return;
      await new Promise((resolve) => signal.addEventListener('abort', resolve, { once: true }));
    },
  };
}

export interface RunningTerm {
  arrived: Observation[];
  remarks: (DeliveryRemark | KindRemark)[];
  /** The newest that was saved. */
  saved(): Checkpoint | undefined;
  handover(): Handover | undefined;
  /** Until nothing happens any more. */
  quiet(): Promise<void>;
  /** As at SIGTERM. */
  stop(): Promise<void>;
  /** As if the process died. */
  kill(): Promise<void>;
}

export interface Given {
  checkpoint?: Checkpoint | undefined;
  /** In place of a checkpoint alone. */
  handover?: Handover | undefined;
  clock?: Clock;
  ports?: Partial<TermPorts>;
  settings?: Partial<TermSettings>;
  filters?: Partial<EventFilters>;
  redact?: RegExp[];
  burst?: number;
  confirmed?(signal: AbortSignal): Promise<void>;
  onSave?(handover: Handover): void;
}

const all = { include: [], exclude: [] };

export function runInMemory(cluster: MemoryCluster, given: Given = {}): RunningTerm {
  const clock = given.clock ?? createTestClock();
  const arrived: Observation[] = [];
  const remarks: (DeliveryRemark | KindRemark)[] = [];
  const ending = new AbortController();
  let saved = given.handover ?? (given.checkpoint && { checkpoint: given.checkpoint, lookingUp: [] });
  const sink: RecordSink = {
    async put(records) {
      for (const { data } of records) arrived.push(...decodeBatch(data).observations);
      return [];
    },
  };
  const filters = { namespaces: all, kinds: all, reasons: all, types: all, ...given.filters };
  const ended = runTerm(
    {
      follow: cluster.follow,
      discover: cluster.discover,
      lookUp: cluster.lookUp,
      sink,
      filter: createEventFilter(filters),
      mayShip: createNamespaceFilter(filters),
      guard: createRateGuard(
        v.parse(EventRateLimitSchema, { burst: given.burst ?? 1_000_000, perMinute: 1 }),
        clock.now,
      ),
      redaction: createRedaction(given.redact ?? []),
      clock,
      report: (remark) => remarks.push(remark),
      heard: () => {},
      began: () => {},
      ...given.ports,
    },
    { ...defaultTermSettings, cluster: { uid: 'c1' }, watched: watchedObjects, ...given.settings },
    {
      handover: saved,
      digestKey: 'of the Lease',
      signal: ending.signal,
      confirmed: given.confirmed ?? (async () => {}),
      save({ checkpoint, lookingUp }) {
        saved = { checkpoint: { ...saved?.checkpoint, ...checkpoint }, lookingUp };
        given.onSave?.(saved);
      },
    },
  );
  ended.catch(() => {});
  return {
    arrived,
    remarks,
    saved: () => saved?.checkpoint,
    handover: () => saved,
    quiet: () => quiet(),
    async stop() {
      ending.abort('stopping');
      await ended;
    },
    async kill() {
      ending.abort('lost');
      await ended;
    },
  };
}

export async function quiet(turns = 60): Promise<void> {
  for (let i = 0; i < turns; i++) await setImmediate();
}

/** `Kind name` of a snapshot, `Kind name Reason ×count` of an Event. */
export const told = (observations: readonly Observation[]): string[] =>
  observations.map((observation) => {
    if (observation.type === 'object') {
      const { kind, name } = observation.object;
      return `${kind} ${name}${observation.deleted ? ' gone' : ''}`;
    }
    const { subject, reason, count } = observation.event;
    return `${subject.kind} ${subject.name} ${reason}${count > 1 ? ` ×${count}` : ''}`;
  });
