/** Where the time of a change went: each story's moments, and the phases that they make. */
import { describe, expect, it } from 'vitest';
import type { Observation } from '../../../../shared/observation.ts';
import { event, onContainer, snapshot, spansOf, thing } from './cluster-story.ts';

/** Of each root, in order: duration, then the phases in seconds. */
const timesOf = (...observations: Observation[]) =>
  spansOf(...observations)
    .filter(({ attributes }) => 'rootspan.change.outcome' in attributes)
    .sort((a, b) => (BigInt(a.startTimeUnixNano) < BigInt(b.startTimeUnixNano) ? -1 : 1))
    .map(({ name, attributes }) => {
      const spent = Object.entries(attributes).filter(([key]) => key.startsWith('rootspan.change.time.'));
      const told = spent.map(([key, seconds]) => `${key.split('.').at(-1)} ${seconds}`).join(', ');
      return `${name} ${attributes['rootspan.change.duration']}: ${told}`;
    });

const web = thing('Deployment', 'web');
const set = thing('ReplicaSet', 'web-1', web);
const [a, b] = [thing('Pod', 'web-1-a', set), thing('Pod', 'web-1-b', set)];

const said = (available: number, of = available) => ({
  observedGeneration: 1,
  replicas: of,
  updatedReplicas: of,
  availableReplicas: available,
});
/** The Deployment as the API server shows it. */
const shown = (at: number, replicas: number, available: number) =>
  snapshot(at, web, {
    creationTimestamp: '2026-03-01T12:00:00Z',
    replicas,
    status: said(available, replicas),
  });
const applied = (replicas: number) => [
  snapshot(0, web, { replicas }),
  event(0.1, web, 'ScalingReplicaSet', `Scaled up replica set web-1 from 0 to ${replicas}`),
];
type Pod = typeof a;
const created = (at: number, pod: Pod) => [
  snapshot(at, pod),
  event(at, set, 'SuccessfulCreate', `Created pod: ${pod.name}`),
];
const scheduled = (at: number, pod: Pod) =>
  event(at, pod, 'Scheduled', `Successfully assigned shop/${pod.name} to n1`);
const pulling = (at: number, pod: Pod, container = 'app') =>
  event(at, pod, 'Pulling', 'Pulling image "app:v1"', onContainer(pod, container));
const pulled = (at: number, pod: Pod, container = 'app') =>
  event(at, pod, 'Pulled', 'Successfully pulled image "app:v1"', onContainer(pod, container));
const started = (at: number, pod: Pod, container = 'app') =>
  event(at, pod, 'Started', 'Container started', onContainer(pod, container));
const ready = (start: number, at: number, pod: Pod) => {
  const time = (second: number) => `2026-03-01T12:00:${String(second).padStart(2, '0')}Z`;
  return snapshot(at, pod, {
    creationTimestamp: time(0),
    status: {
      containers: [{ name: 'app', runningSince: time(start) }],
      conditions: [{ type: 'Ready', status: 'True', lastTransitionTime: time(at) }],
    },
  });
};

describe('a rollout', () => {
  it('goes through the phases of the pod that came last', () => {
    expect(
      timesOf(
        ...applied(2),
        ...created(0.5, a),
        scheduled(0.6, a),
        pulling(1, a),
        pulled(2, a),
        started(2.5, a),
        ...created(0.6, b),
        scheduled(1.6, b),
        pulling(2, b),
        pulled(8, b),
        started(9.5, b),
        shown(12, 2, 2),
      ),
    ).toEqual(['Deployment.Create 12: queue 0.6, schedule 1, pull 6, start 1.9, ready 2.5']);
  });

  it('counts init containers as starting, and each pull as a pull', () => {
    expect(
      timesOf(
        ...applied(1),
        ...created(0.5, a),
        scheduled(1, a),
        pulling(2, a, 'init'),
        pulled(3, a, 'init'),
        started(4, a, 'init'),
        pulling(9, a),
        pulled(10, a),
        started(11, a),
        shown(12, 1, 1),
      ),
    ).toEqual(['Deployment.Create 12: queue 0.5, schedule 0.5, pull 2, start 8, ready 1']);
  });

  it('is getting ready until its controller counts the pod: readiness, then minReadySeconds', () => {
    expect(
      timesOf(
        ...applied(1),
        ...created(0.5, a),
        scheduled(1, a),
        started(3, a),
        ready(3, 9, a),
        shown(19, 1, 1),
        shown(19.5, 1, 1),
      ),
    ).toEqual(['Deployment.Create 19: queue 0.5, schedule 0.5, start 2, ready 16']);
  });

  it('one pod at a time waits for each of them', () => {
    expect(
      timesOf(
        ...applied(2),
        ...created(0.5, a),
        scheduled(1, a),
        started(3, a),
        ready(3, 9, a),
        ...created(10, b),
        scheduled(11, b),
        started(12, b),
        ready(12, 17, b),
        shown(18, 2, 2),
      ),
    ).toEqual(['Deployment.Create 18: queue 1.5, schedule 1.5, start 3, ready 12']);
  });

  it('whose readiness nobody tells was waited for until the controller went on', () => {
    expect(
      timesOf(
        ...applied(2),
        ...created(0.5, a),
        scheduled(1, a),
        started(3, a),
        ...created(10, b),
        scheduled(11, b),
        started(12, b),
        shown(18, 2, 2),
      ),
    ).toEqual(['Deployment.Create 18: queue 0.5, schedule 1.5, start 3, ready 13']);
  });
});

describe('what does not get there', () => {
  const warning = { type: 'Warning' };

  it('an image that cannot be pulled', () => {
    expect(
      timesOf(
        ...applied(1),
        ...created(0.5, a),
        scheduled(1, a),
        pulling(2, a),
        event(4, a, 'Failed', 'Failed to pull image "app:v1": not found', { ...onContainer(a), ...warning }),
        event(60, a, 'BackOff', 'Back-off pulling image "app:v1"', onContainer(a)),
      ),
    ).toEqual(['Deployment.Create 60: queue 0.5, schedule 0.5, pull 58, start 1']);
  });

  it('a pod that no Node takes', () => {
    expect(
      timesOf(
        ...applied(1),
        ...created(0.5, a),
        event(1, a, 'FailedScheduling', '0/3 nodes are available', warning),
        event(60, a, 'FailedScheduling', '0/3 nodes are available', warning),
      ),
    ).toEqual(['Deployment.Create 60: queue 0.5, schedule 59.5']);
  });

  it('a container that crashes is started again and again', () => {
    const backOff = (at: number) =>
      event(at, a, 'BackOff', 'Back-off restarting failed container app in pod web-1-a', {
        ...onContainer(a),
        ...warning,
      });
    expect(
      timesOf(
        ...applied(1),
        ...created(0.5, a),
        scheduled(1, a),
        started(2, a),
        backOff(4),
        started(20, a),
        backOff(22),
        backOff(60),
      ),
    ).toEqual(['Deployment.Create 60: queue 0.5, schedule 0.5, start 57, ready 2']);
  });

  it('a pod that may not be created: its controller tries', () => {
    expect(
      timesOf(
        ...applied(1),
        event(1, set, 'FailedCreate', 'Error creating: exceeded quota', warning),
        event(60, set, 'FailedCreate', 'Error creating: exceeded quota', warning),
      ),
    ).toEqual(['Deployment.Create 60: queue 60']);
  });

  it('the pod that is furthest behind is what it did not get over', () => {
    expect(
      timesOf(
        ...applied(2),
        ...created(0.5, a),
        scheduled(1, a),
        started(2, a),
        ...created(0.5, b),
        event(1, b, 'FailedScheduling', '0/3 nodes are available', warning),
        event(60, b, 'FailedScheduling', '0/3 nodes are available', warning),
      ),
    ).toEqual(['Deployment.Create 60: queue 0.5, schedule 59.5']);
  });
});

describe('a pod that has to go first', () => {
  const db = thing('StatefulSet', 'db');
  const old = { ...thing('Pod', 'db-0', db), uid: 'old' };
  const next = { ...thing('Pod', 'db-0', db), uid: 'next' };
  const at = '2026-03-01T11:00:00Z';
  const before = [
    snapshot(-100, db, { creationTimestamp: at }),
    snapshot(-90, old, { creationTimestamp: at }),
  ];

  it('is waited for until it is gone', () => {
    const done = { observedGeneration: 2, replicas: 1, readyReplicas: 1, updatedReplicas: 1 };
    expect(
      timesOf(
        ...before,
        snapshot(0, db, { creationTimestamp: at, generation: 2 }),
        event(1, db, 'SuccessfulDelete', 'delete Pod db-0 in StatefulSet db successful'),
        event(1.1, old, 'Killing', 'Stopping container app', onContainer(old)),
        snapshot(31, old, { creationTimestamp: at, deleted: true }),
        snapshot(31.2, next),
        event(31.2, db, 'SuccessfulCreate', 'create Pod db-0 in StatefulSet db successful'),
        event(31.7, next, 'Scheduled', 'Successfully assigned shop/db-0 to n1'),
        started(33, next),
        snapshot(34, db, { creationTimestamp: at, generation: 2, status: done }),
      ).at(-1),
    ).toBe('StatefulSet.Update 34: queue 1.2, schedule 0.5, start 1.3, ready 1, stop 30');
  });

  it('is all that a deletion in the foreground waits for', () => {
    expect(
      timesOf(
        ...before,
        snapshot(0, db, { creationTimestamp: at, deletionTimestamp: '2026-03-01T12:00:00Z' }),
        event(0.5, old, 'Killing', 'Stopping container app', onContainer(old)),
        snapshot(20, old, { creationTimestamp: at, deleted: true }),
        snapshot(21, db, { creationTimestamp: at, deletionTimestamp: '2026-03-01T12:00:00Z', deleted: true }),
      ).at(-1),
    ).toBe('StatefulSet.Delete 21: queue 0.5, stop 19.5, other 1');
  });
});

describe('other changes', () => {
  it('a Job: what its containers do is none of the phases', () => {
    const job = thing('Job', 'work');
    const pod = thing('Pod', 'work-a', job);
    const complete = { conditions: [{ type: 'Complete', status: 'True' }] };
    expect(
      timesOf(
        snapshot(0, job, { completions: 1 }),
        snapshot(0.5, pod),
        event(0.5, job, 'SuccessfulCreate', 'Created pod: work-a'),
        event(1, pod, 'Scheduled', 'Successfully assigned shop/work-a to n1'),
        started(2, pod),
        event(40, job, 'Completed', 'Job completed'),
        snapshot(40, job, { creationTimestamp: '2026-03-01T12:00:00Z', completions: 1, status: complete }),
      ),
    ).toEqual(['Job.Create 40: queue 0.5, schedule 0.5, start 1, other 38']);
  });

  it('without pods: its controller’s first word, then work that nothing explains', () => {
    const certificate = thing('Certificate', 'tls');
    const is = (status: string) => ({ conditions: [{ type: 'Ready', status }] });
    const made = { creationTimestamp: '2026-03-01T12:00:00Z', generation: 1 };
    expect(
      timesOf(
        snapshot(0, certificate, made),
        event(1, certificate, 'Issuing', 'Issuing certificate as Secret does not exist'),
        snapshot(1.5, certificate, { ...made, status: is('False') }),
        snapshot(30, certificate, { ...made, status: is('True') }),
      ),
    ).toEqual(['Certificate.Create 30: queue 1, other 29']);
  });

  it('that its controller took note of and nothing followed, as far as anybody knows', () => {
    const made = { creationTimestamp: '2026-03-01T12:00:00Z', replicas: 2 };
    expect(
      timesOf(
        snapshot(0, web, made),
        snapshot(0.5, web, { ...made, status: said(0, 2) }),
        snapshot(60, web, { ...made, generation: 2, status: said(0, 2) }),
      )[0],
    ).toBe('Deployment.Create 60: queue 0.5, other 59.5');
  });

  it('of what is paused nobody waits for a controller', () => {
    expect(
      timesOf(
        snapshot(0, web, { replicas: 1, suspended: true }),
        snapshot(0.1, web, { replicas: 1, suspended: true, creationTimestamp: '2026-03-01T12:00:00Z' }),
        snapshot(60, web, { replicas: 1, generation: 2, creationTimestamp: '2026-03-01T12:00:00Z' }),
      )[0],
    ).toBe('Deployment.Create 60: other 60');
  });
});
