/**
 * Lives of pods as their snapshots tell them: a Deployment that is changed now and then, whose pods get ready, fail a probe, crash,
 * are taken away and replaced, with the kubelet's words to it or without them.
 */
import fc from 'fast-check';
import type { ContainerStatus, Observation } from '../../../../shared/observation.ts';
import { event, onContainer, rollout, snapshot, thing } from './cluster-story.ts';

const second = (seconds: number) =>
  `${new Date(Date.parse('2026-03-01T12:00:00Z') + Math.floor(seconds) * 1000).toISOString().slice(0, 19)}Z`;

const { deployment, replicaSet, observations } = rollout(0);
type Pod = ReturnType<typeof thing>;

interface Step {
  after: number;
  what: 'ready' | 'unhealthy' | 'crash' | 'back off' | 'taken away' | 'changed';
}

/** How far a story has come. */
interface Scene {
  at: number;
  pod: Pod;
  born: number;
  generation: number;
  pods: number;
}

const podNow = ({ pod, born }: Scene, at: number, isReady: boolean, more: object = {}): Observation =>
  snapshot(at, pod, {
    creationTimestamp: second(born),
    status: {
      phase: 'Running',
      conditions: [{ type: 'Ready', status: isReady ? 'True' : 'False', lastTransitionTime: second(at) }],
    },
    ...more,
  });

const changed = (at: number, generation: number, isDone: boolean): Observation =>
  snapshot(at, deployment, {
    generation,
    replicas: 1,
    creationTimestamp: second(0),
    managers: [{ manager: 'kubectl', operation: 'Apply', time: second(at) }],
    status: {
      observedGeneration: isDone ? generation : generation - 1,
      replicas: 1,
      updatedReplicas: 1,
      availableReplicas: isDone ? 1 : 0,
    },
  });

const steps: Record<Step['what'], (scene: Scene) => Observation[]> = {
  ready: (scene) => {
    const { at, pod, generation } = scene;
    const containers: ContainerStatus[] = [{ name: 'app', runningSince: second(at) }];
    const conditions = [{ type: 'Ready', status: 'True', lastTransitionTime: second(at + 1) }];
    return [
      event(at, pod, 'Started', 'Started container app', onContainer(pod)),
      podNow(scene, at + 1.2, true, { status: { phase: 'Running', conditions, containers } }),
      changed(at + 1.3, generation, true),
    ];
  },
  unhealthy: (scene) => [
    event(scene.at, scene.pod, 'Unhealthy', 'Readiness probe failed', {
      ...onContainer(scene.pod),
      type: 'Warning',
    }),
    podNow(scene, scene.at + 0.5, false),
  ],
  crash: (scene) => {
    const { at } = scene;
    const lastTerminated = { reason: 'Error', exitCode: 1, finishedAt: second(at) };
    const conditions = [{ type: 'Ready', status: 'False', lastTransitionTime: second(at) }];
    const containers: ContainerStatus[] = [{ name: 'app', restarts: 1, lastTerminated }];
    return [podNow(scene, at + 0.5, false, { status: { phase: 'Running', conditions, containers } })];
  },
  'back off': ({ at, pod }) => [
    event(at, pod, 'BackOff', 'Back-off restarting failed container app', {
      ...onContainer(pod),
      type: 'Warning',
    }),
  ],
  'taken away': (scene) => {
    const { at, pod: old, born } = scene;
    const deletion = { deletionTimestamp: second(at + 30), deletionGracePeriodSeconds: 30 };
    const gone = podNow(scene, at + 3, false, { ...deletion, deleted: true });
    scene.pods++;
    const pod = thing('Pod', `web-1-${'abcdefghijklmnop'[scene.pods]}`, replicaSet);
    Object.assign(scene, { pod, born: at + 0.2 });
    return [
      snapshot(at, old, { ...deletion, creationTimestamp: second(born) }),
      event(at + 0.1, old, 'Killing', 'Stopping container app', onContainer(old)),
      snapshot(at + 0.2, pod),
      event(at + 0.3, replicaSet, 'SuccessfulCreate', `Created pod: ${pod.name}`),
      event(at + 0.4, pod, 'Scheduled', `Successfully assigned shop/${pod.name} to n1`),
      gone,
    ];
  },
  changed: (scene) => {
    scene.generation++;
    return [changed(scene.at, scene.generation, false)];
  },
};

const step: fc.Arbitrary<Step> = fc.record({
  after: fc.oneof(fc.integer({ min: 5, max: 30 }), fc.integer({ min: 30, max: 1500 })),
  what: fc.constantFrom(...(Object.keys(steps) as Step['what'][])),
});

export const lives: fc.Arbitrary<Observation[]> = fc
  .array(step, { minLength: 1, maxLength: 12 })
  .map((told) => {
    const scene: Scene = { at: 1, pod: rollout(0).pod, born: 0, generation: 1, pods: 0 };
    const story = [...observations];
    for (const { after, what } of told) {
      scene.at += after;
      story.push(...steps[what](scene));
    }
    return story;
  });
