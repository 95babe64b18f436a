/** Small stories for whatever may go wrong with the pipeline: each has one thing in it that deliveries at the wrong time could break. */
import { hash } from 'node:crypto';
import type { Cluster, Observation } from '../../../shared/observation.ts';
import { event, rollout, snapshot, thing } from './causality/cluster-story.ts';

export const cluster: Cluster = { uid: 'c1', name: 'test' };

/** Owners are known when their Events come, or 2 s later; one pod belongs to nobody. */
function twoRolloutsAndAPod(): Observation[] {
  const [web, api] = [rollout(0), rollout(3, 'api')];
  const bare = thing('Pod', 'solo-1');
  return [
    ...web.observations,
    ...api.observations,
    event(1, web.pod, 'Pulling', 'Pulling image "web"'),
    event(4, web.pod, 'Pulled', 'Successfully pulled image "web"'),
    event(5, web.pod, 'Created', 'Created container web'),
    event(6, web.pod, 'Started', 'Started container web'),
    event(2, api.replicaSet, 'FailedCreate', 'quota'),
    event(9, api.pod, 'Unhealthy', 'probe'),
    event(40, api.pod, 'Killing', 'Stopping container api'),
    // Orphans at first.
    snapshot(2, thing('ReplicaSet', 'api-1'), { replicas: 1, resourceVersion: '3' }),
    snapshot(2, thing('Pod', 'web-1-a'), { resourceVersion: '4' }),
    snapshot(0, bare),
    event(1, bare, 'Pulled', 'Successfully pulled image "solo"'),
  ];
}

/** Its chunks are compacted; hours later it goes on, and only then are its owners known, one above the other: it merges three times. */
function loopWhoseOwnersTurnUp(): Observation[] {
  const app = thing('App', 'shop');
  const deployment = thing('Deployment', 'web', app);
  const replicaSet = thing('ReplicaSet', 'web-1', deployment);
  const pod = thing('Pod', 'web-1-a', replicaSet);
  const round = (minute: number, seen = minute): Observation[] => {
    const message = hash('sha512', `what its log ends with in minute ${minute}`);
    const status = { conditions: [{ type: 'Ready', status: 'False', message }] };
    const repeated = { uid: 'back-off', count: minute + 1, firstTimestamp: '2026-03-01T12:00:01Z' };
    const told = { ...repeated, type: 'Warning', seen: 60 * seen + 1 };
    return [
      snapshot(60 * minute, pod, { creationTimestamp: '2026-03-01T12:00:00Z', status, seen: 60 * seen }),
      event(60 * minute + 1, pod, 'BackOff', 'Back-off restarting failed container', told),
    ];
  };
  return [
    ...Array.from({ length: 52 }, (_, minute) => round(minute)).flat(),
    ...[270, 271, 275].flatMap((minute) => round(minute)),
    ...round(7, 272),
    event(60 * 271, replicaSet, 'FailedCreate', 'quota'),
    snapshot(60 * 272, replicaSet),
    snapshot(60 * 273, deployment),
    snapshot(60 * 274, app),
  ];
}

/** Half an hour of a crash loop, and a day and a quarter of an hour later the next word of the same pod. */
function loopAndTheNextDay(): Observation[] {
  const { observations, pod } = rollout(0);
  const loop = Array.from({ length: 143 }, (_, turn) => {
    const [second, count] = [15 * (turn + 1), turn + 1];
    const noise = `${Math.sin(second)}${'x'.repeat(300)}`;
    return [
      event(second, pod, 'Started', 'Started container', { uid: 'started', count }),
      event(second + 1, pod, 'BackOff', `Back-off ${noise}`, { uid: 'back-off', count, type: 'Warning' }),
    ];
  });
  const nextDay = 86_400 + 900;
  const again = observations.filter(({ type }) => type === 'object');
  return [
    ...observations,
    ...loop.flat(),
    ...again.map((each) => ({ ...each, observedAt: snapshot(nextDay, pod).observedAt })),
    event(nextDay + 1, pod, 'Killing', 'Stopping container'),
  ];
}

/**
 * Something comes every 13 to 30 s, so that a check finds it loud, and another that began before finds it quiet; its owners are known
 * after minutes, one above the other.
 */
function loudPodWhoseOwnersTurnUp(): Observation[] {
  const { deployment, replicaSet, pod, observations } = rollout(0);
  const told = Array.from({ length: 40 }, (_, index) => {
    const at = 2 + 20 * index + ((index * 7) % 11);
    return event(at, pod, index % 3 === 0 ? 'Unhealthy' : 'Pulled', `of second ${at}`, {
      uid: `told-${index}`,
    });
  });
  const late = (seen: number, of: typeof deployment) => snapshot(0, of, { replicas: 1, seen });
  return [
    ...observations.filter(({ type }) => type === 'event'),
    snapshot(0.03, pod),
    ...told,
    late(150, replicaSet),
    late(420, deployment),
  ];
}

export const smallStories = {
  'a rollout': rollout(0).observations,
  'two rollouts and a pod of nobody': twoRolloutsAndAPod(),
  'a loud pod whose owners turn up': loudPodWhoseOwnersTurnUp(),
  'a crash loop whose owners turn up hours later': loopWhoseOwnersTurnUp(),
  'a crash loop, and the next day': loopAndTheNextDay(),
} satisfies Record<string, Observation[]>;
