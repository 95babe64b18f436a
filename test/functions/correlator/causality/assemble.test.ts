import { describe, expect, it } from 'vitest';
import { assemble, type SentSpan } from '../../../../functions/correlator/causality/assemble.ts';
import type { Observation } from '../../../../shared/observation.ts';
import {
  atSecond,
  atTheEnd,
  event,
  onContainer,
  outline,
  rollout,
  snapshot,
  spansOf,
  tell,
  thing,
} from './cluster-story.ts';

describe('a rollout', () => {
  it('hangs under the change that somebody made', () => {
    expect(tell(...rollout(0).observations)).toBe(
      [
        'Deployment.Create web',
        '  Deployment.ScalingReplicaSet web',
        '    ReplicaSet.SuccessfulCreate web-1',
        '      Pod.Scheduled web-1-a',
      ].join('\n'),
    );
  });

  it('is one episode where no snapshot of the root is known: names alone lead from pod to Deployment', () => {
    const events = rollout(0).observations.filter(({ type }) => type === 'event');
    expect(tell(...events)).toBe(
      [
        'Deployment.ScalingReplicaSet web',
        '  ReplicaSet.SuccessfulCreate web-1',
        '    Pod.Scheduled web-1-a',
      ].join('\n'),
    );
  });

  it('an effect written before its cause moves the cause, not the effect', () => {
    const { deployment, replicaSet, pod } = rollout(0);
    const spans = spansOf(
      snapshot(0, deployment, { replicas: 1 }),
      snapshot(0.01, replicaSet),
      snapshot(0.03, pod),
      event(0.02, deployment, 'ScalingReplicaSet', 'Scaled up replica set web-1 from 0 to 1'),
      event(0.04, pod, 'Scheduled', 'Successfully assigned shop/web-1-a to n1'),
      event(0.05, replicaSet, 'SuccessfulCreate', 'Created pod: web-1-a'),
    );
    const create = spans.find(({ name }) => name === 'ReplicaSet.SuccessfulCreate')!;
    const scheduled = spans.find(({ name }) => name === 'Pod.Scheduled')!;
    expect(scheduled.startTimeUnixNano).toBe(String(atSecond(0.04)));
    expect(create.startTimeUnixNano).toBe(scheduled.startTimeUnixNano);
  });
});

describe('which change', () => {
  const { deployment, observations } = rollout(0);
  const second = thing('ReplicaSet', 'web-2', deployment);
  const written = (seconds: number) => ({
    generation: 2,
    replicas: 1,
    managers: [{ manager: 'kubectl', operation: 'Update', time: `2026-03-01T12:00:0${seconds}Z` }],
  });

  it('is the generation that the controller had in hand, however close they are', () => {
    expect(
      tell(
        ...observations,
        snapshot(0.5, deployment, written(0)),
        // Written after generation 2 was, by a controller that had generation 1 in hand.
        event(0.6, deployment, 'DeploymentPaused', 'late', {
          subject: {
            kind: 'Deployment',
            namespace: 'shop',
            name: 'web',
            uid: deployment.uid,
            resourceVersion: '1100',
          },
        }),
        snapshot(0.61, second),
        event(0.7, deployment, 'ScalingReplicaSet', 'Scaled up replica set web-2 from 0 to 1', {
          subject: {
            kind: 'Deployment',
            namespace: 'shop',
            name: 'web',
            uid: deployment.uid,
            resourceVersion: '1500',
          },
        }),
      ),
    ).toBe(
      [
        'Deployment.Create web',
        '  Deployment.ScalingReplicaSet web',
        '    ReplicaSet.SuccessfulCreate web-1',
        '      Pod.Scheduled web-1-a',
        '  Deployment.DeploymentPaused web',
        'Deployment.Update web',
        '  Deployment.ScalingReplicaSet web',
      ].join('\n'),
    );
  });

  it('of a repeated Event is the one in effect then: the reference is its first occurrence’s', () => {
    const repeated = {
      uid: 'repeats',
      count: 2,
      name: 'web.1',
      subject: {
        kind: 'Deployment',
        namespace: 'shop',
        name: 'web',
        uid: deployment.uid,
        resourceVersion: '1100',
      },
    };
    const spans = spansOf(
      ...observations,
      snapshot(5, deployment, written(5)),
      event(6, deployment, 'DeploymentPaused', 'again', repeated),
    );
    const under = [1, 2].map((count) => {
      const paused = spans.find(
        ({ attributes }) =>
          attributes['k8s.event.count'] === count && attributes['k8s.event.uid'] === 'repeats',
      )!;
      return spans.find(({ spanId }) => spanId === paused.parentSpanId)?.name;
    });
    expect(under).toEqual(['Deployment.Create', 'Deployment.Update']);
  });

  it('who made it is told by what differs, even without a time', () => {
    const apply = { manager: 'kubectl-client-side-apply', operation: 'Update', time: '2026-03-01T12:00:00Z' };
    const spans = spansOf(
      snapshot(0, deployment, { replicas: 1, managers: [apply] }),
      snapshot(20, deployment, {
        generation: 2,
        replicas: 3,
        creationTimestamp: '2026-03-01T12:00:00Z',
        managers: [apply, { manager: 'kubectl', operation: 'Update', subresource: 'scale' }],
      }),
      event(20.1, deployment, 'ScalingReplicaSet', 'Scaled up replica set web-1 from 1 to 3'),
    );
    const root = spans.find(({ parentSpanId }) => parentSpanId === null)!;
    expect(root).toMatchObject({
      name: 'Deployment.Scale',
      resource: { 'service.name': 'web', 'rootspan.component': 'kubectl' },
      attributes: {
        'rootspan.change.manager': 'kubectl',
        'rootspan.change.operation': 'Update',
        'k8s.object.generation': 2,
      },
    });
  });
});

describe('a pod', () => {
  it('beyond what a scaling says has another cause than the scaling', () => {
    const { observations, replicaSet } = rollout(0);
    const extra = thing('Pod', 'web-1-b', replicaSet);
    expect(
      tell(
        ...observations,
        snapshot(30, extra),
        event(30.01, replicaSet, 'SuccessfulCreate', 'Created pod: web-1-b'),
      ),
    ).toBe(
      [
        'Deployment.Create web',
        '  Deployment.ScalingReplicaSet web',
        '    ReplicaSet.SuccessfulCreate web-1',
        '      Pod.Scheduled web-1-a',
        '  ReplicaSet.SuccessfulCreate web-1',
      ].join('\n'),
    );
  });

  it('of a StatefulSet is known by its UID: the old one’s end under the delete, the new one’s start under the create', () => {
    const db = thing('StatefulSet', 'db');
    const old = thing('Pod', 'db-0', db);
    const young = { ...thing('Pod', 'db-0', db), uid: 'uid-Pod-db-0-again' };
    expect(
      tell(
        snapshot(0, db),
        event(0.1, db, 'SuccessfulCreate', 'create Pod db-0 in StatefulSet db successful', { uid: 'create' }),
        snapshot(0.1, old),
        event(60, db, 'SuccessfulDelete', 'delete Pod db-0 in StatefulSet db successful'),
        snapshot(60.1, old, {
          creationTimestamp: '2026-03-01T12:00:00Z',
          deletionTimestamp: '2026-03-01T12:01:30Z',
          deletionGracePeriodSeconds: 30,
        }),
        event(60.2, old, 'Killing', 'Stopping container app'),
        event(62, db, 'SuccessfulCreate', 'create Pod db-0 in StatefulSet db successful', {
          uid: 'create',
          count: 2,
        }),
        snapshot(62, young),
        event(62.1, young, 'Scheduled', 'Successfully assigned shop/db-0 to n1'),
      ),
    ).toBe(
      [
        'StatefulSet.Create db',
        '  StatefulSet.SuccessfulCreate db',
        '  StatefulSet.SuccessfulDelete db',
        '    Pod.Killing db-0',
        '  StatefulSet.SuccessfulCreate db',
        '    Pod.Scheduled db-0',
      ].join('\n'),
    );
  });

  it('of a deleted Deployment ends in the deletion’s trace', () => {
    const { observations, deployment, replicaSet, pod } = rollout(0);
    expect(
      tell(
        ...observations,
        snapshot(5, deployment, { deleted: true, creationTimestamp: '2026-03-01T12:00:00Z' }),
        snapshot(5.1, replicaSet, { deleted: true, creationTimestamp: '2026-03-01T12:00:00Z' }),
        event(6.5, pod, 'Killing', 'Stopping container app'),
      ),
    ).toContain('Deployment.Delete web\n  Pod.Killing web-1-a');
  });
});

describe('what no recent change explains', () => {
  it('is an episode of its own, linked to the generation in force', () => {
    const { observations, pod, deployment } = rollout(0);
    const spans = spansOf(
      ...observations,
      event(7200, pod, 'Unhealthy', 'Readiness probe failed', { type: 'Warning' }),
    );
    const episode = spans.find(({ name }) => name === 'Pod.Unhealthy')!;
    const change = spans.find(({ name }) => name === 'Deployment.Create')!;
    expect(episode).toMatchObject({
      parentSpanId: null,
      status: { code: 'ERROR', message: 'Readiness probe failed' },
    });
    expect(episode.traceId).not.toBe(change.traceId);
    expect(episode.links).toEqual([
      {
        traceId: change.traceId,
        spanId: change.spanId,
        attributes: { 'rootspan.link': 'generation-in-force' },
      },
    ]);
    expect(change.attributes['k8s.object.uid']).toBe(deployment.uid);
  });

  it('a loop of hours becomes episodes of an hour at most', () => {
    const { observations, pod } = rollout(0);
    const loop = Array.from({ length: 60 }, (_, i) =>
      event(300 * (i + 1), pod, 'BackOff', 'Back-off restarting failed container', {
        uid: 'loop',
        count: i + 1,
      }),
    );
    const byTrace = Map.groupBy(spansOf(...observations, ...loop), ({ traceId }) => traceId);
    expect(byTrace.size).toBe(5);
    for (const spans of byTrace.values()) {
      const starts = spans.map(({ startTimeUnixNano }) => Number(BigInt(startTimeUnixNano) / 1_000_000_000n));
      expect(Math.max(...starts) - Math.min(...starts)).toBeLessThanOrEqual(3600);
    }
  });
});

describe('what was sent', () => {
  it('is never contradicted: a late effect joins its cause in the trace where that one was sent', () => {
    const { observations, pod } = rollout(0);
    const first = assemble({ cluster: {}, observations, now: atTheEnd });
    const sent = new Map<string, SentSpan>(
      first.map(({ span }) => [span.spanId, { ...span, traceId: span.traceId.replace(/^.{8}/, 'deadbeef') }]),
    );
    const late = event(1, pod, 'Pulling', 'Pulling image "shop"');
    const again = assemble({ cluster: {}, observations: [...observations, late], sent, now: atTheEnd });
    const pulling = again.find(({ span }) => span.name === 'Pod.Pulling')!.span;
    expect(pulling.traceId).toMatch(/^deadbeef/);
    for (const { span } of again) {
      const promised = sent.get(span.spanId);
      if (promised !== undefined)
        expect(span).toMatchObject({ traceId: promised.traceId, endTimeUnixNano: promised.endTimeUnixNano });
    }
  });

  it('an ancestor is final only once its trace is closed', () => {
    const { observations } = rollout(0);
    const finals = (now: number) =>
      assemble({ cluster: {}, observations, now: atSecond(now) })
        .filter(({ final }) => final)
        .map(({ span }) => span.name);
    expect(finals(60)).toEqual([]);
    expect(finals(16 * 60)).toHaveLength(4);
  });
});

describe('an Event marked topLevelSpan', () => {
  const { deployment, observations } = rollout(0);
  const sync = event(0.5, deployment, 'Sync', 'Commit e332e7b: Update web', {
    annotations: { topLevelSpan: 'true' },
  });

  it('is itself the root of its change', () => {
    const spans = spansOf(...observations, sync);
    expect(outline(spans)).toBe(
      [
        'Deployment.Sync web',
        '  Deployment.ScalingReplicaSet web',
        '    ReplicaSet.SuccessfulCreate web-1',
        '      Pod.Scheduled web-1-a',
      ].join('\n'),
    );
    const [change] = spansOf(...observations).filter(({ parentSpanId }) => parentSpanId === null);
    const [root] = spans.filter(({ parentSpanId }) => parentSpanId === null);
    expect(root!.traceId).toBe(change!.traceId);
    expect(root!.attributes['k8s.object.generation']).toBe(1);
  });

  it('begins an episode where no change explains it', () => {
    const late = {
      ...sync,
      event: { ...sync.event, uid: 'late', name: 'late', lastTimestamp: '2026-03-01T20:00:00Z' },
    };
    const before = event(28_790, deployment, 'Noise', 'before it');
    expect(tell(before, late)).toBe('Deployment.Noise web\nDeployment.Sync web');
  });

  it('that comes after the root was sent is one more span below it', () => {
    const first = assemble({ cluster: {}, observations, now: atTheEnd });
    const sent = new Map<string, SentSpan>(first.map(({ span }) => [span.spanId, span]));
    const spans = assemble({ cluster: {}, observations: [...observations, sync], sent, now: atTheEnd });
    expect(spans.filter(({ span }) => span.parentSpanId === null)).toHaveLength(1);
    expect(spans).toHaveLength(first.length + 1);
  });
});

describe('an episode that was sent', () => {
  it('keeps its root when something earlier comes late', () => {
    const { pod } = rollout(0);
    const early = event(10, pod, 'Unhealthy', 'Readiness probe failed');
    const later = event(20, pod, 'Killing', 'Stopping container app');
    const first = assemble({ cluster: {}, observations: [later], now: atTheEnd });
    const sent = new Map<string, SentSpan>(first.map(({ span }) => [span.spanId, span]));
    const spans = assemble({ cluster: {}, observations: [early, later], sent, now: atTheEnd });
    const killing = spans.find(({ span }) => span.name === 'Pod.Killing')!.span;
    expect(killing).toMatchObject({ traceId: first[0]!.span.traceId, parentSpanId: null });
    expect(new Set(spans.map(({ span }) => span.traceId)).size).toBe(2);
  });
});

describe('a traceparent annotation', () => {
  const { deployment } = rollout(0);
  const traceId = '4bf92f3577b34da6a3ce929d0e0e4736';
  const annotations = { traceparent: `00-${traceId}-00f067aa0ba902b7-01` };
  const scaled = (at: number, message: string) => event(at, deployment, 'ScalingReplicaSet', message);
  const created = snapshot(0, deployment, { replicas: 1, annotations });
  const updated = snapshot(60, deployment, {
    generation: 2,
    replicas: 2,
    annotations,
    creationTimestamp: '2026-03-01T12:00:00Z',
    managers: [{ manager: 'kubectl', operation: 'Update', time: '2026-03-01T12:01:00Z' }],
  });

  it('written by the change makes its trace a part of the caller’s; an older one is a link', () => {
    const spans = spansOf(
      created,
      scaled(0.1, 'Scaled up replica set web-1 from 0 to 1'),
      updated,
      scaled(60.1, 'Scaled up replica set web-1 from 1 to 2'),
    );
    const [create, update] = ['Deployment.Create', 'Deployment.Update'].map(
      (name) => spans.find((span) => span.name === name)!,
    );
    expect(create).toMatchObject({ traceId, parentSpanId: '00f067aa0ba902b7', links: [] });
    expect(update!.traceId).not.toBe(traceId);
    expect(update).toMatchObject({ parentSpanId: null, links: [{ traceId, spanId: '00f067aa0ba902b7' }] });
    expect(
      spans
        .filter((span) => span.traceId === traceId)
        .map(({ name }) => name)
        .sort(),
    ).toEqual(['Deployment.Create', 'Deployment.ScalingReplicaSet']);
  });

  it('of the Event wins over the object’s', () => {
    const own = '0af7651916cd43dd8448eb211c80319c';
    const spans = spansOf(
      created,
      event(0.1, deployment, 'ScalingReplicaSet', 'Scaled up replica set web-1 from 0 to 1', {
        annotations: { traceparent: ` 00-${own}-b7ad6b7169203331-01\n` },
      }),
    );
    expect(spans.map((span) => span.traceId)).toEqual([own, own]);
  });

  it.each([
    ['not sampled', { traceparent: `00-${traceId}-00f067aa0ba902b7-00` }],
    ['by Kubernetes’ proposal', { 'tracing.k8s.io/traceparent': `00-${traceId}-00f067aa0ba902b7-01` }],
    [
      'of whoever started a PipelineRun',
      {
        'tekton.dev/pipelinerunSpanContext': `{"traceparent":"00-${traceId}-00f067aa0ba902b7-01","tracestate":"a=b"}`,
      },
    ],
    ['of Kueue', { 'kueue.x-k8s.io/trace-context': `{"traceparent":"00-${traceId}-00f067aa0ba902b7-01"}` }],
  ])('%s is a link, on the object and on its Events', (_, other) => {
    const scaledUp = 'Scaled up replica set web-1 from 0 to 1';
    const link = { traceId, spanId: '00f067aa0ba902b7', attributes: { 'rootspan.link': 'caller' } };
    for (const spans of [
      spansOf(snapshot(0, deployment, { annotations: other }), scaled(0.1, scaledUp)),
      spansOf(
        snapshot(0, deployment),
        event(0.1, deployment, 'ScalingReplicaSet', scaledUp, { annotations: other }),
      ),
    ]) {
      const root = spans.find(({ name }) => name === 'Deployment.Create')!;
      expect(root.traceId).not.toBe(traceId);
      expect(root.links).toEqual([link]);
    }
  });

  it.each([
    ['zz', `00-zz-1-1`],
    ['of zeros', `00-${'0'.repeat(32)}-00f067aa0ba902b7-01`],
    ['with more than its version has', `00-${traceId}-00f067aa0ba902b7-01-more`],
    ['half a carrier', `{"traceparent":"00-${traceId}`],
    ['of a version that is none', `ff-${traceId}-00f067aa0ba902b7-01`],
  ])('%s is no caller and no link', (_, text) => {
    const broken = snapshot(0, deployment, { annotations: { traceparent: text } });
    const [root] = spansOf(broken, scaled(0.1, 'Scaled up replica set web-1 from 0 to 1'));
    expect(root!.traceId).not.toBe(traceId);
    expect(root!.links).toEqual([]);
  });

  it('that is no trace context is no caller', () => {
    const broken = snapshot(0, deployment, { annotations: { traceparent: '00-zz-1-1' } });
    expect(
      spansOf(broken, scaled(0.1, 'Scaled up replica set web-1 from 0 to 1')).every(({ traceId: id }) =>
        /^[0-9a-f]{32}$/.test(id),
      ),
    ).toBe(true);
  });
});

describe('ownerReferences that close a circle', () => {
  const [a, b, c] = ['a', 'b', 'c'].map((name) => thing('ReplicaSet', name)) as [Named, Named, Named];
  type Named = ReturnType<typeof thing>;
  const pod = thing('Pod', 'p', a);

  it.each([
    ['of one', [snapshot(0, { ...a, owner: a })]],
    ['of two', [snapshot(0, { ...a, owner: b }), snapshot(0, { ...b, owner: a })]],
    [
      'of three',
      [snapshot(0, { ...a, owner: b }), snapshot(0, { ...b, owner: c }), snapshot(0, { ...c, owner: a })],
    ],
  ])('%s cost nothing but themselves', (_, circle) => {
    const events = [event(2, a, 'SuccessfulCreate', 'Created pod: p'), event(3, pod, 'Started', 'Started')];
    expect(spansOf(...circle, snapshot(1, pod), ...events)).toHaveLength(events.length + 1);
  });
});

describe('what is read in parts or without versions', () => {
  const { deployment } = rollout(0);
  const orders = <T>(items: readonly T[]): T[][] =>
    items.length === 0
      ? [[]]
      : items.flatMap((item, i) => orders(items.toSpliced(i, 1)).map((rest) => [item, ...rest]));
  const results = (observations: readonly Observation[]) =>
    new Set(orders(observations).map((order) => JSON.stringify(spansOf(...order)))).size;
  const read = (resourceVersion: string, action?: string) =>
    event(1, deployment, 'Paused', 'm', {
      uid: 'e',
      resourceVersion,
      ...(action !== undefined && { action }),
    });

  it('merges in every order to the same', () => {
    expect(results([read('5', 'Aaa'), read('6'), read('6', 'Zzz')])).toBe(1);
  });

  it.each([
    ['no numbers', 'abc', 'abd'],
    ['absent', undefined, 'x'],
    ['too large to tell apart', '9007199254740992', '9007199254740993'],
  ])('orders versions that are %s by generation', (_, first, second) => {
    const version = (resourceVersion: string | undefined, generation: number) => {
      const seen = snapshot(generation, deployment, {
        generation,
        creationTimestamp: '2026-03-01T12:00:00Z',
      });
      const { resourceVersion: __, ...object } = seen.object;
      return { ...seen, object: resourceVersion === undefined ? object : { ...object, resourceVersion } };
    };
    expect(results([version(first, 1), version(second, 2), event(6, deployment, 'Paused', 'm')])).toBe(1);
  });

  it('a generation that is seen again is no second change', () => {
    const seen = (at: number, resourceVersion: string, generation: number) =>
      snapshot(at, deployment, { resourceVersion, generation, creationTimestamp: '2026-03-01T12:00:00Z' });
    const spans = spansOf(
      seen(0, '10', 1),
      seen(10, '20', 2),
      seen(20, '30', 1),
      seen(30, '40', 2),
      event(11, deployment, 'Paused', 'a'),
      event(31, deployment, 'Paused', 'b'),
    );
    const roots = spans.filter(({ parentSpanId }) => parentSpanId === null).map(({ spanId }) => spanId);
    expect(new Set(roots).size).toBe(roots.length);
  });
});

describe('a container', () => {
  const { observations, pod, replicaSet } = rollout(0);
  const onApp = onContainer(pod);
  const say = (at: number, reason: string, message: string) => event(at, pod, reason, message, onApp);

  it('has a round that ends when it runs: the next start is the pod’s own', () => {
    expect(
      tell(
        ...observations,
        say(20, 'Unhealthy', 'Liveness probe failed: 500'),
        say(20.1, 'Killing', 'Container app failed liveness probe, will be restarted'),
        say(21, 'Started', 'Container started'),
        say(200, 'Started', 'Container started'),
      ),
    ).toContain(
      [
        '      Pod.Unhealthy web-1-a',
        '        Pod.Killing web-1-a',
        '          Pod.Started web-1-a',
        '      Pod.Started web-1-a',
      ].join('\n'),
    );
  });

  it('that is killed and started again was not removed', () => {
    const down = tell(
      ...observations,
      say(30, 'Killing', 'Stopping container app'),
      say(31, 'Started', 'Container started'),
      event(300, replicaSet, 'SuccessfulDelete', 'Deleted pod: web-1-a'),
      snapshot(300.1, pod, {
        creationTimestamp: '2026-03-01T12:00:00Z',
        deletionTimestamp: '2026-03-01T12:05:30Z',
        deletionGracePeriodSeconds: 30,
      }),
      say(300.2, 'Killing', 'Stopping container app'),
    );
    expect(down).toContain('ReplicaSet.SuccessfulDelete web-1\n    Pod.Killing web-1-a');
  });
});

it('a pod of a later scaling is no replacement of a disrupted one', () => {
  const { observations, deployment, replicaSet, pod } = rollout(0);
  const node = thing('Node', 'n1');
  const next = thing('Pod', 'web-1-b', replicaSet);
  const spans = spansOf(
    ...observations,
    event(100, node, 'NodeNotSchedulable', 'Node n1 status is now: NodeNotSchedulable'),
    event(101, deployment, 'ScalingReplicaSet', 'Scaled down replica set web-1 from 1 to 0'),
    snapshot(102, pod, {
      creationTimestamp: '2026-03-01T12:00:00Z',
      nodeName: 'n1',
      status: { conditions: [{ type: 'DisruptionTarget', status: 'True', reason: 'EvictionByEvictionAPI' }] },
      deletionTimestamp: '2026-03-01T12:01:42Z',
      deletionGracePeriodSeconds: 0,
    }),
    event(102.5, pod, 'Killing', 'Stopping container app'),
    event(400, deployment, 'ScalingReplicaSet', 'Scaled up replica set web-1 from 0 to 1'),
    snapshot(400.1, next),
    event(400.2, replicaSet, 'SuccessfulCreate', 'Created pod: web-1-b'),
  );
  const created = spans.find(({ attributes }) => attributes['k8s.event.message'] === 'Created pod: web-1-b')!;
  const parent = spans.find(({ spanId }) => spanId === created.parentSpanId)!;
  expect(parent.attributes['k8s.event.message']).toBe('Scaled up replica set web-1 from 0 to 1');
});
