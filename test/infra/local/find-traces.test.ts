import { describe, expect, it } from 'vitest';
import { findTraces } from '../../../infra/local/find-traces.ts';
import { traceIdOf } from '../../../shared/ids.ts';
import type { Observation } from '../../../shared/observation.ts';
import { event, snapshot, thing } from '../../functions/correlator/causality/cluster-story.ts';

const inShop = (observations: Observation[], kind: string, name: string, isOneLook = false) =>
  findTraces([{ cluster: { uid: 'c' }, observations }], { kind, name, namespace: undefined }, { isOneLook });

/** As a list tells it: nobody saw when it was written. */
const listed = (...told: Parameters<typeof snapshot>): Observation => ({
  ...snapshot(...told),
  from: 'list',
});

const web = thing('Deployment', 'web');
const web1 = thing('ReplicaSet', 'web-1', web);
const pod = thing('Pod', 'web-1-a', web1);
const rollout = [
  snapshot(0, web),
  event(0.1, web, 'ScalingReplicaSet', 'Scaled up replica set web-1 to 1'),
  snapshot(0.1, web1),
  event(0.2, web1, 'SuccessfulCreate', 'Created pod: web-1-a'),
  snapshot(0.2, pod),
  event(1, pod, 'Started', 'Started container app'),
];

describe('from a workload to its traces', () => {
  it('of a Deployment, of its ReplicaSet and of its pod they are the same', () => {
    const id = traceIdOf(web.uid, '1');
    for (const [kind, name] of [
      ['deploy', 'web'],
      ['rs', 'web-1'],
      ['pod', 'web-1-a'],
    ] as const)
      expect(inShop(rollout, kind, name).traces.map(({ traceId }) => traceId)).toEqual([id]);
  });

  it('a generation of which nothing is told any more has its id all the same, up to ten of them', () => {
    const { traces } = inShop([listed(5000, web, { generation: 12 })], 'deploy', 'web', true);
    expect(traces.map(({ change }) => change)).toEqual(
      Array.from({ length: 10 }, (_, i) => `generation ${12 - i}`),
    );
    expect(traces[0]!.traceId).toBe(traceIdOf(web.uid, '12'));
    expect(traces[0]!.start).toBeUndefined();
  });

  it('of a kind whose changes are syncs no generation has an id', () => {
    const apps = thing('Kustomization', 'apps');
    const apiVersion = 'kustomize.toolkit.fluxcd.io/v1';
    const { traces, objects } = inShop(
      [listed(5000, apps, { apiVersion, generation: 3 })],
      'ks',
      'apps',
      true,
    );
    expect(objects).toHaveLength(1);
    expect(traces).toEqual([]);
  });

  it('where the change wrote a traceparent, its trace is the caller’s', () => {
    const caller = '4bf92f3577b34da6a3ce929d0e0e4736';
    const annotations = { traceparent: `00-${caller}-00f067aa0ba902b7-01` };
    const { traces } = inShop([listed(5000, web, { generation: 2, annotations })], 'deploy', 'web');
    expect(traces.map(({ traceId }) => traceId)).toEqual([caller, traceIdOf(web.uid, '1')]);
  });

  it('of a change that continues a caller’s trace all is told that is told of others', () => {
    const caller = '4bf92f3577b34da6a3ce929d0e0e4736';
    const annotations = { traceparent: `00-${caller}-00f067aa0ba902b7-01` };
    const [, ...rest] = rollout;
    const tellOf = (told: Observation[]) =>
      inShop(told, 'deploy', 'web').traces.map(({ traceId: _, ...all }) => all);
    const continued = [snapshot(0, web, { annotations }), ...rest];
    expect(inShop(continued, 'deploy', 'web').traces.map(({ traceId }) => traceId)).toEqual([caller]);
    expect(tellOf(continued)).toEqual(tellOf(rollout));
  });

  it('a run of a CronJob is among those of the CronJob, and alone among its own', () => {
    const nightly = thing('CronJob', 'nightly');
    const jobs = [1, 2].map((i) => thing('Job', `nightly-${i}`, nightly));
    const story = [
      listed(-9000, nightly),
      ...jobs.flatMap((job, i) => [
        snapshot(i * 100, job),
        event(i * 100 + 1, job, 'SuccessfulCreate', `Created pod: ${job.name}-x`),
      ]),
    ];
    const named = (kind: string, name: string) =>
      inShop(story, kind, name).traces.flatMap(({ start, name: of }) => (start === undefined ? [] : of));
    expect(named('cj', 'nightly')).toEqual(['nightly-2', 'nightly-1']);
    expect(named('job', 'nightly-1')).toEqual(['nightly-1']);
  });

  it('in one look, of an object that is gone nothing is told: its Events do not say of which generation they are', () => {
    const old = { ...web, uid: 'uid-of-an-older-web' };
    const events = [event(-3000, old, 'ScalingReplicaSet', 'Scaled up replica set web-0 to 1')];
    const { traces } = inShop([...events, listed(5000, web, { generation: 1 })], 'deploy', 'web', true);
    expect(traces.map(({ traceId }) => traceId)).toEqual([traceIdOf(web.uid, '1')]);
  });

  describe('in one look, of a Deployment whose pods crash', () => {
    const rolledOut = {
      type: 'Progressing',
      status: 'True',
      reason: 'NewReplicaSetAvailable',
      lastTransitionTime: '2026-03-01T12:00:00Z',
    };
    const wrote = (manager: string, second: number, more: object = {}) => ({
      manager,
      operation: 'Update',
      time: `2026-03-01T12:00:${String(second).padStart(2, '0')}Z`,
      ...more,
    });
    const look = (managers: ReturnType<typeof wrote>[], reason = rolledOut.reason) =>
      inShop(
        [
          listed(0, web, {
            seen: 300,
            managers,
            replicas: 1,
            status: {
              observedGeneration: 1,
              replicas: 1,
              updatedReplicas: 1,
              conditions: [{ ...rolledOut, reason }],
            },
          }),
          listed(1, web1, { seen: 300 }),
          listed(1, pod, { seen: 300 }),
          event(0.1, web, 'ScalingReplicaSet', 'Scaled up replica set web-1 to 1'),
          event(200, pod, 'BackOff', 'Back-off restarting failed container app', { type: 'Warning' }),
        ],
        'deploy',
        'web',
        true,
      ).traces[0];
    const applied = wrote('kubectl', 0);
    const controller = wrote('kube-controller-manager', 290, { writesStatus: true });

    it('the rollout is complete, where its ReplicaSet was made for what was written last', () => {
      expect(look([applied, controller])).toMatchObject({ outcome: 'complete', cause: undefined });
      expect(look([applied, controller])!.trouble).toBeDefined();
    });

    it('it is under way where it never was rolled out', () => {
      expect(look([applied, controller], 'ReplicaSetUpdated')).toMatchObject({ outcome: 'under way' });
    });

    it('it is under way where it was scaled since, by whomever', () => {
      const scaled = { subresource: 'scale' };
      for (const manager of [
        wrote('kubectl', 30, scaled),
        wrote('kube-controller-manager', 30, { ...scaled, writesStatus: true }),
        wrote('kubectl-edit', 30),
      ])
        expect(look([applied, manager, controller])).toMatchObject({ outcome: 'under way' });
    });
  });

  it('of another kind of that name it says which', () => {
    const { objects, namesakes } = inShop(rollout, 'sts', 'web');
    expect(objects).toEqual([]);
    expect(namesakes).toEqual([{ kind: 'Deployment', namespace: 'shop' }]);
  });
});
