/**
 * A rollback in flight: what a version after this one stored, sent and left under way. Nobody knows it, so it is made up: today's
 * forms with fields, kinds and versions that nobody here has heard of. They do no harm; what cannot be read waits for the version
 * that can, and nobody waits with it.
 */
import { zstdCompressSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { packBody, unpackBody } from '../../../functions/correlator/pack-body.ts';
import type { Timer } from '../../../functions/correlator/ports.ts';
import {
  activityPartition,
  familyPartition,
  type Item,
  type Store,
} from '../../../functions/correlator/store.ts';
import { createMemoryStore } from '../../../functions/correlator/store-memory.ts';
import { decodeBatch } from '../../../shared/batch-codec.ts';
import type { Observation } from '../../../shared/observation.ts';
import type { Span } from '../../../shared/span.ts';
import { decodeSpanBatch } from '../../../shared/span-batch-codec.ts';
import { makeMorning } from '../../spans.ts';
import { noon, startLive } from './arrivals.ts';
import { event, rollout, snapshot, thing } from './causality/cluster-story.ts';
import { cluster, type Pipeline, received, recordsOf, wholeStory } from './pipeline.ts';

const minute = 60_000;
const idsOf = (spans: readonly Span[]) => spans.map(({ spanId }) => spanId).sort();

const unreadable = Uint8Array.of(255, 1, 2, 3);

/** A store in which everything that is written becomes what `change` makes of it. */
const storing =
  (change: (item: Item) => Item[]) =>
  (now: () => number): Store => {
    const store = createMemoryStore(now);
    return {
      ...store,
      put: (items) => store.put(items.flatMap(change)),
      async replace(item, seen) {
        const [same, ...more] = change(item) as [Item & { revision: number }, ...Item[]];
        const isDone = await store.replace(same, seen);
        if (isDone) await store.put(more);
        return isDone;
      },
    };
  };

/** Like the queue: a message that fails is there again two minutes later. */
async function runUntil(pipeline: Pipeline, until: number): Promise<void> {
  const messages: { at: number; timer: Timer }[] = [];
  for (;;) {
    messages.push(...pipeline.timers.splice(0).map((timer) => ({ at: timer.dueAt, timer })));
    messages.sort((a, b) => a.at - b.at);
    const next = messages[0];
    if (next === undefined || next.at > until) break;
    messages.shift();
    pipeline.now = Math.max(pipeline.now, next.at);
    const isDone = await pipeline.settle(next.timer);
    if (!isDone) messages.push({ at: pipeline.now + 2 * minute, timer: next.timer });
  }
  pipeline.timers.push(...messages.map(({ timer }) => timer));
  pipeline.now = Math.max(pipeline.now, until);
}

describe('stored by the version after, and harmless', () => {
  const { observations } = rollout(0);
  const passThrough = async (change: (item: Item) => Item[]) => {
    const pipeline = startLive({ store: storing(change) });
    await pipeline.ingest(recordsOf([observations]));
    await pipeline.runTimers();
    return received(pipeline);
  };

  it('fields that nobody here has heard of', async () => {
    const change = ({ fields, ...item }: Item) => [
      { ...item, fields: { ...fields, version: 7, later: 'x' } },
    ];
    expect(await passThrough(change)).toEqual(wholeStory(observations));
  });

  it('fields in bodies', async () => {
    const withMore = (value: unknown): unknown =>
      Array.isArray(value)
        ? value.map(withMore)
        : typeof value === 'object' && value !== null
          ? { ...value, later: { x: [1] } }
          : value;
    const change = ({ body, ...item }: Item) => [
      { ...item, ...(body !== undefined && { body: packBody(withMore(unpackBody(body))) }) },
    ];
    expect(await passThrough(change)).toEqual(wholeStory(observations));
  });

  it('items of an activity, of kinds that nobody here has heard of', async () => {
    const change = (item: Item): Item[] => {
      if (!item.pk.startsWith(activityPartition(''))) return [item];
      const { pk, expiresAt } = item;
      const others = ['a-kind', 'zebra#1'].map((sk) => ({
        pk,
        sk,
        expiresAt,
        fields: { at: 1 },
        body: unreadable,
      }));
      return [item, ...others];
    };
    expect(await passThrough(change)).toEqual(wholeStory(observations));
  });
});

describe('a body that cannot be read', () => {
  const [good, bad] = [rollout(0), rollout(0, 'bad')];
  const story = [...good.observations, ...bad.observations];
  const badActivity = `c1/${bad.deployment.uid}`;
  const start = async () => {
    const pipeline = startLive();
    await pipeline.ingest(recordsOf([story]));
    expect(pipeline.timers).toHaveLength(1);
    return pipeline;
  };
  const spoil = async (pipeline: Pipeline, pk: string) => {
    const items = (await pipeline.store.list(pk)).filter(({ body }) => body !== undefined);
    expect(items).not.toEqual([]);
    await pipeline.store.put(items.map((item) => ({ ...item, body: unreadable })));
    return items;
  };
  const told = ({ sends }: Pipeline, { pod, replicaSet, deployment }: typeof good) => {
    const uids: unknown[] = [pod.uid, replicaSet.uid, deployment.uid];
    return received({ sends }).filter(({ attributes }) => uids.includes(attributes['k8s.object.uid']));
  };

  it('postpones its own activity and no other', async () => {
    const pipeline = await start();
    await spoil(pipeline, activityPartition(badActivity));
    await runUntil(pipeline, noon + 30 * minute);
    expect(idsOf(told(pipeline, good))).toEqual(idsOf(wholeStory(good.observations)));
    expect(told(pipeline, bad)).toEqual([]);
    expect(pipeline.poison).toEqual([]);
  });

  it('is told once the version that can read it is back', async () => {
    const pipeline = await start();
    const items = await spoil(pipeline, activityPartition(badActivity));
    await runUntil(pipeline, noon + 3 * 60 * minute);
    await pipeline.store.put(items);
    await runUntil(pipeline, noon + 4 * 60 * minute);
    expect(idsOf(received(pipeline))).toEqual(idsOf(wholeStory(story)));
    expect(pipeline.timers).toEqual([]);
  });

  it('of whose owner is whose, stops no batch of the stream: others in it are told at once', async () => {
    const pipeline = await start();
    await spoil(pipeline, familyPartition('c1', 'bad-1'));
    // A function that started after that remembers nothing.
    const cold = startLive({ store: () => pipeline.store });
    cold.timers.push(...pipeline.timers);
    const later = [good, bad].map(({ pod }) => event(5, pod, 'Pulled', 'x'));
    await cold.ingest(recordsOf([later], { first: 50 }));
    await runUntil(cold, noon + 30 * minute);
    const ofGood = [...good.observations, later[0]!];
    expect(idsOf(told(cold, good))).toEqual(idsOf(wholeStory(ofGood)));
  });

  it('of whose owner is whose, is waited for: all is told once it can be read', async () => {
    const pipeline = await start();
    const items = await spoil(pipeline, familyPartition('c1', 'bad-1'));
    const cold = startLive({ store: () => pipeline.store });
    cold.timers.push(...pipeline.timers);
    const later = [good, bad].map(({ pod }) => event(5, pod, 'Pulled', 'x'));
    await cold.ingest(recordsOf([later], { first: 50 }));
    await runUntil(cold, noon + 30 * minute);
    await pipeline.store.put(items);
    await runUntil(cold, noon + 90 * minute);
    expect(idsOf(received(cold))).toEqual(idsOf(wholeStory([...story, ...later])));
  });

  it('of one that meets others, postpones itself: what it meets is told without it', async () => {
    const { observations, activities } = drainOfTwo();
    const pipeline = startLive();
    pipeline.now = noon + 20_000;
    await pipeline.ingest(recordsOf([observations]));
    // They have registered where they meet by then.
    await runUntil(pipeline, pipeline.now + 31_000);
    await spoil(pipeline, activityPartition(activities[1]!));
    await runUntil(pipeline, noon + 60 * minute);
    const names = pipeline.sends.flat().map((span) => `${span.name} ${span.attributes['k8s.object.name']}`);
    expect(names).toContain('Node.NodeNotSchedulable n1');
    expect(names).toContain('Pod.Killing d0-1-a');
  });
});

/** Of two Deployments the only pod is evicted from a Node that is drained. */
function drainOfTwo() {
  const node = thing('Node', 'n1');
  const deployments = [0, 1].map((index) => thing('Deployment', `d${index}`));
  const old = { creationTimestamp: '2026-03-01T09:00:00Z' };
  const conditions = [{ type: 'DisruptionTarget', status: 'True', reason: 'EvictionByEvictionAPI' }];
  const evictions = deployments.flatMap((deployment, index): Observation[] => {
    const at = 2 + index;
    const replicaSet = thing('ReplicaSet', `${deployment.name}-1`, deployment);
    const pod = thing('Pod', `${replicaSet.name}-a`, replicaSet);
    return [
      snapshot(at, deployment, { replicas: 1, ...old }),
      snapshot(at, replicaSet, { replicas: 1, ...old }),
      snapshot(at, pod, { ...old, nodeName: 'n1', status: { conditions } }),
      event(at, pod, 'Killing', 'Stopping container app'),
    ];
  });
  const cordon = event(1, node, 'NodeNotSchedulable', 'Node n1 status is now: NodeNotSchedulable');
  return {
    observations: [snapshot(0, node), cordon, ...evictions],
    activities: deployments.map(({ uid }) => `c1/${uid}`),
  };
}

describe('under way from the version after', () => {
  it('a timer with a version and fields that nobody here has heard of', async () => {
    const { observations } = rollout(0);
    const pipeline = startLive();
    await pipeline.ingest(recordsOf([observations]));
    for (const timer of pipeline.timers) Object.assign(timer, { version: 7, later: { x: 1 } });
    await pipeline.runTimers();
    expect(received(pipeline)).toEqual(wholeStory(observations));
    expect(pipeline.poison).toEqual([]);
  });

  const { observations } = rollout(0);
  const lines = (header: object, some: readonly object[]) =>
    zstdCompressSync([header, ...some].map((line) => JSON.stringify(line)).join('\n'));

  it('a record with a header and observations of more fields, and one kind of observation more', () => {
    const more = observations.map((observation) => ({ ...observation, later: { x: 1 } }));
    const header = { version: 1, cluster: { ...cluster, later: 'x' }, later: 'x' };
    const decoded = decodeBatch(lines(header, [...more, { type: 'later', at: 1 }]));
    expect(decoded.observations).toHaveLength(observations.length);
    expect(decoded.poison?.count).toBe(1);
  });

  it('a record of the next version is read as far as it is understood', () => {
    const { observations: read } = decodeBatch(lines({ version: 2, cluster, later: 'x' }, observations));
    expect(read).toHaveLength(observations.length);
  });

  it('a message of spans of the next version is read as far as it is understood', () => {
    const spans = makeMorning();
    const read = decodeSpanBatch(
      JSON.stringify({ version: 2, later: 'x', spans: spans.map((span) => ({ ...span, later: 1 })) }),
    );
    expect(read.ok && idsOf(read.value.spans)).toEqual(idsOf(spans));
  });
});
