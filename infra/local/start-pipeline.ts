/**
 * The whole pipeline in this process: the correlator's and the emitter's handlers as AWS runs them, real SDK clients,
 * emulators behind them, pollers with the semantics of Lambda's event sources, and a receiver of OTLP/HTTP at the end.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { createIngest } from '../../functions/correlator/ingest.ts';
import type { Remark, Waits } from '../../functions/correlator/ports.ts';
import { createSettle } from '../../functions/correlator/settle.ts';
import { createSpansQueue } from '../../functions/correlator/spans-queue-sqs.ts';
import { createDynamoDbStore } from '../../functions/correlator/store-dynamodb.ts';
import { createTimers } from '../../functions/correlator/timers-sqs.ts';
import { createDelivery } from '../../functions/emitter/deliver-messages.ts';
import { createEmitter, narrowingRequests } from '../../functions/emitter/emit.ts';
import { type ExportOutcome, exportSpans } from '../../functions/emitter/export-spans.ts';
import { createHttpTransport } from '../../functions/emitter/http-transport.ts';
import { otlpPacking } from '../../functions/emitter/pack-requests.ts';
import type { OtlpEndpoint } from '../../functions/emitter/read-config.ts';
import { createRedelivery } from '../../functions/emitter/redelivery-sqs.ts';
import { createKinesisSink } from '../../functions/forwarder/kinesis-sink.ts';
import { systemClock } from '../../functions/forwarder/kubernetes/clock.ts';
import type { RecordSink } from '../../functions/forwarder/record-sink.ts';
import { createSetAside, type SetAsideSettings } from '../../shared/set-aside-s3.ts';
import type { Span } from '../../shared/span.ts';
import { connectAws, localRegion } from './connect-aws.ts';
import { createResources } from './create-resources.ts';
import { expireItems } from './expire-items.ts';
import type { SpanKeeper } from './keep-recent.ts';
import { createKinesisSource } from './kinesis-source.ts';
import { pollKinesis } from './poll-kinesis.ts';
import { pollSqs } from './poll-sqs.ts';
import { startOtlpReceiver } from './receive-otlp.ts';
import { createSqsSource } from './sqs-source.ts';
import { startEmulators } from './start-emulators.ts';

export interface PipelineSettings {
  waits: Waits;
  /** Milliseconds since 1970. */
  now(): number;
  /** Nanoseconds since 1970. */
  assemblyClock(): bigint;
  /** Where the spans go as well. */
  endpoint?: OtlpEndpoint | undefined;
  /** Of the spans that came out; all of them, where nobody says otherwise. */
  kept?: SpanKeeper | undefined;
  /** Something of these activities was filed. */
  onIngested?(activities: readonly string[]): void;
  onRemark(remark: Remark): void;
  /** What must not happen where everything is there: a handler that throws, poison, a refused span. */
  onDefect(defect: unknown): void;
}

export interface Undelivered {
  spans: number;
  reason: string;
}

export interface Pipeline extends AsyncDisposable {
  sink: RecordSink;
  /** For a forwarder of its own process. */
  stream: { endpoint: string; name: string; region: string };
  /** Resolves once all that the sink took is filed. */
  ingested(): Promise<void>;
  /** From now on timers are heard and spans exported; before, they wait in their queues. */
  startSettling(): void;
  /** Resolves once no timer is left. */
  settled(): Promise<void>;
  /** Resolves once no span waits to be exported. */
  exported(): Promise<void>;
  /** As they came out of OTLP/HTTP, so far, those that are kept. */
  spans(): Span[];
  /** What the endpoint did not take. */
  undelivered(): Undelivered | undefined;
}

export async function startPipeline(settings: PipelineSettings): Promise<Pipeline> {
  const { waits, now, assemblyClock, endpoint, onIngested, onRemark, onDefect } = settings;
  await using starting = new AsyncDisposableStack();
  const emulators = await startEmulators();
  starting.defer(() => emulators.stop());
  const receiver = await startOtlpReceiver(settings.kept);
  starting.defer(() => receiver.stop());
  const aws = connectAws(emulators.endpoints);
  starting.defer(() => aws.destroy());
  const resources = await createResources(aws, { shards: 1 });
  const expiring = new AbortController();
  const expired = expireItems(aws.dynamodb, {
    tableName: resources.tableName,
    pagePause: 5_000,
    roundPause: 60_000,
    clock: systemClock,
    signal: expiring.signal,
  }).catch(onDefect);
  starting.defer(() => {
    expiring.abort();
    return expired;
  });

  const setAsideOf = (origin: SetAsideSettings['origin']) =>
    createSetAside(aws.s3, { bucket: resources.setAsideBucket, origin });
  const timers = createTimers(aws.sqs, resources.timersQueueUrl);
  const ports = {
    store: createDynamoDbStore({ client: aws.dynamodb, tableName: resources.tableName, now: Date.now }),
    timers,
    spansQueue: createSpansQueue(aws.sqs, resources.spansQueueUrl),
    log: (remark: Remark) => {
      if (remark.kind === 'settle-failed' || remark.kind === 'not-set-aside') onDefect(remark.error);
      if (remark.kind === 'set-aside') onDefect(new Error(remark.reason));
      onRemark(remark);
    },
    now,
    assemblyClock,
  };
  const exporter = createExporter(receiver.endpoint, endpoint);
  starting.defer(() => exporter.close());
  const deliver = createDelivery({
    emit: createEmitter(
      { exportSpans: exporter.exportSpans, setAside: setAsideOf('emit'), now: Date.now },
      { ...otlpPacking, narrowingRequests },
    ),
    redelivery: createRedelivery(aws.sqs, resources.spansQueueUrl),
    log: (remark) => {
      if (remark.kind !== 'emitted') onDefect(new Error(`the emitter: ${JSON.stringify(remark)}`));
    },
    now: Date.now,
  });

  const observations = pollKinesis(
    createKinesisSource(aws.kinesis, resources.streamName),
    {
      batchSize: 100,
      batchingWindow: 0,
      pollInterval: 50,
      maximumRetryAttempts: 5,
      maximumRecordAge: Infinity,
      bisectBatchOnFunctionError: true,
    },
    {
      clock: systemClock,
      handle: createIngest(
        {
          ...ports,
          setAside: setAsideOf('ingest'),
          timers: {
            arm(timer, seconds) {
              onIngested?.(timer.activities);
              return timers.arm(timer, seconds);
            },
          },
        },
        waits,
      ),
      onFailure: async (_, why) => onDefect(why.error),
      onError: onDefect,
    },
  );
  starting.defer(() => observations.stop());

  const sqs = { batchSize: 10, concurrency: 2, pollInterval: 50 };
  const sqsPorts = { clock: systemClock, onHandlerError: onDefect, onError: onDefect };
  const running = starting.move();
  let pollers: { timers: ReturnType<typeof pollSqs>; spans: ReturnType<typeof pollSqs> } | undefined;
  return {
    sink: createKinesisSink(aws.kinesis, { streamName: resources.streamName, sleep, random: Math.random }),
    stream: { endpoint: emulators.endpoints.kinesis, name: resources.streamName, region: localRegion },
    ingested: () => observations.drained(),
    startSettling() {
      const settling = pollSqs(createSqsSource(aws.sqs, resources.timersQueueUrl), sqs, {
        ...sqsPorts,
        handle: createSettle({ ...ports, setAside: setAsideOf('settle') }, waits),
      });
      running.defer(() => settling.stop());
      const spans = pollSqs(createSqsSource(aws.sqs, resources.spansQueueUrl), sqs, {
        ...sqsPorts,
        handle: (event) => deliver(event, Number.POSITIVE_INFINITY),
      });
      running.defer(() => spans.stop());
      pollers = { timers: settling, spans };
    },
    settled: async () => pollers?.timers.drained(),
    exported: async () => pollers?.spans.drained(),
    spans: () => receiver.spans(),
    undelivered: exporter.undelivered,
    [Symbol.asyncDispose]: () => running.disposeAsync(),
  };
}

/** To the receiver always, and to the endpoint where there is one: what that one does not take is counted. */
function createExporter(receiver: string, endpoint: OtlpEndpoint | undefined) {
  const inner = createHttpTransport({
    url: new URL('/v1/traces', receiver),
    headers: {},
    timeoutMs: 10_000,
    compression: 'gzip',
    protocol: 'http/protobuf',
  });
  const outer = endpoint === undefined ? undefined : createHttpTransport(endpoint);
  let undelivered: Undelivered | undefined;
  return {
    async exportSpans(spans: readonly Span[]): Promise<ExportOutcome> {
      if (outer !== undefined) {
        const outcome = await exportSpans(spans, { transport: outer, now: Date.now });
        if (outcome.kind !== 'accepted') {
          const lost = outcome.kind === 'partly-accepted' ? outcome.rejectedSpans : spans.length;
          if (lost > 0) {
            const reason =
              outcome.kind === 'refused'
                ? `it answered ${outcome.status}: ${outcome.message}`
                : outcome.message;
            undelivered = { spans: (undelivered?.spans ?? 0) + lost, reason };
          }
        }
      }
      return exportSpans(spans, { transport: inner, now: Date.now });
    },
    undelivered: () => undelivered,
    close: () => {
      inner.close();
      outer?.close();
    },
  };
}
