/**
 * An owner that comes when what it owns was sent already: minutes late, since its watch was away or its API server slow. What was sent
 * stays where it is, and what follows follows it: never a span whose parent is in another trace, or never comes.
 */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Observation } from '../../../shared/observation.ts';
import { checkProperty } from '../../check-property.ts';
import { type Arrival, arrive, startLive } from './arrivals.ts';
import { astrayIn } from './broken-traces.ts';
import { event, snapshot, thing } from './causality/cluster-story.ts';
import { received } from './pipeline.ts';

const deployment = thing('Deployment', 'web');
const replicaSet = thing('ReplicaSet', 'web-1', deployment);
const pod = thing('Pod', 'web-1-a', replicaSet);

const ofDeployment = [
  snapshot(0, deployment, { replicas: 1 }),
  event(0.02, deployment, 'ScalingReplicaSet', 'Scaled up replica set web-1 from 0 to 1'),
];
const ofReplicaSet = snapshot(0.01, replicaSet, { replicas: 1 });
const creation = event(0.04, replicaSet, 'SuccessfulCreate', 'Created pod: web-1-a');
const ofPod = snapshot(0.03, pod);
const starting = [
  event(0.05, pod, 'Scheduled', 'Successfully assigned shop/web-1-a to n1'),
  event(1, pod, 'Pulling', 'Pulling image "web"'),
];
const pulledAt = (second: number) => event(second, pod, 'Pulled', 'Successfully pulled image "web"');

/** All Events are there in the end, none was told twice in two ways, and each hangs under what it says it hangs under. */
async function check(arrivals: readonly Arrival[]): Promise<void> {
  const pipeline = startLive();
  await arrive(
    pipeline,
    arrivals.toSorted((a, b) => a.at - b.at),
  );
  await pipeline.runTimers();
  const spans = received(pipeline);
  expect(astrayIn(spans)).toEqual([]);
  const ids = new Set(arrivals.flatMap(({ told }) => told.flatMap(eventIdOf)));
  expect(new Set(spans.flatMap(({ attributes }) => attributes['k8s.event.uid'] ?? []))).toEqual(ids);
}

const eventIdOf = (told: Observation): string[] => (told.type === 'event' ? [told.event.uid] : []);

describe.each([1, 1.5, 3, 5, 10, 15, 20])('%s minutes late', (minutes) => {
  const late = minutes * 60;
  const pulled = pulledAt(late - 1);

  it('a Deployment', () =>
    check([
      { at: 2, told: [ofReplicaSet, ofPod, creation, ...starting] },
      { at: late, told: [...ofDeployment, pulled] },
    ]));

  it('a Deployment and its ReplicaSet', () =>
    check([
      { at: 2, told: [ofPod, creation, ...starting] },
      { at: late, told: [...ofDeployment, ofReplicaSet, pulled] },
    ]));

  it('every snapshot, and their Events', () =>
    check([
      { at: 2, told: starting },
      { at: late, told: [...ofDeployment, ofReplicaSet, ofPod, creation, pulled] },
    ]));
});

it('whatever comes however late: each by itself, in any order, up to twenty minutes', async () => {
  const story = [...ofDeployment, ofReplicaSet, ofPod, creation, ...starting, pulledAt(3)];
  const delays = fc.array(fc.integer({ min: 2, max: 1200 }), {
    minLength: story.length,
    maxLength: story.length,
  });
  await checkProperty(
    fc.asyncProperty(delays, (seconds) =>
      check(story.map((told, index) => ({ at: seconds[index]! + index / 10, told: [told] }))),
    ),
    150,
  );
});
