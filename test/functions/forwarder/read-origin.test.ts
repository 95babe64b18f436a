/** Where what a GitOps tool syncs comes from, without what may be a password. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { cutObject } from '../../../functions/forwarder/cut-object.ts';
import { observeObject } from '../../../functions/forwarder/observe.ts';
import { readOrigin } from '../../../functions/forwarder/read-origin.ts';
import { createSpecReader } from '../../../functions/forwarder/read-spec.ts';
import { createRedaction } from '../../../functions/forwarder/redact-messages.ts';
import { explain } from '../../../infra/local/explain.ts';
import { shippedOrigins, shippedUrl } from '../../../shared/snapshot-fields.ts';
import { checkProperty } from '../../check-property.ts';

const specs = createSpecReader('a key');
const flux = 'source.toolkit.fluxcd.io/v1';
const of = (apiVersion: string, kind: string, spec: object, status?: object) => ({
  apiVersion,
  kind,
  metadata: { name: 'apps', namespace: 'flux-system', uid: 'u', generation: 1 },
  spec,
  ...(status !== undefined && { status }),
});

const argo = 'argoproj.io/v1alpha1';
const objects = [
  of(flux, 'GitRepository', { url: 'https://git.example.com/a.git', ref: { branch: 'main', tag: '' } }),
  of(flux, 'GitRepository', {
    url: 'ssh://git@git.example.com:7999/a.git',
    ref: { name: 'refs/heads/main' },
  }),
  of(flux, 'OCIRepository', {
    url: 'oci://registry.example/shop/apps',
    ref: { tag: 'latest', semver: '1.x' },
  }),
  of(flux, 'HelmRepository', { url: 'https://charts.example.com' }),
  of(flux, 'Bucket', { endpoint: 'minio.example.com:9000', bucketName: 'apps', insecure: true }),
  of(flux, 'HelmChart', { chart: 'web', sourceRef: { kind: 'HelmRepository', name: 'charts' } }),
  of('kustomize.toolkit.fluxcd.io/v1', 'Kustomization', {
    sourceRef: { kind: 'GitRepository', name: 'apps' },
  }),
  of('helm.toolkit.fluxcd.io/v2', 'HelmRelease', {
    chart: { spec: { chart: 'web', sourceRef: { kind: 'GitRepository', name: 'apps', namespace: 'other' } } },
  }),
  of('helm.toolkit.fluxcd.io/v2', 'HelmRelease', { chartRef: { kind: 'OCIRepository', name: 'web' } }),
  of(argo, 'Application', { source: { repoURL: 'https://git.example.com/a.git', targetRevision: 'main' } }),
  of(argo, 'Application', {
    sources: [
      { repoURL: 'git@git.example.com:shop/a.git', targetRevision: 'v1.2.3' },
      { repoURL: 'https://charts.example.com', targetRevision: '1.3.0' },
    ],
  }),
];

describe('where it comes from', () => {
  it('is the URL of a source with the branch or tag, and of what is synced which source', () => {
    expect(objects.map(readOrigin)).toEqual([
      { repository: { url: 'https://git.example.com/a.git', ref: 'main' } },
      { repository: { url: 'ssh://git.example.com:7999/a.git', ref: 'main' } },
      { repository: { url: 'oci://registry.example/shop/apps', ref: 'latest' } },
      { repository: { url: 'https://charts.example.com' } },
      { repository: { url: 'http://minio.example.com:9000/apps' } },
      { source: { kind: 'HelmRepository', name: 'charts', namespace: 'flux-system' } },
      { source: { kind: 'GitRepository', name: 'apps', namespace: 'flux-system' } },
      { source: { kind: 'GitRepository', name: 'apps', namespace: 'other' } },
      { source: { kind: 'OCIRepository', name: 'web', namespace: 'flux-system' } },
      { repository: { url: 'https://git.example.com/a.git', ref: 'main' } },
      { repository: { url: 'ssh://git.example.com/shop/a.git', ref: 'v1.2.3' } },
    ]);
  });

  it('is the same of an object that was cut for a recording', () => {
    for (const object of objects) {
      const cut = cutObject(object, object, specs);
      expect(readOrigin(cut)).toEqual(readOrigin(object));
      const paths = (raw: unknown) => {
        const observed = observeObject(raw, '2026-03-01T12:00:00Z', false, specs);
        return observed.ok ? Object.keys(observed.value.object.spec?.digests ?? {}) : observed.reason;
      };
      expect(paths(cut)).toEqual(paths(object));
    }
  });

  it('is not told of other kinds that have such fields', () => {
    const { spec } = objects[0]!;
    expect(readOrigin(of('example.com/v1', 'GitRepository', spec))).toEqual({});
    expect(readOrigin(of('argoproj.io/v1alpha1', 'Workflow', objects[9]!.spec))).toEqual({});
  });
});

describe('the revision of an Application', () => {
  const revisionOf = (status: object) => {
    const observed = observeObject(of(argo, 'Application', {}, status), '2026-03-01T12:00:00Z', false, specs);
    return observed.ok ? observed.value.object.status?.revision : observed.reason;
  };
  const compared = { sync: { status: 'OutOfSync', revision: 'next' } };

  it.each([
    [{ ...compared, operationState: { phase: 'Running', syncResult: { revision: 'a' } } }, 'a'],
    [{ ...compared, operationState: { syncResult: { revision: '', revisions: ['a', '1.3.0'] } } }, 'a'],
    [{ sync: { status: 'Synced', revision: 'a' } }, 'a'],
    [{ sync: { status: 'Synced', revisions: ['a', '1.3.0'] } }, 'a'],
  ])('is what was synced: %j', (status, revision) => {
    expect(revisionOf(status)).toBe(revision);
  });

  it('is not what it was only compared with', () => {
    expect(revisionOf({ ...compared, health: { status: 'Healthy' } })).toBeUndefined();
  });
});

const secret = 'hunter2';
describe('a URL', () => {
  it.each([
    ['https://deploy:hunter2@git.example.com/a.git', 'https://git.example.com/a.git'],
    ['https://hunter2@git.example.com/a.git?token=hunter2#hunter2', 'https://git.example.com/a.git'],
    ['hunter2@git.example.com:shop/a.git', 'ssh://git.example.com/shop/a.git'],
    ['https://deploy:443/hunter2@git.example.com/a.git', undefined],
    ['deploy:hunter2@git.example.com:shop/a.git', undefined],
    ['file:///etc/hunter2', undefined],
    ['hunter2', undefined],
    ['', undefined],
  ])('%s ships as %s', (url, shipped) => {
    expect(shippedUrl(url)).toBe(shipped);
  });

  const anyPassword = fc.string({ maxLength: 8 }).map((text) => `${text}${secret}`);
  it('never ships what stands before its host or after its path', () => {
    const encoded = anyPassword.map(encodeURIComponent);
    const userinfo = fc.oneof(
      anyPassword,
      encoded,
      fc.tuple(encoded, anyPassword).map((both) => both.join(':')),
    );
    const after = fc.oneof(
      fc.constant(''),
      anyPassword.map((text) => `?access_token=${text}`),
      anyPassword.map((text) => `#${text}`),
    );
    checkProperty(
      fc.property(
        fc.constantFrom('https://', 'ssh://', 'git://', ''),
        userinfo,
        after,
        (scheme, who, end) => {
          const colon = scheme === '' ? ':' : '/';
          const shipped = shippedUrl(`${scheme}${who}@git.example.com${colon}shop/a.git${end}`);
          expect(shipped ?? '').not.toContain(secret);
        },
      ),
    );
  });
});

it('what `redact` matches is taken out of a URL and a branch, too', () => {
  const observed = observeObject(objects[0], '2026-03-01T12:00:00Z', false, specs);
  if (!observed.ok) throw new Error(observed.reason);
  const { object } = createRedaction([/example\.com|main/gu]).snapshot(observed.value);
  expect(object.repository).toEqual({ url: 'https://git.[redacted]/a.git', ref: '[redacted]' });
});

/** Each field of the table that may be anything, and all that are not on it. */
it('of any object of these kinds nothing ships that stands elsewhere', () => {
  const anything = fc.letrec((tie) => ({
    json: fc.oneof(
      { maxDepth: 4 },
      fc.constantFrom(secret, `Bearer ${secret}`, `a: ${secret}\n`),
      fc.array(tie('json'), { minLength: 1, maxLength: 2 }),
      fc.dictionary(fc.constantFrom('password', 'values', 'helm', 'secretRef', 'kustomize'), tie('json')),
    ),
  })).json;
  const kinds = Object.keys(shippedOrigins).map((key) => key.split('/') as [string, string]);
  checkProperty(
    fc.property(
      fc.constantFrom(...kinds),
      fc.dictionary(fc.constantFrom(...fields), anything),
      ([group, kind], rest) => {
        const object = of(
          `${group}/v1`,
          kind,
          {
            ...rest,
            url: `https://u:${secret}@git.example.com/a.git`,
            endpoint: `u:${secret}@minio.example.com`,
            bucketName: `apps?${secret}`,
            source: {
              ...rest,
              repoURL: `https://git.example.com/?${secret}`,
              targetRevision: `main ${secret}`,
            },
            ref: { branch: `${secret}:${secret}` },
            sourceRef: { kind: `${secret}!`, name: `${secret} ${secret}`, namespace: `_${secret}` },
            chartRef: { kind: 'HelmChart', name: 'web', namespace: `_${secret}`, token: secret },
          },
          {
            artifact: rest,
            operationState: { message: secret, operation: rest },
            sync: rest,
            history: [rest],
          },
        );
        const observed = observeObject(object, '2026-03-01T12:00:00Z', false, specs);
        const spans = observed.ok ? explain([observed.value]) : [];
        expect(JSON.stringify([observed, cutObject(object, object, specs), spans])).not.toContain(secret);
      },
    ),
  );
});
const fields = [
  'values',
  'valuesFrom',
  'postBuild',
  'secretRef',
  'verify',
  'patches',
  'kubeConfig',
  'info',
  'include',
];
