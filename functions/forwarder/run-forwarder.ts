/**
 * The forwarder on its ports: it leads or waits for its turn, ships while it leads, and can say how it is. In a cluster
 * (`main.ts`) and on a laptop it is the same.
 */
import type { Cluster } from '../../shared/observation.ts';
import type { Sign } from '../../shared/sign-batches.ts';
import { explainTrouble } from './explain-trouble.ts';
import { createEventFilter, createNamespaceFilter } from './filter-events.ts';
import type { Follow } from './follow-objects.ts';
import { createRateGuard } from './guard-rate.ts';
import type { Clock } from './kubernetes/clock.ts';
import type { Discover } from './kubernetes/discover-kinds.ts';
import type { Term } from './kubernetes/hold-lease.ts';
import type { LookUp } from './kubernetes/look-up-object.ts';
import type { OwnEvent } from './kubernetes/post-event.ts';
import { watchedObjects } from './kubernetes/watched-resources.ts';
import type { Log } from './log.ts';
import { createMetrics, type MetricSources, type Metrics } from './metrics.ts';
import { createOwnEventPoster } from './post-own-events.ts';
import type { ForwarderConfig } from './read-config.ts';
import type { RecordSink } from './record-sink.ts';
import { createRedaction } from './redact-messages.ts';
import {
  defaultTermSettings,
  runTerm,
  type TermPorts,
  type TermSettings,
  type TermState,
} from './run-term.ts';
import type { StatusSources } from './serve-status.ts';
import { createTeller, type Remark } from './tell-remarks.ts';
import { createHealth, type Health } from './watch-health.ts';

/** What the ports are made with: everything that happens is told here. */
export type Tell = (remark: Remark) => void;

export interface ForwarderPorts {
  follow: Follow;
  discover: Discover;
  lookUp: LookUp;
  sink: RecordSink;
  /** Where the cluster has a key. */
  sign?: Sign | undefined;
  /** Runs `run` whenever this process leads, until it is to stop (kubernetes/hold-lease.ts). */
  lead(run: (term: Term) => Promise<void>): Promise<void>;
  /**
   * About this process, of when it was `at` (milliseconds since 1970), where those who run the cluster look. May be called
   * again with the same.
   */
  postEvent(event: OwnEvent, at: number): Promise<void>;
}

export interface Forwarder {
  status: StatusSources & { metrics: Metrics };
  /** Once, until `lead` ends. @throws what is a mistake of this program */
  run(cluster: Cluster): Promise<void>;
}

export type ForwarderSettings = Pick<ForwarderConfig, 'filters' | 'rateLimit' | 'redactPatterns'> &
  Partial<Pick<TermSettings, 'batches' | 'flushTime' | 'subjects' | 'partitions'>>;

export function createForwarder(
  connect: (tell: Tell) => ForwarderPorts,
  { filters, rateLimit, redactPatterns, ...settings }: ForwarderSettings,
  { clock, log }: { clock: Clock; log: Log },
): Forwarder {
  const current: CurrentTerm = { state: undefined };
  let isRunning = false;
  const metrics = createMetrics(metricSources(current, clock, () => health.failing()));
  const write = createTeller(log, metrics, clock.elapsed);
  const health = createHealth(clock.elapsed, (remark) => {
    write(remark);
    sayOnPod(ownEvent(remark));
  });
  const tell: Tell = (remark) => {
    write(remark);
    health.note(remark);
  };
  const ports = connect(tell);
  const over = new AbortController();
  const sayOnPod = createOwnEventPoster({
    post: ports.postEvent,
    clock,
    onFailed: (error) => write({ type: 'own-event-failed', error }),
    signal: over.signal,
  });
  const termPorts = {
    follow: ports.follow,
    discover: ports.discover,
    lookUp: ports.lookUp,
    sink: watchPuts(ports.sink, health),
    sign: ports.sign,
    filter: createEventFilter(filters),
    mayShip: createNamespaceFilter(filters),
    guard: createRateGuard(rateLimit, clock.elapsed),
    redaction: createRedaction(redactPatterns),
    clock,
    report: tell,
    heard: health.heard,
  };
  return {
    status: {
      stuck: health.stuck,
      notReady: () => (isRunning ? health.notReady() : ['the API server has not answered yet']),
      metrics,
    },
    run(cluster) {
      isRunning = true;
      const termSettings = { ...defaultTermSettings, ...settings, cluster, watched: watchedObjects };
      const led = ports.lead((term) => runWatched(current, health, termPorts, termSettings, term));
      return led.finally(() => over.abort());
    },
  };
}

/** Where everything stands while this replica leads. */
interface CurrentTerm {
  state: TermState | undefined;
}

const metricSources = (current: CurrentTerm, clock: Clock, failing: Health['failing']): MetricSources => ({
  channelBytes: () => current.state?.channel.bytes() ?? 0,
  cachedObjects: () => current.state?.cachedObjects() ?? 0,
  checkpointAge: () => (clock.now() - (current.state?.positions.openSince() ?? clock.now())) / 1000,
  leads: () => current.state !== undefined,
  failing,
  customKinds: () => current.state?.customKinds() ?? new Map(),
});

/** A put that does not end is told by the health. */
const watchPuts = (sink: RecordSink, health: Health): RecordSink => ({
  put(records, signal) {
    health.putting();
    return sink.put(records, signal);
  },
});

/** One term, of which figures and health can say how it is until it ends. */
async function runWatched(
  current: CurrentTerm,
  health: Health,
  ports: Omit<TermPorts, 'began'>,
  settings: TermSettings,
  term: Term,
): Promise<void> {
  const began = (state: TermState) => {
    current.state = state;
    health.began(state);
  };
  try {
    await runTerm({ ...ports, began }, settings, term);
  } finally {
    current.state = undefined;
    health.ended();
  }
}

function ownEvent(remark: Remark & { type: 'not-shipping' | 'shipping-again' }): OwnEvent {
  switch (remark.type) {
    case 'not-shipping':
      return {
        type: 'Warning',
        reason: 'CannotShip',
        action: 'Shipping',
        message: `Nothing could be shipped to the stream for ${remark.seconds} s. Nothing is lost yet: Events wait in the API server, which keeps them for an hour. Why: ${explainTrouble(remark.reason)}.`,
      };
    case 'shipping-again':
      return {
        type: 'Normal',
        reason: 'ShippingAgain',
        action: 'Shipping',
        message: `Shipping again, after ${remark.seconds} s.`,
      };
  }
}
