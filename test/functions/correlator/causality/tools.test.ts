/** What tools beyond Kubernetes' own controllers do, told as their sources say: none of them runs in the recordings. */
import { describe, expect, it } from 'vitest';
import { event, rollout, snapshot, spansOf, tell, thing } from './cluster-story.ts';

describe('Karpenter', () => {
  it('taints a Node and evicts its pods: what goes and what comes hangs under the disruption', () => {
    const { deployment, replicaSet, pod, observations } = rollout(0);
    const node = thing('Node', 'n1');
    const replacement = thing('Pod', 'web-1-b', replicaSet);
    const story = tell(
      ...observations,
      snapshot(0, node),
      snapshot(0.06, pod, { nodeName: 'n1' }),
      event(2000, node, 'DisruptionTerminating', 'Disrupting Node: Underutilized'),
      snapshot(2001, pod, {
        creationTimestamp: '2026-03-01T12:00:00Z',
        nodeName: 'n1',
        deletionTimestamp: '2026-03-01T12:33:51Z',
        deletionGracePeriodSeconds: 30,
        status: {
          conditions: [{ type: 'DisruptionTarget', status: 'True', reason: 'EvictionByEvictionAPI' }],
        },
      }),
      event(2001, pod, 'Evicted', 'Evicted pod: Underutilized'),
      event(2001.1, pod, 'Killing', 'Stopping container app'),
      snapshot(2001.3, replacement),
      event(2001.4, replicaSet, 'SuccessfulCreate', 'Created pod: web-1-b'),
      event(2001.5, replacement, 'Nominated', 'Pod should schedule on: nodeclaim/default-x, node/n2'),
    );
    expect(story.slice(story.indexOf('Node.'))).toBe(
      [
        'Node.DisruptionTerminating n1',
        '  Pod.Evicted web-1-a',
        '    Pod.Killing web-1-a',
        '      ReplicaSet.SuccessfulCreate web-1',
        '        Pod.Nominated web-1-b',
      ].join('\n'),
    );
    expect(deployment.name).toBe('web');
  });
});

describe('Argo CD', () => {
  const application = thing('Application', 'shop');
  const sha = '53e28ff20cc530b9ada2173fbbd64d48338583ba';

  it('begins an episode with each sync; its status writes are no changes', () => {
    const story = [0, 60].flatMap((at) => [
      snapshot(at, application, { generation: 100 + at }),
      event(at + 1, application, 'OperationStarted', `Initiated automated sync to '${sha}'`),
      snapshot(at + 2, application, { generation: 101 + at }),
      event(at + 3, application, 'ResourceUpdated', 'Updated sync status: OutOfSync -> Synced'),
      event(at + 4, application, 'OperationCompleted', `Sync operation to ${sha} succeeded`),
    ]);
    const sync = [
      'Application.OperationStarted shop',
      '  Application.ResourceUpdated shop',
      '  Application.OperationCompleted shop',
    ];
    expect(tell(...story)).toBe([...sync, ...sync].join('\n'));
    expect(spansOf(...story)[0]!.attributes['vcs.ref.head.revision']).toBe(sha);
  });
});

describe('Flux', () => {
  const kustomization = thing('Kustomization', 'apps');
  const annotations = { 'kustomize.toolkit.fluxcd.io/revision': 'main@sha1:53e28ff2' };
  const at = (seconds: number, generation: number) => snapshot(seconds, kustomization, { generation });

  it('says what it synced, and how a change of the Kustomization ended', () => {
    const spans = spansOf(
      at(0, 1),
      event(1, kustomization, 'Progressing', 'Deployment/shop/web created', { annotations }),
      event(9, kustomization, 'ReconciliationSucceeded', 'Reconciliation finished', { annotations }),
      at(60, 2),
      event(61, kustomization, 'BuildFailed', 'kustomize build failed', { type: 'Warning' }),
    );
    expect(
      spans
        .filter(({ parentSpanId }) => parentSpanId === null)
        .map(({ name, attributes }) => `${name} ${attributes['rootspan.change.outcome']}`),
    ).toEqual(['Kustomization.Create complete', 'Kustomization.Update failed']);
    const progressing = spans.find(({ name }) => name === 'Kustomization.Progressing')!;
    expect(progressing.attributes).toMatchObject({
      'vcs.ref.head.name': 'main',
      'vcs.ref.head.revision': '53e28ff2',
    });
  });
});

describe('helm-controller', () => {
  it('goes back to the revision before: that mends the failed upgrade, and is no sync', () => {
    const release = thing('HelmRelease', 'web');
    const of = (revision: string) => ({ annotations: { 'helm.toolkit.fluxcd.io/revision': revision } });
    expect(
      tell(
        event(0, release, 'UpgradeFailed', 'Helm upgrade failed for release shop/web', of('1.2.4')),
        event(30, release, 'RollbackSucceeded', 'Helm rollback to previous release succeeded', of('1.2.3')),
      ),
    ).toBe(['HelmRelease.UpgradeFailed web', '  HelmRelease.RollbackSucceeded web'].join('\n'));
  });
});

describe('Cluster API', () => {
  it('scales Machines as Kubernetes scales pods: one that goes hangs under the scaling', () => {
    const deployment = thing('MachineDeployment', 'workers');
    const set = thing('MachineSet', 'workers-x', deployment);
    const machine = thing('Machine', 'workers-x-a', set);
    expect(
      tell(
        snapshot(-9000, deployment),
        snapshot(-9000, set),
        event(0, deployment, 'SuccessfulScale', 'Scaled down MachineSet workers-x: 3 -> 2'),
        snapshot(1, machine, {
          generation: 2,
          creationTimestamp: '2026-03-01T10:00:00Z',
          deletionTimestamp: '2026-03-01T12:00:01Z',
        }),
        event(1, set, 'SuccessfulDelete', 'Deleted Machine "workers-x-a"'),
        event(2, machine, 'SuccessfulDrainNode', "success draining Machine's node"),
      ),
    ).toBe(
      [
        'MachineDeployment.SuccessfulScale workers',
        '  MachineSet.SuccessfulDelete workers-x',
        '    Machine.SuccessfulDrainNode workers-x-a',
      ].join('\n'),
    );
  });
});

describe('a controller that nobody here has heard of', () => {
  it('made what it names at once; what it says of it later is how it went on', () => {
    const fleet = thing('Fleet', 'f');
    const pod = thing('Pod', 'f-driver', fleet);
    expect(
      tell(
        snapshot(-9000, fleet),
        event(0, fleet, 'Submitted', 'Fleet f was submitted'),
        snapshot(1, pod),
        event(2, pod, 'Scheduled', 'Successfully assigned shop/f-driver to n1'),
        event(5, fleet, 'DriverRunning', 'Driver f-driver is running'),
      ),
    ).toBe(['Fleet.Submitted f', '  Pod.Scheduled f-driver', '  Fleet.DriverRunning f'].join('\n'));
  });
});

describe('a change of what a tool owns', () => {
  it('says whose it is', () => {
    const { deployment, observations } = rollout(0);
    const [, ...rest] = observations;
    const [root] = spansOf(
      snapshot(0, deployment, {
        labels: { 'helm.sh/chart': 'web-1.2.3', 'kustomize.toolkit.fluxcd.io/name': 'apps' },
        annotations: { 'meta.helm.sh/release-name': 'web', 'argocd.argoproj.io/tracking-id': 'shop:apps/…' },
      }),
      ...rest,
    );
    expect(root!.attributes).toMatchObject({
      'k8s.deployment.label.helm.sh/chart': 'web-1.2.3',
      'k8s.deployment.label.kustomize.toolkit.fluxcd.io/name': 'apps',
      'k8s.deployment.annotation.meta.helm.sh/release-name': 'web',
      'k8s.deployment.annotation.argocd.argoproj.io/tracking-id': 'shop:apps/…',
    });
  });
});

describe('a claim', () => {
  const job = thing('Job', 'report');
  const pod = thing('Pod', 'report-a', job);
  const claim = thing('PersistentVolumeClaim', 'data');
  const made = [
    snapshot(0, claim),
    snapshot(10, job),
    snapshot(10.1, pod, { claims: ['data'] }),
    event(10.2, job, 'SuccessfulCreate', 'Created pod: report-a'),
  ];

  it('that waits for a pod starts with it', () => {
    expect(
      tell(
        ...made,
        event(11, claim, 'WaitForPodScheduled', 'waiting for pod report-a to be scheduled'),
        event(12, claim, 'ProvisioningSucceeded', 'Successfully provisioned volume pvc-1'),
      ),
    ).toBe(
      [
        'Job.Create report',
        '  Job.SuccessfulCreate report',
        '    PersistentVolumeClaim.WaitForPodScheduled data',
        '    PersistentVolumeClaim.ProvisioningSucceeded data',
      ].join('\n'),
    );
  });

  it('that nobody made is a trace of its own; who waits for it links there', () => {
    const spans = spansOf(
      ...made,
      event(1, claim, 'ProvisioningFailed', 'storageclass "absent" not found', { type: 'Warning' }),
      event(11, pod, 'FailedScheduling', 'pod has unbound immediate PersistentVolumeClaims', {
        type: 'Warning',
      }),
    );
    const failed = spans.find(({ name }) => name === 'PersistentVolumeClaim.ProvisioningFailed')!;
    expect(failed.parentSpanId).toBeNull();
    expect(spans.find(({ name }) => name === 'Job.Create')!.links).toEqual([
      { traceId: failed.traceId, spanId: failed.spanId, attributes: { 'rootspan.link': 'waits-for' } },
    ]);
  });
});

describe('an operator that writes events.k8s.io', () => {
  const cluster = thing('Redis', 'r');
  const [pod, old] = [thing('Pod', 'r-0', cluster), thing('Pod', 'r-1', cluster)];
  const about = ({ kind, name, uid }: typeof pod, withUid = true) => ({
    related: { kind, namespace: 'shop', name, ...(withUid && { uid }) },
    reporter: { component: 'redis-operator' },
  });

  it.each([true, false])(
    'makes and takes away the pod that is in `related` (with its UID: %s)',
    (withUid) => {
      expect(
        tell(
          snapshot(0, cluster, { generation: 1 }),
          { ...snapshot(-7200, old, { seen: -60, deletionTimestamp: '2026-03-01T12:00:09Z' }), from: 'list' },
          snapshot(1, pod),
          event(1.1, cluster, 'ReplicaUp', 'created replica zero', about(pod, withUid)),
          event(1.2, cluster, 'ReplicaUp', 'another one', { reporter: { component: 'redis-operator' } }),
          event(1.5, pod, 'Scheduled', 'Successfully assigned shop/r-0 to n1'),
          event(8, cluster, 'ReplicaDown', 'replica is out of sync', about(old, withUid)),
          event(9, old, 'Killing', 'Stopping container app'),
        ),
      ).toBe(
        [
          'Redis.Create r',
          '  Redis.ReplicaUp r',
          '    Pod.Scheduled r-0',
          '  Redis.ReplicaUp r',
          '  Redis.ReplicaDown r',
          '    Pod.Killing r-1',
        ].join('\n'),
      );
    },
  );
});

describe('an autoscaler of a kind that no row knows', () => {
  const deployment = thing('Deployment', 'web');
  const replicaSet = thing('ReplicaSet', 'web-1', deployment);
  const clock = thing('CronScaler', 'web');
  const scaler = snapshot(-3600, clock, { scaleTargetRef: { kind: 'Deployment', name: 'web' } });
  const scaledBy = (manager: string, at = 10, replicas = 2) => [
    { ...snapshot(-3600, deployment, { seen: -10, replicas: 1 }), from: 'list' as const },
    snapshot(at, deployment, {
      creationTimestamp: '2026-03-01T11:00:00Z',
      generation: 2,
      replicas,
      managers: [
        {
          manager,
          operation: 'Update',
          subresource: 'scale',
          time: `2026-03-01T12:00:${at}Z`,
          ownsSpec: true,
          ownsRestartedAt: false,
        },
      ],
    }),
    { ...snapshot(-3600, replicaSet, { seen: -10, replicas: 1 }), from: 'list' as const },
    event(at + 0.3, deployment, 'ScalingReplicaSet', 'Scaled up replica set web-1 from 1 to 2'),
  ];
  const spoken = (at: number, details = {}) =>
    event(at, clock, 'Executed', 'job scale-up done', { reporter: { component: 'clock' }, ...details });

  it('announces the scaling of its target in whose seconds it speaks', () => {
    expect(tell(scaler, ...scaledBy('cron-scaler'), spoken(10.1))).toBe(
      ['Deployment.Scale web', '  CronScaler.Executed web', '    Deployment.ScalingReplicaSet web'].join(
        '\n',
      ),
    );
  });

  it.each([
    { what: 'it speaks half a minute before', story: [...scaledBy('cron-scaler', 40), spoken(10)] },
    { what: 'a person scaled', story: [...scaledBy('kubectl'), spoken(10.1)] },
    { what: 'it warns', story: [...scaledBy('cron-scaler'), spoken(10.1, { type: 'Warning' })] },
  ])('announces nothing where $what', ({ story }) => {
    expect(tell(scaler, ...story)).toContain('Deployment.Scale web\n  Deployment.ScalingReplicaSet web');
  });
});

describe('what an owner says that it removed, if it is no pod', () => {
  const pool = thing('BrokerPool', 'kafka');
  const broker = thing('Broker', 'kafka-0', pool);
  const going = {
    ...snapshot(-7200, broker, { seen: -60, deletionTimestamp: '2026-03-01T12:00:20Z' }),
    from: 'list' as const,
  };
  const change = snapshot(0, pool, { generation: 2, creationTimestamp: '2026-03-01T10:00:00Z' });
  const known = { ...snapshot(-7200, pool, { seen: -60, generation: 1 }), from: 'list' as const };
  const drained = event(30, broker, 'Drained', 'partitions are moved');
  const removed = (at: number, message: string) => event(at, pool, 'Reconciled', message);

  it.each(['Removing broker kafka-0', 'kafka-0 is surplus.'])(
    'is what its end hangs under: %s',
    (message) => {
      expect(tell(known, going, change, removed(20, message), drained)).toBe(
        ['BrokerPool.Update kafka', '  BrokerPool.Reconciled kafka', '    Broker.Drained kafka-0'].join('\n'),
      );
    },
  );

  it.each([
    { what: 'long before', word: removed(5, 'kafka-0 is healthy') },
    { what: 'long after', word: removed(28, 'kafka-0 is draining') },
    { what: 'of another one', word: removed(20, 'Removing broker kafka-00') },
  ])('is not what it says $what', ({ word }) => {
    expect(tell(known, going, change, word, drained)).not.toContain('    Broker.Drained');
  });
});
