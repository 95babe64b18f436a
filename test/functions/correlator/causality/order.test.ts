import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { explain } from '../../../../infra/local/explain.ts';
import type { Observation } from '../../../../shared/observation.ts';
import { checkProperty } from '../../../check-property.ts';
import { readRecording, recordingFiles } from '../../../read-recordings.ts';

const shuffled = <T>(items: readonly T[]): fc.Arbitrary<T[]> =>
  fc.shuffledSubarray([...items], { minLength: items.length, maxLength: items.length });

const bytes = (observations: readonly Observation[]) => JSON.stringify(explain(observations));

describe.each(recordingFiles)('%s', (file) => {
  it('every occurrence becomes exactly one span, every trace has exactly one root', async () => {
    const observations = await readRecording(file);
    // An Event that was only seen repeated has its first occurrence, too.
    const occurrences = new Set(
      observations.flatMap((o) =>
        o.type === 'event' ? [`${o.event.uid}/1`, `${o.event.uid}/${o.event.count}`] : [],
      ),
    );
    const spans = explain(observations);
    const told = spans
      .filter(({ attributes }) => 'k8s.event.uid' in attributes)
      .map(({ attributes }) => `${attributes['k8s.event.uid']}/${attributes['k8s.event.count']}`);
    expect(told.sort()).toEqual([...occurrences].sort());
    const roots = spans.filter(({ parentSpanId }) => parentSpanId === null);
    expect(new Set(roots.map(({ traceId }) => traceId)).size).toBe(roots.length);
    expect(new Set(spans.map(({ traceId }) => traceId)).size).toBe(roots.length);
  });

  it('no cause starts after its effect, and none ends before it', async () => {
    const spans = explain(await readRecording(file));
    const byId = new Map(spans.map((span) => [`${span.traceId}/${span.spanId}`, span]));
    for (const span of spans) {
      expect(BigInt(span.endTimeUnixNano) >= BigInt(span.startTimeUnixNano)).toBe(true);
      if (span.parentSpanId === null) continue;
      const parent = byId.get(`${span.traceId}/${span.parentSpanId}`);
      expect(parent, `parent of ${span.name}`).toBeDefined();
      expect(BigInt(parent!.startTimeUnixNano) <= BigInt(span.startTimeUnixNano)).toBe(true);
      expect(BigInt(parent!.endTimeUnixNano) >= BigInt(span.endTimeUnixNano)).toBe(true);
    }
  });

  it('any order, with any of it given twice, gives the same bytes', async () => {
    const observations = await readRecording(file);
    const expected = bytes(observations);
    checkProperty(
      fc.property(shuffled(observations), fc.subarray(observations), (order, again) => {
        expect(bytes([...order, ...again])).toBe(expected);
      }),
      8,
    );
  });

  it('what is observed later by another observer changes nothing', async () => {
    const observations = await readRecording(file);
    const late = observations.map((observation) => ({
      ...observation,
      observedAt: '2099-01-01T00:00:00.000Z',
    }));
    expect(bytes([...late, ...observations])).toBe(bytes(observations));
  });
});
