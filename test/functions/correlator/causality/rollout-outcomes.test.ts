/**
 * How a change of an Argo Rollout ended, as its controller's status says it (argoproj/argo-rollouts utils/rollout/rolloututil.go,
 * GetRolloutPhase), and what its Events say of steps in between.
 */
import { describe, expect, it } from 'vitest';
import type { ObjectSnapshot, Observation } from '../../../../shared/observation.ts';
import { event, snapshot, spansOf, thing } from './cluster-story.ts';

type Status = NonNullable<ObjectSnapshot['object']['status']>;
type Condition = NonNullable<Status['conditions']>[number];

const web = thing('Rollout', 'web');
const time = (seconds: number) => new Date(Date.parse('2026-03-01T12:00:00Z') + seconds * 1000).toISOString();

/** What a watch tells of it at that time. */
const seen = (at: number, generation: number, status: Status | undefined, digest = `${generation}`) =>
  snapshot(at, web, {
    apiVersion: 'argoproj.io/v1alpha1',
    creationTimestamp: time(0),
    generation,
    replicas: 2,
    specDigest: digest,
    ...(status !== undefined && { status }),
  });
const phase = (
  phase: string,
  observedGeneration: number | undefined,
  ...conditions: Condition[]
): Status => ({
  phase,
  ...(observedGeneration !== undefined && { observedGeneration }),
  conditions,
});
const aborted = (at: number): Condition => ({
  type: 'Progressing',
  status: 'False',
  reason: 'RolloutAborted',
  message: 'Rollout aborted update to revision 2',
  lastTransitionTime: time(at),
});

const outcomes = (...observations: Observation[]) =>
  spansOf(...observations)
    .filter(({ attributes }) => 'rootspan.change.outcome' in attributes)
    .sort((a, b) => (BigInt(a.startTimeUnixNano) < BigInt(b.startTimeUnixNano) ? -1 : 1))
    .map(({ name, attributes, status }) => {
      const { 'rootspan.change.outcome': outcome, 'rootspan.change.duration': duration } = attributes;
      return `${name} ${outcome} in ${duration} s${status.code === 'ERROR' ? ` (${attributes['error.type']})` : ''}`;
    });

const created = [seen(0, 1, undefined), seen(1, 1, phase('Progressing', 1)), seen(9, 1, phase('Healthy', 1))];

describe('a change of a Rollout', () => {
  it('that deploys it first is complete when its pods are there, not when its ReplicaSet is called stable', () => {
    const [first, begun, healthy] = created;
    const stable = event(
      2,
      web,
      'RolloutCompleted',
      'Rollout completed update to revision 1 (798f): Initial deploy',
    );
    expect(
      outcomes(first!, begun!, stable, seen(4, 1, { ...phase('Progressing', 1), replicas: 2 }), healthy!),
    ).toEqual(['Rollout.Create complete in 9 s']);
  });

  it('is not complete by what the status says of the generation before', () => {
    expect(
      outcomes(
        ...created,
        seen(60, 2, phase('Healthy', 1)),
        seen(61, 2, phase('Progressing', 2)),
        seen(90, 2, phase('Healthy', 2)),
      )[1],
    ).toBe('Rollout.Update complete in 30 s');
  });

  it('that is paused at a step is not over', () => {
    expect(
      outcomes(...created, seen(60, 2, phase('Progressing', 2)), seen(70, 2, phase('Paused', 2)))[1],
    ).toMatch(/^Rollout.Update unfinished/);
  });

  it('that is aborted failed, and what is only scaled after that did not', () => {
    const degraded = phase('Degraded', 2, aborted(80));
    const story = [...created, seen(60, 2, phase('Progressing', 2)), seen(80.5, 2, degraded)];
    const scaled = (at: number, status: Status): Observation => {
      const { object, ...rest } = seen(at, 3, status, '2');
      return { ...rest, object: { ...object, replicas: 4 } };
    };
    const [, update, scale] = outcomes(
      ...story,
      scaled(200, degraded),
      scaled(201, { ...degraded, observedGeneration: 3, replicas: 4 }),
    );
    expect(update).toBe('Rollout.Update failed in 20.5 s (RolloutAborted)');
    expect(scale).toMatch(/^Rollout.Scale unfinished/);
  });

  it('that is aborted again failed again', () => {
    expect(
      outcomes(
        ...created,
        seen(60, 2, phase('Progressing', 2)),
        seen(80, 2, phase('Degraded', 2, aborted(80))),
        seen(200, 3, phase('Degraded', 2, aborted(80))),
        seen(201, 3, phase('Progressing', 3)),
        seen(220, 3, phase('Degraded', 3, aborted(220))),
      ).slice(1),
    ).toEqual([
      'Rollout.Update failed in 20 s (RolloutAborted)',
      'Rollout.Update failed in 20 s (RolloutAborted)',
    ]);
  });

  it('that was aborted and retried before anybody looked failed', () => {
    expect(
      outcomes(
        seen(0, 1, undefined),
        event(20, web, 'RolloutAborted', 'Rollout aborted update to revision 1', { type: 'Warning' }),
        seen(300, 1, phase('Healthy', 1)),
      ),
    ).toEqual(['Rollout.Create failed in 20 s (RolloutAborted)']);
  });

  it('whose spec is invalid failed by that name', () => {
    const invalid: Condition = {
      type: 'InvalidSpec',
      status: 'True',
      reason: 'InvalidSpec',
      message: 'no selector',
    };
    expect(
      outcomes(
        seen(0, 1, undefined),
        seen(1, 1, phase('Progressing', 1)),
        seen(2, 1, phase('Degraded', 1, invalid)),
      ),
    ).toEqual(['Rollout.Create failed in 2 s (InvalidSpec)']);
  });

  it('is complete where an old controller observes hashes instead of generations', () => {
    expect(
      outcomes(
        seen(0, 1, undefined),
        seen(1, 1, phase('Progressing', undefined)),
        seen(9, 1, phase('Healthy', undefined)),
      ),
    ).toEqual(['Rollout.Create complete in 9 s']);
  });
});

it('a Deployment that is only scaled after its deadline did not fail by that', () => {
  const deployment = thing('Deployment', 'web');
  const stuck: Condition = {
    type: 'Progressing',
    status: 'False',
    reason: 'ProgressDeadlineExceeded',
    message: 'ReplicaSet "web-2" has timed out progressing.',
    lastTransitionTime: time(80),
  };
  const of = (at: number, generation: number, replicas: number, digest: string, status: Status) =>
    snapshot(at, deployment, {
      creationTimestamp: time(0),
      generation,
      replicas,
      specDigest: digest,
      status,
    });
  expect(
    outcomes(
      of(0, 1, 1, 'a', { observedGeneration: 1, replicas: 1, updatedReplicas: 1, availableReplicas: 1 }),
      of(60, 2, 1, 'b', { observedGeneration: 2, replicas: 2, updatedReplicas: 1, availableReplicas: 1 }),
      of(80.5, 2, 1, 'b', {
        observedGeneration: 2,
        replicas: 2,
        updatedReplicas: 1,
        availableReplicas: 1,
        conditions: [stuck],
      }),
      of(200, 3, 3, 'b', {
        observedGeneration: 3,
        replicas: 4,
        updatedReplicas: 3,
        availableReplicas: 1,
        conditions: [stuck],
      }),
    ).slice(1),
  ).toEqual([
    'Deployment.Update failed in 20.5 s (ProgressDeadlineExceeded)',
    expect.stringMatching(/^Deployment.Scale unfinished/),
  ]);
});
