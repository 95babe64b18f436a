/**
 * Recordings through the whole pipeline, in this process: the forwarder, the correlator's and the emitter's handlers as
 * AWS runs them, real SDK clients, emulators behind them, pollers with the semantics of Lambda's event sources.
 *
 * Only time is a replay's: settling begins when the input has ended, and the clock that closes traces stands past every
 * bound.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { createIngest } from '../../functions/correlator/ingest.ts';
import { defaultWaits, type Remark, type Waits } from '../../functions/correlator/ports.ts';
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
import { forward } from '../../functions/forwarder/forward.ts';
import { createKinesisSink } from '../../functions/forwarder/kinesis-sink.ts';
import type { Cluster } from '../../shared/observation.ts';
import { createSetAside, type SetAsideSettings } from '../../shared/set-aside-s3.ts';
import type { Span } from '../../shared/span.ts';
import { systemClock } from './clock.ts';
import { connectAws } from './connect-aws.ts';
import { createResources } from './create-resources.ts';
import { endOfTime } from './explain.ts';
import { createKinesisSource } from './kinesis-source.ts';
import { pollKinesis } from './poll-kinesis.ts';
import { pollSqs } from './poll-sqs.ts';
import { clusterOf, readObservations } from './read-recording.ts';
import { startOtlpReceiver } from './receive-otlp.ts';
import { createSqsSource } from './sqs-source.ts';
import { startEmulators } from './start-emulators.ts';

export interface Replay {
  files: readonly string[];
  baseDirectory: string;
  /** Where the spans go as well. */
  endpoint?: OtlpEndpoint | undefined;
  onProgress(stage: string, detail: string): void;
}

export interface Replayed {
  /** As they came out of OTLP/HTTP. */
  spans: Span[];
  /** What the endpoint did not take. */
  undelivered?: { spans: number; reason: string };
}

/** Settling begins when all input is there: a second of quiet is enough, and nothing has to be waited for. */
const replayWaits: Waits = {
  ...defaultWaits,
  quiet: 1,
  spread: 0,
  margin: 0,
  pending: 0,
  hold: 5,
  meeting: 1,
};

export async function replay({ files, baseDirectory, endpoint, onProgress }: Replay): Promise<Replayed> {
  // Before anything starts: bad input is told at once, and the first record names the cluster already.
  const cluster = await findCluster(files, baseDirectory);
  const defects: unknown[] = [];
  await using stack = new AsyncDisposableStack();
  onProgress('starting', 'Kinesis, DynamoDB, SQS and S3');
  const emulators = await startEmulators();
  stack.defer(() => emulators.stop());
  const receiver = await startOtlpReceiver();
  stack.defer(() => receiver.stop());
  const aws = connectAws(emulators.endpoints);
  stack.defer(() => aws.destroy());
  const resources = await createResources(aws, { shards: 1 });

  const setAsideOf = (origin: SetAsideSettings['origin']) =>
    createSetAside(aws.s3, { bucket: resources.setAsideBucket, origin });
  let activities = 0;
  const clock = createReplayClock(() => defects.length > 0);
  const timers = createTimers(aws.sqs, resources.timersQueueUrl);
  const ports = {
    store: createDynamoDbStore({ client: aws.dynamodb, tableName: resources.tableName, now: Date.now }),
    timers,
    spansQueue: createSpansQueue(aws.sqs, resources.spansQueueUrl),
    log: (remark: Remark) => {
      clock.see(remark);
      if (remark.kind === 'settle-failed' || remark.kind === 'not-set-aside') defects.push(remark.error);
      if (remark.kind === 'set-aside') defects.push(new Error(remark.reason));
      if (remark.kind === 'settled') onProgress('settling', `(${++activities} done)`);
    },
    now: clock.now,
    assemblyClock: () => endOfTime,
  };
  const exporter = createExporter(receiver.endpoint, endpoint);
  stack.defer(() => exporter.close());
  const deliver = createDelivery({
    emit: createEmitter(
      { exportSpans: exporter.exportSpans, setAside: setAsideOf('emit'), now: Date.now },
      { ...otlpPacking, narrowingRequests },
    ),
    redelivery: createRedelivery(aws.sqs, resources.spansQueueUrl),
    log: (remark) => {
      if (remark.kind !== 'emitted') defects.push(new Error(`the emitter: ${JSON.stringify(remark)}`));
    },
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
            arm: (timer, seconds) => {
              clock.expect(timer.activities);
              return timers.arm(timer, seconds);
            },
          },
        },
        replayWaits,
      ),
      onFailure: async (_, why) => void defects.push(why.error),
      onError: (error) => defects.push(error),
    },
  );
  stack.defer(() => observations.stop());
  const sink = createKinesisSink(aws.kinesis, { streamName: resources.streamName, sleep });
  await forward(readObservations(files, { baseDirectory }), cluster, sink, {
    batchSize: 500,
    onShipped: ({ events, snapshots }) =>
      onProgress('forwarding', `${events} Events, ${snapshots} snapshots`),
  });
  onProgress('ingesting', '');
  await observations.drained();
  clock.start();

  const sqs = { batchSize: 10, concurrency: 2, pollInterval: 50 };
  const sqsPorts = {
    clock: systemClock,
    onHandlerError: (error: unknown) => defects.push(error),
    onError: (error: unknown) => defects.push(error),
  };
  onProgress('settling', '');
  const settling = pollSqs(createSqsSource(aws.sqs, resources.timersQueueUrl), sqs, {
    ...sqsPorts,
    handle: createSettle({ ...ports, setAside: setAsideOf('settle') }, replayWaits),
  });
  stack.defer(() => settling.stop());
  const spansQueue = pollSqs(createSqsSource(aws.sqs, resources.spansQueueUrl), sqs, {
    ...sqsPorts,
    handle: (event) => deliver(event, Number.POSITIVE_INFINITY),
  });
  stack.defer(() => spansQueue.stop());
  await settling.drained();
  onProgress('exporting', '');
  await spansQueue.drained();
  if (defects.length > 0) throw new AggregateError(defects, 'the replay met defects');
  return { spans: receiver.spans(), ...exporter.outcome() };
}

/**
 * Stands still until every activity has had a first look, in which it registers where it may meet others: however slow the
 * machine, each then finds all that it meets.
 */
function createReplayClock(isBroken: () => boolean) {
  const beginning = Date.now();
  const unseen = new Set<string>();
  let isIngested = false;
  let isRunning = false;
  return {
    now() {
      isRunning ||= isBroken() || (isIngested && unseen.size === 0);
      return isRunning ? Date.now() : beginning;
    },
    /** Activities that something was ingested of. */
    expect(activities: readonly string[]) {
      for (const activity of activities) unseen.add(activity);
    },
    see(remark: Remark) {
      if (remark.kind === 'postponed' || remark.kind === 'settled' || remark.kind === 'moved')
        unseen.delete(remark.activity);
      if (remark.kind === 'moved') unseen.add(remark.into);
    },
    start() {
      isIngested = true;
    },
  };
}

async function findCluster(files: readonly string[], baseDirectory: string): Promise<Cluster> {
  let cluster: Cluster = {};
  for await (const observation of readObservations(files, { baseDirectory })) {
    if (cluster.uid === undefined) cluster = clusterOf([observation]);
  }
  return cluster;
}

/** To the receiver always, and to the endpoint where there is one: what that one does not take is counted. */
function createExporter(receiver: string, endpoint: OtlpEndpoint | undefined) {
  const inner = createHttpTransport({
    url: new URL('/v1/traces', receiver),
    headers: {},
    timeoutMs: 10_000,
    compression: 'gzip',
  });
  const outer = endpoint === undefined ? undefined : createHttpTransport(endpoint);
  let undelivered: Replayed['undelivered'];
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
    outcome: () => (undelivered === undefined ? {} : { undelivered }),
    close: () => {
      inner.close();
      outer?.close();
    },
  };
}
