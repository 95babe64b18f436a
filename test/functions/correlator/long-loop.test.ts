/** A container that crashes all day, settled as it goes: bounded episodes, which do not depend on when settling ran. */
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { HOUR, max, min } from '../../../functions/correlator/causality/time.ts';
import type { Observation } from '../../../shared/observation.ts';
import type { Span } from '../../../shared/span.ts';
import { checkProperty } from '../../check-property.ts';
import { noon, startLive } from './arrivals.ts';
import { event, rollout } from './causality/cluster-story.ts';
import { received, recordsOf, wholeStory } from './pipeline.ts';

const secondsOf = ({ observedAt }: Observation) => (Date.parse(observedAt) - noon) / 1000;

/** Back-off doubles from 10 s to 5 minutes, and each round the container runs for a moment. */
function crashLoop(hours: number): Observation[] {
  const { observations, pod } = rollout(0);
  const container = {
    subject: { ...pod, namespace: 'shop', fieldPath: 'spec.containers{app}' },
    type: 'Normal',
  };
  const rounds: Observation[] = [];
  let at = 2;
  for (let round = 1; at < hours * 3600; round++) {
    for (const [i, reason] of ['Pulled', 'Created', 'Started', 'BackOff'].entries()) {
      rounds.push(
        event(at + i, pod, reason, reason, {
          ...container,
          uid: `uid-${reason}`,
          count: round,
          ...(reason === 'BackOff' && { type: 'Warning' }),
        }),
      );
    }
    at += Math.min(10 * 2 ** (round - 1), 300);
  }
  return [...observations, ...rounds];
}

const withoutEnd = ({ endTimeUnixNano: _, ...span }: Span) => span;

it('nine hours: whatever arrives together and however late, the spans are those of one look at the end', async () => {
  const story = crashLoop(9);
  const whole = wholeStory(story);
  const traces = Map.groupBy(whole, ({ traceId }) => traceId);
  expect(traces.size).toBeGreaterThanOrEqual(9);
  for (const spans of traces.values()) {
    const starts = spans.map(({ startTimeUnixNano }) => BigInt(startTimeUnixNano));
    expect(starts.reduce(max) - starts.reduce(min)).toBeLessThanOrEqual(HOUR);
  }

  const delays = fc.infiniteStream(fc.integer({ min: 1, max: 200 }));
  await checkProperty(
    fc.asyncProperty(delays, async (lateBy) => {
      const pipeline = startLive();
      for (let next = 0, record = 1; next < story.length; record++) {
        // A record holds what came until the forwarder's next flush, seconds or minutes later.
        const flushAt = secondsOf(story[next]!) + lateBy.next().value!;
        const batch = story.slice(next).filter((observation) => secondsOf(observation) <= flushAt);
        next += batch.length;
        await pipeline.runTimers(noon + flushAt * 1000);
        pipeline.now = noon + flushAt * 1000;
        await pipeline.ingest(recordsOf([batch], { first: record }));
      }
      await pipeline.runTimers();
      // What comes later than two quiet minutes after a word that disturbed nothing lengthens an episode only for one who sees it all.
      expect(received(pipeline).map(withoutEnd)).toEqual(whole.map(withoutEnd));
    }),
    5,
  );
});
