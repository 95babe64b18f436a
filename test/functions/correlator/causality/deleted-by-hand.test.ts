/** `kubectl delete pod`: no Event says who did it, and the change that made the pod is no reason for it. */
import { describe, expect, it } from 'vitest';
import { event, onContainer, rollout, snapshot, tell, thing } from './cluster-story.ts';

describe('a pod that somebody deletes', () => {
  const { deployment, replicaSet, pod, observations } = rollout(0);
  const next = thing('Pod', 'web-1-b', replicaSet);
  const ready = (at: number) =>
    snapshot(at, deployment, {
      replicas: 1,
      creationTimestamp: '2026-03-01T12:00:00Z',
      status: { observedGeneration: 1, replicas: 1, updatedReplicas: 1, availableReplicas: 1 },
    });
  const deletion = [
    snapshot(20, pod, {
      creationTimestamp: '2026-03-01T12:00:00Z',
      deletionTimestamp: '2026-03-01T12:00:50Z',
      deletionGracePeriodSeconds: 30,
    }),
    event(20, pod, 'Killing', 'Stopping container app'),
    event(20.2, pod, 'Unhealthy', 'Readiness probe failed'),
    snapshot(20.3, next),
    event(20.4, replicaSet, 'SuccessfulCreate', 'Created pod: web-1-b'),
  ];
  const alone = [
    'Pod.Killing web-1-a',
    '  Pod.Unhealthy web-1-a',
    '  ReplicaSet.SuccessfulCreate web-1',
  ].join('\n');

  it('is a trace of its own once the change had got where it was to be', () => {
    expect(tell(...observations, ready(5), ...deletion)).toMatch(new RegExp(`^${alone}$`, 'm'));
  });

  it('is told in that of the change while it is under way: it may be a part of it', () => {
    expect(tell(...observations, ...deletion)).not.toMatch(/^Pod/m);
  });

  it('is another deletion when it goes seconds after one before it', () => {
    const again = [
      snapshot(40, next, {
        creationTimestamp: '2026-03-01T12:00:20Z',
        deletionTimestamp: '2026-03-01T12:01:10Z',
        deletionGracePeriodSeconds: 30,
      }),
      event(40, next, 'Killing', 'Stopping container app'),
    ];
    expect(tell(...observations, ready(5), ...deletion, ...again)).toMatch(/^Pod\.Killing web-1-b$/m);
  });

  it('is not what somebody said of it long before', () => {
    const old = thing('Pod', 'old-1-a', thing('ReplicaSet', 'old-1'));
    expect(
      tell(
        { ...snapshot(-7200, old, { seen: 60, deletionTimestamp: '2026-03-01T12:00:30Z' }), from: 'list' },
        event(5, old, 'Reloaded', 'config reloaded', { reporter: { component: 'reloader' } }),
        event(30, old, 'Killing', 'Stopping container app'),
      ),
    ).toBe('Pod.Reloaded old-1-a\nPod.Killing old-1-a');
  });

  it('is because of what an operator said of its own object that names it', () => {
    const cluster = thing('PostgresCluster', 'pg');
    const replica = thing('Pod', 'pg-0', thing('StatefulSet', 'pg', cluster));
    expect(
      tell(
        { ...snapshot(-7200, thing('StatefulSet', 'pg', cluster), { seen: 60 }), from: 'list' },
        {
          ...snapshot(-7200, replica, { seen: 60, deletionTimestamp: '2026-03-01T12:00:03Z' }),
          from: 'list',
        },
        event(2, cluster, 'Switchover', 'Restarting pod pg-0 for new configuration'),
        event(3, replica, 'Killing', 'Stopping container app'),
      ),
    ).toBe('PostgresCluster.Switchover pg\n  Pod.Killing pg-0');
  });

  it('hangs under the change in effect with what an operator said of it, if that word made its successor, too', () => {
    const cluster = thing('PostgresCluster', 'pg');
    const pg = (uid: string) => ({ ...thing('Pod', 'pg-0', cluster), uid });
    expect(
      tell(
        snapshot(0, cluster, { generation: 1 }),
        {
          ...snapshot(-7200, pg('old'), { seen: -60, deletionTimestamp: '2026-03-01T12:00:03Z' }),
          from: 'list',
        },
        event(2, cluster, 'Upgrading', 'Recreating pod pg-0 for new configuration'),
        event(2.8, pg('old'), 'Killing', 'Stopping container app'),
        snapshot(12, pg('new')),
        event(12.1, pg('new'), 'Scheduled', 'Successfully assigned shop/pg-0 to n1'),
      ),
    ).toBe(
      [
        'PostgresCluster.Create pg',
        '  PostgresCluster.Upgrading pg',
        '    Pod.Killing pg-0',
        '    Pod.Scheduled pg-0',
      ].join('\n'),
    );
  });

  const becauseOfIt = /^( *)Pod\.Marked web-1-a\n\1 +Pod\.Killing/m;
  const spoken = (at: number, component: string, instance?: string) =>
    event(at, pod, 'Marked', 'said of the pod', {
      reporter: { component, ...(instance !== undefined && { instance }) },
    });
  const end = (at: number) => [
    snapshot(at, pod, {
      creationTimestamp: '2026-03-01T12:00:00Z',
      deletionTimestamp: `2026-03-01T12:00:${at + 30}Z`,
      deletionGracePeriodSeconds: 30,
    }),
    event(at, pod, 'Killing', 'Stopping container app'),
  ];
  const started = event(2, pod, 'Started', 'Started container app', onContainer(pod));

  it.each([
    { told: 'while it starts', story: [spoken(1, 'cni'), started, ...end(8)] },
    { told: 'nearer to its creation than to its end', story: [spoken(3.9, 'cni'), ...end(8)] },
    {
      told: 'by a scheduler, whatever it is called',
      story: [...end(20), spoken(21, 'yuni', 'yuni-scheduler-x')],
    },
    {
      told: 'by whoever bound it to its Node',
      story: [...end(20), spoken(21, 'binder')],
    },
  ])('is not because of what is said of it $told', ({ story }) => {
    const bound = event(0.06, pod, 'Scheduled', 'Successfully assigned shop/web-1-a to n1', {
      reporter: { component: 'binder' },
    });
    expect(tell(...observations, bound, ...story)).not.toMatch(becauseOfIt);
  });

  it.each([4.1, 12])('is because of what somebody says of it %d s after it was made, near its end', (at) => {
    const story = [...observations, spoken(at, 'evictor'), ...end(at === 12 ? 20 : 8)];
    expect(tell(...story)).toMatch(becauseOfIt);
  });

  it('is because of what a script says of it, which names no reporter; where nobody does, nobody knows', () => {
    const posted = event(19.5, pod, 'Marked', 'moved to another zone', { reporter: {} });
    expect(tell(...observations, posted, ...end(20))).toMatch(becauseOfIt);
    const stripped = [...observations, posted, ...end(20)].map((told) =>
      told.type === 'event' ? { ...told, event: { ...told.event, reporter: {} } } : told,
    );
    expect(tell(...stripped)).not.toMatch(becauseOfIt);
  });

  const experiment = thing('PodChaos', 'kill-one');
  const records = { reporter: { component: 'records' } };
  const named = (message: string, details = {}) =>
    tell(
      ...observations,
      event(19.8, experiment, 'Applied', message, { ...records, ...details }),
      ...end(20),
    );
  const becauseOfTheExperiment = /^PodChaos\.Applied kill-one\n {2}Pod\.Killing web-1-a$/m;

  it.each(['Successfully apply chaos for shop/web-1-a', 'Killed pod web-1-a.', 'Deleting pod "web-1-a"'])(
    'is because of what somebody who does not own it says on an object of its own: %s',
    (message) => {
      expect(named(message)).toMatch(becauseOfTheExperiment);
    },
  );

  it('is because of what names it in `related`', () => {
    const related = { kind: 'Pod', namespace: 'shop', name: pod.name, uid: pod.uid };
    expect(named('one is enough', { related })).toMatch(becauseOfTheExperiment);
  });

  it.each([
    { told: 'names a pod of another namespace', message: 'apply chaos for other/web-1-a', details: {} },
    { told: 'names what begins as it does', message: 'Killed pod web-1-ab', details: {} },
    { told: 'speaks of its name only', message: 'web-1-a is fine', details: {} },
    { told: 'warns', message: 'Killed pod web-1-a', details: { type: 'Warning' } },
  ])('is not because of what $told', ({ message, details }) => {
    expect(named(message, details)).not.toMatch(becauseOfTheExperiment);
  });

  it('is not because of it where its controller says that it deleted it', () => {
    const deleted = event(19.9, replicaSet, 'SuccessfulDelete', 'Deleted pod: web-1-a');
    const word = event(19.8, experiment, 'Applied', 'apply chaos for shop/web-1-a', records);
    expect(tell(...observations, word, deleted, ...end(20))).not.toMatch(becauseOfTheExperiment);
  });
});
