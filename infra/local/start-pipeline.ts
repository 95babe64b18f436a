/**
 * The whole pipeline in this process: the correlator's and the emitter's handlers as AWS runs them, real SDK clients,
 * emulators behind them, pollers with the semantics of Lambda's event sources, and a receiver of OTLP/HTTP at the end.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { builtInRules } from '../../functions/correlator/causality/rules/built-in-rules.ts';
import { createIngest } from '../../functions/correlator/ingest.ts';
import type { BusRecord, Ports, RecordsBus, Remark, Timers } from '../../functions/correlator/ports.ts';
import { isReleaseActivity } from '../../functions/correlator/read-release.ts';
import { createSettle } from '../../functions/correlator/settle.ts';
import { createSpansQueue } from '../../functions/correlator/spans-queue-sqs.ts';
import { createDynamoDbStore } from '../../functions/correlator/store-dynamodb.ts';
import type { Thresholds } from '../../functions/correlator/thresholds.ts';
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
import { type AwsClients, connectAws, localRegion } from './connect-aws.ts';
import { createResources, type Resources } from './create-resources.ts';
import { expireItems } from './expire-items.ts';
import type { SpanKeeper } from './keep-recent.ts';
import { createKinesisSource } from './kinesis-source.ts';
import { type Poller, pollKinesis } from './poll-kinesis.ts';
import { pollSqs, type SqsPollPorts } from './poll-sqs.ts';
import { startOtlpReceiver } from './receive-otlp.ts';
import { createSqsSource } from './sqs-source.ts';
import { startEmulators } from './start-emulators.ts';

export interface PipelineSettings {
  thresholds: Thresholds;
  /** Milliseconds since 1970. */
  now(): number;
  /** Nanoseconds since 1970. */
  assemblyClock(): bigint;
  /** Where the spans go as well. */
  endpoint?: OtlpEndpoint | undefined;
  /** Of the spans that came out; all of them, where nobody says otherwise. */
  kept?: SpanKeeper | undefined;
  /** Of how many clusters: that two took the same images is a release. */
  clusters?: number;
  /** Releases are checked once all else is settled, and not after some time. */
  areReleasesLast?: boolean;
  /** Something of these activities was filed. */
  onIngested?(activities: readonly string[]): void;
  onRemark(remark: Remark): void;
  /** A template for links in records. */
  traceUrl?: string | undefined;
  /** A change stands still while its trace is open; undefined: nobody wants to be told. */
  onStalled?: ((record: BusRecord) => void) | undefined;
  /** What is tried again: a handler that throws, a connection that broke; a busy machine is reason enough. */
  onTrouble(trouble: unknown): void;
  /** What is lost: poison, a refused span, a record that was given up. */
  onDefect(defect: unknown): void;
  /** Milliseconds between looks at an empty stream or queue. */
  pollInterval?: number | undefined;
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
  /** From now on no timer is heard; resolves once all that was settled until then is exported. */
  stopSettling(): Promise<void>;
  /** The way that settled spans go, to everywhere that those went; resolves once they are exported. */
  exportSpans(spans: readonly Span[]): Promise<void>;
  /** Resolves once no timer is left. */
  settled(): Promise<void>;
  /** Resolves once no span waits to be exported. */
  exported(): Promise<void>;
  /** As they came out of OTLP/HTTP, so far, those that are kept. */
  spans(): Span[];
  /** Messages that were given up after many tries. */
  deadLetters(): Promise<number>;
  /** What the endpoint did not take. */
  undelivered(): Undelivered | undefined;
}

export async function startPipeline(settings: PipelineSettings): Promise<Pipeline> {
  await using starting = new AsyncDisposableStack();
  const emulators = await startEmulators();
  starting.defer(() => emulators.stop());
  const receiver = await startOtlpReceiver(settings.kept);
  starting.defer(() => receiver.stop());
  const aws = connectAws(emulators.endpoints);
  starting.defer(() => aws.destroy());
  const resources = await createResources(aws, { shards: 1 });
  const stopExpiring = startExpiring(aws, resources, settings.onTrouble);
  starting.defer(stopExpiring);
  const exporter = createExporter(receiver.endpoint, settings.endpoint);
  starting.defer(() => exporter.close());
  const local: Local = { settings, aws, resources };
  const observations = fileObservations(local);
  starting.defer(() => observations.stop());
  const releases = holdReleases(settings.areReleasesLast === true);
  const running = starting.move();
  let pollers: { timers: Poller; spans: Poller } | undefined;
  return {
    sink: createKinesisSink(aws.kinesis, { streamName: resources.streamName, sleep, random: Math.random }),
    stream: { endpoint: emulators.endpoints.kinesis, name: resources.streamName, region: localRegion },
    ingested: () => observations.drained(),
    startSettling() {
      const timers = settleTimers(local, releases);
      running.defer(() => timers.stop());
      const spans = emitSpans(local, exporter.exportSpans);
      running.defer(() => spans.stop());
      pollers = { timers, spans };
    },
    async stopSettling() {
      await pollers?.timers.stop();
      await pollers?.spans.drained();
    },
    async exportSpans(spans) {
      if (spans.length > 0) await createSpansQueue(aws.sqs, resources.spansQueueUrl).send(spans);
      await pollers?.spans.drained();
    },
    async settled() {
      await pollers?.timers.drained();
      await releases.letGo();
      await pollers?.timers.drained();
    },
    exported: async () => pollers?.spans.drained(),
    spans: () => receiver.spans(),
    async deadLetters() {
      const queues = [resources.timersDeadLettersUrl, resources.spansDeadLettersUrl];
      const never = new AbortController().signal;
      const counts = await Promise.all(queues.map((url) => createSqsSource(aws.sqs, url).count(never)));
      return counts.reduce((sum, count) => sum + count, 0);
    },
    undelivered: exporter.undelivered,
    [Symbol.asyncDispose]: () => running.disposeAsync(),
  };
}

/** Milliseconds; for a replay, which ends once there is nothing more. Each look takes about a millisecond of the CPU. */
const promptly = 50;

/** What stands in for the account in which the pipeline runs. */
interface Local {
  settings: PipelineSettings;
  aws: AwsClients;
  resources: Resources;
}

/** @returns ends it */
function startExpiring(
  aws: AwsClients,
  { tableName }: Resources,
  onTrouble: (trouble: unknown) => void,
): () => Promise<void> {
  const expiring = new AbortController();
  const expired = expireItems(aws.dynamodb, {
    tableName,
    pagePause: 5_000,
    roundPause: 60_000,
    clock: systemClock,
    signal: expiring.signal,
  }).catch(onTrouble);
  return () => {
    expiring.abort();
    return expired;
  };
}

/** Of ingest and of settle. */
function createCorrelatorPorts(
  { settings, aws, resources }: Local,
  origin: SetAsideSettings['origin'],
): Ports {
  const { now, assemblyClock, onRemark, onStalled, onTrouble, onDefect } = settings;
  return {
    store: createDynamoDbStore({ client: aws.dynamodb, tableName: resources.tableName, now: Date.now }),
    timers: createTimers(aws.sqs, resources.timersQueueUrl),
    spansQueue: createSpansQueue(aws.sqs, resources.spansQueueUrl),
    setAside: createSetAside(aws.s3, { bucket: resources.setAsideBucket, origin }),
    records: onStalled && tellStalled(onStalled),
    log: (remark: Remark) => {
      if (remark.kind === 'settle-failed') onTrouble(remark.error);
      if (remark.kind === 'not-set-aside') onDefect(remark.error);
      if (remark.kind === 'set-aside') onDefect(new Error(remark.reason));
      onRemark(remark);
    },
    now,
    assemblyClock,
  };
}

/** Of what has ended the spans tell that came out. */
const tellStalled = (tell: (record: BusRecord) => void): RecordsBus => ({
  async put(records) {
    for (const record of records) if (record.kind === 'stalled') tell(record);
    return { later: [], refused: [] };
  },
  postpone: async () => {},
});

/** The stream to the table, at once. */
function fileObservations(local: Local): Poller {
  const { aws, resources } = local;
  const { thresholds, onIngested, onTrouble, onDefect, pollInterval = promptly } = local.settings;
  const ports = createCorrelatorPorts(local, 'ingest');
  const timers: typeof ports.timers = {
    arm(timer, seconds) {
      onIngested?.(timer.activities);
      return ports.timers.arm(timer, seconds);
    },
  };
  return pollKinesis(
    createKinesisSource(aws.kinesis, resources.streamName),
    {
      batchSize: 100,
      batchingWindow: 0,
      pollInterval,
      maximumRetryAttempts: 5,
      maximumRecordAge: Infinity,
      bisectBatchOnFunctionError: true,
    },
    {
      clock: systemClock,
      handle: createIngest({ ...ports, timers }, thresholds),
      onFailure: async (_, why) => onDefect(why.error),
      onError: onTrouble,
    },
  );
}

const pollQueue = (
  { settings: { onTrouble, pollInterval = promptly }, aws }: Local,
  queueUrl: string,
  handle: SqsPollPorts['handle'],
): Poller =>
  pollSqs(
    createSqsSource(aws.sqs, queueUrl),
    { batchSize: 10, concurrency: 2, pollInterval },
    { clock: systemClock, handle, onHandlerError: onTrouble, onError: onTrouble },
  );

function settleTimers(local: Local, releases: HeldReleases): Poller {
  const { thresholds, clusters = 1, traceUrl } = local.settings;
  const ports = createCorrelatorPorts(local, 'settle');
  const settle = createSettle(
    { ...ports, timers: releases.hold(ports.timers, ports.now) },
    thresholds,
    builtInRules,
    { releasesByImages: clusters > 1, traceUrl },
  );
  return pollQueue(local, local.resources.timersQueueUrl, settle);
}

interface HeldReleases {
  hold(timers: Timers, now: () => number): Timers;
  /** Arms what was held until now. */
  letGo(): Promise<void>;
}

/** A replay's clock jumps past every bound: only when all of its changes have ended is a release what it comes to. */
function holdReleases(areHeld: boolean): HeldReleases {
  const held = new Map<string, () => Promise<void>>();
  let isOver = !areHeld;
  return {
    hold: (timers, now) => ({
      async arm(timer, seconds) {
        if (isOver || !timer.activities.every(isReleaseActivity)) return timers.arm(timer, seconds);
        for (const activity of timer.activities)
          held.set(activity, () => timers.arm({ ...timer, activities: [activity], dueAt: now() }, 0));
      },
    }),
    async letGo() {
      isOver = true;
      for (const arm of held.values()) await arm();
      held.clear();
    },
  };
}

function emitSpans(local: Local, exportSpans: (spans: readonly Span[]) => Promise<ExportOutcome>): Poller {
  const { settings, aws, resources } = local;
  const { onTrouble, onDefect } = settings;
  const setAside = createSetAside(aws.s3, { bucket: resources.setAsideBucket, origin: 'emit' });
  const deliver = createDelivery({
    emit: createEmitter({ exportSpans, setAside, now: Date.now }, { ...otlpPacking, narrowingRequests }),
    redelivery: createRedelivery(aws.sqs, resources.spansQueueUrl),
    log: (remark) => {
      if (remark.kind === 'emitted') return;
      const comesAgain = ['unavailable', 'out-of-time', 'undecided', 'not-delayed'].includes(remark.kind);
      (comesAgain ? onTrouble : onDefect)(new Error(`the emitter: ${JSON.stringify(remark)}`));
    },
    now: Date.now,
  });
  return pollQueue(local, resources.spansQueueUrl, (event) => deliver(event, Number.POSITIVE_INFINITY));
}

/** To the receiver always, and to the endpoint where there is one: what that one does not take is counted. */
function createExporter(receiver: string, endpoint: OtlpEndpoint | undefined) {
  const inner = createHttpTransport({
    url: new URL('/v1/traces', receiver),
    headers: {},
    // The receiver is this process, which may be busy with a large activity for as long.
    timeoutMs: 120_000,
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
