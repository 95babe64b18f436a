/**
 * What is sent because a trace's story is over is what one look at everything tells: the same ids, traces, parents, names and
 * starts. An end may differ only where a child came after its parent was sent.
 */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { assemble, type SentSpan } from '../../../../functions/correlator/causality/assemble.ts';
import { clusterOf } from '../../../../infra/local/read-recording.ts';
import type { Observation } from '../../../../shared/observation.ts';
import { compareSpans, type Span } from '../../../../shared/span.ts';
import { checkProperty } from '../../../check-property.ts';
import { readRecording, recorded, recordingFiles } from '../../../read-recordings.ts';
import { brokenIn } from '../broken-traces.ts';
import { lives } from './arbitrary-lives.ts';
import { stories } from './arbitrary-stories.ts';
import { atTheEnd, spansOf } from './cluster-story.ts';
import { playCalmly } from './play-calmly.ts';

/** Their objects were looked at minutes after their Events, or once at the end: no calm day, whatever closes a trace. */
const seenLater: ReadonlySet<string> = new Set([
  'hpa-dump.json',
  'h27-kueue-job.json',
  'h30-created-then-changed.json',
  'h32-argo-rollout-outcome.json',
  'h40-argo-cronworkflow.json',
  'h42-training-operator.json',
  'h53-kinds-of-other-groups.json',
  'h60-managed-fields-hidden.json',
  'h63-karpenter-drains-two-nodes.json',
  'h65-vpa-evicts-two-pods.json',
  'h66-descheduler-after-a-failed-probe.json',
  'h67-two-managers.json',
  'h68-autoscaler-during-rollout.json',
  'k03-operator-restarts-and-recreates.json',
  'k05-scheduler-speaks-after-the-end.json',
  'k09-drain-by-an-unknown-tool.json',
  'k12-drain-held-up-by-a-budget.json',
]);

const timedOut: ReadonlySet<string> = new Set(['unfinished', 'stalled']);

/** What may not differ. */
const promised = ({ traceId, spanId, parentSpanId, name, startTimeUnixNano }: Span) =>
  `${name} ${spanId} under ${parentSpanId} in ${traceId} at ${startTimeUnixNano}`;

function expectWhole(observations: readonly Observation[]): void {
  const told = playCalmly(observations);
  const whole = spansOf(...observations);
  const sorted = (spans: readonly Span[]) => [...spans].sort(compareSpans).map(promised);
  expect(sorted(told.map(({ span }) => span))).toEqual(sorted(whole));
  const byId = new Map(told.map((one) => [one.span.spanId, one]));
  for (const { spanId, name, endTimeUnixNano } of whole) {
    const { span, at } = byId.get(spanId)!;
    // Nothing was heard for a quarter of an hour: what its status said later came after it was sent.
    if (timedOut.has(String(span.attributes['rootspan.change.outcome']))) continue;
    const isLonger = told.some(
      (child) => child.span.traceId === span.traceId && child.at > at && child.span !== span,
    );
    if (!isLonger) expect(`${name} ends ${span.endTimeUnixNano}`).toBe(`${name} ends ${endTimeUnixNano}`);
  }
}

describe('each trace sent when its story is over, the traces are those of one look at everything', () => {
  it.each(recorded.filter(({ file }) => !seenLater.has(file)))('$file', async ({ read }) =>
    expectWhole(await read()),
  );

  // Each of them a verdict: it is told when it is known, and what crashes or is readopted a minute later is late.
  it('what comes late, of all recordings', async () => {
    const late: string[] = [];
    for (const file of recordingFiles.filter((name) => !seenLater.has(name))) {
      const told = playCalmly(await readRecording(file));
      for (const [, spans] of Map.groupBy(told, ({ span }) => span.traceId)) {
        const root = spans.find(({ span }) => span.parentSpanId === null)!;
        const after = spans.filter(({ at }) => at > root.at).length;
        if (after > 0) late.push(`${file}: ${after} after ${root.span.name}`);
      }
    }
    expect(late).toEqual([
      'crash-loop.jsonl: 14 after Deployment.Create',
      'oom-killed.jsonl: 4 after Deployment.Update',
      'orphaned-and-adopted.jsonl: 12 after Deployment.Create',
    ]);
  });

  it('lives of pods that crash, get ready, go and are replaced', () => {
    checkProperty(fc.property(lives, expectWhole));
  });

  it('stories whose first occurrences are only known by their repeats: each span once, in a whole trace', () => {
    checkProperty(
      fc.property(stories, (story) => {
        const told = playCalmly(story).map(({ span }) => span);
        expect(brokenIn(told)).toEqual([]);
        const idsOf = (spans: readonly Span[]) => spans.map(({ spanId }) => spanId).sort();
        expect(idsOf(told)).toEqual(idsOf(spansOf(...story)));
      }),
    );
  });
});

const nanos = ({ observedAt }: Observation): bigint => BigInt(Date.parse(observedAt)) * 1_000_000n;

/** What was final at a time and sent, the rest coming afterwards. */
function expectKept(observations: readonly Observation[], cutAt: number, waited: number): void {
  const sorted = [...observations].sort((a, b) => Number(nanos(a) - nanos(b)));
  const early = sorted.slice(0, Math.ceil(sorted.length * cutAt));
  if (early.length === 0) return;
  const cluster = clusterOf(observations);
  const now = nanos(early.at(-1)!) + BigInt(waited) * 1_000_000_000n;
  const sent = new Map<string, SentSpan>();
  for (const { span, final, finalAt } of assemble({ cluster, observations: early, now })) {
    expect(finalAt <= now).toBe(final);
    if (final) sent.set(span.spanId, span);
  }
  const later = assemble({ cluster, observations, sent, now: atTheEnd });
  const byId = new Map(later.map((entry) => [entry.span.spanId, entry]));
  for (const [spanId, promise] of sent) {
    expect(byId.get(spanId)?.span).toMatchObject(promise);
    expect(byId.get(spanId)?.final).toBe(true);
  }
  for (const { span } of later) {
    const parent = span.parentSpanId === null ? undefined : byId.get(span.parentSpanId);
    expect(parent?.span.traceId ?? span.traceId).toBe(span.traceId);
  }
}

describe('what was sent at any time stands, whatever comes', () => {
  const cut = fc.double({ min: 0, max: 1, noNaN: true });
  const waited = fc.integer({ min: 20, max: 1000 });

  it.each(recorded)('$file', async ({ read }) => {
    const observations = await read();
    checkProperty(
      fc.property(cut, waited, (at, seconds) => expectKept(observations, at, seconds)),
      5,
    );
  });

  it('lives and stories', () => {
    checkProperty(
      fc.property(fc.oneof(lives, stories), cut, waited, (story, at, seconds) =>
        expectKept(story, at, seconds),
      ),
      200,
    );
  });
});
