/** When traces are over. Seconds since noon, and seconds of quiet. */
import { describe, expect, it } from 'vitest';
import { assemble } from '../../../../functions/correlator/causality/assemble.ts';
import type { Observation } from '../../../../shared/observation.ts';
import { atSecond, event, onContainer, rollout, snapshot, thing } from './cluster-story.ts';

const second = (seconds: number) =>
  new Date(Date.parse('2026-03-01T12:00:00Z') + seconds * 1000).toISOString();
/** Its creation is in no trace any more. */
const longAgo = -7200;
const minutes = (count: number) => 60 * count;

/** By the name of its root: when each trace closes, asked at its last word; to the second. */
function closings(...observations: Observation[]): Record<string, number> {
  const last = Math.max(...observations.map(({ observedAt }) => Date.parse(observedAt)));
  const now = BigInt(last) * 1_000_000n;
  const roots = assemble({ cluster: {}, observations, now }).filter(({ span }) => span.parentSpanId === null);
  return Object.fromEntries(
    roots.map(({ span, finalAt }) => [span.name, Math.floor(Number(finalAt - atSecond(0)) / 1e9)]),
  );
}

const { deployment, replicaSet, pod, observations: created } = rollout(0);

const deploymentAt = (at: number, generation: number, observed = generation - 1): Observation =>
  snapshot(at, deployment, {
    generation,
    replicas: 1,
    creationTimestamp: second(0),
    managers: [{ manager: 'kubectl', operation: 'Apply', time: second(at) }],
    status: { observedGeneration: observed, replicas: 1, updatedReplicas: 1, availableReplicas: observed },
  });

const podAt = (
  at: number,
  status: 'True' | 'False',
  of: ReturnType<typeof thing> = pod,
  { since = at, born = longAgo }: { since?: number; born?: number } = {},
): Observation =>
  snapshot(at, of, {
    creationTimestamp: second(born),
    status: {
      phase: 'Running',
      conditions: [{ type: 'Ready', status, lastTransitionTime: second(since) }],
    },
  });

const deletion = (at: number) => ({ deletionTimestamp: second(at + 30), deletionGracePeriodSeconds: 30 });
const goneAt = (at: number, of = pod): Observation =>
  snapshot(at, of, { creationTimestamp: second(longAgo), ...deletion(at - 30), deleted: true });

const probeFails = (at: number) =>
  event(at, pod, 'Unhealthy', 'Readiness probe failed', { ...onContainer(pod), type: 'Warning' });

describe('a change', () => {
  it('with a verdict is over at its last word', () => {
    const done = snapshot(9, deployment, {
      replicas: 1,
      status: { observedGeneration: 1, replicas: 1, updatedReplicas: 1, availableReplicas: 1 },
    });
    expect(closings(...created, deploymentAt(8, 1, 0), done)).toEqual({ 'Deployment.Create': 9 });
  });

  it('that nothing is heard of any more is over after a quarter of an hour', () => {
    expect(closings(...created, deploymentAt(8, 1, 0))).toEqual({ 'Deployment.Create': minutes(15) });
  });

  it('that was superseded is over when its pods are ready', () => {
    const [early, late] = [podAt(40, 'False', pod, { born: 0 }), podAt(50, 'True', pod, { born: 0 })];
    const story = [...created, deploymentAt(30, 2), early];
    expect(closings(...story)).toMatchObject({ 'Deployment.Create': 30 + minutes(15) });
    expect(closings(...story, late)).toMatchObject({ 'Deployment.Create': 50 });
  });

  it('that was superseded does not wait for pods that are being deleted', () => {
    const going = snapshot(40, pod, { creationTimestamp: second(0), ...deletion(40) });
    expect(closings(...created, deploymentAt(30, 2), going)).toMatchObject({ 'Deployment.Create': 40 });
  });

  it('that was superseded waits for pods of which nobody tells how they are', () => {
    expect(closings(...created, deploymentAt(30, 2))).toMatchObject({
      'Deployment.Create': 30 + minutes(15),
    });
  });

  it('that was superseded before it made a pod is over at once', () => {
    const scaled = snapshot(30, deployment, { generation: 3, replicas: 2, creationTimestamp: second(0) });
    const told = closings(snapshot(0, deployment, { replicas: 1 }), deploymentAt(20, 2), {
      ...scaled,
      observedAt: second(30),
    });
    expect(told).toMatchObject({ 'Deployment.Create': 20 });
  });

  it('of a kind that says nothing of how it went waits: nobody knows what it will do', () => {
    const widget = thing('Widget', 'w');
    expect(closings(snapshot(0, widget, { generation: 1 }))).toEqual({ 'Widget.Create': minutes(15) });
  });
});

const readyFor2Hours = podAt(0, 'True', pod, { since: longAgo });

describe('an episode', () => {
  it('that disturbed nothing is over after two quiet minutes', () => {
    const hpa = thing('HorizontalPodAutoscaler', 'web');
    expect(closings(event(10, hpa, 'FailedGetResourceMetric', 'no metrics', { type: 'Warning' }))).toEqual({
      'HorizontalPodAutoscaler.FailedGetResourceMetric': 10 + minutes(2),
    });
  });

  it('of what takes its time waits for the next word', () => {
    const service = thing('Service', 'web');
    const ensuring = event(10, service, 'EnsuringLoadBalancer', 'Ensuring load balancer');
    const ensured = event(200, service, 'EnsuredLoadBalancer', 'Ensured load balancer');
    const name = 'Service.EnsuringLoadBalancer';
    expect(closings(ensuring)).toEqual({ [name]: 10 + minutes(15) });
    expect(closings(ensuring, ensured)).toEqual({ [name]: 200 + minutes(2) });
    expect(closings(ensuring, goneAt(100, service))).toMatchObject({ [name]: 10 + minutes(2) });
  });

  it('of a probe that failed without consequence is one that disturbed nothing', () => {
    expect(closings(readyFor2Hours, probeFails(10))).toEqual({ 'Pod.Unhealthy': 10 + minutes(2) });
  });

  it('waits for the pod to be ready again, and a minute more', () => {
    expect(closings(readyFor2Hours, probeFails(10), podAt(12, 'False'))).toEqual({
      'Pod.Unhealthy': 10 + minutes(15),
    });
    expect(closings(readyFor2Hours, probeFails(10), podAt(12, 'False'), podAt(200, 'True'))).toEqual({
      'Pod.Unhealthy': 200 + minutes(1),
    });
  });

  it('of a pod that crashes again and again is not over between two rounds', () => {
    const backOff = event(10, pod, 'BackOff', 'Back-off restarting failed container', {
      ...onContainer(pod),
      type: 'Warning',
    });
    expect(closings(readyFor2Hours, podAt(9, 'False'), backOff)).toEqual({ 'Pod.BackOff': 10 + minutes(15) });
  });

  it('of a pod that is taken away waits until it is gone, and its replacement ready', () => {
    const killing = event(10, pod, 'Killing', 'Stopping container app', onContainer(pod));
    const going = snapshot(10, pod, { creationTimestamp: second(longAgo), ...deletion(10) });
    const next = thing('Pod', 'web-1-b', replicaSet);
    const story = [
      readyFor2Hours,
      going,
      killing,
      snapshot(11, next),
      event(11.1, replicaSet, 'SuccessfulCreate', 'Created pod: web-1-b'),
      event(11.2, next, 'Scheduled', 'Successfully assigned shop/web-1-b to n1'),
    ];
    const waiting = Math.floor(11.2) + minutes(15);
    expect(closings(...story)).toMatchObject({ 'Pod.Killing': waiting });
    expect(closings(...story, goneAt(40))).toMatchObject({ 'Pod.Killing': waiting });
    expect(closings(...story, goneAt(40), podAt(50, 'True', next, { born: 11 }))).toMatchObject({
      'Pod.Killing': 50 + minutes(1),
    });
  });

  it('of a pod that nobody watches waits where it is in trouble, else for two quiet minutes', () => {
    const started = event(10, pod, 'Started', 'Started container app', onContainer(pod));
    expect(closings(started)).toEqual({ 'Pod.Started': 10 + minutes(2) });
    expect(closings(probeFails(10))).toEqual({ 'Pod.Unhealthy': 10 + minutes(15) });
  });

  it('of a pod that finds no Node waits until it is ready', () => {
    const pending = event(10, pod, 'FailedScheduling', '0/3 nodes are available', { type: 'Warning' });
    expect(closings(podAt(9, 'False'), pending)).toEqual({ 'Pod.FailedScheduling': 10 + minutes(15) });
    expect(closings(podAt(9, 'False'), pending, podAt(300, 'True'))).toEqual({
      'Pod.FailedScheduling': 300 + minutes(1),
    });
  });
});

describe('an episode of a Node', () => {
  const node = thing('Node', 'n1');
  const said = (at: number, reason: string) => event(at, node, reason, `Node n1 status is now: ${reason}`);

  it('that is lost waits until it is ready again, or gone', () => {
    const lost = said(10, 'NodeNotReady');
    expect(closings(lost)).toEqual({ 'Node.NodeNotReady': 10 + minutes(15) });
    expect(closings(lost, said(100, 'NodeReady'))).toMatchObject({ 'Node.NodeNotReady': 100 + minutes(1) });
    expect(closings(lost, podAt(100, 'True', node))).toEqual({ 'Node.NodeNotReady': 100 + minutes(1) });
    expect(closings(lost, goneAt(100, node))).toMatchObject({ 'Node.NodeNotReady': 100 + minutes(1) });
  });

  it('whose kubelet starts anew, and that was ready all along, is over after two quiet minutes', () => {
    const story = [
      podAt(0, 'True', node, { since: longAgo }),
      event(10, node, 'Starting', 'Starting kubelet.'),
    ];
    expect(closings(...story)).toEqual({ 'Node.Starting': 10 + minutes(2) });
  });

  it('that is cordoned, and of which no pod goes, is over after two quiet minutes', () => {
    expect(closings(said(10, 'NodeNotSchedulable'))).toEqual({ 'Node.NodeNotSchedulable': 10 + minutes(2) });
  });
});

it('a clock that is past every bound closes all', () => {
  const all = assemble({ cluster: {}, observations: [...created, probeFails(10)], now: 10n ** 19n });
  expect(all.every(({ final }) => final)).toBe(true);
});
