/**
 * A probe that fails once a minute, for days: what an Event costs, and what a settle has to hold in memory, stay what they were after a
 * few hours, and the spans are those of one look at all of it. `npm run soak` tries a week.
 */
import { expect, inject, it } from 'vitest';
import { chunkOf, parseItem } from '../../../functions/correlator/items.ts';
import type { Store } from '../../../functions/correlator/store.ts';
import type { Observation } from '../../../shared/observation.ts';
import { type Arrival, arrive, noon, startLive } from './arrivals.ts';
import { event, onContainer, rollout } from './causality/cluster-story.ts';
import { createCountingStore } from './counting-store.ts';
import { received, wholeStory } from './pipeline.ts';

const hours = inject('soak') === 1 ? 26 : 7 * 24;
const hour = 3600;

const { observations, pod } = rollout(0);
const described = observations.filter(({ type }) => type === 'object');

/** Subject and owners again each 12 hours, as the forwarder ships them. */
function* probes(from: number, until: number): Iterable<Arrival> {
  for (let at = from; at < until; at += 60) {
    const told: Observation[] = at === 0 ? [...observations] : at % (12 * hour) === 0 ? [...described] : [];
    const failed = event(at + 30, pod, 'Unhealthy', 'Readiness probe failed: HTTP probe failed with 503', {
      ...onContainer(pod),
      uid: 'unhealthy',
      count: at / 60 + 1,
      type: 'Warning',
      firstTimestamp: new Date(noon + 30_000).toISOString(),
    });
    yield { at: at + 31, told: [...told, failed] };
  }
}

/** Of the activity, as a settle that reads all of it has them. */
async function countObservations(store: Store): Promise<number> {
  const items = await store.list('activity#c1/uid-Deployment-web');
  return items.reduce((sum, stored) => {
    const item = parseItem(stored, 'c1/uid-Deployment-web');
    return item?.kind === 'chunk' ? sum + chunkOf(item).observations.length : sum;
  }, 0);
}

it(`${hours} hours`, async () => {
  const { units, store } = createCountingStore();
  const pipeline = startLive({ store });
  const story: Observation[] = [];
  const perHour: { reads: number; writes: number; observations: number }[] = [];
  for (let at = 0; at < hours; at += 1) {
    const before = { ...units };
    const arrivals = [...probes(at * hour, (at + 1) * hour)];
    story.push(...arrivals.flatMap(({ told }) => told));
    await arrive(pipeline, arrivals);
    perHour.push({
      reads: (units.reads - before.reads) / 60,
      writes: (units.writes - before.writes) / 60,
      observations: await countObservations(pipeline.store),
    });
  }
  await pipeline.runTimers();
  // From the fourth hour on nothing grows.
  const most = (of: 'observations', from: number, until: number) =>
    Math.max(...perHour.slice(from, until).map((one) => one[of]));
  const average = (of: 'reads' | 'writes', from: number, until: number) =>
    perHour.slice(from, until).reduce((sum, one) => sum + one[of], 0) / (until - from);
  for (const of of ['reads', 'writes'] as const)
    expect(average(of, 13, hours), of).toBeLessThan(1.3 * average(of, 4, 13));
  expect(most('observations', 13, hours)).toBeLessThan(1.3 * most('observations', 4, 13));
  expect(most('observations', 0, hours)).toBeLessThan(500);
  const whole = wholeStory(story);
  expect(received(pipeline)).toEqual(whole);
  expect(pipeline.sends.flat()).toHaveLength(whole.length);
}, 600_000);
