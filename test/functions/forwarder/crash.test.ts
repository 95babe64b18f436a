import { setImmediate } from 'node:timers/promises';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Handover } from '../../../functions/forwarder/kubernetes/handover-annotations.ts';
import type { RecordSink } from '../../../functions/forwarder/record-sink.ts';
import { decodeBatch } from '../../../shared/batch-codec.ts';
import type { Observation } from '../../../shared/observation.ts';
import { checkProperty } from '../../check-property.ts';
import {
  anEvent,
  anObject,
  createMemoryCluster,
  deployment,
  type MemoryCluster,
  pod,
  type Raw,
  replicaSet,
} from './memory-cluster.ts';
import { createTestClock, quiet, runInMemory } from './run-in-memory.ts';

/** What happens in the cluster, one after the other. */
type Happening =
  | { do: 'event' | 'repeat' | 'move-pod' | 'delete-pod' | 'create-pod' | 'custom-event'; pick: number }
  | { do: 'compact' };

/** Every version of every object that says something, and every occurrence, as the cluster had them. */
interface Truth {
  occurrences: Set<string>;
  lastCounts: Map<string, number>;
  /** UIDs of pods that were changed, or deleted, after the forwarder first looked. */
  deleted: Set<string>;
}

function createWorld() {
  const cluster = createMemoryCluster();
  const web = cluster.put(deployment('web'));
  const rs = cluster.put(replicaSet('web-1', web));
  // Looked up: of each there are few Events, so that the next one does not make up for a look-up that was lost.
  const apps = Array.from({ length: 8 }, (_, n) =>
    cluster.put(anObject('apps.example.io/v1', 'App', `shop-${n}`)),
  );
  const pods: Raw[] = [cluster.put(pod('pod-0', rs))];
  const events: Raw[] = [];
  const truth: Truth = { occurrences: new Set(), lastCounts: new Map(), deleted: new Set() };
  let made = 0;

  const occur = (event: Raw) => {
    const count = event.count as number;
    truth.occurrences.add(`${event.metadata.uid} ×${count}`);
    truth.lastCounts.set(event.metadata.uid, count);
  };
  const happen = (happening: Happening) => {
    if (happening.do === 'compact') return cluster.compact();
    const { pick } = happening;
    switch (happening.do) {
      case 'event':
      case 'custom-event': {
        const about = happening.do === 'event' ? pods[pick % pods.length] : apps[pick % apps.length];
        const event = anEvent(`e${made++}`, about ?? web, { message: 'm'.repeat(pick % 50) });
        events.push(event);
        cluster.put(event);
        return occur(event);
      }
      case 'repeat': {
        if (events.length === 0) return;
        const at = pick % events.length;
        const event = { ...events[at]!, count: (events[at]!.count as number) + 1 };
        events[at] = event;
        cluster.put(event);
        return occur(event);
      }
      case 'create-pod':
        return void pods.push(cluster.put(pod(`pod-${++made}`, rs)));
      case 'move-pod': {
        const moved = pods[pick % pods.length];
        if (moved !== undefined) cluster.put({ ...moved, spec: { nodeName: `n${pick}` } });
        return;
      }
      case 'delete-pod': {
        const [gone] = pods.splice(pick % Math.max(pods.length, 1), 1);
        if (gone === undefined) return;
        cluster.remove(gone.metadata.uid);
        truth.deleted.add(gone.metadata.uid);
      }
    }
  };
  return { cluster, truth, happen };
}

/** The stream of all terms. It throttles, and whoever asks may die before or after it has stored. */
function createStream() {
  const arrived: Observation[] = [];
  const sink = (step: () => Promise<void>, throttle: () => boolean): RecordSink => ({
    async put(records, signal) {
      await step();
      signal?.throwIfAborted();
      while (throttle()) await setImmediate();
      for (const { data } of records) arrived.push(...decodeBatch(data).observations);
      await step();
      return [];
    },
  });
  return { arrived, sink };
}

/** One term that dies at its `dieAt`th step: a signal read, an object asked for or found, a put begun or stored. Nothing of it goes on then. */
function createMortal(cluster: MemoryCluster, dieAt: number) {
  let steps = 0;
  let dead = false;
  const step = async () => {
    if (++steps >= dieAt) dead = true;
    if (dead) await new Promise(() => {});
  };
  const follow: MemoryCluster['follow'] = async function* (resource, options) {
    for await (const signal of cluster.follow(resource, options)) {
      await step();
      yield signal;
    }
  };
  const lookUp: MemoryCluster['lookUp'] = async (...asked) => {
    await setImmediate();
    await step();
    const answer = await cluster.lookUp(...asked);
    await step();
    return answer;
  };
  const die = () => {
    dead = true;
  };
  return { follow, lookUp, step, die, isDead: () => dead };
}

const happening = fc.oneof(
  {
    weight: 12,
    arbitrary: fc.record({
      do: fc.constantFrom('event', 'event', 'repeat', 'custom-event', 'move-pod', 'delete-pod', 'create-pod'),
      pick: fc.nat(1000),
    }),
  },
  { weight: 1, arbitrary: fc.constant({ do: 'compact' } as const) },
) as fc.Arbitrary<Happening>;

const life = fc.record({
  happenings: fc.array(happening, { maxLength: 12 }),
  /** Happenings before the term starts. */
  asleep: fc.nat(6),
  dieAt: fc.integer({ min: 1, max: 80 }),
  /** Of what it saved the Lease has only so much. */
  written: fc.constantFrom(1, 0.5, 0),
  batchLines: fc.integer({ min: 1, max: 8 }),
  channelBytes: fc.integer({ min: 300, max: 20_000 }),
  throttles: fc.nat(3),
});

/** Lives one after the other, each from the checkpoint that the one before left, then one in peace. */
async function live(lives: (typeof life extends fc.Arbitrary<infer L> ? L : never)[]) {
  const { cluster, truth, happen } = createWorld();
  const stream = createStream();
  let handover: Handover | undefined;
  for (const { happenings, asleep, dieAt, written, batchLines, channelBytes, throttles } of lives) {
    for (const each of happenings.slice(0, asleep)) happen(each);
    const mortal = createMortal(cluster, dieAt);
    const saved: Handover[] = [];
    let left = throttles;
    const term = runInMemory(cluster, {
      handover,
      clock: createTestClock(),
      ports: {
        follow: mortal.follow,
        lookUp: mortal.lookUp,
        sink: stream.sink(mortal.step, () => left-- > 0),
      },
      settings: { batches: { channelBytes, batchBytes: 500, batchLines, batchAge: 1_000 } },
      onSave: (each) => !mortal.isDead() && saved.push(each),
    });
    for (const each of happenings.slice(asleep)) {
      happen(each);
      await setImmediate();
    }
    await quiet(20);
    mortal.die();
    void term.kill();
    handover = saved[Math.ceil(saved.length * written) - 1] ?? handover;
  }
  const compacted = lives.some(({ happenings }) => happenings.some((each) => each.do === 'compact'));
  const last = runInMemory(cluster, {
    handover,
    ports: {
      sink: stream.sink(
        async () => {},
        () => false,
      ),
    },
  });
  await quiet();
  await quiet();
  await last.stop();
  return { cluster, truth, arrived: stream.arrived, last, compacted };
}

const occurrences = (observations: readonly Observation[]) =>
  observations.flatMap((each) => (each.type === 'event' ? [`${each.event.uid} ×${each.event.count}`] : []));

describe('whenever the process dies', () => {
  it('no occurrence is lost, an Event is there at its last count even when history is gone, and what comes twice is the same', async () => {
    await checkProperty(
      fc.asyncProperty(fc.array(life, { minLength: 1, maxLength: 4 }), async (lives) => {
        const { truth, arrived, cluster, last, compacted } = await live(lives);
        const shipped = new Set(occurrences(arrived));
        for (const [uid, count] of truth.lastCounts) expect(shipped).toContain(`${uid} ×${count}`);
        if (!compacted) {
          // Those that were repeated before anybody first looked are there at their count of then.
          const missing = truth.occurrences.difference(shipped);
          const first = new Set(occurrences(arrived).map((each) => each.split(' ×')[0]));
          expect([...missing].filter((each) => !first.has(each.split(' ×')[0]!))).toEqual([]);
        }
        for (const each of shipped) expect(truth.occurrences).toContain(each);
        expect(last.saved()?.events).toBeDefined();
        expect(Number(last.saved()!.events)).toBeLessThanOrEqual(Number(cluster.version()));

        const said = new Map<string, string>();
        for (const observation of arrived) {
          // A version that one life was told, the next one finds: when and how it was seen differs, what it says does not.
          const { observedAt: _, from: __, ...rest } = { from: undefined, ...observation };
          const key =
            observation.type === 'event'
              ? `${observation.event.uid} ×${observation.event.count}`
              : `${observation.object.uid} ${observation.object.resourceVersion} ${observation.deleted}`;
          const text = JSON.stringify(rest);
          expect(said.get(key) ?? text).toBe(text);
          said.set(key, text);
        }
      }),
      150,
    );
  });

  it('the end of every pod that was there arrives, as long as there is history', async () => {
    const noCompaction = life.filter(({ happenings }) => happenings.every((each) => each.do !== 'compact'));
    await checkProperty(
      fc.asyncProperty(fc.array(noCompaction, { minLength: 1, maxLength: 3 }), async (lives) => {
        // A first life in peace: from its checkpoint on nothing may be missed.
        const peace = { ...lives[0]!, happenings: [], dieAt: 10_000, written: 1 as const };
        const { truth, arrived } = await live([peace, ...lives]);
        const gone = new Set(
          arrived.flatMap((each) => (each.type === 'object' && each.deleted ? [each.object.uid] : [])),
        );
        for (const uid of truth.deleted) expect(gone).toContain(uid);
        // From the first look on every occurrence is history, and none is missed.
        expect([...truth.occurrences.difference(new Set(occurrences(arrived)))]).toEqual([]);
      }),
      100,
    );
  });

  it('an Event comes with its subject and owners, whichever life it is in', async () => {
    await checkProperty(
      fc.asyncProperty(fc.array(life, { minLength: 1, maxLength: 3 }), async (lives) => {
        const { arrived, cluster } = await live(lives);
        const known = new Set(arrived.flatMap((each) => (each.type === 'object' ? [each.object.uid] : [])));
        const there = new Set(cluster.objects().map(({ metadata }) => metadata.uid));
        for (const each of arrived) {
          const uid = each.type === 'event' ? each.event.subject.uid! : undefined;
          if (uid !== undefined && there.has(uid)) expect(known).toContain(uid);
        }
        const web = arrived.some(
          (each) =>
            each.type === 'event' && each.event.subject.kind === 'Pod' && there.has(each.event.subject.uid!),
        );
        if (web) expect(known).toContain('uid of Deployment web');
      }),
      100,
    );
  });
});
