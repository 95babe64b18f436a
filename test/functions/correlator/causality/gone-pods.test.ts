/** A dump shows what is there when it is made: of a pod that was evicted, deleted or drained only its Events are left. */
import { describe, expect, it } from 'vitest';
import type { Observation } from '../../../../shared/observation.ts';
import { event, snapshot, tell, thing } from './cluster-story.ts';

/** It was there when somebody looked. */
const found = (subject: ReturnType<typeof thing>): Observation => ({
  ...snapshot(-3600, subject),
  from: 'list',
});

describe('a pod that is gone', () => {
  const replicaSet = thing('ReplicaSet', 'web-6d4');
  const gone = thing('Pod', 'web-6d4-x2x5z');
  const next = thing('Pod', 'web-6d4-k9k9k', replicaSet);

  it('was its ReplicaSet’s, as its name says: who evicted it is the cause of its replacement', () => {
    expect(
      tell(
        found(replicaSet),
        event(2, gone, 'Recycled', 'Recycled after 24 h', { reporter: { component: 'recycler' } }),
        event(3, gone, 'Killing', 'Stopping container app'),
        snapshot(3.5, next),
        event(4, replicaSet, 'SuccessfulCreate', 'Created pod: web-6d4-k9k9k'),
      ),
    ).toBe(
      [
        'Pod.Recycled web-6d4-x2x5z',
        '  Pod.Killing web-6d4-x2x5z',
        '    ReplicaSet.SuccessfulCreate web-6d4',
      ].join('\n'),
    );
  });

  it('was of the StatefulSet that makes it anew under its name', () => {
    const statefulSet = thing('StatefulSet', 'db');
    const old = { ...thing('Pod', 'db-0'), uid: 'uid-of-the-old-one' };
    const anew = thing('Pod', 'db-0', statefulSet);
    expect(
      tell(
        found(statefulSet),
        event(3, old, 'Killing', 'Stopping container app'),
        snapshot(5, anew),
        event(5, statefulSet, 'SuccessfulCreate', 'create Pod db-0 in StatefulSet db successful'),
        event(6, anew, 'Scheduled', 'Successfully assigned shop/db-0 to n1'),
      ),
    ).toBe(['Pod.Killing db-0', '  StatefulSet.SuccessfulCreate db', '    Pod.Scheduled db-0'].join('\n'));
  });

  it('that its controller removed is no reason for the next one', () => {
    expect(
      tell(
        found(replicaSet),
        event(3, replicaSet, 'SuccessfulDelete', 'Deleted pod: web-6d4-x2x5z'),
        event(3.1, gone, 'Killing', 'Stopping container app'),
        snapshot(30, next),
        event(30, replicaSet, 'SuccessfulCreate', 'Created pod: web-6d4-k9k9k'),
      ),
    ).toBe(
      [
        'ReplicaSet.SuccessfulDelete web-6d4',
        '  Pod.Killing web-6d4-x2x5z',
        '  ReplicaSet.SuccessfulCreate web-6d4',
      ].join('\n'),
    );
  });

  it('was not that of a controller which was made later', () => {
    expect(
      tell(
        event(3, gone, 'Killing', 'Stopping container app'),
        snapshot(5, replicaSet),
        event(6, replicaSet, 'SuccessfulCreate', 'Created pod: web-6d4-k9k9k'),
      ),
    ).toMatch(/^Pod\.Killing web-6d4-x2x5z\nReplicaSet\.Create/);
  });

  it('went with its Node, where that was emptied just then and nobody says anything else', () => {
    const node = thing('Node', 'n1');
    const kubelet = { reporter: { component: 'kubelet', instance: 'n1' } };
    expect(
      tell(
        found(replicaSet),
        event(3, gone, 'Killing', 'Stopping container app', kubelet),
        event(4, replicaSet, 'SuccessfulCreate', 'Created pod: web-6d4-k9k9k'),
        snapshot(3.5, next),
        event(6, node, 'NodeNotSchedulable', 'Node n1 status is now: NodeNotSchedulable'),
      ),
    ).toBe(
      [
        'Node.NodeNotSchedulable n1',
        '  Pod.Killing web-6d4-x2x5z',
        '    ReplicaSet.SuccessfulCreate web-6d4',
      ].join('\n'),
    );
  });
});

it('two that leave within a second are replaced in the order of their versions, whenever who watches sees them', () => {
  const replicaSet = thing('ReplicaSet', 'web-6d4');
  const node = thing('Node', 'n1');
  const [first, second] = [thing('Pod', 'web-6d4-z', replicaSet), thing('Pod', 'web-6d4-a', replicaSet)];
  const here = (pod: typeof first): Observation => ({
    ...snapshot(0, pod, { nodeName: 'n1' }),
    from: 'list',
  });
  const evicted = (at: number, pod: typeof first, seen: number, killed: number) => [
    snapshot(at, pod, {
      seen,
      nodeName: 'n1',
      creationTimestamp: '2026-03-01T12:00:00Z',
      status: {
        conditions: [
          {
            type: 'DisruptionTarget',
            status: 'True',
            reason: 'EvictionByEvictionAPI',
            lastTransitionTime: '2026-03-01T13:00:00Z',
          },
        ],
      },
    }),
    event(killed, pod, 'Killing', 'Stopping container app'),
  ];
  const toldIf = (seenFirst: number, seenSecond: number) =>
    tell(
      here(first),
      here(second),
      event(3599, node, 'NodeNotSchedulable', 'Node n1 status is now: NodeNotSchedulable'),
      ...evicted(3600.1, first, seenFirst, 3600.45),
      ...evicted(3600.2, second, seenSecond, 3600.4),
      ...[thing('Pod', 'web-6d4-k', replicaSet), thing('Pod', 'web-6d4-m', replicaSet)].flatMap((pod, i) => [
        snapshot(3600.5 + i / 10, pod),
        event(3600.5 + i / 10, replicaSet, 'SuccessfulCreate', `Created pod: ${pod.name}`),
        event(3600.6 + i / 10, pod, 'Scheduled', `Successfully assigned shop/${pod.name} to n2`),
      ]),
    );
  // The kubelet kills the second one first; some see that before they see what was asked for.
  const [early, late] = [toldIf(3600.15, 3600.25), toldIf(3600.42, 3600.42)];
  expect(late).toBe(early);
  expect(early).toBe(
    [
      'Node.NodeNotSchedulable n1',
      '  Pod.Killing web-6d4-a',
      '    ReplicaSet.SuccessfulCreate web-6d4',
      '      Pod.Scheduled web-6d4-m',
      '  Pod.Killing web-6d4-z',
      '    ReplicaSet.SuccessfulCreate web-6d4',
      '      Pod.Scheduled web-6d4-k',
    ].join('\n'),
  );
});
