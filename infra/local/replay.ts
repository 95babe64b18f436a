/**
 * Recordings through the whole pipeline, in this process: the forwarder's code puts them on the stream, and only time is a
 * replay's: settling begins when the input has ended, and the clock that closes traces stands past every bound.
 */
import type { Remark } from '../../functions/correlator/ports.ts';
import { defaultThresholds, type Thresholds } from '../../functions/correlator/thresholds.ts';
import type { OtlpEndpoint } from '../../functions/emitter/read-config.ts';
import { forward } from '../../functions/forwarder/forward.ts';
import type { Span } from '../../shared/span.ts';
import { endOfTime } from './explain.ts';
import { listSources } from './input/list-sources.ts';
import { type ClusterSource, findClusters, roundsOf } from './read-clusters.ts';
import { startPipeline, type Undelivered } from './start-pipeline.ts';
import { countOf } from './view/describe-span.ts';

export interface Replay {
  files: readonly string[];
  baseDirectory: string;
  /** Where the spans go as well. */
  endpoint?: OtlpEndpoint | undefined;
  onProgress(stage: string, detail: string): void;
  /** Something of the input that was passed over. */
  onNote(note: string): void;
  /** Once the input was read, and found to be good; what it throws ends the replay before anything is started. */
  onFound?(): Promise<void>;
}

export interface Replayed {
  /** As they came out of OTLP/HTTP. */
  spans: Span[];
  undelivered?: Undelivered | undefined;
  /** What was lost on the way, in a line each; only a bug loses something. */
  lost: string[];
}

/**
 * Settling begins when all input is there: a second of quiet is enough, and nothing has to be waited for. A recording may be of
 * any age: nothing of it is too old.
 */
const replayThresholds: Thresholds = {
  ...defaultThresholds,
  retention: 100 * 365 * 24 * 3600,
  afterTrace: 100 * 365 * 24 * 3600,
  quiet: 1,
  slack: 0,
  margin: 0,
  ownerWait: 0,
  holdForRelated: 5,
  registration: 1,
  rest: 0,
};

export async function replay({
  files,
  baseDirectory,
  endpoint,
  onProgress,
  onNote,
  onFound,
}: Replay): Promise<Replayed> {
  // Before anything starts: bad input is told at once, and the first record names the cluster already.
  const clusters = await findClusters(await listSources(files, { baseDirectory }), onNote);
  await onFound?.();
  const all: Replayed = { spans: [], lost: [] };
  for (const round of roundsOf(clusters)) {
    const { spans, undelivered, lost } = await replayRound(round, { endpoint, onProgress });
    all.spans = all.spans.concat(spans);
    all.lost.push(...lost);
    if (undelivered !== undefined)
      all.undelivered = { ...undelivered, spans: undelivered.spans + (all.undelivered?.spans ?? 0) };
  }
  return all;
}

async function replayRound(
  clusters: readonly ClusterSource[],
  { endpoint, onProgress }: Pick<Replay, 'endpoint' | 'onProgress'>,
): Promise<Replayed> {
  const defects: unknown[] = [];
  let isTroubled = false;
  onProgress('starting', 'Kinesis, DynamoDB, SQS and S3');
  const activities = createCounts();
  const clock = createReplayClock(() => isTroubled || defects.length > 0);
  await using pipeline = await startPipeline({
    thresholds: replayThresholds,
    now: clock.now,
    assemblyClock: () => endOfTime,
    endpoint,
    clusters: clusters.length,
    areReleasesLast: true,
    onIngested: (those) => {
      clock.expect(those);
      activities.expect(those);
    },
    onRemark: (remark) => {
      clock.see(remark);
      if (activities.see(remark)) onProgress('settling', activities.toString());
    },
    onTrouble: () => {
      isTroubled = true;
    },
    onDefect: (defect) => defects.push(defect),
  });
  for (const { cluster, read } of clusters) {
    await forward(read(), cluster, pipeline.sink, {
      batchSize: 500,
      onShipped: ({ events, snapshots }) =>
        onProgress('forwarding', `${countOf(events, 'Event')}, ${countOf(snapshots, 'snapshot')}`),
    });
  }
  onProgress('ingesting', '');
  await pipeline.ingested();
  clock.start();
  onProgress('settling', '');
  pipeline.startSettling();
  await pipeline.settled();
  onProgress('exporting', '');
  await pipeline.exported();
  const lost = defects.map((defect) => (defect instanceof Error ? defect.message : String(defect)));
  const deadLetters = await pipeline.deadLetters();
  if (deadLetters > 0) lost.push(`${deadLetters} messages were given up after many tries`);
  return { spans: pipeline.spans(), undelivered: pipeline.undelivered(), lost };
}

/** Activities that are settled, of those that there are. */
function createCounts() {
  const known = new Set<string>();
  const done = new Set<string>();
  return {
    expect(activities: readonly string[]) {
      for (const activity of activities) known.add(activity);
    },
    /** @returns whether anything has changed */
    see(remark: Remark): boolean {
      if (remark.kind !== 'settled' && remark.kind !== 'merged') return false;
      // What is merged is settled with what it went into; a release comes of what is settled.
      for (const activity of remark.kind === 'merged' ? [remark.into, remark.activity] : [remark.activity])
        known.add(activity);
      done.add(remark.activity);
      return true;
    },
    toString: () => `(${done.size} of ${known.size} done)`,
  };
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
      if (remark.kind === 'postponed' || remark.kind === 'settled' || remark.kind === 'merged')
        unseen.delete(remark.activity);
      if (remark.kind === 'merged') unseen.add(remark.into);
    },
    start() {
      isIngested = true;
    },
  };
}
