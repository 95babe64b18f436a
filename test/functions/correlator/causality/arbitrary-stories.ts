/**
 * Stories of a cluster that nobody recorded: owners of three levels, Events that repeat or are a series, whole seconds, pods that
 * somebody evicts, syncs of a GitOps tool. Each is a list of observations; what is random about it is how much of it there is
 * and when.
 */
import fc from 'fast-check';
import type { ObjectSnapshot, Observation } from '../../../../shared/observation.ts';
import { event, rollout, snapshot, thing } from './cluster-story.ts';

const rfc = (seconds: number) => new Date(Date.parse('2026-03-01T12:00:00Z') + seconds * 1000).toISOString();
const second = (seconds: number) => `${rfc(Math.floor(seconds)).slice(0, 19)}Z`;

/** Seconds since noon, to the millisecond. */
const momentsWithin = (most: number) => fc.integer({ min: 0, max: most * 1000 }).map((ms) => ms / 1000);

const pod = rollout(0).pod;

/** An Event of which patches were seen, or a series of it; the first is mostly not among them. */
const repeats: fc.Arbitrary<Observation[]> = fc
  .record({
    first: momentsWithin(60),
    steps: fc.array(fc.record({ after: momentsWithin(400), count: fc.integer({ min: 1, max: 9 }) }), {
      minLength: 1,
      maxLength: 5,
    }),
    isSeries: fc.boolean(),
    isFolded: fc.boolean(),
    reason: fc.constantFrom('BackOff', 'Unhealthy', 'FailedScheduling', 'Pulled', 'Started', 'SomethingElse'),
  })
  .map(({ first, steps, isSeries, isFolded, reason }) => {
    let [at, count] = [first, 0];
    return steps.map((step) => {
      at += step.after;
      count += step.count;
      const message = isFolded ? `(combined from similar events): ${reason} ${count}` : reason;
      const told = event(at, pod, reason, message, { uid: `repeat-${reason}-${first}`, count });
      const { firstTimestamp: _, lastTimestamp: __, ...bare } = told.event;
      const times = isSeries
        ? { eventTime: rfc(first), lastObservedTime: rfc(at) }
        : { firstTimestamp: second(first), lastTimestamp: second(at) };
      const { name } = event(first, pod, reason, '').event;
      return { ...told, event: { ...bare, name, ...times } };
    });
  });

/** Of one reporter and object, many in few seconds, with nothing finer in their names. */
const coarse: fc.Arbitrary<Observation[]> = fc
  .array(
    fc.record({
      at: momentsWithin(4),
      reason: fc.constantFrom('Pulled', 'Created', 'Started', 'Killing', 'SomethingElse'),
      isExact: fc.boolean(),
    }),
    { maxLength: 12 },
  )
  .map((told) =>
    told.map(({ at, reason, isExact }, index) =>
      event(at, pod, reason, reason, {
        uid: `coarse-${index}`,
        ...(!isExact && { name: `${pod.name}.coarse-${index}` }),
      }),
    ),
  );

/** Somebody that no row knows takes the pod away; its controller replaces it. */
const evictions: fc.Arbitrary<Observation[]> = fc
  .record({ at: momentsWithin(600), before: fc.integer({ min: -15, max: 15 }), isNamed: fc.boolean() })
  .map(({ at, before, isNamed }) => {
    const { replicaSet } = rollout(0);
    const next = thing('Pod', 'web-1-b', replicaSet);
    const deletion = { deletionTimestamp: second(at + 30), deletionGracePeriodSeconds: 30 };
    return [
      snapshot(at, pod, { ...deletion, creationTimestamp: second(0) }),
      event(at + before, pod, 'TakenAway', 'by somebody', { reporter: { component: 'evictor' } }),
      ...(isNamed ? [event(at, pod, 'Killing', 'Stopping container web')] : []),
      snapshot(at + 1, next),
      event(at + 1, replicaSet, 'SuccessfulCreate', 'Created pod: web-1-b'),
      event(at + 2, next, 'Scheduled', 'Successfully assigned shop/web-1-b to n1'),
    ];
  });

/** What owns the Deployment, and acts now and then. */
const owners: fc.Arbitrary<Observation[]> = fc
  .record({
    acts: fc.array(momentsWithin(900), { maxLength: 4 }),
    changes: fc.array(momentsWithin(900), { maxLength: 3 }),
  })
  .map(({ acts, changes }) => {
    const [platform, app] = [thing('Platform', 'all'), thing('App', 'shop')];
    const owned = thing('App', 'shop', platform);
    return [
      snapshot(0, platform, { generation: 1 }),
      snapshot(0, owned, { generation: 1 }),
      ...changes.map((at, index) =>
        snapshot(at, platform, { generation: 2 + index, creationTimestamp: second(0) }),
      ),
      ...acts.map((at, index) => event(at, index % 2 === 0 ? app : platform, 'Acted', `act ${index}`)),
    ];
  });

/** Every second revision brings back what was there. */
const specAt = (index: number) => ({
  key: 'k',
  template: `template ${index % 2}`,
  values: { 'spec.replicas': 1, 'spec.template.spec.containers[app].image': `tiny:v${index % 2}` },
  digests: { 'spec.template.spec.containers[app].env': `env ${index % 2}` },
});

/** A Kustomization that applies the Deployment, revision by revision. */
const syncs: fc.Arbitrary<Observation[]> = fc.array(momentsWithin(900), { maxLength: 4 }).map((times) => {
  const apps = thing('Kustomization', 'apps');
  const labels = {
    'kustomize.toolkit.fluxcd.io/name': 'apps',
    'kustomize.toolkit.fluxcd.io/namespace': 'shop',
  };
  return [
    snapshot(0, apps, { generation: 1, apiVersion: 'kustomize.toolkit.fluxcd.io/v1' }),
    ...times
      .toSorted((a, b) => a - b)
      .flatMap((at, index) => [
        event(at, apps, 'Progressing', 'Deployment/shop/web configured', {
          annotations: { 'kustomize.toolkit.fluxcd.io/revision': `main@sha1:${index}abc` },
          reporter: { component: 'kustomize-controller' },
        }),
        snapshot(at, rollout(0).deployment, {
          generation: 2 + index,
          labels,
          replicas: 1,
          spec: specAt(index),
          creationTimestamp: second(0),
          managers: [{ manager: 'kustomize-controller', operation: 'Apply', time: second(at) }],
        }),
      ]),
  ];
});

/** A Deployment that was changed before anybody looked; kubectl may have hidden its managedFields. */
const found: fc.Arbitrary<Observation[]> = fc
  .record({
    changes: fc.array(momentsWithin(900), { minLength: 1, maxLength: 3 }),
    isShown: fc.boolean(),
    hasTemplates: fc.boolean(),
  })
  .map(({ changes, isShown, hasTemplates }) => {
    const old = thing('Deployment', 'old');
    const managers = changes.map((at, index) => ({
      manager: `m${index}`,
      operation: 'Update',
      time: second(at),
    }));
    const list = (told: ObjectSnapshot): Observation => ({ ...told, from: 'list' });
    return [
      list(snapshot(0, old, { seen: 900, generation: 1 + changes.length, ...(isShown && { managers }) })),
      ...changes.flatMap((at, index) => {
        const replicaSet = thing('ReplicaSet', `old-${index}`, old);
        return [
          ...(hasTemplates ? [list(snapshot(at, replicaSet, { seen: 900 }))] : []),
          event(at, old, 'ScalingReplicaSet', `Scaled up replica set old-${index} from 0 to 1`),
          event(at + 0.1, replicaSet, 'SuccessfulCreate', `Created pod: old-${index}-a`),
        ];
      }),
    ];
  });

/** Karpenter makes Nodes and takes them away again; Node, NodeClaim and NodePool own each other. */
const machines: fc.Arbitrary<Observation[]> = fc
  .array(
    fc.record({
      starts: momentsWithin(300),
      boots: momentsWithin(1800),
      lasts: fc.option(momentsWithin(900)),
    }),
    { maxLength: 3 },
  )
  .map((lives) => {
    const pool = thing('NodePool', 'default');
    return [
      snapshot(0, pool, { generation: 1 }),
      ...lives.flatMap(({ starts, boots, lasts }, index) => {
        const claim = thing('NodeClaim', `default-${index}`, pool);
        const node = thing('Node', `m${index}`, claim);
        const statusIs = (reason: string) => [reason, `Node m${index} status is now: ${reason}`] as const;
        return [
          snapshot(starts, claim, { generation: 1 }),
          event(starts + 3, claim, 'Launched', 'Status condition transitioned, Type: Launched'),
          event(starts + 29.5, node, 'Starting', 'Starting kubelet.'),
          snapshot(starts + 30, node),
          event(starts + 31 + boots, node, ...statusIs('NodeReady')),
          ...(lasts === null
            ? []
            : [
                event(
                  starts + boots + 60 + lasts,
                  claim,
                  'DisruptionTerminating',
                  'Disrupting NodeClaim: Empty',
                ),
                event(starts + boots + 60.1 + lasts, node, 'DisruptionTerminating', 'Disrupting Node: Empty'),
                event(
                  starts + boots + 90 + lasts,
                  node,
                  'RemovingNode',
                  `Node m${index} event: Removing Node`,
                ),
              ]),
        ];
      }),
    ];
  });

/** One of each kind at most, around the same rollout. */
export const stories: fc.Arbitrary<Observation[]> = fc
  .record({
    repeats: fc.array(repeats, { maxLength: 3 }),
    coarse,
    evictions: fc.option(evictions),
    owners: fc.option(owners),
    syncs: fc.option(syncs),
    found: fc.option(found),
    machines: fc.option(machines),
  })
  .map((parts) => {
    const story = [
      ...rollout(0).observations,
      ...parts.repeats.flat(),
      ...parts.coarse,
      ...(parts.evictions ?? []),
      ...(parts.syncs ?? []),
      ...(parts.found ?? []),
      ...(parts.machines ?? []),
    ];
    return parts.owners === null ? story : [...story.map(ownedByApp), ...parts.owners];
  });

function ownedByApp(observation: Observation): Observation {
  if (observation.type === 'event' || observation.object.kind !== 'Deployment') return observation;
  const { kind, name, uid } = thing('App', 'shop');
  return { ...observation, object: { ...observation.object, owner: { kind, name, uid } } };
}
