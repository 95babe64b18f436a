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
const isRelease = ({ attributes }: Span) => attributes['rootspan.release.key'] === 'shop-42';

function releasesIn({ deliveries }: Simulated): { root: Span; changes: Span[] }[] {
  const spans = [...new Map(deliveries.map(({ span }) => [span.spanId, span])).values()];
  return spans.filter(isRelease).map((root) => ({
    root,
    changes: spans.filter(({ parentSpanId }) => parentSpanId === root.spanId),
  }));
}

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
      'rootspan.release.failed': 0,
      'rootspan.release.outcome': 'superseded',
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
