/** A GitOps tool applies hundreds of Deployments in one sync: each links to the sync and the sync to them, and none reads the others. */
import { beforeAll, describe, expect, it } from 'vitest';
import type { Remark } from '../../../functions/correlator/ports.ts';
import type { Observation } from '../../../shared/observation.ts';
import type { Span } from '../../../shared/span.ts';
import { noon, startLive } from './arrivals.ts';
import { brokenIn } from './broken-traces.ts';
import { event, rollout, snapshot, thing } from './causality/cluster-story.ts';
import { createCountingStore } from './counting-store.ts';
import { received, recordsOf } from './pipeline.ts';

const apps = thing('Kustomization', 'apps');
const repository = thing('GitRepository', 'apps');
const url = 'https://git.example.com/apps.git';
const synced = {
  labels: { 'kustomize.toolkit.fluxcd.io/name': 'apps', 'kustomize.toolkit.fluxcd.io/namespace': 'shop' },
  managers: [{ manager: 'kustomize-controller', operation: 'Apply', time: '2026-03-01T12:00:01Z' }],
  replicas: 1,
};

function sync(deployments: number): Observation[][] {
  const rollouts = Array.from({ length: deployments }, (_, index) => rollout(1, `d${index}`));
  const applied = rollouts.map(({ deployment }) => `Deployment/shop/${deployment.name} created`);
  return [
    [
      snapshot(0, repository, { generation: 1, repository: { url } }),
      snapshot(0, apps, {
        generation: 1,
        apiVersion: 'kustomize.toolkit.fluxcd.io/v1',
        source: { kind: 'GitRepository', namespace: 'shop', name: 'apps' },
      }),
      event(2, apps, 'Progressing', applied.join('\n'), {
        annotations: { 'kustomize.toolkit.fluxcd.io/revision': 'main@sha1:abc' },
        reporter: { component: 'kustomize-controller' },
      }),
    ],
    ...rollouts.map(({ deployment, observations: [, ...rest] }) => [
      snapshot(1, deployment, synced),
      ...rest,
    ]),
  ];
}

async function pass(deployments: number) {
  const { units, store } = createCountingStore();
  const pipeline = startLive({ start: noon + 2000, store });
  for (const [index, told] of sync(deployments).entries())
    await pipeline.ingestUntilDone(recordsOf([told], { first: index + 1 }));
  await pipeline.runTimers();
  return { spans: received(pipeline), remarks: pipeline.remarks, reads: units.reads };
}

const members = (remarks: readonly Remark[]) =>
  remarks.flatMap((remark) => (remark.kind === 'settled' ? remark.related : []));
const isSync = ({ name }: Span) => name === 'Kustomization.Create';
const linksOf = (spans: readonly Span[]) =>
  spans.flatMap(({ links }) => links.filter(({ attributes }) => attributes?.['rootspan.link'] === 'sync'));

describe('300 Deployments of one Kustomization', () => {
  let few: Awaited<ReturnType<typeof pass>>;
  let many: Awaited<ReturnType<typeof pass>>;
  beforeAll(async () => {
    few = await pass(30);
    many = await pass(300);
  });

  it('link to the sync, and the sync to as many as are read together', () => {
    expect(brokenIn(many.spans)).toEqual([]);
    expect(linksOf(many.spans.filter((span) => !isSync(span)))).toHaveLength(300);
    expect(linksOf(few.spans.filter(isSync))).toHaveLength(30);
    expect(linksOf(many.spans.filter(isSync))).toHaveLength(199);
  });

  it('are each of its commit', () => {
    const told = many.spans.filter(({ name }) => name === 'Deployment.Create');
    expect(told.map(({ attributes }) => attributes['vcs.ref.head.revision'])).toEqual(Array(300).fill('abc'));
    expect(told.map(({ attributes }) => attributes['vcs.repository.url.full'])).toEqual(Array(300).fill(url));
  });

  it('are each read with the sync and its source alone', () => {
    const alone = members(many.remarks).filter((read) => read <= 3);
    expect(members(many.remarks).length - alone.length).toBeLessThan(5);
  });

  it('cost as much each, however many they are', () => {
    expect(many.reads / 300).toBeLessThan(1.5 * (few.reads / 30));
  });
});
