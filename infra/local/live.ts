/**
 * `npm start -- --live`: the current kubeconfig's cluster through the same forwarder as in the cluster and the whole
 * pipeline, in this process, until it is stopped; for days, if one likes.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import * as v from 'valibot';
import type { BusRecord } from '../../functions/correlator/ports.ts';
import { defaultThresholds } from '../../functions/correlator/thresholds.ts';
import type { OtlpEndpoint } from '../../functions/emitter/read-config.ts';
import { newDigestKey } from '../../functions/forwarder/digest.ts';
import { EventFiltersSchema } from '../../functions/forwarder/filter-events.ts';
import { EventRateLimitSchema } from '../../functions/forwarder/guard-rate.ts';
import { systemClock as clock } from '../../functions/forwarder/kubernetes/clock.ts';
import { createDiscover } from '../../functions/forwarder/kubernetes/discover-kinds.ts';
import { findClusterUid } from '../../functions/forwarder/kubernetes/find-cluster.ts';
import { createLookUp } from '../../functions/forwarder/kubernetes/look-up-object.ts';
import { watchResource } from '../../functions/forwarder/kubernetes/watch-resource.ts';
import { customKinds, kindsOf } from '../../functions/forwarder/kubernetes/watched-resources.ts';
import type { RecordSink } from '../../functions/forwarder/record-sink.ts';
import { createForwarder } from '../../functions/forwarder/run-forwarder.ts';
import { defaultSubjectSettings } from '../../functions/forwarder/ship-subjects.ts';
import { UserError } from '../../shared/errors.ts';
import type { Cluster } from '../../shared/observation.ts';
import type { Span } from '../../shared/span.ts';
import { type ConnectedCluster, whyNotRead } from './connect-cluster.ts';
import { keepRecentRecords, keepRecentTraces, type RecentRecords, type RecentTraces } from './keep-recent.ts';
import { findUnderWay, type OpenTraces, sendOpen, type UnderWay } from './send-open.ts';
import { type Pipeline, startPipeline } from './start-pipeline.ts';

export interface Live {
  connected: ConnectedCluster;
  endpoint?: OtlpEndpoint | undefined;
  /** Aborted when it is to stop. */
  signal: AbortSignal;
  /** One line about the cluster, once it has answered; what it throws ends it before anything is started. */
  onStart(cluster: string): Promise<void>;
  /** Whenever new spans have come out of OTLP/HTTP: all that are kept, and how many traces are kept no more. */
  onSpans(spans: readonly Span[], letGo: number): Promise<void>;
  /** Now and then, where something came: what is not over, as it stands. */
  onUnderWay(traces: readonly UnderWay[]): void;
  /** A template for links in records. */
  traceUrl?: string | undefined;
  /** A change stands still while its trace is open. */
  onStalled?: ((record: BusRecord) => void) | undefined;
  /** Something that the user should know: rights that are missing, a cluster that does not answer. */
  onTrouble(text: string): void;
}

/** Milliseconds between looks at what came out, and as much longer as showing it takes: no more than a tenth of the time. */
const lookEvery = 1_000;
const shareOfTime = 10;
/**
 * Between looks at what is under way, for which all that is kept is assembled: no more than a thirtieth of the time. More often
 * nobody reads it; less often somebody asks kubectl first.
 */
const assembleEvery = 5_000;
const shareOfAssembling = 30;

/** Of what came out: the page of so many is 4 MB and takes half a second to write. */
const mostSpans = 20_000;
/**
 * Hours in milliseconds that everything else is kept, in the store as well. No trace is longer than an hour, and what it
 * is made of came or came again in the hour and a half before it.
 */
const keptFor = 3 * 3_600_000;
const shipAgainAfter = keptFor / 2;
/** Of records, compressed; some 300,000 Events. */
const mostBytes = 32_000_000;

/**
 * What stood when it was stopped, also of traces that were not over, which are sent then. Of what came before the newest 20,000
 * spans nothing.
 * @throws UserError where there is no cluster, or it cannot be read
 */
export async function followLive(live: Live): Promise<Span[]> {
  const { connected, endpoint, signal, onStart, onTrouble } = live;
  const { api, address, context } = connected;
  await using stack = new AsyncDisposableStack();
  stack.defer(() => api.close());
  const uid = await findClusterUid(api, signal).catch((error: unknown) => {
    throw new UserError(`${address} ${whyNotRead(error)}`);
  });
  const cluster: Cluster = { uid, name: context };
  await onStart(`${address} (context ${cluster.name})`);

  const kept = keepRecentTraces(mostSpans);
  const tell = (trouble: unknown) => onTrouble(trouble instanceof Error ? trouble.message : String(trouble));
  const pipeline = stack.use(
    await startPipeline({
      thresholds: { ...defaultThresholds, retention: keptFor / 1000 },
      kept,
      now: clock.now,
      assemblyClock: now,
      endpoint,
      onRemark: () => {},
      traceUrl: live.traceUrl,
      onStalled: live.onStalled,
      onTrouble: tell,
      onDefect: tell,
      pollInterval: lookEvery,
    }),
  );
  pipeline.startSettling();

  const recent = keepRecentRecords({ age: keptFor, bytes: mostBytes }, clock.now);
  const traces = (): OpenTraces => {
    const goneUntil = recent.goneUntil();
    const since = goneUntil === undefined ? 0 : goneUntil + shipAgainAfter;
    return { cluster, records: recent.all(), kept, since, now: now() };
  };
  const sink: RecordSink = {
    put(records, until) {
      for (const { data } of records) recent.add(data);
      return pipeline.sink.put(records, until);
    },
  };
  const running = followCluster(live, sink).run(cluster);
  await showUntil(running, live, { pipeline, kept, recent, traces });
  await sendOpen(pipeline, traces());
  const lost = pipeline.undelivered();
  if (lost !== undefined)
    onTrouble(`${lost.spans} spans did not reach OTEL_EXPORTER_OTLP_ENDPOINT (${lost.reason})`);
  return pipeline.spans();
}

const now = (): bigint => BigInt(clock.now()) * 1_000_000n;

/** What came so far. */
interface Following {
  pipeline: Pick<Pipeline, 'spans'>;
  kept: RecentTraces;
  recent: RecentRecords;
  traces(): OpenTraces;
}

async function showUntil(
  running: Promise<void>,
  { onSpans, onUnderWay }: Live,
  { pipeline, kept, recent, traces }: Following,
): Promise<void> {
  let isOver = false;
  const ended = running.finally(() => {
    isOver = true;
  });
  let shown = 0;
  let assembled = 0;
  let assembleAt = 0;
  for (let pause = lookEvery; !isOver; ) {
    await Promise.race([ended, sleep(pause, undefined, { ref: false })]);
    const begun = clock.elapsed();
    if (kept.added() !== shown) {
      shown = kept.added();
      await onSpans(pipeline.spans(), kept.letGo());
    }
    const spent = clock.elapsed() - begun;
    pause = Math.max(lookEvery, shareOfTime * spent);
    // Of what is sent meanwhile something is under way no more.
    const soFar = recent.added() + shown;
    if (isOver || soFar === assembled || clock.elapsed() < assembleAt) continue;
    assembled = soFar;
    const beforeAssembling = clock.elapsed();
    onUnderWay(findUnderWay(traces()));
    const took = clock.elapsed() - beforeAssembling;
    assembleAt = clock.elapsed() + Math.max(assembleEvery, shareOfAssembling * took);
  }
  await ended;
}

/** As the forwarder in a cluster does it, without a Lease and without a checkpoint: nobody else follows for this process. */
function followCluster({ connected: { api }, signal, onTrouble }: Live, sink: RecordSink) {
  const told = new Set<string>();
  return createForwarder(
    (report) => ({
      follow: (resource, options) =>
        watchResource({ api, clock, random: Math.random, report }, resource, options),
      discover: createDiscover(api, kindsOf(customKinds)),
      lookUp: createLookUp({
        api,
        clock,
        onForbidden: (resource) => report({ type: 'look-ups-refused', resource }),
      }),
      sink,
      lead: async (run) =>
        run({
          handover: undefined,
          digestKey: newDigestKey(),
          signal: stopping(signal),
          confirmed: async () => {},
          save: () => {},
        }),
      postEvent: async () => {},
    }),
    {
      filters: v.parse(EventFiltersSchema, {}),
      rateLimit: v.parse(EventRateLimitSchema, {}),
      redactPatterns: [],
      subjects: { ...defaultSubjectSettings, shipAgainAfter },
    },
    {
      clock,
      log: (level, message, fields) => {
        if (level !== 'warn' && level !== 'error') return;
        const text = `${message}${fields?.resource === undefined ? '' : ` (${fields.resource})`}`;
        if (!told.has(text)) onTrouble(text);
        told.add(text);
      },
    },
  );
}

/** The same signal with the reason by which a term knows that it is to finish. */
function stopping(signal: AbortSignal): AbortSignal {
  const stop = new AbortController();
  if (signal.aborted) stop.abort('stopping');
  signal.addEventListener('abort', () => stop.abort('stopping'), { once: true });
  return stop.signal;
}
