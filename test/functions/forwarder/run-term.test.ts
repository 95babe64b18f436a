import { once } from 'node:events';
import { describe, expect, it } from 'vitest';
import type { LookUp } from '../../../functions/forwarder/kubernetes/look-up-object.ts';
import type { RecordSink } from '../../../functions/forwarder/record-sink.ts';
import { defaultSubjectSettings } from '../../../functions/forwarder/ship-subjects.ts';
import { decodeBatch } from '../../../shared/batch-codec.ts';
import type { Observation } from '../../../shared/observation.ts';
import {
  anEvent,
  anObject,
  createMemoryCluster,
  deployment,
  pod,
  type Raw,
  replicaSet,
} from './memory-cluster.ts';
import { podInTrouble } from './pod-in-trouble.ts';
import { createTestClock, quiet, runInMemory, told } from './run-in-memory.ts';

/** A Deployment with a ReplicaSet and a pod. */
function createShop() {
  const cluster = createMemoryCluster();
  const web = cluster.put(deployment('web'));
  const rs = cluster.put(replicaSet('web-1', web));
  const a = cluster.put(pod('a', rs));
  return { cluster, web, rs, a };
}

describe('the first term in a cluster', () => {
  it('ships nothing of a cluster without Events', async () => {
    const { cluster } = createShop();
    const term = runInMemory(cluster);
    await term.quiet();
    expect(told(term.arrived)).toEqual([]);
    await term.stop();
  });

  it('ships the Events that are there, each with its subject and its owners before it, once', async () => {
    const { cluster, a, rs } = createShop();
    cluster.put(anEvent('e1', a));
    cluster.put(anEvent('e2', rs, { reason: 'SuccessfulCreate' }));
    const term = runInMemory(cluster);
    await term.quiet();
    expect(told(term.arrived)).toEqual([
      'Deployment web',
      'ReplicaSet web-1',
      'Pod a',
      'Pod a Pulled',
      'ReplicaSet web-1 SuccessfulCreate',
    ]);
    await term.stop();
  });

  it('ships a change, with owners that it has not shipped, where a field that causality needs says something new', async () => {
    const { cluster, a } = createShop();
    const term = runInMemory(cluster);
    await term.quiet();
    cluster.put({ ...a, spec: { hostname: 'x' } });
    cluster.put({ ...a, spec: { nodeName: 'n1' } });
    cluster.put({ ...a, spec: { nodeName: 'n1' }, status: { podIP: '10.0.0.1' } });
    cluster.remove(a.metadata.uid);
    await term.quiet();
    expect(told(term.arrived)).toEqual(['Deployment web', 'ReplicaSet web-1', 'Pod a', 'Pod a gone']);
    expect(term.arrived[2]).toMatchObject({ object: { nodeName: 'n1' } });
    await term.stop();
  });

  it('ships with a new generation what was there before it, if that never left the cluster', async () => {
    const { cluster, web } = createShop();
    const term = runInMemory(cluster);
    await term.quiet();
    const changed = { ...web, metadata: { ...web.metadata, generation: 2 } };
    cluster.put(changed);
    cluster.put({ ...changed, metadata: { ...changed.metadata, generation: 3 } });
    await term.quiet();
    expect(term.arrived.map((each) => each.type === 'object' && each.object.generation)).toEqual([1, 2, 3]);
    await term.stop();
  });
});

describe('what a spec says', () => {
  const withImage = (of: Raw, tag: string, generation: number, more: object = {}): Raw => ({
    ...of,
    metadata: { ...of.metadata, generation },
    spec: { template: { spec: { containers: [{ name: 'app', image: `tiny:${tag}` }] } } },
    ...more,
  });
  const images = (arrived: readonly Observation[]) =>
    arrived.flatMap((each) =>
      each.type === 'object' && each.object.kind === 'Deployment'
        ? (each.object.spec?.values['spec.template.spec.containers[app].image'] ?? 'not told')
        : [],
    );

  it('goes with the first snapshot of each generation, and with what was there before a change', async () => {
    const { cluster, web } = createShop();
    cluster.put(withImage(web, 'v1', 1));
    const term = runInMemory(cluster);
    await term.quiet();
    cluster.put(withImage(web, 'v2', 2));
    cluster.put(withImage(web, 'v2', 2, { status: { observedGeneration: 2 } }));
    cluster.put(withImage(web, 'v2', 2, { status: { observedGeneration: 2, replicas: 1 } }));
    cluster.put(withImage(web, 'v2', 3));
    await term.quiet();
    expect(images(term.arrived)).toEqual(['tiny:v1', 'tiny:v2', 'not told', 'not told', 'tiny:v2']);
    await term.stop();
  });

  it('goes again before a change, where it was told so long ago that the store may have forgotten it', async () => {
    const { cluster, web } = createShop();
    const clock = createTestClock();
    const term = runInMemory(cluster, { clock });
    await term.quiet();
    cluster.put(withImage(web, 'v1', 2));
    await term.quiet();
    const before = term.arrived.length;
    clock.skip(11 * 3_600_000);
    cluster.put(withImage(web, 'v1', 2, { status: { observedGeneration: 2 } }));
    await term.quiet();
    clock.skip(2 * 3_600_000);
    cluster.put(withImage(web, 'v2', 3));
    await term.quiet();
    expect(images(term.arrived.slice(before))).toEqual(['not told', 'tiny:v1', 'tiny:v2']);
    await term.stop();
  });

  it('has what `redact` matches taken out', async () => {
    const { cluster, web } = createShop();
    const term = runInMemory(cluster, { redact: [/v\d+/g] });
    await term.quiet();
    cluster.put(withImage(web, 'v1', 2));
    await term.quiet();
    expect(images(term.arrived).at(-1)).toBe('tiny:[redacted]');
    await term.stop();
  });
});

describe('subjects', () => {
  it('go again with an Event after half of the time that the store keeps them', async () => {
    const { cluster, a } = createShop();
    const clock = createTestClock();
    const term = runInMemory(cluster, { clock });
    await term.quiet();
    for (const [name, hours] of [
      ['e1', 0],
      ['e2', 11],
      ['e3', 2],
    ] as const) {
      clock.skip(hours * 3_600_000);
      cluster.put(anEvent(name, a));
      await term.quiet();
    }
    const chain = ['Deployment web', 'ReplicaSet web-1', 'Pod a'];
    expect(told(term.arrived)).toEqual([...chain, 'Pod a Pulled', 'Pod a Pulled', ...chain, 'Pod a Pulled']);
    await term.stop();
  });

  it('that are not watched are looked up, owners as well, once; the Event does not wait', async () => {
    const cluster = createMemoryCluster();
    const app = cluster.put(anObject('apps.example.io/v1', 'App', 'shop'));
    const hpa = cluster.put(anObject('autoscaling/v2', 'HorizontalPodAutoscaler', 'web', app));
    const term = runInMemory(cluster);
    await term.quiet();
    cluster.put(anEvent('e1', hpa));
    cluster.put(anEvent('e2', hpa));
    await term.quiet();
    cluster.put(anEvent('e3', hpa));
    await term.quiet();
    expect(cluster.lookedUp).toEqual(['HorizontalPodAutoscaler/web', 'App/shop']);
    const name = 'HorizontalPodAutoscaler web';
    expect(told(term.arrived)[0]).toBe(`${name} Pulled`);
    expect(told(term.arrived).sort()).toEqual([
      'App shop',
      name,
      `${name} Pulled`,
      `${name} Pulled`,
      `${name} Pulled`,
    ]);
    await term.stop();
  });

  it('of kinds that are watched are never looked up, and neither are Secrets and ConfigMaps', async () => {
    const cluster = createMemoryCluster();
    const term = runInMemory(cluster);
    await term.quiet();
    cluster.put(anEvent('e1', pod('unknown')));
    cluster.put(anEvent('e2', anObject('v1', 'Secret', 'key')));
    await term.quiet();
    expect(cluster.lookedUp).toEqual([]);
    expect(told(term.arrived)).toEqual(['Pod unknown Pulled', 'Secret key Pulled']);
    await term.stop();
  });

  it('whose turn to be looked up did not come in time are looked up with their next Event', async () => {
    const cluster = createMemoryCluster();
    const [slow, other] = ['slow', 'other'].map((name) => cluster.put(anObject('v1', 'Service', name)));
    let answer = () => {};
    const answered = new Promise<void>((resolve) => (answer = resolve));
    const lookUp: LookUp = async (reference) => {
      const found = await cluster.lookUp(reference);
      if (reference.name === 'slow') await answered;
      return found;
    };
    const subjects = { ...defaultSubjectSettings, lookUpTime: 1_000, concurrency: 1 };
    const term = runInMemory(cluster, { ports: { lookUp }, settings: { subjects } });
    await term.quiet();
    cluster.put(anEvent('e1', slow!));
    cluster.put(anEvent('e2', other!));
    await term.quiet();
    answer();
    await term.quiet();
    expect(cluster.lookedUp).toEqual(['Service/slow']);
    expect(term.remarks).toContainEqual({ type: 'looked-up', result: 'skipped' });
    cluster.put(anEvent('e3', other!));
    await term.quiet();
    expect(cluster.lookedUp).toEqual(['Service/slow', 'Service/other']);
    await term.stop();
  });

  it('are Nodes by name where the kubelet gives the name as UID', async () => {
    const cluster = createMemoryCluster();
    const node = cluster.put({ apiVersion: 'v1', kind: 'Node', metadata: { name: 'n1', uid: 'u-n1' } });
    const term = runInMemory(cluster);
    await term.quiet();
    cluster.put(anEvent('e1', { ...node, metadata: { name: 'n1', uid: 'n1' } }, { reason: 'NodeReady' }));
    await term.quiet();
    expect(told(term.arrived)).toEqual(['Node n1', 'Node n1 NodeReady']);
    await term.stop();
  });

  it('that were deleted a moment ago still lead to their owners', async () => {
    const { cluster, a } = createShop();
    const term = runInMemory(cluster);
    await term.quiet();
    cluster.remove(a.metadata.uid);
    cluster.put(anEvent('e1', a, { reason: 'Killing' }));
    await term.quiet();
    expect(told(term.arrived).toSorted()).toEqual([
      'Deployment web',
      'Pod a Killing',
      'Pod a gone',
      'ReplicaSet web-1',
    ]);
    await term.stop();
  });
});

it('a record that the stream refuses for good is counted, each of its Events by name, and not in the way', async () => {
  const { cluster, a } = createShop();
  const arrived: Observation[] = [];
  const sink: RecordSink = {
    async put(records) {
      const poison = records.filter(({ data }) =>
        told(decodeBatch(data).observations).includes('Pod a Poison'),
      );
      for (const { data } of records.filter((record) => !poison.includes(record)))
        arrived.push(...decodeBatch(data).observations);
      return poison.map((record) => ({ record, why: 'ValidationException' }));
    },
  };
  const term = runInMemory(cluster, { ports: { sink }, checkpoint: { events: cluster.version() } });
  await term.quiet();
  cluster.put(anEvent('e1', a, { reason: 'Poison', message: 'hunter2' }));
  cluster.put(anEvent('e2', a));
  await term.quiet();
  const between = cluster.version();
  expect(term.saved()?.events).toBe(between);
  cluster.put(anEvent('e3', a, { reason: 'Later' }));
  await term.quiet();
  expect(told(arrived)).toEqual(['Pod a Later']);
  const dropped = term.remarks.filter(({ type }) => type.endsWith('-dropped'));
  expect(dropped).toMatchObject([
    { type: 'snapshot-dropped', reason: 'refused', about: { kind: 'Deployment', name: 'web' } },
    { type: 'snapshot-dropped', reason: 'refused', about: { kind: 'ReplicaSet', name: 'web-1' } },
    { type: 'snapshot-dropped', reason: 'refused', about: { kind: 'Pod', name: 'a' } },
    { type: 'event-dropped', reason: 'refused', about: { kind: 'Event', namespace: 'shop', name: 'e1' } },
    { type: 'event-dropped', reason: 'refused', about: { kind: 'Event', namespace: 'shop', name: 'e2' } },
  ]);
  expect(JSON.stringify(dropped)).not.toContain('hunter2');
  expect(term.remarks.filter(({ type }) => type === 'shipped')).toMatchObject([
    { events: 0, snapshots: 0, records: 0, bytes: 0 },
    { events: 1, snapshots: 0, records: 1 },
  ]);
  await term.stop();
});

describe('the checkpoint', () => {
  it('moves once everything before it is acknowledged', async () => {
    const { cluster, a } = createShop();
    const acknowledge: (() => void)[] = [];
    const sink = { put: () => new Promise<[]>((resolve) => acknowledge.push(() => resolve([]))) };
    const term = runInMemory(cluster, { ports: { sink }, checkpoint: { events: cluster.version() } });
    await term.quiet();
    const before = term.saved()?.events;
    cluster.put(anEvent('e1', a));
    const version = cluster.version();
    await term.quiet();
    expect(term.saved()?.events).toBe(before);
    acknowledge[0]!();
    await term.quiet();
    expect(term.saved()?.events).toBe(version);
    await term.kill();
  });

  it('moves past an Event whose object is looked up, which is remembered beside it until it is stored', async () => {
    const cluster = createMemoryCluster();
    const hpa = cluster.put(anObject('autoscaling/v2', 'HorizontalPodAutoscaler', 'web'));
    let answer = () => {};
    const answered = new Promise<void>((resolve) => (answer = resolve));
    const lookUp = async (...args: Parameters<typeof cluster.lookUp>) => {
      await answered;
      return cluster.lookUp(...args);
    };
    const term = runInMemory(cluster, { ports: { lookUp }, checkpoint: { events: '100' } });
    cluster.put(anEvent('e1', hpa));
    await term.quiet();
    expect(told(term.arrived)).toEqual(['HorizontalPodAutoscaler web Pulled']);
    expect(term.handover()).toMatchObject({
      checkpoint: { events: cluster.version() },
      lookingUp: [{ kind: 'HorizontalPodAutoscaler', name: 'web' }],
    });
    await term.kill();

    const next = runInMemory(cluster, { ports: { lookUp }, handover: term.handover() });
    answer();
    await next.quiet();
    expect(told(next.arrived)).toEqual(['HorizontalPodAutoscaler web']);
    expect(next.handover()?.lookingUp).toEqual([]);
    await next.stop();
  });

  it('stands still while another one may lead, and goes on where it was, without reading anything again', async () => {
    const { cluster, a } = createShop();
    let sure = Promise.withResolvers<void>();
    const lists: string[] = [];
    const follow: typeof cluster.follow = async function* (resource, options) {
      for await (const signal of cluster.follow(resource, options)) {
        if (signal.type === 'list-start') lists.push(resource.kind);
        yield signal;
      }
    };
    const confirmed = (signal: AbortSignal) =>
      Promise.race([sure.promise, once(signal, 'abort').then(() => signal.throwIfAborted())]);
    const term = runInMemory(cluster, { ports: { follow }, confirmed });
    cluster.put(anEvent('e1', a));
    await term.quiet();
    expect(term.arrived).toEqual([]);
    const listed = lists.length;
    sure.resolve();
    await term.quiet();
    expect(told(term.arrived)).toContain('Pod a Pulled');
    expect(lists).toHaveLength(listed);
    sure = Promise.withResolvers();
    cluster.put(anEvent('e2', a));
    await term.quiet();
    const before = term.saved()?.events;
    expect(before).not.toBe(cluster.version());
    await term.kill();
    expect(term.saved()?.events).toBe(before);
  });

  it('moves past what is filtered, and past the expiry of an Event', async () => {
    const { cluster, a } = createShop();
    const filters = { reasons: { include: [], exclude: ['Pull*'] } };
    const term = runInMemory(cluster, { filters, checkpoint: { events: '100' } });
    const event = cluster.put(anEvent('e1', a));
    cluster.remove(event.metadata.uid);
    await term.quiet();
    expect(told(term.arrived)).toEqual([]);
    expect(term.saved()?.events).toBe(cluster.version());
    await term.stop();
  });
});

describe('a term that goes on from a checkpoint', () => {
  /** What a term that has ended saved; meanwhile things happen. */
  async function resumed(meanwhile: (shop: ReturnType<typeof createShop>) => void) {
    const shop = createShop();
    const first = runInMemory(shop.cluster);
    await quiet();
    await first.stop();
    meanwhile(shop);
    const term = runInMemory(shop.cluster, { checkpoint: first.saved() });
    await quiet();
    return { ...shop, term };
  }

  it('ships what changed and went meanwhile, with its owners, and nothing else', async () => {
    const { term } = await resumed(({ cluster, a, rs }) => {
      cluster.put(pod('b', rs));
      cluster.remove(a.metadata.uid);
    });
    expect(told(term.arrived)).toEqual(['Deployment web', 'ReplicaSet web-1', 'Pod b', 'Pod a gone']);
    await term.stop();
  });

  it('ships a subject with its first Event: who knows when it was last', async () => {
    const { term } = await resumed(({ cluster, a }) => void cluster.put(anEvent('e1', a)));
    expect(told(term.arrived)).toEqual(['Deployment web', 'ReplicaSet web-1', 'Pod a', 'Pod a Pulled']);
    await term.stop();
  });

  it('where the history is gone, ships what is newer than the checkpoint', async () => {
    const { term } = await resumed(({ cluster, a, rs }) => {
      cluster.put(anEvent('e1', a));
      cluster.put(pod('b', rs));
      cluster.compact();
    });
    const chain = ['Deployment web', 'ReplicaSet web-1', 'Pod a', 'Pod a Pulled'];
    expect(told(term.arrived).filter((each) => each !== 'Pod b')).toEqual(chain);
    expect(told(term.arrived)).toContain('Pod b');
    await term.stop();
  });
});

it('ships all Events again where the cluster came back from a backup, with lower versions', async () => {
  const { cluster, a } = createShop();
  cluster.put(anEvent('e1', a));
  cluster.compact();
  const term = runInMemory(cluster, { checkpoint: { events: '9000' } });
  await term.quiet();
  expect(told(term.arrived)).toEqual([]);
  await term.stop();
  const follow: typeof cluster.follow = (resource, { signal }) =>
    cluster.follow(resource, { from: undefined, signal });
  const restored = runInMemory(cluster, { checkpoint: { events: '9000' }, ports: { follow } });
  await restored.quiet();
  expect(told(restored.arrived)).toContain('Pod a Pulled');
  expect(restored.saved()?.events).toBe(cluster.version());
  await restored.stop();
});

it('tells as gone what is missing from the list that follows a lost history', async () => {
  const { cluster, a, rs } = createShop();
  const b = cluster.put(pod('b', rs));
  let reading = Promise.resolve();
  let goOn = () => {};
  const follow: typeof cluster.follow = async function* (resource, options) {
    for await (const signal of cluster.follow(resource, options)) {
      await reading;
      yield signal;
    }
  };
  const term = runInMemory(cluster, { ports: { follow } });
  await term.quiet();
  cluster.put({ ...b, spec: { nodeName: 'n1' } });
  await term.quiet();
  reading = new Promise((resolve) => (goOn = resolve));
  cluster.put(pod('c', rs));
  await term.quiet();
  cluster.remove(a.metadata.uid);
  cluster.remove(b.metadata.uid);
  cluster.compact();
  goOn();
  await term.quiet();
  expect(told(term.arrived).toSorted()).toEqual([
    'Deployment web',
    'Pod a gone',
    'Pod b',
    'Pod b gone',
    'Pod c',
    'ReplicaSet web-1',
  ]);
  await term.stop();
});

it('an object of the list that cannot be read is counted, and is neither gone nor in the way of others', async () => {
  const { cluster, rs, a } = createShop();
  cluster.put(anEvent('e1', a));
  const term = runInMemory(cluster);
  await term.quiet();
  const unreadable = { ...a, metadata: { ...a.metadata, generation: 'many' } };
  cluster.put(unreadable);
  const b = cluster.put(pod('b', rs));
  cluster.compact();
  await term.quiet();
  cluster.put(anEvent('e2', b));
  await term.quiet();
  expect(told(term.arrived)).toEqual([
    'Deployment web',
    'ReplicaSet web-1',
    'Pod a',
    'Pod a Pulled',
    'Pod b',
    'Pod b Pulled',
  ]);
  expect(term.remarks.filter(({ type }) => type === 'snapshot-dropped')).toMatchObject([
    { reason: 'unreadable', about: { kind: 'Pod', name: 'a' } },
  ]);
  // Its end is still told.
  cluster.remove(a.metadata.uid);
  cluster.compact();
  await term.quiet();
  expect(told(term.arrived).at(-1)).toBe('Pod a gone');
  await term.stop();
});

describe('what stays in the cluster', () => {
  it('is counted: received = shipped + filtered + dropped, and its subjects do not ship', async () => {
    const { cluster, a, web } = createShop();
    for (let i = 0; i < 5; i++) cluster.put(anEvent(`e${i}`, a));
    cluster.put(anEvent('scaled', web, { reason: 'ScalingReplicaSet' }));
    cluster.put({ ...anEvent('broken', a), lastTimestamp: 'yesterday' });
    cluster.put({ ...anEvent('about nothing', a), involvedObject: null });
    cluster.put(anEvent('huge', a, { message: 'x'.repeat(600_000) }));
    const filters = { kinds: { include: [], exclude: ['Deployment'] } };
    const term = runInMemory(cluster, { filters, burst: 3 });
    await term.quiet();
    await term.stop();
    const counts = { received: 0, shipped: 0, filtered: 0, dropped: [] as string[] };
    for (const remark of term.remarks) {
      if (remark.type === 'event-received') counts.received++;
      if (remark.type === 'shipped') counts.shipped += remark.events;
      if (remark.type === 'event-filtered') counts.filtered++;
      if (remark.type === 'event-dropped') counts.dropped.push(remark.reason);
    }
    expect(counts).toEqual({
      received: 9,
      shipped: 4,
      filtered: 1,
      dropped: ['rate', 'rate', 'unreadable', 'rate'],
    });
    expect(told(term.arrived)).toEqual([
      'Deployment web',
      'ReplicaSet web-1',
      'Pod a',
      ...Array.from({ length: 3 }, () => 'Pod a Pulled'),
      '  Pulled',
    ]);
  });

  it('is every object of a namespace whose Events stay, but no Node', async () => {
    const { cluster, a } = createShop();
    const node = { apiVersion: 'v1', kind: 'Node', metadata: { name: 'n1', uid: 'uid of n1' } };
    cluster.put(node);
    const term = runInMemory(cluster, { filters: { namespaces: { include: [], exclude: ['shop'] } } });
    await term.quiet();
    cluster.put({ ...a, spec: { nodeName: 'n1' } });
    cluster.put(pod('b'));
    cluster.remove(a.metadata.uid);
    cluster.put({ ...node, spec: { unschedulable: true } });
    await term.quiet();
    await term.stop();
    expect(told(term.arrived)).toEqual(['Node n1']);
    expect(term.saved()?.pods).toBe(String(Number(cluster.version()) - 1));
  });

  it('is every field of a pod and of a custom resource that the table does not name', async () => {
    const { cluster, web } = createShop();
    cluster.install({ apiVersion: 'argoproj.io/v1alpha1', kind: 'Rollout', resource: 'rollouts' });
    const secret = 'hunter2';
    const term = runInMemory(cluster);
    await term.quiet();
    cluster.put(podInTrouble);
    cluster.put({
      ...anObject('argoproj.io/v1alpha1', 'Rollout', 'web', web),
      spec: { template: { spec: secret }, [secret]: secret },
      data: { token: secret },
      status: {
        phase: 'Degraded',
        message: secret,
        containerStatuses: podInTrouble.status.containerStatuses,
        conditions: [
          { type: 'Completed', status: 'False', reason: 'No', extra: secret },
          { type: secret, status: secret, message: secret },
        ],
      },
    });
    cluster.put({
      ...anEvent('e1', podInTrouble),
      metadata: { ...anEvent('e1', podInTrouble).metadata, annotations: { token: secret } },
      source: { component: 'kubelet', token: secret },
      [secret]: secret,
    });
    await term.quiet();
    await term.stop();
    expect(told(term.arrived).toSorted()).toEqual([
      'Deployment web',
      'Pod web-0',
      'Pod web-0 Pulled',
      'Rollout web',
    ]);
    expect(JSON.stringify(term.arrived)).not.toContain(secret);
    const rollout = term.arrived.find((each) => each.type === 'object' && each.object.kind === 'Rollout');
    expect(rollout).toMatchObject({
      object: {
        status: {
          phase: 'Degraded',
          conditions: [{ type: 'Completed', status: 'False', reason: 'No' }],
        },
      },
    });
  });

  it('is what is longer than anybody reads: it is cut, and its Event ships', async () => {
    const { cluster, a } = createShop();
    cluster.put(anEvent('huge', a, { message: 'x'.repeat(600_000) }));
    const term = runInMemory(cluster);
    await term.quiet();
    await term.stop();
    expect(term.arrived).toContainEqual(
      expect.objectContaining({
        event: expect.objectContaining({
          name: 'huge',
          message: 'x'.repeat(8_192),
          truncated: ['message'],
        }),
      }),
    );
    expect(term.remarks.filter(({ type }) => type === 'event-dropped')).toEqual([]);
    expect(term.saved()?.events).toBe(cluster.version());
  });

  it('is what matches a pattern, in messages of Events and of conditions', async () => {
    const { cluster, a } = createShop();
    const conditions = [{ type: 'Ready', status: 'False', message: 'token=hunter2 refused' }];
    cluster.put({ ...a, status: { conditions } });
    cluster.put(anEvent('e1', a, { message: 'password hunter2, hunter2' }));
    const term = runInMemory(cluster, { redact: [/hunter\d/g] });
    await term.quiet();
    await term.stop();
    const text = JSON.stringify(term.arrived);
    expect(text).not.toContain('hunter');
    expect(text).toContain('password [redacted], [redacted]');
    expect(text).toContain('token=[redacted] refused');
  });
});

it('a message too long to be searched for patterns stays in the cluster as a whole', async () => {
  const { cluster, a } = createShop();
  cluster.put(anEvent('e1', a, { message: 'x'.repeat(300_000) }));
  const term = runInMemory(cluster, { redact: [/\S+@\S+/g] });
  await term.quiet();
  await term.stop();
  expect(term.arrived.at(-1)).toMatchObject({ event: { message: '[redacted]' } });
});

describe('a stream that is away', () => {
  it('stops the reading when the channel is full, and loses nothing', async () => {
    const { cluster, a } = createShop();
    let back = () => {};
    const away = new Promise<void>((resolve) => (back = resolve));
    let read = 0;
    const follow: typeof cluster.follow = async function* (resource, options) {
      for await (const signal of cluster.follow(resource, options)) {
        read++;
        yield signal;
      }
    };
    const arrived: number[] = [];
    const sink = {
      async put(records: readonly unknown[]) {
        await away;
        arrived.push(records.length);
        return [];
      },
    };
    const batches = { channelBytes: 5_000, batchBytes: 1_000, batchLines: 10, batchAge: 1_000 };
    const term = runInMemory(cluster, { ports: { follow, sink }, settings: { batches } });
    await term.quiet();
    for (let i = 0; i < 200; i++) cluster.put(anEvent(`e${i}`, a));
    await term.quiet();
    expect(read).toBeLessThan(60);
    back();
    await term.quiet();
    await term.quiet();
    await term.stop();
    const shipped = term.remarks.reduce(
      (sum, remark) => sum + (remark.type === 'shipped' ? remark.events : 0),
      0,
    );
    expect(shipped).toBe(200);
    expect(arrived.length).toBeGreaterThan(10);
  });
});
