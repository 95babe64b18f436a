/** What is a change, who made it, how it ended, and why it failed. */
import { describe, expect, it } from 'vitest';
import type { FieldManager, ObjectSnapshot, Observation } from '../../../../shared/observation.ts';
import { event, onContainer, outline, rollout, snapshot, spansOf, thing } from './cluster-story.ts';

const rootsOf = (...observations: Observation[]) =>
  spansOf(...observations)
    .filter(({ attributes }) => 'rootspan.change.outcome' in attributes)
    .sort((a, b) => (BigInt(a.startTimeUnixNano) < BigInt(b.startTimeUnixNano) ? -1 : 1))
    .map(
      ({ name, attributes, status }) =>
        `${name} by ${attributes['rootspan.change.manager'] || 'nobody known'}, ${attributes['rootspan.change.outcome']}${
          status.code === 'ERROR' ? ` (${attributes['error.type']})` : ''
        }`,
    );

const web = thing('Deployment', 'web');
const apply: FieldManager = {
  manager: 'kubectl-client-side-apply',
  operation: 'Update',
  time: '2026-03-01T12:00:00Z',
  fields: 'a',
  fieldCount: 9,
  ownsSpec: true,
};
type Details = Partial<ObjectSnapshot['object']>;
const done = (generation: number, replicas: number): Details['status'] => ({
  observedGeneration: generation,
  replicas,
  updatedReplicas: replicas,
  availableReplicas: replicas,
});
const seen = (at: number, generation: number, details: Details = {}) =>
  snapshot(at, web, {
    creationTimestamp: '2026-03-01T12:00:00Z',
    generation,
    replicas: 1,
    specDigest: 'same',
    managers: [apply],
    ...details,
  });

describe('who', () => {
  it('of `kubectl scale --replicas=0` nobody knows: the applier’s entry only loses a field', () => {
    const lost = { ...apply, fields: 'b', fieldCount: 8 };
    expect(
      rootsOf(
        seen(0, 1, { status: done(1, 1) }),
        seen(400, 2, { replicas: 0, managers: [lost] }),
        seen(401, 2, { replicas: 0, managers: [lost], status: done(2, 0) }),
      ),
    ).toEqual([
      'Deployment.Create by kubectl-client-side-apply, complete',
      'Deployment.Scale by nobody known, complete',
    ]);
  });

  it('annotated it is known, though annotations are nothing of the spec', () => {
    const annotate = { ...apply, manager: 'kubectl-annotate', ownsSpec: false };
    expect(rootsOf(seen(0, 1), seen(60, 2, { managers: [apply, annotate] }))[1]).toContain(
      'by kubectl-annotate',
    );
  });

  it('writes the status, too, is the controller: what it writes into the spec is no change', () => {
    const own = { manager: 'tekton', operation: 'Update', time: '2026-03-01T12:00:00Z', writesStatus: true };
    expect(rootsOf(seen(0, 1), seen(0.5, 2, { managers: [apply, own] }))).toHaveLength(1);
  });
});

describe('a change without an Event', () => {
  it('has its root where its moment was seen', () => {
    expect(rootsOf(seen(0, 1), seen(60, 2))).toHaveLength(2);
  });

  it('has none where it was there before anybody looked', () => {
    expect(rootsOf({ ...seen(0, 1), from: 'list' })).toEqual([]);
  });

  it('so has a deletion, unless it goes with its owner', () => {
    const cron = thing('CronJob', 'tick');
    const job = thing('Job', 'tick-1', cron);
    expect(
      outline(
        spansOf(
          snapshot(0, cron),
          snapshot(1, job),
          snapshot(600, cron, { deleted: true, creationTimestamp: '2026-03-01T12:00:00Z' }),
          snapshot(601, job, { deleted: true, creationTimestamp: '2026-03-01T12:00:01Z' }),
        ),
      ),
    ).toBe('CronJob.Create tick\nJob.Run tick-1\nCronJob.Delete tick');
  });
});

describe('a run', () => {
  const owner = thing('Schedule', 'nightly');
  const made = (kind: string, status: Details['status']) => {
    const run = thing(kind, 'nightly-1', owner);
    const creationTimestamp = '2026-03-01T13:00:00Z';
    return spansOf(
      snapshot(0, owner, { generation: 1 }),
      snapshot(3600, run, { generation: 1 }),
      event(3601, run, 'Started', 'x'),
      snapshot(3640, run, { generation: 1, creationTimestamp, status }),
    ).some(({ name }) => name === `${kind}.Run`);
  };

  it.each<[string, string, Details['status'], boolean]>([
    ['a phase in whatever spelling', 'Backup', { phase: 'completed' }, true],
    ['a word that stands elsewhere', 'Savepoint', { words: { state: 'COMPLETED' } }, true],
    ['a failure', 'Backup', { phase: 'PartiallyFailed' }, true],
    ['a condition', 'Workload', { conditions: [{ type: 'Finished', status: 'True' }] }, true],
    [
      'one that is named after its kind',
      'EtcdBackup',
      { conditions: [{ type: 'BackupCompleted', status: 'True' }] },
      true,
    ],
    ['what is ready goes on', 'Cluster', { phase: 'Ready' }, false],
    ['what has stopped may go on', 'Cluster', { conditions: [{ type: 'Stalled', status: 'True' }] }, false],
  ])('is what says that it is over: %s', (_, kind, status, isRun) => {
    expect(made(kind, status)).toBe(isRun);
  });
});

describe('in a dump', () => {
  const found = (generation: number, managers: FieldManager[]) => ({
    ...seen(600, generation, { managers }),
    from: 'list',
  });
  const said = (at: number) => event(at, web, 'ScalingReplicaSet', 'Scaled up replica set web-1 from 0 to 1');

  it('the first generation of an object that was changed since has its root', () => {
    const later = { ...apply, manager: 'kubectl-set', time: '2026-03-01T12:09:00Z' };
    expect(rootsOf(found(2, [apply, later]), said(0.5), event(541, web, 'Paused', 'x'))).toEqual([
      'Deployment.Create by kubectl-client-side-apply, superseded',
      'Deployment.Update by kubectl-set, unfinished',
    ]);
  });

  it('a creation is not an update because something was written to the object later', () => {
    expect(rootsOf(found(3, [apply]), said(0.5))).toEqual([
      'Deployment.Create by kubectl-client-side-apply, unfinished',
    ]);
  });

  it('a pod without a generation has one change', () => {
    const bare = thing('Pod', 'debug');
    const { generation: _, ...object } = snapshot(0, bare).object;
    expect(
      rootsOf({ ...snapshot(0, bare), object }, event(1, bare, 'Scheduled', 'x')).map(
        (root) => root.split(',')[0],
      ),
    ).toEqual(['Pod.Create by nobody known']);
  });
});

describe('how it ended', () => {
  const ended = (kind: string, details: Details, generation = 1) => {
    const object = thing(kind, 'x');
    const under = snapshot(0, object, { generation, status: {} });
    const over = snapshot(30, object, { generation, creationTimestamp: '2026-03-01T12:00:00Z', ...details });
    return rootsOf(under, over)[0]?.split(', ').slice(1).join(', ');
  };
  const condition = (type: string, status: string, reason?: string) => ({
    type,
    status,
    ...(reason && { reason }),
  });

  it.each<[string, string, Details, string]>([
    ['by its kind’s words', 'Rollout', { status: { observedGeneration: 1, phase: 'Healthy' } }, 'complete'],
    [
      'of what degraded',
      'Rollout',
      { status: { observedGeneration: 1, phase: 'Degraded' } },
      'failed (Degraded)',
    ],
    [
      'as asked, not more: with a partition what is from it on',
      'StatefulSet',
      {
        replicas: 3,
        partition: 2,
        status: { observedGeneration: 1, replicas: 3, readyReplicas: 3, updatedReplicas: 1 },
      },
      'complete',
    ],
    [
      'with OnDelete nothing is asked of the pods that are there',
      'DaemonSet',
      {
        updateStrategy: 'OnDelete',
        status: {
          observedGeneration: 1,
          desiredNumberScheduled: 3,
          updatedNumberScheduled: 0,
          numberAvailable: 3,
        },
      },
      'complete',
    ],
    [
      'by the condition Ready',
      'Certificate',
      { status: { conditions: [condition('Ready', 'True')] } },
      'complete',
    ],
    [
      'by the condition Succeeded',
      'PipelineRun',
      { status: { conditions: [condition('Succeeded', 'False', 'CouldntGetTask')] } },
      'failed (CouldntGetTask)',
    ],
    [
      'not yet, where it reconciles',
      'Thing',
      { status: { conditions: [condition('Reconciling', 'True'), condition('Ready', 'True')] } },
      'unfinished',
    ],
    [
      'by its phase',
      'Workflow',
      { status: { phase: 'Failed', conditions: [condition('Completed', 'True')] } },
      'failed (Failed)',
    ],
    [
      'that it is over is no success by itself: its reason says how it went',
      'Backup',
      { status: { conditions: [condition('Completed', 'True', 'Failed')] } },
      'failed (Failed)',
    ],
    ['by its phase, in whatever spelling', 'Backup', { status: { phase: 'completed' } }, 'complete'],
    [
      'by the words of others',
      'Backup',
      { status: { phase: 'PartiallyFailed' } },
      'failed (PartiallyFailed)',
    ],
    [
      'by a word that stands elsewhere',
      'Thing',
      { status: { words: { 'state.phase': 'Failed' } } },
      'failed (Failed)',
    ],
    [
      'of a RayJob what its job came to, once that is not tried again',
      'RayJob',
      { status: { words: { jobDeploymentStatus: 'Complete', jobStatus: 'FAILED' } } },
      'failed (FAILED)',
    ],
    [
      'not yet, while it is tried again',
      'RayJob',
      { status: { words: { jobDeploymentStatus: 'Retrying', jobStatus: 'FAILED' } } },
      'unfinished',
    ],
    [
      'by whether it is ready to use',
      'VolumeSnapshot',
      { status: { words: { readyToUse: 'true' } } },
      'complete',
    ],
    [
      'an Order that is ready is not valid yet',
      'Order',
      { status: { words: { state: 'ready' } } },
      'unfinished',
    ],
    ['of an Order', 'Order', { status: { words: { state: 'invalid' } } }, 'failed (invalid)'],
    [
      'by what is available, once nothing of it progresses',
      'LeaderWorkerSet',
      { status: { conditions: [condition('Available', 'True'), condition('Progressing', 'False')] } },
      'complete',
    ],
    [
      'not by what was available before',
      'LeaderWorkerSet',
      { status: { conditions: [condition('Available', 'True'), condition('Progressing', 'True')] } },
      'unfinished',
    ],
    [
      'where it is not ready, not by what is available of it',
      'Thing',
      { status: { conditions: [condition('Available', 'True'), condition('AllReplicasReady', 'False')] } },
      'unfinished',
    ],
    [
      'not yet, where it is not ready',
      'Kafka',
      { status: { conditions: [condition('NotReady', 'True')] } },
      'unfinished',
    ],
    [
      'by what will never be ready',
      'CertificateRequest',
      { status: { conditions: [condition('Ready', 'False', 'Denied')] } },
      'failed (Denied)',
    ],
    [
      'by a condition that is named after its kind',
      'EtcdBackup',
      { status: { conditions: [condition('BackupFailed', 'True', 'DiskFull')] } },
      'failed (DiskFull)',
    ],
    ['where its status says nothing, nobody knows', 'Thing', { status: {} }, 'unknown'],
    ['not by the generation before', 'Deployment', { status: { ...done(0, 1) } }, 'unfinished'],
  ])('%s: %s', (_, kind, details, outcome) => {
    expect(ended(kind, details)).toBe(outcome);
  });

  describe('by what was said of it, where its status is silent', () => {
    const job = thing('MPIJob', 'x');
    const told = (status: Details['status'], ...said: [reason: string, message: string][]) =>
      rootsOf(
        snapshot(0, job, { generation: 1, status }),
        ...said.map(([reason, message], i) => event(10 + i, job, reason, message)),
      )[0]
        ?.split(', ')
        .slice(1)
        .join(', ');

    it('by the end that an Event names', () => {
      expect(told(undefined, ['MPIJobFailed', 'it has failed'])).toBe('failed (MPIJobFailed)');
      expect(told(undefined, ['Created', 'x'], ['MPIJobSucceeded', 'x'])).toBe('complete');
    });

    it('not by what its controller tries again', () => {
      expect(told(undefined, ['SyncFailed', 'conflict'])).toBe('unknown');
    });

    it('what its status says always wins', () => {
      const running = { conditions: [condition('Succeeded', 'Unknown')] };
      expect(told(running, ['MPIJobFailed', 'it has failed'])).toBe('unfinished');
      const succeeded = { conditions: [condition('Succeeded', 'True')] };
      expect(told(succeeded, ['MPIJobFailed', 'it has failed'])).toBe('complete');
    });
  });

  it('when its status first said so, also where it said nothing before', () => {
    const source = thing('GitRepository', 'app');
    const version = (at: number, status: Details['status']) =>
      snapshot(at, source, { generation: 1, creationTimestamp: '2026-03-01T12:00:00Z', status });
    const ready = { observedGeneration: 1, conditions: [condition('Ready', 'True')] };
    const tookOf = (...observations: Observation[]) =>
      spansOf(...observations)[0]!.attributes['rootspan.change.duration'];
    expect(tookOf(version(0, {}), version(0.4, ready))).toBe(0.4);
    // It may have been ready long before anybody looked.
    expect(tookOf(version(50, ready))).toBe(0);
  });

  it('superseded only if no verdict came before the next change', () => {
    const under = { observedGeneration: 1, replicas: 1, updatedReplicas: 0 };
    expect(rootsOf(seen(0, 1, { status: under }), seen(5, 2, { status: under }))[0]).toContain('superseded');
    expect(rootsOf(seen(0, 1, { status: done(1, 1) }), seen(5, 2))[0]).toContain('complete');
  });
});

describe('why it failed', () => {
  const { deployment, pod, observations } = rollout(0);
  const onApp = onContainer(pod);
  const warn = (at: number, reason: string, message: string) =>
    event(at, pod, reason, message, { ...onApp, type: 'Warning' });
  const failed = (at: number, why: string) =>
    snapshot(at, deployment, {
      creationTimestamp: '2026-03-01T12:00:00Z',
      status: {
        observedGeneration: 1,
        conditions: [{ type: 'Progressing', status: 'False', reason: why, message: 'timed out' }],
      },
    });
  const rootOf = (...told: Observation[]) =>
    spansOf(...observations, ...told).find(({ name }) => name === 'Deployment.Create')!;

  it('is the deepest cause that is known, with object and reason in a sentence', () => {
    const root = rootOf(
      warn(2, 'Failed', 'Failed to pull image "web:2": not found'),
      warn(3, 'Failed', 'Error: ImagePullBackOff'),
      failed(600, 'ProgressDeadlineExceeded'),
    );
    expect(root.attributes).toMatchObject({
      'rootspan.change.outcome': 'failed',
      'error.type': 'ErrImagePull',
      'rootspan.change.errors': 2,
    });
    expect(root.status).toEqual({
      code: 'ERROR',
      message: 'Pod web-1-a, container app: ErrImagePull: Failed to pull image "web:2": not found',
    });
  });

  it('is the deadline only where nothing deeper is known', () => {
    expect(rootOf(failed(600, 'ProgressDeadlineExceeded')).attributes['error.type']).toBe(
      'ProgressDeadlineExceeded',
    );
  });

  it('is told where nothing more was heard: it stands still', () => {
    expect(rootOf(warn(2, 'Failed', 'Failed to pull image "web:2": not found')).attributes).toMatchObject({
      'rootspan.change.outcome': 'stalled',
      'error.type': 'ErrImagePull',
    });
  });

  it('is nothing where it came right', () => {
    const root = rootOf(
      warn(2, 'Failed', 'Failed to pull image "web:2": timeout'),
      event(20, pod, 'Started', 'Container started', onApp),
    );
    expect(root.status).toEqual({ code: 'UNSET' });
    expect(root.attributes).toMatchObject({ 'rootspan.change.errors': 1 });
  });
});

describe('a sync', () => {
  const app = thing('Kustomization', 'app');
  const at = (second: number, revision: string, reason: string, message: string, details = {}) =>
    event(second, app, reason, message, {
      annotations: { 'kustomize.toolkit.fluxcd.io/revision': `main@sha1:${revision}` },
      ...details,
    });
  const applied = thing('Deployment', 'web');
  const marks = (time: string) => ({
    labels: { 'kustomize.toolkit.fluxcd.io/name': 'app', 'kustomize.toolkit.fluxcd.io/namespace': 'shop' },
    managers: [{ manager: 'kustomize-controller', operation: 'Apply', time }],
  });
  const story = [
    snapshot(0, app, { generation: 1 }),
    at(1, 'aaa', 'Progressing', 'Deployment/shop/web created'),
    snapshot(0.9, applied, marks('2026-03-01T12:00:00Z')),
    at(5, 'aaa', 'ReconciliationSucceeded', 'Reconciliation finished'),
    snapshot(59.9, applied, {
      ...marks('2026-03-01T12:00:59Z'),
      generation: 2,
      creationTimestamp: '2026-03-01T12:00:00Z',
    }),
    at(60, 'bbb', 'Progressing', 'Deployment/shop/web configured'),
    at(90, 'bbb', 'HealthCheckFailed', 'health check failed'),
  ];

  it('of another revision is a change with an outcome of its own; the first is the creation’s', () => {
    expect(rootsOf(...story).filter((root) => root.startsWith('Kustomization'))).toEqual([
      'Kustomization.Create by nobody known, complete',
      'Kustomization.Progressing by test, failed (HealthCheckFailed)',
    ]);
  });

  it('and what it applied link to each other', () => {
    const spans = spansOf(...story);
    const root = (name: string, nth = 0) =>
      spans
        .filter((span) => span.name === name && span.parentSpanId === null)
        .sort((a, b) => (BigInt(a.startTimeUnixNano) < BigInt(b.startTimeUnixNano) ? -1 : 1))[nth]!;
    const linksOf = (name: string, nth = 0) => root(name, nth).links.map(({ traceId }) => traceId);
    expect(linksOf('Kustomization.Create')).toEqual([root('Deployment.Create').traceId]);
    expect(linksOf('Deployment.Create')).toEqual([root('Kustomization.Create').traceId]);
    expect(linksOf('Kustomization.Progressing')).toEqual([root('Deployment.Apply').traceId]);
    expect(linksOf('Deployment.Apply')).toEqual([root('Kustomization.Progressing').traceId]);
    expect(root('Deployment.Apply').links[0]?.attributes).toEqual({ 'rootspan.link': 'sync' });
  });
});
