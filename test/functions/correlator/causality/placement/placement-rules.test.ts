/** Each placement rule in a story of its own: the Events in a few words, the trace with the rule that placed each line. */
import { describe, expect, it } from 'vitest';
import {
  episode,
  placementRules,
} from '../../../../../functions/correlator/causality/placement/placement-rules.ts';
import { explain } from '../../../../../infra/local/explain.ts';
import type { Observation } from '../../../../../shared/observation.ts';
import { recorded } from '../../../../read-recordings.ts';
import { event, onContainer, outline, rollout, snapshot, spansOf, thing } from '../cluster-story.ts';

const why = (...observations: Observation[]) => outline(spansOf(...observations), { why: true });

const { deployment, replicaSet, pod, observations: rolledOut } = rollout(0);
const created = { creationTimestamp: '2026-03-01T12:00:00Z' };
const onApp = onContainer(pod);
const say = (at: number, reason: string, message: string) => event(at, pod, reason, message, onApp);
const gone = (at: number, reason?: string) =>
  snapshot(at, pod, {
    ...created,
    nodeName: 'n1',
    deletionTimestamp: new Date(Date.parse('2026-03-01T12:00:00Z') + at * 1000).toISOString(),
    deletionGracePeriodSeconds: 0,
    ...(reason !== undefined && {
      status: { conditions: [{ type: 'DisruptionTarget', status: 'True', reason }] },
    }),
  });
const next = thing('Pod', 'web-1-b', replicaSet);
const replaced = (at: number) => [
  snapshot(at, next),
  event(at + 0.1, replicaSet, 'SuccessfulCreate', 'Created pod: web-1-b'),
];

it('drivers: what made, scaled and asked for it', () => {
  expect(why(...rolledOut)).toBe(
    [
      'Deployment.Create web',
      '  Deployment.ScalingReplicaSet web [change-in-effect/time]',
      '    ReplicaSet.SuccessfulCreate web-1 [scaling/time]',
      '      Pod.Scheduled web-1-a [creator/message]',
    ].join('\n'),
  );
});

it('restart-round: a probe’s failure, the killing for it, and the next start', () => {
  expect(
    why(
      ...rolledOut,
      say(20, 'Unhealthy', 'Liveness probe failed: 500'),
      say(20.1, 'Killing', 'Container app failed liveness probe, will be restarted'),
      say(21, 'Started', 'Container started'),
    ),
  ).toContain(
    [
      '      Pod.Unhealthy web-1-a [creator/message]',
      '        Pod.Killing web-1-a [restart-round/time]',
      '          Pod.Started web-1-a [restart-round/time]',
    ].join('\n'),
  );
});

describe('a Node', () => {
  const node = thing('Node', 'n1');
  const bound = snapshot(0.2, pod, { ...created, nodeName: 'n1' });

  it('node-turn: an Event on a pod that speaks of its Node', () => {
    expect(
      why(
        ...rolledOut,
        bound,
        event(4000, node, 'NodeNotReady', 'Node n1 status is now: NodeNotReady'),
        event(4000.2, pod, 'NodeNotReady', 'Node is not ready'),
      ),
    ).toContain('Node.NodeNotReady n1\n  Pod.NodeNotReady web-1-a [node-turn/condition]');
  });

  it('disruption: the cordon that was in force; replacement: the pod that came for the one that went', () => {
    expect(
      why(
        ...rolledOut,
        bound,
        event(4000, node, 'NodeNotSchedulable', 'Node n1 status is now: NodeNotSchedulable'),
        gone(4001, 'EvictionByEvictionAPI'),
        say(4001.1, 'Killing', 'Stopping container app'),
        ...replaced(4001.2),
      ),
    ).toContain(
      [
        'Node.NodeNotSchedulable n1',
        '  Pod.Killing web-1-a [disruption/condition]',
        '    ReplicaSet.SuccessfulCreate web-1 [replacement/time]',
      ].join('\n'),
    );
  });

  it('node-episode: what ends one Node is one trace, whichever comes first', () => {
    expect(
      why(
        event(0, node, 'SpotInterruption', 'Spot Interruption event received.'),
        event(1, node, 'NodeNotSchedulable', 'Node n1 status is now: NodeNotSchedulable'),
        event(100, node, 'NodeNotReady', 'Node n1 status is now: NodeNotReady'),
        event(200, node, 'RemovingNode', 'Node n1 event: Removing Node n1 from Controller'),
      ),
    ).toBe(
      [
        'Node.SpotInterruption n1',
        '  Node.NodeNotSchedulable n1 [node-episode/uid]',
        '  Node.NodeNotReady n1 [node-episode/uid]',
        '  Node.RemovingNode n1 [node-episode/uid]',
      ].join('\n'),
    );
  });

  it('uncordoned, and back after a loss, begin a story of their own', () => {
    expect(
      why(
        event(0, node, 'NodeNotReady', 'Node n1 status is now: NodeNotReady'),
        event(60, node, 'NodeReady', 'Node n1 status is now: NodeReady'),
        event(90, node, 'NodeNotSchedulable', 'Node n1 status is now: NodeNotSchedulable'),
        event(120, node, 'NodeSchedulable', 'Node n1 status is now: NodeSchedulable'),
      ),
    ).toBe('Node.NodeNotReady n1\nNode.NodeReady n1\nNode.NodeNotSchedulable n1\nNode.NodeSchedulable n1');
  });
});

describe('a Node’s start', () => {
  const node = thing('Node', 'n1');
  const said = (at: number, reason: string) => event(at, node, reason, `Node n1 status is now: ${reason}`);

  it('lasts up to its first Ready, however long that takes', () => {
    expect(
      why(
        event(0, node, 'Starting', 'Starting kubelet.'),
        event(4, node, 'RegisteredNode', 'Node n1 event: Registered Node n1 in Controller'),
        event(1200, node, 'CIDRNotAvailable', 'Node n1 status is now: CIDRNotAvailable'),
        said(2500, 'NodeReady'),
      ),
    ).toBe(
      [
        'Node.Starting n1',
        '  Node.RegisteredNode n1 [episode/time]',
        '  Node.CIDRNotAvailable n1 [episode/time]',
        '  Node.NodeReady n1 [node-episode/uid]',
      ].join('\n'),
    );
  });

  it('is none of a Node that stayed ready while its kubelet was started anew', () => {
    const ready = { type: 'Ready', status: 'True', lastTransitionTime: '2026-03-01T11:00:00Z' };
    expect(
      why(
        snapshot(-3600, node, { status: { conditions: [ready] } }),
        event(0, node, 'Starting', 'Starting kubelet.'),
        event(1200, node, 'FreeDiskSpaceFailed', 'failed to garbage collect', { type: 'Warning' }),
      ),
    ).toBe('Node.Starting n1\nNode.FreeDiskSpaceFailed n1');
  });

  it('takes in that a kubelet which starts anew is not ready for some seconds', () => {
    expect(
      why(
        event(0, node, 'Starting', 'Starting kubelet.'),
        said(0.3, 'NodeNotReady'),
        said(10, 'NodeReady'),
        event(300, node, 'Starting', 'Starting kubelet.'),
        said(350, 'NodeNotReady'),
        said(400, 'NodeReady'),
      ),
    ).toBe(
      [
        'Node.Starting n1',
        '  Node.NodeNotReady n1 [node-episode/uid]',
        '  Node.NodeReady n1 [node-episode/uid]',
        'Node.Starting n1',
        'Node.NodeNotReady n1',
        'Node.NodeReady n1',
      ].join('\n'),
    );
  });
});

describe('eviction: who speaks of a pod around a removal that nothing else explains', () => {
  const evicted = (at: number) =>
    event(at, pod, 'EvictedByOperator', 'evicted to apply a recommendation', {
      reporter: { component: 'operator' },
    });

  it.each([
    ['before it', 1999.5],
    ['after it', 2000.4],
  ])('%s, whatever the reason is called', (_, at) => {
    expect(
      why(
        ...rolledOut,
        gone(2000, 'EvictionByEvictionAPI'),
        say(2000.1, 'Killing', 'Stopping container app'),
        evicted(at),
        ...replaced(2000.3),
      ),
    ).toContain(
      [
        'Pod.EvictedByOperator web-1-a',
        '  Pod.Killing web-1-a [eviction/time]',
        '    ReplicaSet.SuccessfulCreate web-1 [replacement/time]',
      ].join('\n'),
    );
  });

  it('begins a story of its own, whatever was said of the workload before', () => {
    const story = why(
      ...rolledOut,
      say(1990, 'Unhealthy', 'Readiness probe failed: 503'),
      gone(2000),
      evicted(2000.2),
      say(2000.3, 'Killing', 'Stopping container app'),
      ...replaced(2000.4),
      event(2060.2, next, 'EvictedByOperator', 'evicted to apply a recommendation'),
      snapshot(2060, next, {
        creationTimestamp: '2026-03-01T12:33:20Z',
        deletionTimestamp: '2026-03-01T12:34:20Z',
        deletionGracePeriodSeconds: 0,
      }),
    );
    expect(story).toContain('\nPod.Unhealthy web-1-a\n');
    expect(story).toContain('\nPod.EvictedByOperator web-1-a\n  Pod.Killing web-1-a [eviction/time]');
    expect(story).toMatch(/\nPod\.EvictedByOperator web-1-b$/);
  });

  it('through the API, and nobody says what for: the first word of its end begins the story of this pod', () => {
    expect(
      why(
        ...rolledOut,
        say(1990, 'Unhealthy', 'Readiness probe failed: 503'),
        gone(2000, 'EvictionByEvictionAPI'),
        say(2000.1, 'Killing', 'Stopping container app'),
        say(2005, 'Unhealthy', 'Readiness probe failed: 503'),
      ),
    ).toContain(
      ['Pod.Unhealthy web-1-a', 'Pod.Killing web-1-a', '  Pod.Unhealthy web-1-a [disruption/condition]'].join(
        '\n',
      ),
    );
  });

  it('is not what somebody said a minute ago', () => {
    expect(
      why(...rolledOut, evicted(1940), gone(2000), say(2000.1, 'Killing', 'Stopping container app')),
    ).not.toContain('[eviction/time]');
  });

  it('is not who only carries it out', () => {
    const kubelet = event(2000.2, pod, 'SomethingNew', 'x', { reporter: { component: 'kubelet' } });
    expect(
      why(...rolledOut, gone(2000), say(2000.1, 'Killing', 'Stopping container app'), kubelet),
    ).not.toContain('[eviction/time]');
  });
});

describe('owners', () => {
  const pipeline = thing('PipelineRun', 'build');
  const task = thing('TaskRun', 'build-compile', pipeline);
  const step = thing('Pod', 'build-compile-pod', task);
  const began = [
    snapshot(0, pipeline, { generation: 1 }),
    event(0.1, pipeline, 'Started', ''),
    snapshot(0.2, task),
    event(0.3, task, 'Started', ''),
    snapshot(0.4, step),
    event(0.5, step, 'Scheduled', 'Successfully assigned shop/build-compile-pod to n1'),
  ];

  it('owner-occurrence: without a driver, what the owner did last before the child was made', () => {
    expect(why(...began)).toBe(
      [
        'PipelineRun.Create build',
        '  PipelineRun.Started build [change-in-effect/time]',
        '    TaskRun.Started build-compile [owner-occurrence/owner]',
        '      Pod.Scheduled build-compile-pod [owner-occurrence/owner]',
      ].join('\n'),
    );
  });

  it('a later change of the root is what an object that lives on acts for', () => {
    expect(
      why(
        ...began,
        snapshot(60, pipeline, { ...created, generation: 2 }),
        event(60.2, task, 'Failed', 'TaskRun "build-compile" was cancelled'),
      ),
    ).toContain('PipelineRun.Update build\n  TaskRun.Failed build-compile [change-in-effect/time]');
  });

  it('creator: an owner’s Event that names the child made it, in whatever words', () => {
    expect(
      why(
        snapshot(0, thing('Rocket', 'apollo'), { generation: 1 }),
        event(0.1, thing('Rocket', 'apollo'), 'StageAdded', 'added stage apollo-1'),
        event(0.2, thing('Rocket', 'apollo'), 'StageAdded', 'added stage apollo-2'),
        snapshot(0.3, thing('Stage', 'apollo-1', thing('Rocket', 'apollo'))),
        snapshot(0.4, thing('Stage', 'apollo-2', thing('Rocket', 'apollo'))),
        event(0.5, thing('Stage', 'apollo-1'), 'Fuelled', ''),
      ),
    ).toContain(
      '  Rocket.StageAdded apollo [change-in-effect/time]\n    Stage.Fuelled apollo-1 [creator/message]',
    );
  });

  it('owner-deleted: what goes because its owner went', () => {
    expect(
      why(
        ...rolledOut,
        snapshot(50, deployment, { ...created, deleted: true }),
        say(50.5, 'Killing', 'Stopping container app'),
      ),
    ).toContain('Deployment.Delete web\n  Pod.Killing web-1-a [owner-deleted/owner]');
  });

  it('run: what a longer-lived owner says of a run is the run’s', () => {
    const scheduled = thing('ScaledJob', 'worker');
    const job = thing('Job', 'worker-1', scheduled);
    expect(
      why(
        snapshot(-9000, scheduled, { generation: 1 }),
        snapshot(0, job),
        event(0.1, scheduled, 'JobsCreated', 'Created job worker-1'),
        event(5, job, 'Completed', 'Job completed'),
      ),
    ).toContain(
      [
        'Job.Run worker-1',
        '  ScaledJob.JobsCreated worker [run/message]',
        '    Job.Completed worker-1 [creator/message]',
      ].join('\n'),
    );
  });
});

describe('changes', () => {
  it('change-in-hand: the version that the controller had in hand', () => {
    const subject = { kind: 'Deployment', namespace: 'shop', name: 'web', uid: deployment.uid };
    expect(
      why(
        ...rolledOut,
        event(3, deployment, 'Paused', 'x', { subject: { ...subject, resourceVersion: '1000' } }),
      ),
    ).toContain('  Deployment.Paused web [change-in-hand/version]');
  });

  it('rescale: the autoscaler’s Event stands between the change that it announced and what came of it', () => {
    const hpa = thing('HorizontalPodAutoscaler', 'web');
    expect(
      why(
        ...rolledOut,
        snapshot(0.5, hpa, { scaleTargetRef: { kind: 'Deployment', name: 'web' } }),
        snapshot(60, deployment, { ...created, generation: 2, replicas: 3 }),
        event(60.1, hpa, 'SuccessfulRescale', 'New size: 3; reason: cpu'),
        event(60.2, deployment, 'ScalingReplicaSet', 'Scaled up replica set web-1 from 1 to 3'),
      ),
    ).toContain(
      [
        '  HorizontalPodAutoscaler.SuccessfulRescale web [rescale/message]',
        '    Deployment.ScalingReplicaSet web [change-in-effect/time]',
      ].join('\n'),
    );
  });

  it('remover: the Event that removed it', () => {
    expect(
      why(
        ...rolledOut,
        event(40, replicaSet, 'SuccessfulDelete', 'Deleted pod: web-1-a'),
        say(40.2, 'Killing', 'Stopping container app'),
      ),
    ).toContain(
      '  ReplicaSet.SuccessfulDelete web-1 [change-in-effect/time]\n    Pod.Killing web-1-a [remover/message]',
    );
  });
});

it('each rule has placed something in the recordings and the cases, and each name on a span is a rule', async () => {
  const told = new Set<unknown>();
  for (const { read } of recorded)
    for (const { attributes } of explain(await read())) told.add(attributes['rootspan.because']);
  told.delete(undefined);
  expect([...told].sort()).toEqual([...placementRules, episode].map(({ name }) => name).sort());
});
