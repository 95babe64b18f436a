/** What a dump tells: objects as they are at its end, Events of the last hour, whole seconds. */
import { describe, expect, it } from 'vitest';
import type { ObjectSnapshot, Observation } from '../../../../shared/observation.ts';
import { event, outline, snapshot, spansOf, tell, thing } from './cluster-story.ts';

/** As it is when somebody looks, an hour after all else. */
const found = (
  created: number,
  subject: ReturnType<typeof thing>,
  details: Partial<ObjectSnapshot['object']> = {},
) => ({ ...snapshot(created, subject, { seen: 3600, ...details }), from: 'list' }) satisfies Observation;

describe('a dump', () => {
  it('shows an object that is being deleted: its creation is told all the same', () => {
    const job = thing('Job', 'work');
    const pod = thing('Pod', 'work-a', job);
    expect(
      tell(
        found(0, job, { generation: 2, deletionTimestamp: '2026-03-01T12:00:40Z' }),
        found(0, pod, { deletionTimestamp: '2026-03-01T12:01:10Z', deletionGracePeriodSeconds: 30 }),
        event(0.1, job, 'SuccessfulCreate', 'Created pod: work-a'),
        event(40.1, pod, 'Killing', 'Stopping container app'),
      ),
    ).toBe(
      ['Job.Create work', '  Job.SuccessfulCreate work', 'Job.Delete work', '  Pod.Killing work-a'].join(
        '\n',
      ),
    );
  });

  it('knows of a scaling that it was, not when: what an autoscaler asked for hangs below its Event', () => {
    const deployment = thing('Deployment', 'web');
    const replicaSet = thing('ReplicaSet', 'web-1', deployment);
    const autoscaler = thing('HorizontalPodAutoscaler', 'web');
    expect(
      tell(
        found(-3600, deployment, {
          generation: 4,
          replicas: 3,
          managers: [
            { manager: 'kubectl', operation: 'Update', time: '2026-03-01T11:00:00Z' },
            { manager: 'kube-controller-manager', operation: 'Update', subresource: 'scale' },
          ],
        }),
        found(-3600, replicaSet, { replicas: 3 }),
        found(-3600, autoscaler, { scaleTargetRef: { kind: 'Deployment', name: 'web' } }),
        event(10, deployment, 'ScalingReplicaSet', 'Scaled up replica set web-1 from 1 to 3'),
        event(10.2, autoscaler, 'SuccessfulRescale', 'New size: 3; reason: cpu above target'),
        event(70, deployment, 'ScalingReplicaSet', 'Scaled down replica set web-1 from 3 to 2'),
        event(70.2, autoscaler, 'SuccessfulRescale', 'New size: 2; reason: All metrics below target'),
      ),
    ).toBe(
      [
        'HorizontalPodAutoscaler.SuccessfulRescale web',
        '  Deployment.ScalingReplicaSet web',
        'HorizontalPodAutoscaler.SuccessfulRescale web',
        '  Deployment.ScalingReplicaSet web',
      ].join('\n'),
    );
  });

  it('a StatefulSet says of an autoscaler’s number only which pods it makes', () => {
    const statefulSet = thing('StatefulSet', 'db');
    const scaledObject = thing('ScaledObject', 'db');
    expect(
      tell(
        found(-3600, statefulSet, { generation: 4, replicas: 1 }),
        event(
          10,
          scaledObject,
          'KEDAScaleTargetActivated',
          'Scaled apps/v1.StatefulSet shop/db from 0 to 1, triggered by x',
        ),
        event(10.2, statefulSet, 'SuccessfulCreate', 'create Pod db-0 in StatefulSet db successful'),
      ),
    ).toContain('ScaledObject.KEDAScaleTargetActivated db\n  StatefulSet.SuccessfulCreate db');
  });

  it('of one ReplicaSet, scaled again, tells that somebody scaled: to 0 no entry says so', () => {
    const deployment = thing('Deployment', 'web');
    const replicaSet = thing('ReplicaSet', 'web-1', deployment);
    expect(
      tell(
        found(0, deployment, {
          generation: 2,
          replicas: 0,
          managers: [{ manager: 'kubectl-create', operation: 'Update', time: '2026-03-01T12:00:00Z' }],
        }),
        found(0, replicaSet, { replicas: 0 }),
        event(0.2, deployment, 'ScalingReplicaSet', 'Scaled up replica set web-1 from 0 to 1'),
        event(120, deployment, 'ScalingReplicaSet', 'Scaled down replica set web-1 from 1 to 0'),
      ),
    ).toBe(
      [
        'Deployment.Create web',
        '  Deployment.ScalingReplicaSet web',
        'Deployment.Scale web',
        '  Deployment.ScalingReplicaSet web',
      ].join('\n'),
    );
  });

  it('without managedFields tells by its ReplicaSets when it was changed', () => {
    const deployment = thing('Deployment', 'web');
    const [first, second] = [
      thing('ReplicaSet', 'web-1', deployment),
      thing('ReplicaSet', 'web-2', deployment),
    ];
    expect(
      tell(
        found(0, deployment, { generation: 2 }),
        found(0, first),
        found(60, second),
        event(0.2, deployment, 'ScalingReplicaSet', 'Scaled up replica set web-1 from 0 to 1'),
        event(60.2, deployment, 'ScalingReplicaSet', 'Scaled up replica set web-2 from 0 to 1'),
        event(66.2, deployment, 'ScalingReplicaSet', 'Scaled down replica set web-1 from 1 to 0'),
      ),
    ).toBe(
      [
        'Deployment.Create web',
        '  Deployment.ScalingReplicaSet web',
        'Deployment.Update web',
        '  Deployment.ScalingReplicaSet web',
        '  Deployment.ScalingReplicaSet web',
      ].join('\n'),
    );
  });

  it('without managedFields and ReplicaSets tells by what was scaled up from nothing, as a rollback is', () => {
    const deployment = thing('Deployment', 'web');
    const scaled = (at: number, message: string) => event(at, deployment, 'ScalingReplicaSet', message);
    expect(
      tell(
        found(-7200, deployment, { generation: 9 }),
        found(-7200, thing('ReplicaSet', 'web-1', deployment)),
        scaled(0.2, 'Scaled up replica set web-2 from 0 to 2'),
        scaled(5.2, 'Scaled down replica set web-1 from 2 to 0'),
        scaled(60.2, 'Scaled up replica set web-1 from 0 to 1'),
        scaled(75.2, 'Scaled up replica set web-1 from 1 to 2'),
      ),
    ).toBe(
      [
        'Deployment.Update web',
        '  Deployment.ScalingReplicaSet web',
        '  Deployment.ScalingReplicaSet web',
        'Deployment.Update web',
        '  Deployment.ScalingReplicaSet web',
        '  Deployment.ScalingReplicaSet web',
      ].join('\n'),
    );
  });

  it('of an object that was changed since it was found, what came later speaks of those changes', () => {
    const deployment = thing('Deployment', 'web');
    const replicaSet = thing('ReplicaSet', 'web-2', deployment);
    const since = { creationTimestamp: '2026-03-01T12:00:00Z' };
    const inHand = { kind: 'Deployment', name: 'web', uid: deployment.uid, resourceVersion: '11000' };
    expect(
      tell(
        { ...snapshot(10, deployment, { ...since, generation: 2 }), from: 'list' },
        event(20, deployment, 'Checked', 'looks fine', { subject: inHand }),
        snapshot(60, deployment, { ...since, generation: 3 }),
        snapshot(60.1, replicaSet),
        event(60.2, deployment, 'ScalingReplicaSet', 'Scaled up replica set web-2 from 0 to 1'),
      ),
    ).toBe(
      [
        'Deployment.Create web',
        '  Deployment.Checked web',
        'Deployment.Update web',
        '  Deployment.ScalingReplicaSet web',
      ].join('\n'),
    );
  });

  it('that tells nothing of a later change but its number tells of the creation', () => {
    const workflow = thing('Workflow', 'dag');
    const spans = spansOf(
      found(0, workflow, { generation: 12, status: { phase: 'Failed' } }),
      event(0.2, workflow, 'WorkflowRunning', 'Workflow Running'),
      event(50.2, workflow, 'WorkflowFailed', 'child failed', { type: 'Warning' }),
    );
    expect(outline(spans)).toBe(
      ['Workflow.Create dag', '  Workflow.WorkflowRunning dag', '  Workflow.WorkflowFailed dag'].join('\n'),
    );
    expect(spans[0]?.attributes['rootspan.change.outcome']).toBe('failed');
  });

  it('a ReplicaSet that its controller was slow to make is no change where managedFields tell of none', () => {
    const deployment = thing('Deployment', 'web');
    const replicaSet = thing('ReplicaSet', 'web-1', deployment);
    expect(
      tell(
        found(0, deployment, {
          generation: 2,
          managers: [{ manager: 'kubectl-create', operation: 'Update', time: '2026-03-01T12:00:00Z' }],
        }),
        found(40, replicaSet),
        event(40.2, deployment, 'ScalingReplicaSet', 'Scaled up replica set web-1 from 0 to 1'),
      ),
    ).toBe('Deployment.Create web\n  Deployment.ScalingReplicaSet web');
  });

  it('tells of each manager that wrote its spec, and of a scaling among them', () => {
    const deployment = thing('Deployment', 'web');
    const replicaSet = thing('ReplicaSet', 'web-2', deployment);
    const story = spansOf(
      found(-86400, deployment, {
        generation: 7,
        replicas: 2,
        managers: [
          { manager: 'helm', operation: 'Apply', time: '2026-03-01T12:00:00Z', ownsSpec: true },
          { manager: 'kubectl-set', operation: 'Update', time: '2026-03-01T12:01:00Z', ownsSpec: true },
          { manager: 'nobody', operation: 'Update', time: '2026-03-01T12:01:30Z', ownsSpec: false },
          { manager: 'kube-controller-manager', operation: 'Update', subresource: 'scale', ownsSpec: true },
        ],
      }),
      found(60, replicaSet, { replicas: 2 }),
      event(0.2, deployment, 'ScalingReplicaSet', 'Scaled up replica set web-1 from 0 to 1'),
      event(60.2, deployment, 'ScalingReplicaSet', 'Scaled up replica set web-2 from 0 to 1'),
      event(120.2, deployment, 'ScalingReplicaSet', 'Scaled up replica set web-2 from 1 to 2'),
    );
    expect(outline(story)).toBe(
      [
        'Deployment.Apply web',
        '  Deployment.ScalingReplicaSet web',
        'Deployment.Update web',
        '  Deployment.ScalingReplicaSet web',
        'Deployment.Scale web',
        '  Deployment.ScalingReplicaSet web',
      ].join('\n'),
    );
    const roots = story.filter(({ parentSpanId }) => parentSpanId === null);
    const byStart = (a: { startTimeUnixNano: string }, b: { startTimeUnixNano: string }) =>
      a.startTimeUnixNano < b.startTimeUnixNano ? -1 : 1;
    // Which generation the first two were nobody knows.
    expect(
      roots
        .sort(byStart)
        .map(({ attributes }) => [
          attributes['rootspan.change.manager'],
          attributes['k8s.object.generation'],
        ]),
    ).toEqual([
      ['helm', undefined],
      ['kubectl-set', undefined],
      ['kube-controller-manager', 7],
    ]);
  });

  it('a creation of hours ago, which nobody saw, was not superseded by a change of today', () => {
    const statefulSet = thing('StatefulSet', 'db');
    const pod = thing('Pod', 'db-0', statefulSet);
    const [creation] = spansOf(
      found(0, statefulSet, {
        generation: 2,
        managers: [
          { manager: 'kubectl-create', operation: 'Update', time: '2026-03-01T12:00:00Z' },
          { manager: 'kubectl-edit', operation: 'Update', time: '2026-03-01T14:00:00Z' },
        ],
      }),
      found(0, pod),
      event(1, statefulSet, 'SuccessfulCreate', 'create Pod db-0 in StatefulSet db successful'),
    );
    expect(creation?.name).toBe('StatefulSet.Create');
    expect(creation?.attributes['rootspan.change.outcome']).toBe('unknown');
  });
});

describe('why it failed', () => {
  const rootOf = (...observations: Observation[]) =>
    spansOf(...observations).find(({ parentSpanId }) => parentSpanId === null);

  it('is the claim that gets no volume, where the change made it for its pods', () => {
    const statefulSet = thing('StatefulSet', 'db');
    const pod = thing('Pod', 'db-0', statefulSet);
    const claim = thing('PersistentVolumeClaim', 'data-db-0');
    const story = [
      snapshot(0, statefulSet, { replicas: 1, status: { observedGeneration: 1 } }),
      snapshot(1, claim),
      event(1, statefulSet, 'SuccessfulCreate', 'create Claim data-db-0 Pod db-0 in StatefulSet db success'),
      snapshot(1, pod),
      event(1, statefulSet, 'SuccessfulCreate', 'create Pod db-0 in StatefulSet db successful'),
      event(3, claim, 'ProvisioningFailed', 'failed to provision volume', { type: 'Warning' }),
      event(4, pod, 'FailedScheduling', 'running PreBind plugin "VolumeBinding"', { type: 'Warning' }),
    ];
    expect(rootOf(...story)?.attributes['error.type']).toBe('ProvisioningFailed');
    const mended = rootOf(
      ...story,
      event(9, claim, 'ProvisioningSucceeded', 'Successfully provisioned volume pvc-1'),
    );
    expect(mended?.attributes['error.type']).toBe('FailedScheduling');
  });

  it('is what its controller warned of, where the status says no more than that', () => {
    const backup = thing('Backup', 'nightly');
    const root = rootOf(
      found(0, backup, { generation: 1, status: { phase: 'Failed' } }),
      event(30, backup, 'NoSpace', 'no space left', { type: 'Warning' }),
    );
    expect(root?.attributes['error.type']).toBe('NoSpace');
  });

  it('of a pod that nobody owns is how its container ended', () => {
    const pod = thing('Pod', 'job');
    const end = {
      exitCode: 2,
      reason: 'Error',
      startedAt: '2026-03-01T12:00:01Z',
      finishedAt: '2026-03-01T12:00:05Z',
    };
    const root = rootOf(
      found(0, pod, { status: { phase: 'Failed', containers: [{ name: 'app', terminated: end }] } }),
      event(0.5, pod, 'Scheduled', 'Successfully assigned shop/job to n1'),
    );
    expect(root?.attributes['error.type']).toBe('Error');
    expect(root?.status.message).toBe('Pod job, container app: Error: exit code 2');
  });
});

describe('a run', () => {
  it('is one of an owner that nobody ever heard of, too', () => {
    const job = thing('Job', 'nightly-1', thing('Backup', 'nightly'));
    expect(tell(found(0, job), event(0.1, job, 'SuccessfulCreate', 'Created pod: nightly-1-a'))).toBe(
      ['Job.Run nightly-1', '  Job.SuccessfulCreate nightly-1'].join('\n'),
    );
  });

  it('that was made suspended ends in the change that resumed it', () => {
    const cronJob = thing('CronJob', 'tick');
    const job = thing('Job', 'tick-1', cronJob);
    expect(
      tell(
        found(-3600, cronJob),
        found(0, job, {
          generation: 2,
          managers: [
            { manager: 'kube-controller-manager', operation: 'Update', time: '2026-03-01T12:00:00Z' },
            { manager: 'kubectl-patch', operation: 'Update', time: '2026-03-01T12:00:10Z' },
          ],
        }),
        event(0.1, cronJob, 'SuccessfulCreate', 'Created job tick-1'),
        event(10.1, job, 'Resumed', 'Job resumed'),
        event(20, cronJob, 'SawCompletedJob', 'Saw completed job: tick-1, condition: Complete'),
      ),
    ).toBe(
      [
        'Job.Run tick-1',
        '  CronJob.SuccessfulCreate tick',
        'Job.Update tick-1',
        '  Job.Resumed tick-1',
        '  CronJob.SawCompletedJob tick',
      ].join('\n'),
    );
  });
});

describe('a Node', () => {
  it('that has the name of one that was removed starts a story of its own, a moment before it is there', () => {
    const old = { ...thing('Node', 'n1'), uid: 'uid-of-the-old-one' };
    const node = thing('Node', 'n1');
    const ofKubelet = {
      subject: { kind: 'Node', name: 'n1' },
      reporter: { component: 'kubelet', instance: 'n1' },
    };
    const statusIs = (reason: string) => [reason, `Node n1 status is now: ${reason}`] as const;
    expect(
      tell(
        event(0, old, ...statusIs('NodeNotReady')),
        event(300, old, 'RemovingNode', 'Node n1 event: Removing Node n1 from Controller'),
        event(397, node, ...statusIs('NodeHasSufficientMemory'), ofKubelet),
        event(398, node, 'Starting', 'Starting kubelet.', ofKubelet),
        found(400, node),
        event(401, node, 'RegisteredNode', 'Node n1 event: Registered Node n1 in Controller'),
        event(410, node, ...statusIs('NodeReady'), ofKubelet),
        event(412, node, ...statusIs('NodeReady'), ofKubelet),
      ),
    ).toBe(
      [
        'Node.NodeNotReady n1',
        '  Node.RemovingNode n1',
        'Node.NodeHasSufficientMemory n1',
        '  Node.Starting n1',
        '  Node.RegisteredNode n1',
        '  Node.NodeReady n1',
        '  Node.NodeReady n1',
      ].join('\n'),
    );
  });

  it('is started and drained for itself, whoever owns it', () => {
    const pool = thing('NodePool', 'default');
    const drained = ['n1', 'n2'].flatMap((name, index) => {
      const claim = thing('NodeClaim', `default-${name}`, pool);
      const node = thing('Node', name, claim);
      const at = 10 * index;
      return [
        found(-3600, claim, { generation: 1 }),
        found(-3600, node),
        event(at, claim, 'DisruptionTerminating', 'Disrupting NodeClaim: Underutilized'),
        event(at + 0.1, node, 'DisruptionTerminating', 'Disrupting Node: Underutilized'),
        event(at + 60, node, 'RemovingNode', `Node ${name} event: Removing Node ${name} from Controller`),
      ];
    });
    expect(tell(found(-7200, pool, { generation: 1 }), ...drained)).toBe(
      [
        'Node.DisruptionTerminating n1',
        '  NodeClaim.DisruptionTerminating default-n1',
        '  Node.RemovingNode n1',
        'Node.DisruptionTerminating n2',
        '  NodeClaim.DisruptionTerminating default-n2',
        '  Node.RemovingNode n2',
      ].join('\n'),
    );
  });
});
