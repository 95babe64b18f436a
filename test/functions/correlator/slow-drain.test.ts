/** A Node is drained slowly: its pods are of many roots, and each root's activity meets all others there. */
import { beforeAll, describe, expect, it } from 'vitest';
import type { Observation } from '../../../shared/observation.ts';
import { type Arrival, arrive, noon, startLive } from './arrivals.ts';
import { event, snapshot, thing } from './causality/cluster-story.ts';
import { createCountingStore } from './counting-store.ts';
import { type PipelineSettings, received, recordsOf, startPipeline, wholeStory } from './pipeline.ts';

/** One record each: the cordon, then of so many Deployments the only pod is evicted and replaced elsewhere. */
function drain(roots: number, secondsBetween: number): Arrival[] {
  const node = thing('Node', 'n1');
  const cordon = event(1, node, 'NodeNotSchedulable', 'Node n1 status is now: NodeNotSchedulable');
  const evictions = Array.from({ length: roots }, (_, index) => {
    const at = 2 + index * secondsBetween;
    const deployment = thing('Deployment', `d${index}`);
    const replicaSet = thing('ReplicaSet', `d${index}-1`, deployment);
    const [pod, next] = ['a', 'b'].map((name) => thing('Pod', `d${index}-1-${name}`, replicaSet)) as [
      ReturnType<typeof thing>,
      ReturnType<typeof thing>,
    ];
    const old = { creationTimestamp: '2026-03-01T09:00:00Z' };
    const conditions = [{ type: 'DisruptionTarget', status: 'True', reason: 'EvictionByEvictionAPI' }];
    const told: Observation[] = [
      snapshot(at, deployment, { replicas: 1, ...old }),
      snapshot(at, replicaSet, { replicas: 1, ...old }),
      snapshot(at, pod, { ...old, nodeName: 'n1', status: { conditions } }),
      event(at, pod, 'Killing', 'Stopping container app'),
      snapshot(at + 0.1, next),
      event(at + 0.1, replicaSet, 'SuccessfulCreate', `Created pod: ${next.name}`),
      event(at + 0.2, next, 'Scheduled', `Successfully assigned shop/${next.name} to n2`),
      event(at + 1, next, 'Created', 'Container created'),
      event(at + 2, next, 'Started', 'Container started'),
      snapshot(at + 2, pod, { ...old, nodeName: 'n1', status: { conditions }, deleted: true }),
    ];
    return { at: at + 3, told };
  });
  return [{ at: 2, told: [snapshot(0, node), cordon] }, ...evictions];
}

async function pass(story: readonly Arrival[], settings: PipelineSettings = {}) {
  const pipeline = startLive(settings);
  await arrive(pipeline, story);
  await pipeline.runTimers();
  return pipeline;
}

const toldIn = (story: readonly Arrival[]): Observation[] => story.flatMap(({ told }) => told);

describe('a pod each quarter of a minute', () => {
  /** Read and write units an Event. */
  const perEvent = async (roots: number) => {
    const story = drain(roots, 15);
    const { units, store } = createCountingStore();
    const pipeline = await pass(story, { store });
    expect(received(pipeline)).toEqual(wholeStory(toldIn(story)));
    const events = toldIn(story).filter(({ type }) => type === 'event').length;
    return { reads: units.reads / events, writes: units.writes / events };
  };

  it('twice the roots: what an Event costs grows less than they do', async () => {
    const [ten, twenty, forty] = [await perEvent(10), await perEvent(20), await perEvent(40)];
    expect(twenty.reads).toBeLessThan(1.6 * ten.reads);
    expect(forty.reads).toBeLessThan(1.8 * twenty.reads);
    expect(forty.writes).toBeLessThan(2.1 * ten.writes);
  }, 180_000);

  it('all is sent, once, a quarter of an hour after the last word', async () => {
    const story = drain(12, 15);
    const pipeline = await pass(story);
    expect(pipeline.sends.flat()).toHaveLength(received(pipeline).length);
    expect(pipeline.now - noon).toBeLessThan((story.at(-1)!.at + 950) * 1000);
  });
});

describe('a crash before or after any call to a port', () => {
  const story = drain(2, 40);
  const expected = wholeStory(toldIn(story));
  let calls = 0;
  beforeAll(async () => {
    calls = (await pass(story)).calls;
  });

  for (const when of ['before', 'after'] as const) {
    it(`${when} each one, once: the same spans`, async () => {
      expect(calls).toBeGreaterThan(60);
      for (let at = 1; at <= calls; at += 1) {
        const pipeline = await pass(story, { crash: (call) => (call === at ? when : undefined) });
        expect(received(pipeline), `${when} call ${at}`).toEqual(expected);
      }
    });
  }
});

it('what has nothing to send, and no look to come, is asked to look when somebody comes of whom it is the cause', async () => {
  const deployment = thing('Deployment', 'web');
  const hpa = thing('HorizontalPodAutoscaler', 'web');
  const scale = {
    managers: [{ manager: 'kube-controller-manager', operation: 'Update', subresource: 'scale' }],
  };
  // Nobody saw when it was written: without an Event it has no root.
  const scaled = [
    snapshot(0, deployment, { replicas: 1 }),
    snapshot(10, deployment, {
      replicas: 2,
      generation: 2,
      creationTimestamp: '2026-03-01T12:00:00Z',
      ...scale,
    }),
  ].map((found) => ({ ...found, from: 'list' }));
  const rescale = [
    snapshot(12, hpa, { scaleTargetRef: { kind: 'Deployment', name: 'web' } }),
    event(11, hpa, 'SuccessfulRescale', 'New size: 2; reason: All metrics below target'),
  ];
  const pipeline = startPipeline();
  await pipeline.ingest(recordsOf([scaled]));
  await pipeline.runTimers();
  expect(pipeline.sends).toEqual([]);
  pipeline.wait(600);
  await pipeline.ingest(recordsOf([rescale], { first: 2 }));
  await pipeline.runTimers();
  const spans = received(pipeline);
  expect(spans).toEqual(wholeStory([...scaled, ...rescale]));
  expect(spans.map(({ name }) => name).sort()).toEqual([
    'Deployment.Scale',
    'HorizontalPodAutoscaler.SuccessfulRescale',
  ]);
});
