import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { isSameKind, kindKey } from '../../shared/group-kind.ts';
import { checkProperty } from '../check-property.ts';

describe('a kind', () => {
  it.each<[string | undefined, string, string]>([
    ['batch/v1', 'Job', 'batch/Job'],
    ['batch.volcano.sh/v1alpha1', 'Job', 'batch.volcano.sh/Job'],
    ['v1', 'Service', 'Service'],
    ['serving.knative.dev/v1', 'Service', 'serving.knative.dev/Service'],
    // The same under an older name.
    ['extensions/v1beta1', 'Deployment', 'apps/Deployment'],
    ['extensions', 'Deployment', 'apps/Deployment'],
    // The usual one where nobody says, or says what cannot be.
    [undefined, 'Job', 'batch/Job'],
    ['v1', 'Deployment', 'apps/Deployment'],
    ['v1', 'DeploymentConfig', 'apps.openshift.io/DeploymentConfig'],
    [undefined, 'Shop', 'Shop'],
    ['shops.example.com/v1', 'Shop', 'shops.example.com/Shop'],
    ['', 'constructor', 'constructor'],
  ])('%s %s is %s', (apiVersion, kind, key) => {
    expect(kindKey({ apiVersion, kind })).toBe(key);
  });

  const some = fc.record({
    apiVersion: fc.constantFrom(
      undefined,
      'v1',
      'batch/v1',
      'batch.volcano.sh/v1',
      'x.example.com/v1',
      'extensions',
    ),
    kind: fc.constantFrom('Job', 'Pod', 'Shop', 'Deployment'),
  });

  it('is the same in whatever version, and from both sides', () => {
    checkProperty(
      fc.property(some, some, (a, b) => {
        expect(kindKey({ ...a, apiVersion: a.apiVersion?.replace(/v1$/, 'v2beta1') })).toBe(kindKey(a));
        expect(isSameKind(a, b)).toBe(isSameKind(b, a));
        if (kindKey(a) === kindKey(b)) expect(isSameKind(a, b)).toBe(true);
      }),
    );
  });

  it('that nobody here knows may be of any group where nobody says it', () => {
    const shop = { kind: 'Shop', apiVersion: 'shops.example.com/v1' };
    expect(isSameKind(shop, { kind: 'Shop' })).toBe(true);
    expect(isSameKind(shop, { kind: 'Shop', apiVersion: 'others.example.com/v1' })).toBe(false);
    expect(isSameKind({ kind: 'Job' }, { kind: 'Job', apiVersion: 'batch.volcano.sh/v1' })).toBe(false);
  });
});
