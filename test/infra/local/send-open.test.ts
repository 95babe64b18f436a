import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { assemble } from '../../../functions/correlator/causality/assemble.ts';
import { defaultThresholds, type Thresholds } from '../../../functions/correlator/thresholds.ts';
import { keepRecentTraces } from '../../../infra/local/keep-recent.ts';
import { clusterOf } from '../../../infra/local/read-recording.ts';
import { startOtlpReceiver } from '../../../infra/local/receive-otlp.ts';
import { findOpen, findUnderWay, type OpenTraces, sendOpen } from '../../../infra/local/send-open.ts';
import { startPipeline } from '../../../infra/local/start-pipeline.ts';
import { encodeBatches } from '../../../shared/batch-codec.ts';
import type { Observation } from '../../../shared/observation.ts';
import { compareSpans, type Span } from '../../../shared/span.ts';
import { readRecording } from '../../read-recordings.ts';

const nanos = (time: string, seconds = 0) => BigInt(Date.parse(time) + seconds * 1000) * 1_000_000n;

/** A rollout whose image cannot be pulled, while it goes on. */
async function stuckRollout() {
  const all = await readRecording('rollout-stuck.jsonl');
  const stuck = all.findIndex((seen) => seen.type === 'event' && seen.event.reason === 'BackOff');
  const observations = all.slice(0, stuck + 1);
  const cluster = clusterOf(observations);
  const records = encodeBatches(cluster, observations).records;
  const now = nanos(observations.at(-1)!.observedAt, 30);
  return { cluster, observations, records, now };
}

/** Two of one span are the same text only where nothing of it differs. */
const asText = (span: Span): string => JSON.stringify(span);

/** Seconds: nothing of the recording is too old. */
const ages = 100 * 365 * 24 * 3600;

describe('what is open when `--live` is stopped', () => {
  /** What the endpoint had when it was stopped, and what it has then. */
  async function stopAfter(thresholds: Thresholds, isReached: (spans: readonly Span[]) => boolean) {
    const { cluster, observations, records, now } = await stuckRollout();
    const backend = await startOtlpReceiver();
    const endpoint = {
      url: new URL(backend.endpoint),
      headers: {},
      timeoutMs: 5_000,
      compression: 'gzip',
      protocol: 'http/protobuf',
    } as const;
    const kept = keepRecentTraces(1_000);
    const defects: unknown[] = [];
    await using pipeline = await startPipeline({
      thresholds,
      kept,
      endpoint,
      now: Date.now,
      assemblyClock: () => now,
      onRemark: () => {},
      onTrouble: (trouble) => defects.push(trouble),
      onDefect: (defect) => defects.push(defect),
    });
    pipeline.startSettling();
    await pipeline.sink.put(records.map((data) => ({ data, partitionKey: 'c' })));
    await pipeline.ingested();
    while (!isReached(backend.spans())) await sleep(50);
    await pipeline.stopSettling();
    // Settle sends at least once: on a slow host two timers of one activity may both send what was committed.
    const before = backend.spans();
    await sendOpen(pipeline, { cluster, records, kept, since: 0, now });
    const atTheEndpoint = [...new Set(backend.spans().map(asText))];
    const sentAtTheEnd = backend.spans().length - before.length;
    await backend.stop();
    expect(defects).toEqual([]);
    const expected = assemble({ cluster, observations, now }).map(({ span }) => span);
    return {
      atTheEndpoint,
      onThePage: [...new Set(pipeline.spans().map(asText))],
      settled: new Set(before.map(asText)).size,
      sentAtTheEnd,
      expected: expected.sort(compareSpans).map(asText),
    };
  }

  it('reaches the endpoint, where nothing was settled yet', async () => {
    const { atTheEndpoint, onThePage, settled, expected } = await stopAfter(
      { ...defaultThresholds, quiet: 600, retention: ages },
      () => true,
    );
    expect(settled).toBe(0);
    expect(atTheEndpoint).toEqual(expected);
    expect(onThePage).toEqual(expected);
  });

  it('reaches the endpoint once, beside what was sent', async () => {
    const thresholds = { ...defaultThresholds, quiet: 1, maxWait: 2, registration: 1, retention: ages };
    const { atTheEndpoint, settled, sentAtTheEnd, expected } = await stopAfter(
      thresholds,
      (spans) => spans.length > 0,
    );
    expect(atTheEndpoint).toEqual(expected);
    expect(settled + sentAtTheEnd).toBe(expected.length);
  });
});

describe('what is under way', () => {
  const none = { spans: () => [], isLetGo: () => false };
  const underWay = async (annotate: (seen: Observation) => Observation) => {
    const { cluster, observations, now } = await stuckRollout();
    const { records } = encodeBatches(cluster, observations.map(annotate));
    return findUnderWay({ cluster, records, kept: none, since: 0, now });
  };
  const caller = '4bf92f3577b34da6a3ce929d0e0e4736';
  const continued = (seen: Observation): Observation =>
    seen.type === 'object' && seen.object.kind === 'Deployment' && (seen.object.generation ?? 1) > 1
      ? {
          ...seen,
          object: { ...seen.object, annotations: { traceparent: `00-${caller}-00f067aa0ba902b7-01` } },
        }
      : seen;

  it('is told with what blocks it, in a trace of its own and in a caller’s', async () => {
    const [alone, inCallers] = [await underWay((seen) => seen), await underWay(continued)];
    const facts = (all: typeof alone) =>
      all.map(({ root }) => [root.name, root.attributes['error.type'], root.attributes['k8s.object.name']]);
    expect(facts(alone)).toEqual([[expect.any(String), 'ErrImagePull', 'web']]);
    expect(facts(inCallers)).toEqual(facts(alone));
    expect(inCallers.map(({ root }) => root.traceId)).toEqual([caller]);
  });
});

describe('what is left out', () => {
  const open = async (more: Partial<OpenTraces>) => {
    const { cluster, records, now } = await stuckRollout();
    const kept = { spans: () => [], isLetGo: () => false };
    return findOpen({ cluster, records, kept, since: 0, now, ...more });
  };

  it('what was sent', async () => {
    const [first, ...rest] = await open({});
    const others = await open({ kept: { spans: () => [first!], isLetGo: () => false } });
    expect(others.map(({ spanId }) => spanId)).toEqual(rest.map(({ spanId }) => spanId));
  });

  it('traces of which it is not known any more what was sent', async () => {
    const [first] = await open({});
    const others = await open({ kept: { spans: () => [], isLetGo: (id) => id === first!.traceId } });
    expect(others.length).toBeGreaterThan(0);
    expect(others.some(({ traceId }) => traceId === first!.traceId)).toBe(false);
  });

  it('traces that began before the oldest record', async () => {
    expect(await open({ since: Date.parse('2100-01-01T00:00:00Z') })).toEqual([]);
  });
});
