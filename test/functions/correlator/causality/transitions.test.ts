/** What a pod's status tells and no Event does. */
import { describe, expect, it } from 'vitest';
import { transitionSpanId } from '../../../../shared/ids.ts';
import type { ContainerStatus, Observation } from '../../../../shared/observation.ts';
import { atSecond, event, onContainer, outline, rollout, snapshot, spansOf } from './cluster-story.ts';

const { pod, observations } = rollout(0);
const time = (second: number) => `2026-03-01T12:00:${String(second).padStart(2, '0')}Z`;
const app = (status: Partial<ContainerStatus>): ContainerStatus => ({ name: 'app', ...status });
const isReady = (second: number) => ({ type: 'Ready', status: 'True', lastTransitionTime: time(second) });
const shown = (at: number, container: Partial<ContainerStatus>, ready?: number, details = {}) =>
  snapshot(at, pod, {
    creationTimestamp: time(0),
    status: { containers: [app(container)], conditions: ready === undefined ? [] : [isReady(ready)] },
    ...details,
  });
const onApp = onContainer(pod);

describe('Pod.Ready', () => {
  const ready = (...told: Observation[]) =>
    spansOf(...observations, ...told).filter(({ name }) => name === 'Pod.Ready');

  it('lasts from the last container’s start to when the pod became ready', () => {
    const [span, ...more] = ready(shown(15.4, { runningSince: time(3) }, 15));
    expect(more).toEqual([]);
    expect(span).toMatchObject({
      spanId: transitionSpanId(pod.uid, `Ready//${time(15)}`),
      startTimeUnixNano: String(atSecond(3)),
      endTimeUnixNano: String(atSecond(15.4)),
      status: { code: 'UNSET' },
    });
    expect(Object.keys(span!.attributes).filter((key) => key.startsWith('k8s.event.'))).toEqual([]);
  });

  it('starts with the Event Started, which knows the nanosecond', () => {
    const started = event(3.7, pod, 'Started', 'Container started', onApp);
    expect(ready(started, shown(15, { runningSince: time(3) }, 15))[0]?.startTimeUnixNano).toBe(
      String(atSecond(3.7)),
    );
  });

  it('is told once: readiness that is lost and regained without a start is none', () => {
    const running = { runningSince: time(3) };
    expect(ready(shown(5, running, 5), shown(20, running), shown(30, running, 30))).toHaveLength(1);
  });

  it('is told again after another start', () => {
    expect(
      ready(shown(5, { runningSince: time(3) }, 5), shown(30, { runningSince: time(22) }, 30)),
    ).toHaveLength(2);
  });
});

describe('Pod.Terminated', () => {
  const oom = { reason: 'OOMKilled', exitCode: 137, startedAt: time(3), finishedAt: time(9) };
  const ended = (...told: Observation[]) =>
    spansOf(...observations, ...told).find(({ name }) => name === 'Pod.Terminated')!;

  it('is an instant, an error with container, reason and exit code', () => {
    const span = ended(shown(9.5, { terminated: oom }));
    expect(span.spanId).toBe(transitionSpanId(pod.uid, `Terminated/app/${time(9)}`));
    expect(span).toMatchObject({
      startTimeUnixNano: span.endTimeUnixNano,
      status: { code: 'ERROR', message: 'container app: OOMKilled, exit code 137' },
      attributes: { 'k8s.container.name': 'app', 'process.exit.code': 137, 'error.type': 'OOMKilled' },
    });
  });

  it('is read from the last state as well, and told once', () => {
    const spans = spansOf(
      ...observations,
      shown(9.5, { terminated: oom }),
      shown(12, { runningSince: time(11), lastTerminated: oom }),
    );
    expect(spans.filter(({ name }) => name === 'Pod.Terminated')).toHaveLength(1);
  });

  it.each([
    ['with 0', [shown(9.5, { terminated: { ...oom, reason: 'Completed', exitCode: 0 } })]],
    [
      'after its Killing',
      [
        event(8.5, pod, 'Killing', 'Container app failed liveness probe, will be restarted', onApp),
        shown(9.5, { terminated: oom }),
      ],
    ],
    [
      'after the pod was to go',
      [
        shown(9.5, { terminated: oom }, undefined, {
          deletionTimestamp: time(38),
          deletionGracePeriodSeconds: 30,
        }),
      ],
    ],
  ])('that ended %s is none', (_, told) => {
    expect(ended(...told).status.code).toBe('UNSET');
  });

  it('hangs in its round, where the kubelet restarts the container', () => {
    const told = outline(
      spansOf(
        ...observations,
        event(8, pod, 'Killing', 'Container app failed liveness probe, will be restarted', onApp),
        shown(9.5, { terminated: oom }),
        event(10, pod, 'Started', 'Container started', onApp),
      ),
    );
    expect(told).toContain(
      'Pod.Killing web-1-a\n        Pod.Terminated web-1-a\n        Pod.Started web-1-a',
    );
  });
});

it('transitions alone open no trace', () => {
  const old = shown(7200, { runningSince: time(3) }, 5, {
    owner: { kind: 'ReplicaSet', name: 'web-1', uid: 'unseen' },
  });
  expect(spansOf({ ...old, from: 'list' })).toEqual([]);
});
