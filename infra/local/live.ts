/**
 * `npm start -- --live`: the current kubeconfig's cluster through the same forwarder as in the cluster and the whole
 * pipeline, in this process, until it is stopped.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import * as v from 'valibot';
import { assemble } from '../../functions/correlator/causality/assemble.ts';
import { defaultWaits } from '../../functions/correlator/ports.ts';
import type { OtlpEndpoint } from '../../functions/emitter/read-config.ts';
import { EventFiltersSchema } from '../../functions/forwarder/filter-events.ts';
import { EventRateLimitSchema } from '../../functions/forwarder/guard-rate.ts';
import { systemClock as clock } from '../../functions/forwarder/kubernetes/clock.ts';
import { createApiServer } from '../../functions/forwarder/kubernetes/connect-api-server.ts';
import { findClusterUid } from '../../functions/forwarder/kubernetes/find-cluster.ts';
import { loadKubeConfig } from '../../functions/forwarder/kubernetes/load-kube-config.ts';
import { createLookUp } from '../../functions/forwarder/kubernetes/look-up-object.ts';
import { watchResource } from '../../functions/forwarder/kubernetes/watch-resource.ts';
import type { RecordSink } from '../../functions/forwarder/record-sink.ts';
import { createForwarder } from '../../functions/forwarder/run-forwarder.ts';
import { decodeBatch } from '../../shared/batch-codec.ts';
import { UserError } from '../../shared/errors.ts';
import type { Cluster, Observation } from '../../shared/observation.ts';
import type { Span } from '../../shared/span.ts';
import { startPipeline } from './start-pipeline.ts';

export interface Live {
  endpoint?: OtlpEndpoint | undefined;
  /** Aborted when it is to stop. */
  signal: AbortSignal;
  /** One line about the cluster, once it has answered. */
  onStart(cluster: string): void;
  /** Whenever new spans have come out of OTLP/HTTP: all so far. */
  onSpans(spans: readonly Span[]): Promise<void>;
  /** Something that the user should know: rights that are missing, a cluster that does not answer. */
  onTrouble(text: string): void;
}

/** Milliseconds between looks at what came out. */
const lookEvery = 1_000;

/**
 * What stood when it was stopped, also of traces that were not over: nobody waits for them any more.
 * @throws UserError where there is no cluster, or it does not answer
 */
export async function followLive({ endpoint, signal, onStart, onSpans, onTrouble }: Live): Promise<Span[]> {
  const config = loadKubeConfig();
  const api = createApiServer(config);
  await using stack = new AsyncDisposableStack();
  stack.defer(() => api.close());
  const address = config.getCurrentCluster()?.server;
  const uid = await findClusterUid(api, signal).catch((error: Error) => {
    throw new UserError(
      `${address} does not answer: ${error.message}; try kubectl get namespace kube-system`,
    );
  });
  const cluster: Cluster = { uid, name: config.getCurrentContext() };
  onStart(`${address} (context ${cluster.name})`);

  const pipeline = stack.use(
    await startPipeline({
      waits: defaultWaits,
      now: clock.now,
      assemblyClock: () => BigInt(clock.now()) * 1_000_000n,
      endpoint,
      onRemark: () => {},
      onDefect: (defect) => onTrouble(defect instanceof Error ? defect.message : String(defect)),
    }),
  );
  pipeline.startSettling();

  const kept: Uint8Array[] = [];
  const sink: RecordSink = {
    put(records, until) {
      kept.push(...records.map(({ data }) => data));
      return pipeline.sink.put(records, until);
    },
  };
  const told = new Set<string>();
  const forwarder = createForwarder(
    (report) => ({
      follow: (resource, options) =>
        watchResource({ api, clock, random: Math.random, report }, resource, options),
      lookUp: createLookUp({
        api,
        clock,
        onForbidden: (resource) => report({ type: 'look-ups-refused', resource }),
      }),
      sink,
      // Nobody else follows for this process: no Lease, and no checkpoint to go on from.
      lead: async (run) => run({ checkpoint: undefined, signal: stopping(signal), save: () => {} }),
      postEvent: async () => {},
    }),
    {
      filters: v.parse(EventFiltersSchema, {}),
      rateLimit: v.parse(EventRateLimitSchema, {}),
      redactPatterns: [],
      extraKinds: [],
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

  let isOver = false;
  const running = forwarder.run(cluster).finally(() => {
    isOver = true;
  });
  for (let shown = 0; !isOver; ) {
    await Promise.race([running, sleep(lookEvery)]);
    const spans = pipeline.spans();
    if (spans.length !== shown) await onSpans(spans);
    shown = spans.length;
  }
  await running;
  return assembleAll(cluster, kept, BigInt(clock.now()) * 1_000_000n);
}

/** The same signal with the reason by which a term knows that it is to finish. */
function stopping(signal: AbortSignal): AbortSignal {
  const stop = new AbortController();
  if (signal.aborted) stop.abort('stopping');
  signal.addEventListener('abort', () => stop.abort('stopping'), { once: true });
  return stop.signal;
}

function assembleAll(cluster: Cluster, records: readonly Uint8Array[], now: bigint): Span[] {
  const observations: Observation[] = records.flatMap((bytes) => decodeBatch(bytes).observations);
  return assemble({ cluster, observations, now }).map(({ span }) => span);
}
