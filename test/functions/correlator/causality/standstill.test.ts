/** Since when a change stands still that is kept from getting there. */
import { expect, it } from 'vitest';
import { assemble } from '../../../../functions/correlator/causality/assemble.ts';
import type { Observation } from '../../../../shared/observation.ts';
import { atSecond, atTheEnd, event, snapshot, thing } from './cluster-story.ts';

const web = thing('Deployment', 'web');
const set = thing('ReplicaSet', 'web-5f9', web);
const pod = { ...thing('Pod', 'web-5f9-abcde', set), uid: 'p1' };

const begun = [
  snapshot(0, web, { status: { observedGeneration: 1, replicas: 0 }, replicas: 1 }),
  event(0, web, 'ScalingReplicaSet', 'Scaled up replica set web-5f9 to 1'),
  snapshot(0, set),
  event(1, set, 'SuccessfulCreate', 'Created pod: web-5f9-abcde'),
  snapshot(1, pod),
];
const failing = event(3, pod, 'Failed', 'Failed to pull image "x": not found', { type: 'Warning' });
const counted = snapshot(9, web, {
  generation: 1,
  replicas: 1,
  creationTimestamp: '2026-03-01T12:00:00Z',
  status: { observedGeneration: 1, replicas: 1, updatedReplicas: 1 },
});

/** Seconds after noon, as it is at that second; undefined where nothing stands still. */
function since(observations: readonly Observation[], at = 600): number | undefined {
  const now = at === Number.POSITIVE_INFINITY ? atTheEnd : atSecond(at);
  const [found] = assemble({ cluster: {}, observations, now }).flatMap((one) => one.standsStillSince ?? []);
  return found === undefined ? undefined : Number((found - atSecond(0)) / 1_000_000_000n);
}

it('is its last new pod, where no counter moved after it', () => expect(since([...begun, failing])).toBe(1));

it('is when a counter of its status moved last', () => {
  expect(since([...begun, failing, counted])).toBe(9);
  const same = snapshot(200, web, { ...counted.object, resourceVersion: '900000' });
  expect(since([...begun, failing, counted, same])).toBe(9);
});

it('is not said of a change that nothing is known to keep: it may be slow', () =>
  expect(since(begun)).toBeUndefined());

it('is not said of one that is through, nor of one that somebody paused', () => {
  const status = {
    observedGeneration: 1,
    replicas: 1,
    updatedReplicas: 1,
    readyReplicas: 1,
    availableReplicas: 1,
  };
  const complete = snapshot(9, web, { ...counted.object, status });
  expect(since([...begun, failing, complete])).toBeUndefined();
  const paused = snapshot(9, web, { ...counted.object, suspended: true });
  expect(since([...begun, failing, paused])).toBeUndefined();
});
