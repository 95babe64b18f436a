/** What the pipeline promises when things go wrong, each told as one short story. */
import { hash } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { activityPartition } from '../../../functions/correlator/store.ts';
import { createMemoryStore } from '../../../functions/correlator/store-memory.ts';
import { correlatorTellings } from '../../../functions/correlator/tell-remarks.ts';
import type { Span } from '../../../shared/span.ts';
import { noon, startLive } from './arrivals.ts';
import { event, rollout, snapshot, thing } from './causality/cluster-story.ts';
import { type Pipeline, received, recordsOf, startPipeline } from './pipeline.ts';

const names = (spans: readonly Span[]) => spans.map(({ name }) => name).sort();

describe('patience', () => {
  it('has an end also where something is moved in all the time', async () => {
    const job = thing('Job', 'work');
    const pod = (second: number) => thing('Pod', `work-${second}`, job);
    const pipeline = startPipeline({ start: noon });
    const settled = () =>
      pipeline.remarks.some((remark) => remark.kind === 'settled' && remark.activity === `c1/${job.uid}`);
    let second = 0;
    for (; !settled() && second < 500; second += 10) {
      await pipeline.runTimers(noon + second * 1000);
      pipeline.now = noon + second * 1000;
      // Their Events have been sent by then.
      await pipeline.ingest(
        recordsOf([[event(second, pod(second), 'Scheduled', 'x')]], { first: 2 * second + 2 }),
      );
      if (second < 100) continue;
      if (second === 100) await pipeline.ingest(recordsOf([[snapshot(100, job)]], { first: 5000 }));
      await pipeline.ingest(recordsOf([[snapshot(second, pod(second - 100))]], { first: 2 * second + 3 }));
    }
    expect(second).toBeLessThan(100 + 360);
  });
});

describe('a settle that nobody mends for most of a day', () => {
  it('then tells all of it: also what came without a snapshot', async () => {
    const { observations, pod } = rollout(0);
    const pipeline = startLive();
    await pipeline.ingest(recordsOf([observations]));
    await pipeline.ingest(recordsOf([[event(1, pod, 'Pulled', 'x')]], { first: 100 }));
    pipeline.now = noon + 20 * 3_600_000;
    await pipeline.runTimers();
    expect(names(received(pipeline))).toEqual([
      'Deployment.Create',
      'Deployment.ScalingReplicaSet',
      'Pod.Pulled',
      'Pod.Scheduled',
      'ReplicaSet.SuccessfulCreate',
    ]);
  });
});

describe('a timer of several activities, of which one cannot be settled', () => {
  it('comes again for that one alone: the others are not sent again, and have no more timers than before', async () => {
    const [good, bad] = [rollout(0), rollout(0, 'bad')];
    const partition = activityPartition(`c1/${bad.deployment.uid}`);
    const pipeline = startLive({
      crash: (_, name, [pk]) => (name === 'list' && pk === partition ? 'before' : undefined),
    });
    await pipeline.ingest(recordsOf([[...good.observations, ...bad.observations]]));
    expect(pipeline.timers).toHaveLength(1);
    let failures = 0;
    for (let step = 0; step < 20; step += 1) {
      pipeline.timers.sort((a, b) => a.dueAt - b.dueAt);
      const timer = pipeline.timers.shift()!;
      pipeline.now = Math.max(pipeline.now, timer.dueAt);
      if (await pipeline.settle(timer)) continue;
      failures += 1;
      pipeline.wait(120);
      pipeline.timers.push(timer);
    }
    expect(failures).toBeGreaterThan(5);
    expect(pipeline.sends.flat()).toHaveLength(received(pipeline).length);
    const ofGood = pipeline.timers.filter(({ activities }) =>
      activities.includes(`c1/${good.deployment.uid}`),
    );
    expect(ofGood.length).toBeLessThanOrEqual(1);
    expect(pipeline.timers.length).toBeLessThanOrEqual(2);
  });
});

it('what fails says for how long it has been due, however often it was tried', async () => {
  const { observations } = rollout(0);
  let isAway = false;
  const pipeline = startPipeline({ crash: (_, name) => (isAway && name === 'list' ? 'before' : undefined) });
  await pipeline.ingest(recordsOf([observations]));
  isAway = true;
  const timer = pipeline.timers[0]!;
  const ages: unknown[] = [];
  for (const hours of [0, 1, 20]) {
    pipeline.now = timer.dueAt + hours * 3_600_000;
    expect(await pipeline.settle(timer)).toBe(false);
    const failed = pipeline.remarks.findLast((remark) => remark.kind === 'settle-failed')!;
    ages.push(correlatorTellings['settle-failed'](failed).metrics);
  }
  expect(ages).toEqual([0, 3600, 72_000].map((age) => ({ Failed: 1, OldestPendingAge: age })));
});

describe('a large activity', () => {
  it('comes alone, so that others do not fail with it, and says so', async () => {
    const [small, big] = [rollout(0), rollout(0, 'big')];
    // As long as a message may be: 4 KB each, packed.
    const noise = (second: number) =>
      Array.from({ length: 64 }, (_, i) => hash('sha512', `${second} ${i}`)).join('');
    const told = (second: number) => event(second, big.pod, 'Pulled', noise(second));
    const pipeline = startLive();
    await pipeline.ingest(recordsOf([[...small.observations, ...big.observations]]));
    // In more items than are read at first.
    for (let batch = 0; batch < 14; batch += 1) {
      const some = Array.from({ length: 64 }, (_, i) => told((i * 5) / 16 + batch * 20));
      pipeline.now = noon + batch * 20_000;
      await pipeline.ingest(recordsOf([some], { first: batch * 50 + 50 }));
    }
    await pipeline.runTimers(noon + 400_000);
    const remarks = pipeline.remarks.length;
    pipeline.now = noon + 420_000;
    const late = [small, big].map(({ pod }) => event(415, pod, 'Unhealthy', 'x'));
    await pipeline.ingest(recordsOf([late], { first: 1000 }));
    const together = pipeline.timers.findIndex(({ activities }) => activities.length === 2);
    const [timer] = pipeline.timers.splice(together, 1);
    pipeline.now = timer!.dueAt;
    await pipeline.settle(timer!);
    const settled = () =>
      pipeline.remarks.slice(remarks).flatMap((said) => (said.kind === 'settled' ? said.activity : []));
    expect(settled()).toEqual([`c1/${small.deployment.uid}`]);
    await pipeline.runTimers(pipeline.now + 330_000);
    expect(settled()).toEqual([`c1/${small.deployment.uid}`, `c1/${big.deployment.uid}`]);
    expect(pipeline.remarks.slice(remarks).some(({ kind }) => kind === 'large')).toBe(true);
  });
});

describe('a cut that is there already when it is to be written', () => {
  const { observations } = rollout(0);

  it('is sent where it is this very one: the answer to the first attempt was lost', async () => {
    const pipeline = startPipeline({
      store: (now) => {
        const store = createMemoryStore(now);
        const replaceTwice: typeof store.replace = async (item, seen) => {
          await store.replace(item, seen);
          return store.replace(item, seen);
        };
        return { ...store, replace: replaceTwice };
      },
    });
    await pipeline.ingest(recordsOf([observations]));
    await pipeline.runTimers();
    expect(received(pipeline)).toHaveLength(4);
  });

  it('is sent where the same timer made it, which came twice at once and did not live to send it', async () => {
    let isFirst = true;
    let isOther = false;
    const pipeline = startPipeline({
      crash: (_, name) => (isOther && name === 'send' ? 'before' : undefined),
      meanwhile: async (name, at) => {
        if (name !== 'replace' || !isFirst) return;
        isFirst = false;
        isOther = true;
        expect(await at.settle(timer!)).toBe(false);
        isOther = false;
      },
    });
    await pipeline.ingest(recordsOf([observations]));
    const [timer] = pipeline.timers.splice(0);
    pipeline.now = timer!.dueAt;
    expect(await pipeline.settle(timer!)).toBe(true);
    await pipeline.runTimers();
    expect(received(pipeline)).toHaveLength(4);
  });
});

describe('a function that remembers nothing', () => {
  it('files a pod under the top of a chain whose middle shares the pod’s family', async () => {
    const top = thing('App', 'shop');
    const deployment = thing('Deployment', 'web', top);
    const replicaSet = thing('ReplicaSet', 'web-1', deployment);
    const pod = thing('Pod', 'web-1-a', replicaSet);
    const store = createMemoryStore(() => noon);
    const start = () => startLive({ store: () => store });
    await start().ingest(
      recordsOf([[snapshot(0, top), snapshot(1, deployment), snapshot(2, replicaSet), snapshot(3, pod)]]),
    );
    const other = start();
    await other.ingest(recordsOf([[event(4, pod, 'Pulled', 'x')]], { first: 2 }));
    expect(other.timers.flatMap(({ activities }) => activities)).toEqual([`c1/${top.uid}`]);
  });
});

describe('an owner that is learned while an activity is moved in', () => {
  it('has what was moved in as well, and nobody else sends it', async () => {
    const platform = thing('Platform', 'all');
    const app = thing('App', 'shop', platform);
    const deployment = thing('Deployment', 'web', app);
    const replicaSet = thing('ReplicaSet', 'web-1', deployment);
    let isMoving = false;
    const pipeline = startPipeline({
      start: noon,
      // The App's settle stands still between taking the Deployment's turn and writing.
      meanwhile: async (name, at) => {
        if (name !== 'put' || !isMoving) return;
        isMoving = false;
        await at.ingest(recordsOf([[snapshot(2, platform), snapshot(3, app)]], { first: 3 }));
        await at.runTimers();
        at.wait(100);
      },
    });
    const failed = event(1, replicaSet, 'FailedCreate', 'x');
    await pipeline.ingest(recordsOf([[snapshot(0, replicaSet), failed]]));
    await pipeline.ingest(recordsOf([[snapshot(1, deployment)]], { first: 2 }));
    const ofApp = pipeline.timers.splice(0).at(-1)!;
    pipeline.now = ofApp.dueAt;
    isMoving = true;
    await pipeline.settle(ofApp);
    expect(isMoving).toBe(false);
    await pipeline.runTimers();
    expect(names(pipeline.sends.flat())).toEqual(['ReplicaSet.FailedCreate']);
  });
});

describe('a batch that two have read, of whom one knew less and did not live to file all of it', () => {
  it('moves with all that the other has filed', async () => {
    const deployment = thing('Deployment', 'web');
    const replicaSet = thing('ReplicaSet', 'web-1', deployment);
    const pod = thing('Pod', 'web-1-a', replicaSet);
    const batch = recordsOf([[event(1, replicaSet, 'FailedCreate', 'x'), event(1, pod, 'Pulled', 'x')]]);
    const store = createMemoryStore(() => quick.now);
    const quick = startPipeline({ start: noon, store: () => store });
    let isFirst = true;
    const slow = startPipeline({
      start: noon,
      store: () => ({
        ...store,
        put: async (items) => {
          await store.put(items.slice(0, 1));
          if (items.length > 1) throw new Error('gone');
        },
      }),
      // It has looked for the pod's owner already, and found none.
      meanwhile: async (name) => {
        if (name !== 'arm' || !isFirst) return;
        isFirst = false;
        await quick.ingest(recordsOf([[snapshot(0, pod)]], { shard: 1 }));
        await quick.ingest(batch);
        slow.wait(1);
      },
    });
    await expect(slow.ingest(batch)).rejects.toThrow('gone');
    await quick.ingest(
      recordsOf([[snapshot(0, deployment), snapshot(0, replicaSet)]], { shard: 1, first: 2 }),
    );
    await quick.runTimers();
    expect(names(quick.sends.flat())).toEqual(['Deployment.Create', 'Pod.Pulled', 'ReplicaSet.FailedCreate']);
  });
});

describe('a batch that is written only when its timer has come and gone', () => {
  it('has another one', async () => {
    let calls: string[] = [];
    const pipeline = startLive({
      meanwhile: async (name, at) => {
        calls.push(name);
        if (calls.slice(-2).join() !== 'arm,put' || at.timers.length === 0) return;
        await at.runTimers();
        calls = [];
      },
    });
    await pipeline.ingest(recordsOf([[event(0, thing('Job', 'work'), 'FailedMount', 'x')]]));
    expect(pipeline.sends).toEqual([]);
    await pipeline.runTimers();
    expect(names(pipeline.sends.flat())).toEqual(['Job.FailedMount']);
  });
});

describe('a function that still takes for an orphan what has been adopted since', () => {
  it('has its batch again hours later, and what was sent is not told in another way', async () => {
    const [deployment, adopted, scaling, pod, creation] = rollout(0).observations;
    const orphan = snapshot(0, thing('ReplicaSet', 'web-1'), { replicas: 1 });
    const store = createMemoryStore(() => other.now);
    const [warm, other] = [0, 1].map(() => startPipeline({ start: noon, store: () => store })) as [
      Pipeline,
      Pipeline,
    ];
    const settle = async () => {
      other.timers.push(...warm.timers.splice(0));
      await other.runTimers();
    };
    const batch = recordsOf([[orphan, creation!]]);
    await warm.ingest(batch);
    await other.ingest(recordsOf([[deployment!, adopted!, scaling!, pod!]], { shard: 1 }));
    await settle();
    other.wait(3 * 3600);
    warm.now = other.now;
    await warm.ingest(batch);
    await settle();
    expect(names(received(other))).toContain('ReplicaSet.SuccessfulCreate');
    expect(names(other.sends.flat())).toEqual(names(received(other)));
  });
});

describe('an object that gets its owner later', () => {
  it('keeps what was sent before', async () => {
    const orphan = thing('Pod', 'web-1-a');
    const replicaSet = thing('ReplicaSet', 'web-1');
    for (const isCold of [false, true]) {
      const store = createMemoryStore(() => at.now);
      const start = () => startLive({ store: () => store });
      let at = start();
      const first = event(1, orphan, 'Pulled', 'x');
      await at.ingest(recordsOf([[snapshot(0, orphan), first]]));
      await at.runTimers();
      const sends = at.sends;
      if (isCold) {
        const now = at.now;
        at = start();
        at.now = now;
        at.sends = sends;
      }
      await at.ingest(
        recordsOf([[snapshot(100, replicaSet), snapshot(101, { ...orphan, owner: replicaSet })]], {
          first: 2,
        }),
      );
      await at.ingest(recordsOf([[first]], { first: 3 }));
      await at.runTimers();
      expect(names(received(at)), `cold: ${isCold}`).toContain('Pod.Pulled');
    }
  });
});
