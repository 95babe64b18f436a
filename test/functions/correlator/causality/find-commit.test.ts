/** Which commit a change brought, as GitOps tools say it. */
import { describe, expect, it } from 'vitest';
import type { ObjectSnapshot, Observation } from '../../../../shared/observation.ts';
import { event, rollout, snapshot, spansOf, thing } from './cluster-story.ts';

const sha = '64207fc001382e697be01d0c8cce5234ffe6092e';
const before = 'a1b2c3d4e5f60718293a4b5c6d7e8f9001122334';
const url = 'https://git.example.com/shop/apps.git';
type Details = Partial<ObjectSnapshot['object']>;

const kustomization = thing('Kustomization', 'apps');
const repository = thing('GitRepository', 'apps');
const ofFlux = {
  labels: { 'kustomize.toolkit.fluxcd.io/name': 'apps', 'kustomize.toolkit.fluxcd.io/namespace': 'shop' },
};
const written = (manager: string) => [{ manager, operation: 'Apply', time: '2026-03-01T12:01:40Z' }];

/** A Deployment that is changed at 100 s. */
function changed(manager: string, marks: Details): Observation[] {
  const { deployment, observations } = rollout(100);
  const [, ...rest] = observations;
  return [
    snapshot(-9000, deployment, { ...marks, replicas: 1, specDigest: 'old' }),
    snapshot(100, deployment, {
      ...marks,
      replicas: 1,
      generation: 2,
      specDigest: 'new',
      managers: written(manager),
    }),
    ...rest,
  ];
}

const commitOf = (...observations: Observation[]) => {
  const root = spansOf(...observations).find(
    ({ name, parentSpanId }) => parentSpanId === null && name.startsWith('Deployment.'),
  );
  const { attributes } = root!;
  return [
    attributes['vcs.ref.head.name'],
    attributes['vcs.ref.head.revision'],
    attributes['vcs.repository.url.full'],
  ];
};

const flux = (at: number, revision: string): Observation =>
  snapshot(at, kustomization, {
    generation: 1,
    source: { kind: 'GitRepository', namespace: 'shop', name: 'apps' },
    status: { observedGeneration: 1, revision },
  });
const source = snapshot(-9000, repository, { generation: 1, repository: { url, ref: 'main' } });

describe('what Flux applied', () => {
  it('is of the commit that was synced then, not of the one before or after', () => {
    const story = [
      source,
      flux(-9000, `main@sha1:${before}`),
      flux(99, `main@sha1:${sha}`),
      ...changed('kustomize-controller', ofFlux),
      flux(900, 'main@sha1:fedcba9876543210fedcba9876543210fedcba98'),
    ];
    expect(commitOf(...story)).toEqual(['main', sha, url]);
    expect(commitOf(...story.reverse())).toEqual(['main', sha, url]);
  });

  it('is of the commit that its sync says, and of no repository where nobody saw it', () => {
    expect(
      commitOf(
        flux(-9000, `main@sha1:${before}`),
        ...changed('kustomize-controller', ofFlux),
        event(101, kustomization, 'Progressing', 'Deployment/shop/web configured', {
          annotations: { 'kustomize.toolkit.fluxcd.io/revision': `main@sha1:${sha}` },
        }),
      ),
    ).toEqual(['main', sha, undefined]);
  });

  it('and a person changed in between is of no commit', () => {
    const story = [source, flux(99, `main@sha1:${sha}`), ...changed('kubectl-edit', ofFlux)];
    expect(commitOf(...story)).toEqual([undefined, undefined, undefined]);
  });

  it('from an OCI artifact is of its tag and digest', () => {
    const artifact = thing('OCIRepository', 'apps');
    const oci = 'oci://registry.example/shop/apps';
    expect(
      commitOf(
        snapshot(-9000, artifact, { generation: 1, repository: { url: oci, ref: 'latest' } }),
        snapshot(99, kustomization, {
          generation: 1,
          source: { kind: 'OCIRepository', namespace: 'shop', name: 'apps' },
          status: { observedGeneration: 1, revision: 'latest@sha256:b5bb9d80' },
        }),
        ...changed('kustomize-controller', ofFlux),
      ),
    ).toEqual(['latest', 'b5bb9d80', oci]);
  });
});

describe('what Flux installed as a chart', () => {
  const ofRelease = {
    labels: { 'helm.toolkit.fluxcd.io/name': 'web', 'helm.toolkit.fluxcd.io/namespace': 'shop' },
  };
  const release = thing('HelmRelease', 'web');

  it.each(['HelmRepository', 'HelmChart'])('is of its version and repository, by a %s', (kind) => {
    const charts = 'https://charts.example.com';
    expect(
      commitOf(
        snapshot(-9000, thing('HelmRepository', 'charts'), {
          generation: 1,
          repository: { url: charts, ref: 'x' },
        }),
        snapshot(-9000, thing('HelmChart', 'shop-web'), {
          generation: 1,
          source: { kind: 'HelmRepository', namespace: 'shop', name: 'charts' },
        }),
        snapshot(99, release, {
          generation: 1,
          source: { kind, namespace: 'shop', name: kind === 'HelmChart' ? 'shop-web' : 'charts' },
          status: { observedGeneration: 1, revision: '6.5.4' },
        }),
        ...changed('helm-controller', ofRelease),
      ),
    ).toEqual([undefined, '6.5.4', charts]);
  });
});

describe('what Argo CD applied', () => {
  const application = thing('Application', 'shop');
  const synced = (at: number, revision: string, ref: string) =>
    snapshot(at, application, { repository: { url, ref }, status: { operation: 'Running', revision } });

  it.each([
    [
      'its tracking id',
      { annotations: { 'argocd.argoproj.io/tracking-id': 'shop:apps/Deployment:shop/web' } },
    ],
    ['the label that it tracks by', { labels: { 'app.kubernetes.io/instance': 'shop' } }],
  ])('is of the commit of its Application, by %s', (_, marks) => {
    expect(commitOf(synced(99, sha, 'release/7'), ...changed('argocd-controller', marks))).toEqual([
      'release/7',
      sha,
      url,
    ]);
  });

  it('links to the sync, and the sync to it', () => {
    const marks = { annotations: { 'argocd.argoproj.io/tracking-id': 'shop:apps/Deployment:shop/web' } };
    const spans = spansOf(
      event(99, application, 'OperationStarted', `Initiated automated sync to '${sha}'`),
      synced(99.5, sha, 'main'),
      ...changed('argocd-controller', marks),
      event(103, application, 'OperationCompleted', `Sync operation to ${sha} succeeded`),
    );
    const sync = spans.find(({ name }) => name === 'Application.OperationStarted')!;
    const root = spans.find(({ name }) => name === 'Deployment.Apply')!;
    expect(sync.links.map(({ traceId }) => traceId)).toEqual([root.traceId]);
    expect(root.links.map(({ traceId }) => traceId)).toEqual([sync.traceId]);
    expect(sync.attributes['vcs.repository.url.full']).toBe(url);
  });

  it('as Helm does, by the same label, is of no Application', () => {
    const marks = { labels: { 'app.kubernetes.io/instance': 'shop' } };
    expect(commitOf(synced(99, sha, 'main'), ...changed('helm', marks))).toEqual([
      undefined,
      undefined,
      undefined,
    ]);
  });

  it.each(['HEAD', '1.*', sha])('asks for no branch by %s', (ref) => {
    const marks = { annotations: { 'argocd.argoproj.io/tracking-id': 'shop:apps/Deployment:shop/web' } };
    const [name] = commitOf(
      ...(ref === '1.*'
        ? [snapshot(99, application, { status: { revision: sha } })]
        : [synced(99, sha, ref)]),
      ...changed('argocd-controller', marks),
    );
    expect(name).toBeUndefined();
  });
});
