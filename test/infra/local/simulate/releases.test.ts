/** Releases through the pipeline as AWS would run it: what `explain` tells of several clusters, whatever AWS does to them. */

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Ports } from '../../../../functions/correlator/ports.ts';
import { isReleaseActivity } from '../../../../functions/correlator/read-release.ts';
import type { ClusterObservations } from '../../../../infra/local/read-clusters.ts';
import { type Simulated, simulate } from '../../../../infra/local/simulate/simulate.ts';
import type { ObjectSnapshot, Observation } from '../../../../shared/observation.ts';
import type { Span } from '../../../../shared/span.ts';
import { checkProperty } from '../../../check-property.ts';
import { inCluster, type OtherCluster } from '../../../other-clusters.ts';
import { readRecording } from '../../../read-recordings.ts';
import { expectSound, failuresOf, seeds } from './seeds.ts';

const rollout = await readRecording('deployment-image-update.jsonl');
const stuck = await readRecording('bad-image.jsonl');
const hour = 60;

const wave = (...names: readonly string[]): ClusterObservations[] =>
  names.map((name, i) => inCluster(rollout, { name, minutes: i * 7, release: 'shop-42' }));
const later = (minutes: number, other: OtherCluster) =>
  inCluster(rollout, { release: 'shop-42', ...other, minutes });

const calm = (clusters: readonly ClusterObservations[]) => simulate(clusters, { seed: 1, faults: 'none' });
const keyOf = ({ attributes }: Span) => attributes['rootspan.release.key'];
const isRelease = (span: Span) => keyOf(span) === 'shop-42';

interface Release {
  root: Span;
  changes: Span[];
}

function allReleasesIn({ deliveries }: Simulated): Release[] {
  const spans = [...new Map(deliveries.map(({ span }) => [span.spanId, span])).values()];
  return spans
    .filter((span) => keyOf(span) !== undefined)
    .map((root) => ({ root, changes: spans.filter(({ parentSpanId }) => parentSpanId === root.spanId) }));
}

const releasesIn = (simulated: Simulated): Release[] =>
  allReleasesIn(simulated).filter(({ root }) => isRelease(root));

/** Objects and generations of the changes of a release, in the clusters that they are of. */
const toldBy = ({ changes }: Release): string[] =>
  changes
    .map(({ attributes, resource }) => {
      const { 'k8s.object.name': name, 'k8s.object.generation': generation } = attributes;
      return `${resource['k8s.cluster.name']} ${name} ${generation}`;
    })
    .toSorted();

describe('on a calm day', () => {
  it('a release is what explain says, and comes once what is stuck would have its root', async () => {
    const clusters = [
      ...wave('eu-1', 'eu-2'),
      inCluster(stuck, { name: 'eu-3', minutes: 3, release: 'shop-42' }),
    ];
    const simulated = await calm(clusters);
    expect(failuresOf(simulated)).toEqual([]);
    expect(simulated.verdict.different).toEqual([]);
    expect(simulated.verdict.unknown).toEqual([]);
    const [release, ...others] = releasesIn(simulated);
    expect(others).toEqual([]);
    expect(release!.root.attributes).toMatchObject({
      'rootspan.release.clusters': 3,
      'rootspan.release.changes': 3,
      'rootspan.release.failed': 1,
      'rootspan.release.outcome': 'failed',
    });
    const { deliveredAt } = simulated.deliveries.find(({ span }) => isRelease(span))!;
    const lastStart = Math.max(
      ...release!.changes.map((span) => Number(BigInt(span.startTimeUnixNano) / 1_000_000n)),
    );
    const minutes = (deliveredAt - lastStart) / 60_000;
    expect(minutes).toBeGreaterThan(80);
    expect(minutes).toBeLessThan(86);
  });

  it('waits for a cluster that rolls for two hours and then fails, while its status moves', async () => {
    const clusters = [...wave('eu-1', 'eu-2'), slowCluster('eu-3')];
    const simulated = await calm(clusters);
    expect(failuresOf(simulated)).toEqual([]);
    expect(simulated.verdict.different).toEqual([]);
    const [release, ...others] = releasesIn(simulated);
    expect(others).toEqual([]);
    expect(release!.root.attributes).toMatchObject({
      'rootspan.release.clusters': 3,
      'rootspan.release.failed': 1,
      'rootspan.release.outcome': 'failed',
      'error.type': 'ProgressDeadlineExceeded',
    });
  });

  it('the same images in two clusters are one, and in one cluster cost nothing', async () => {
    const two = await calm([
      inCluster(rollout, { name: 'eu-1' }),
      inCluster(rollout, { name: 'eu-2', minutes: 5 }),
    ]);
    expect(failuresOf(two)).toEqual([]);
    expect(two.explained.filter(({ name }) => name === 'Release.Rollout')).toHaveLength(2);
    const partitions: string[] = [];
    const wrapPorts = (ports: Ports): Ports => ({
      ...ports,
      store: {
        ...ports.store,
        put: (items) => {
          partitions.push(...items.map(({ pk }) => pk));
          return ports.store.put(items);
        },
      },
    });
    await simulate([inCluster(rollout, { name: 'eu-1' })], { seed: 1, faults: 'none', wrapPorts });
    expect(partitions.length).toBeGreaterThan(0);
    expect(partitions.filter((pk) => isReleaseActivity(pk.replace('activity#', '')))).toEqual([]);
  });

  it('a revision that comes back after hours is another release', async () => {
    const clusters = [
      ...wave('eu-1', 'eu-2'),
      later(5 * hour, { name: 'eu-3' }),
      later(5 * hour + 9, { name: 'eu-4' }),
    ];
    const simulated = await calm(clusters);
    expect(failuresOf(simulated)).toEqual([]);
    expect(releasesIn(simulated).map(({ changes }) => changes.length)).toEqual([2, 2]);
  });

  it('one revision of two repositories is two releases: a copy of a repository has the same hashes', async () => {
    const [eu, us] = await Promise.all(['flux-release-eu.jsonl', 'flux-release-us.jsonl'].map(readRecording));
    const copied = JSON.parse(JSON.stringify(us).replaceAll('/shop.git', '/copy-of-shop.git'));
    const simulated = await calm([
      inCluster(eu!, { name: 'eu-1' }),
      inCluster(us!, { name: 'us-1' }),
      inCluster(copied, { name: 'us-2' }),
      inCluster(copied, { name: 'us-3' }),
    ]);
    expect(failuresOf(simulated)).toEqual([]);
    const ofRevision = allReleasesIn(simulated).filter(({ root }) =>
      String(keyOf(root)).includes('@3958af25'),
    );
    const told = ofRevision.map((release) => [String(keyOf(release.root)).split('@')[0], ...toldBy(release)]);
    expect(told.toSorted()).toEqual([
      ['10.77.0.1:8088/cgi-bin/git/copy-of-shop', 'us-2 web 2', 'us-3 web 2'],
      ['10.77.0.1:8088/cgi-bin/git/shop', 'eu-1 web 2', 'us-1 web 2'],
    ]);
  });

  it('a revision that is rolled back and brought again has all its changes, and the one between has its own', async () => {
    const applies = await readRecording('two-applies-20s-apart.jsonl');
    const revisions = ['shop-42', 'shop-43', 'shop-42'];
    const clusters = ['eu-1', 'eu-2'].map((name, i) =>
      withReleases(inCluster(applies, { name, minutes: 7 * i }), revisions),
    );
    const simulated = await calm(clusters);
    expect(failuresOf(simulated)).toEqual([]);
    expect(simulated.verdict.different).toEqual([]);
    const told = allReleasesIn(simulated).map((release) => [keyOf(release.root), ...toldBy(release)]);
    expect(told.toSorted()).toEqual([
      ['shop-42', 'eu-1 web 1', 'eu-1 web 3', 'eu-2 web 1', 'eu-2 web 3'],
      ['shop-43', 'eu-1 web 2', 'eu-2 web 2'],
    ]);
  });

  it('of more than a thousand changes a thousand have a span, what did not get there among them, and the root says so', async () => {
    const simulated = await calm([deploymentsAtOnce(1_020)]);
    expect(failuresOf(simulated)).toEqual([]);
    const [release, ...others] = releasesIn(simulated);
    expect(others).toEqual([]);
    expect(release!.root.attributes).toMatchObject({
      'rootspan.release.changes': 1_020,
      'rootspan.release.failed': 1,
      'rootspan.release.left_out': 20,
    });
    expect(release!.changes).toHaveLength(1_000);
    expect(toldBy(release!)).toContain('eu-1 web-1019 2');
  });

  it('clusters whose clocks differ by minutes have one release, and nothing of it is lost', async () => {
    const [right, behind, ahead] = wave('eu-1', 'eu-2', 'eu-3');
    const simulated = await calm([right!, seenLater(behind!, 8), seenLater(ahead!, -8)]);
    expect(failuresOf(simulated)).toEqual([]);
    expect(releasesIn(simulated).map(({ changes }) => changes.length)).toEqual([3]);
  });

  it('a cluster whose observations come most of a day late is a late span of what was sent', async () => {
    const late = seenLater(later(4, { name: 'eu-3' }), 20 * hour);
    const simulated = await calm([...wave('eu-1', 'eu-2'), late]);
    expect(failuresOf(simulated)).toEqual([]);
    const [release, ...others] = releasesIn(simulated);
    expect(others).toEqual([]);
    expect(release!.root.attributes['rootspan.release.changes']).toBe(2);
    expect(release!.changes).toHaveLength(3);
  });
});

/** The annotation of Deployments by generation, the first one first. */
function withReleases(
  { cluster, observations }: ClusterObservations,
  releases: readonly string[],
): ClusterObservations {
  const annotated = observations.map((observation): Observation => {
    if (observation.type !== 'object' || observation.object.kind !== 'Deployment') return observation;
    const release = releases[(observation.object.generation ?? 1) - 1] ?? '';
    const annotations = { ...observation.object.annotations, 'rootspan.dev/release': release };
    return { ...observation, object: { ...observation.object, annotations } };
  });
  return { cluster, observations: annotated };
}

/** So many Deployments in one cluster, 20 in 20 s, of each what says that it was updated; of the last one nobody says that it got there. */
function deploymentsAtOnce(count: number): ClusterObservations {
  const seen = rollout.filter(
    (one): one is ObjectSnapshot => one.type === 'object' && one.object.kind === 'Deployment',
  );
  const ofGeneration = (generation: number) => seen.filter(({ object }) => object.generation === generation);
  const [before, begun, complete] = [ofGeneration(1).at(-1)!, ofGeneration(2)[0]!, ofGeneration(2).at(-1)!];
  const observations = Array.from({ length: count }, (_, i) => {
    const told = i === count - 1 ? [before, begun] : [before, begun, complete];
    const named = told.map((one) => ({
      ...one,
      object: { ...one.object, name: `web-${i}`, uid: `web-${i}` },
    }));
    return inCluster(named, { name: 'eu-1', minutes: Math.floor(i / 20) / 3, release: 'shop-42' })
      .observations;
  });
  const inOrder = observations.flat().toSorted((a, b) => Date.parse(a.observedAt) - Date.parse(b.observedAt));
  return { cluster: { uid: 'eu-1-uid', name: 'eu-1' }, observations: inOrder };
}

/** A Deployment of which a pod is updated each ten minutes, until there is no more to be had. */
function slowCluster(name: string): ClusterObservations {
  const begun = Date.parse(rollout[0]!.observedAt);
  const seen = (
    minutes: number,
    version: number,
    more: Partial<ObjectSnapshot['object']>,
  ): ObjectSnapshot => ({
    type: 'object',
    observedAt: new Date(begun + minutes * 60_000).toISOString(),
    deleted: false,
    object: {
      apiVersion: 'apps/v1',
      kind: 'Deployment',
      namespace: 'shop',
      name: 'web',
      uid: `web-of-${name}`,
      resourceVersion: String(version),
      creationTimestamp: '2026-01-01T00:00:00Z',
      replicas: 20,
      ...more,
    },
  });
  const stuck = {
    type: 'Progressing',
    status: 'False',
    reason: 'ProgressDeadlineExceeded',
    message: 'ReplicaSet "web-2" has timed out progressing.',
  };
  const annotations = { 'rootspan.dev/release': 'shop-42' };
  const at = (updatedReplicas: number, conditions: (typeof stuck)[] = []) =>
    seen(1 + 10 * updatedReplicas, 1_002 + updatedReplicas, {
      generation: 2,
      annotations,
      status: { observedGeneration: 2, replicas: 20, availableReplicas: 20, updatedReplicas, conditions },
    });
  const scaled = (to: number): Observation => {
    const time = new Date(begun + (1 + 10 * to) * 60_000).toISOString();
    return {
      type: 'event',
      observedAt: time,
      event: {
        uid: `scaled-${to}-of-${name}`,
        name: `web.${to}`,
        namespace: 'shop',
        resourceVersion: String(2_000 + to),
        count: 1,
        reason: 'ScalingReplicaSet',
        message: `Scaled up replica set web-2 from ${to} to ${to + 1}`,
        type: 'Normal',
        subject: { kind: 'Deployment', namespace: 'shop', name: 'web', uid: `web-of-${name}` },
        reporter: { component: 'deployment-controller' },
        firstTimestamp: time,
        lastTimestamp: time,
      },
    };
  };
  const moves = Array.from({ length: 14 }, (_, i) => [at(i), scaled(i)]).flat();
  return {
    cluster: { uid: `${name}-uid`, name },
    observations: [{ ...seen(0, 1_000, { generation: 1 }), from: 'list' }, ...moves, at(14, [stuck])],
  };
}

/** As if all that it tells of had happened so many minutes before it came: later, or by a clock that is behind. */
function seenLater({ cluster, observations }: ClusterObservations, minutes: number): ClusterObservations {
  const seen = observations.map((observation) => ({
    ...observation,
    observedAt: new Date(Date.parse(observation.observedAt) + minutes * 60_000).toISOString(),
  }));
  return { cluster, observations: seen };
}

describe('whatever AWS does', () => {
  const clusters = [
    ...wave('eu-1', 'eu-2'),
    inCluster(stuck, { name: 'eu-3', minutes: 3, release: 'shop-42' }),
  ];
  it('nothing of a release is lost or contradicted', () =>
    checkProperty(
      fc.asyncProperty(seeds, (seed) => expectSound(clusters, seed)),
      10,
    ));

  it('nor of one that waits for a cluster that rolls for two hours', () =>
    checkProperty(
      fc.asyncProperty(seeds, (seed) => expectSound([...wave('eu-1', 'eu-2'), slowCluster('eu-3')], seed)),
      5,
    ));

  it('and who loses a change that was filed is found', async () => {
    const wrapPorts = (ports: Ports): Ports => ({
      ...ports,
      store: {
        ...ports.store,
        put: (items) => ports.store.put(items.filter(({ sk }) => !sk.startsWith('of#'))),
      },
    });
    const simulated = await simulate(clusters, { seed: 1, faults: 'none', wrapPorts });
    expect(failuresOf(simulated).join('\n')).toContain('lost: Release.Rollout');
  });
});
