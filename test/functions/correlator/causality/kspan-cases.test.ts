/**
 * The cases that kspan (2021) was tested with, told anew: objects are known only as they were at the end, and the pod
 * that went is gone. Its fourth is a recording (test/recordings/kspan-deployment-2-pods.yaml).
 */
import { describe, expect, it } from 'vitest';
import { event, snapshot, tell, thing } from './cluster-story.ts';

const deployment = thing('Deployment', 'web');
const [older, newer] = [thing('ReplicaSet', 'web-1', deployment), thing('ReplicaSet', 'web-2', deployment)];
const [gone, made] = [thing('Pod', 'web-1-a', older), thing('Pod', 'web-2-b', newer)];
const marked = { annotations: { topLevelSpan: 'true' } };

/** A pod of web-2 takes the place of one of web-1; as kspan saw it, after the fact. */
const rollingUpdate = [
  snapshot(-900, older, { replicas: 0, seen: 60 }),
  snapshot(0.5, newer, { replicas: 1, seen: 60 }),
  snapshot(0.5, made, { seen: 60 }),
  event(0.6, deployment, 'ScalingReplicaSet', 'Scaled up replica set web-2 to 1'),
  event(0.7, newer, 'SuccessfulCreate', 'Created pod: web-2-b'),
  event(0.8, made, 'Scheduled', 'Successfully assigned shop/web-2-b to n1'),
  event(1.5, made, 'Started', 'Started container app'),
  event(2.0, deployment, 'ScalingReplicaSet', 'Scaled down replica set web-1 to 0'),
  event(2.2, older, 'SuccessfulDelete', 'Deleted pod: web-1-a'),
  event(2.1, gone, 'Killing', 'Stopping container app'),
];
const itsTree = [
  '  Deployment.ScalingReplicaSet web',
  '    ReplicaSet.SuccessfulCreate web-2',
  '      Pod.Scheduled web-2-b',
  '      Pod.Started web-2-b',
  '  Deployment.ScalingReplicaSet web',
  '    ReplicaSet.SuccessfulDelete web-1',
  '      Pod.Killing web-1-a',
];

describe('a rolling update', () => {
  it('hangs under who wrote the generation, by its managedFields', () => {
    const managers = [
      { manager: 'kubectl', operation: 'Update', time: '2026-03-01T12:00:00Z', ownsSpec: true },
    ];
    expect(
      tell(snapshot(-900, deployment, { generation: 7, replicas: 1, managers, seen: 60 }), ...rollingUpdate),
    ).toBe(['Deployment.Update web', ...itsTree].join('\n'));
  });

  it('hangs under the Sync of who made it, though that was written after its first effects', () => {
    expect(
      tell(
        snapshot(-900, deployment, { generation: 7, replicas: 1, seen: 60 }),
        ...rollingUpdate,
        event(1, deployment, 'Sync', 'Commit e332e7b: Update web', marked),
      ),
    ).toBe(['Deployment.Sync web', ...itsTree].join('\n'));
  });
});

it('a StatefulSet’s pods go under their deletion and come under their creation, minutes after the Sync', () => {
  const set = thing('StatefulSet', 'db');
  const now = (name: string, at: number) => snapshot(at, { ...thing('Pod', name, set) }, { seen: 400 });
  // Its first occurrence is weeks old, and none of this story.
  const longAgo = { firstTimestamp: '2026-02-01T12:00:00Z' };
  const before = (name: string) => ({ ...thing('Pod', name, set), uid: `uid-of-the-old-${name}` });
  expect(
    tell(
      snapshot(-9000, set, { generation: 12, replicas: 4, seen: 400 }),
      now('db-3', 33.2),
      now('db-2', 256.2),
      event(0, set, 'SuccessfulDelete', 'delete Pod db-3 in StatefulSet db successful', {
        count: 7,
        ...longAgo,
      }),
      event(0.7, before('db-3'), 'Killing', 'Stopping container db'),
      event(1.2, set, 'Sync', 'Commit fc4e825: Update db', marked),
      event(33, set, 'SuccessfulCreate', 'create Pod db-3 in StatefulSet db successful', {
        count: 15,
        ...longAgo,
      }),
      event(33.7, thing('Pod', 'db-3'), 'Scheduled', 'Successfully assigned shop/db-3 to n1'),
      event(221, set, 'SuccessfulDelete', 'delete Pod db-2 in StatefulSet db successful', {
        count: 7,
        ...longAgo,
      }),
      event(221.5, before('db-2'), 'Killing', 'Stopping container db'),
      event(256, set, 'SuccessfulCreate', 'create Pod db-2 in StatefulSet db successful', {
        count: 8,
        ...longAgo,
      }),
      event(256.4, thing('Pod', 'db-2'), 'Scheduled', 'Successfully assigned shop/db-2 to n2'),
    ),
  ).toBe(
    [
      'StatefulSet.Sync db',
      '  StatefulSet.SuccessfulDelete db',
      '    Pod.Killing db-3',
      '  StatefulSet.SuccessfulCreate db',
      '    Pod.Scheduled db-3',
      '  StatefulSet.SuccessfulDelete db',
      '    Pod.Killing db-2',
      '  StatefulSet.SuccessfulCreate db',
      '    Pod.Scheduled db-2',
    ].join('\n'),
  );
});
