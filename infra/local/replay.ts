/**
 * Recordings through the whole pipeline, in this process: the forwarder's code puts them on the stream, and only time is a
 * replay's: settling begins when the input has ended, and the clock that closes traces stands past every bound.
 */
import { defaultWaits, type Waits } from '../../functions/correlator/ports.ts';
import type { OtlpEndpoint } from '../../functions/emitter/read-config.ts';
import { forward } from '../../functions/forwarder/forward.ts';
import type { Cluster } from '../../shared/observation.ts';
import type { Span } from '../../shared/span.ts';
import { endOfTime } from './explain.ts';
import { clusterOf, readObservations } from './read-recording.ts';
import { startPipeline, type Undelivered } from './start-pipeline.ts';

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
  undelivered?: Undelivered | undefined;
}

/** Settling begins when all input is there: a second of quiet is enough, and nothing has to be waited for. */
const replayWaits: Waits = { ...defaultWaits, quiet: 1, pending: 0, hold: 5, meeting: 1 };

export async function replay({ files, baseDirectory, endpoint, onProgress }: Replay): Promise<Replayed> {
  // Before anything starts: bad input is told at once, and the first record names the cluster already.
  const cluster = await findCluster(files, baseDirectory);
  const defects: unknown[] = [];
  onProgress('starting', 'Kinesis, DynamoDB, SQS and S3');
  let activities = 0;
  await using pipeline = await startPipeline({
    waits: replayWaits,
    assemblyClock: () => endOfTime,
    endpoint,
    onRemark: ({ kind }) => {
      if (kind === 'settled') onProgress('settling', `(${++activities} done)`);
    },
    onDefect: (defect) => defects.push(defect),
  });
  await forward(readObservations(files, { baseDirectory }), cluster, pipeline.sink, {
    batchSize: 500,
    onShipped: ({ events, snapshots }) =>
      onProgress('forwarding', `${events} Events, ${snapshots} snapshots`),
  });
  onProgress('ingesting', '');
  await pipeline.ingested();
  onProgress('settling', '');
  pipeline.startSettling();
  await pipeline.settled();
  onProgress('exporting', '');
  await pipeline.exported();
  if (defects.length > 0) throw new AggregateError(defects, 'the replay met defects');
  return { spans: pipeline.spans(), undelivered: pipeline.undelivered() };
}

async function findCluster(files: readonly string[], baseDirectory: string): Promise<Cluster> {
  let cluster: Cluster = {};
  for await (const observation of readObservations(files, { baseDirectory })) {
    if (cluster.uid === undefined) cluster = clusterOf([observation]);
  }
  return cluster;
}
