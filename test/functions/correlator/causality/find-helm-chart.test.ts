/** Which chart a change brought, by Helm's labels. */
import { describe, expect, it } from 'vitest';
import { parseChart } from '../../../../functions/correlator/causality/find-helm-chart.ts';
import type { Span } from '../../../../shared/span.ts';
import { rollout, snapshot, spansOf } from './cluster-story.ts';

const helmed = (chart: string, version: string) => ({
  'app.kubernetes.io/managed-by': 'Helm',
  'app.kubernetes.io/version': version,
  'helm.sh/chart': chart,
});
const annotations = { 'meta.helm.sh/release-name': 'web' };

function rootOf(before: Record<string, string>, after: Record<string, string>): Span['attributes'] {
  const { deployment, observations } = rollout(100);
  const [, ...rest] = observations;
  const managers = [{ manager: 'helm', operation: 'Update', time: '2026-03-01T12:01:40Z' }];
  const details = { annotations, replicas: 1 };
  const spans = spansOf(
    snapshot(-9000, deployment, { ...details, labels: before, specDigest: 'old' }),
    snapshot(100, deployment, { ...details, labels: after, generation: 2, specDigest: 'new', managers }),
    ...rest,
  );
  return spans.find(({ name }) => name === 'Deployment.Update')!.attributes;
}

describe('an upgrade by Helm', () => {
  it('says chart and version of the application before and after', () => {
    expect(rootOf(helmed('web-1.2.3', '7.0.1'), helmed('web-1.3.0', '7.1.0'))).toMatchObject({
      'rootspan.change.summary': 'chart web 1.2.3 → 1.3.0, app version 7.0.1 → 7.1.0',
      'rootspan.helm.release': 'web',
      'rootspan.helm.chart.name': 'web',
      'rootspan.helm.chart.version': '1.3.0',
      'rootspan.helm.chart.version_before': '1.2.3',
      'rootspan.helm.app.version': '7.1.0',
      'rootspan.helm.app.version_before': '7.0.1',
    });
  });

  it('with other values only brings no chart', () => {
    const root = rootOf(helmed('web-1.2.3', '7.0.1'), helmed('web-1.2.3', '7.0.1'));
    expect(root['rootspan.change.summary']).toBeUndefined();
    expect(root['rootspan.helm.chart.version']).toBe('1.2.3');
  });

  it('to another chart says both', () => {
    expect(
      rootOf(helmed('web-1.2.3', '7.0.1'), helmed('shop-0.1.0', '7.0.1'))['rootspan.change.summary'],
    ).toBe('chart web 1.2.3 → shop 0.1.0');
  });
});

it('a version of an application that no chart brought is in the sentence, and nothing of Helm', () => {
  const root = rootOf({ 'app.kubernetes.io/version': '7.0.1' }, { 'app.kubernetes.io/version': '7.1.0' });
  expect(root['rootspan.change.summary']).toBe('app version 7.0.1 → 7.1.0');
  expect(Object.keys(root).filter((key) => key.startsWith('rootspan.helm.'))).toEqual([]);
});

it.each([
  ['web-1.2.3', 'web', '1.2.3'],
  ['redis-7-cluster-1.2.3-rc.1', 'redis-7-cluster', '1.2.3-rc.1'],
  ['web-v1.2.3', 'web', 'v1.2.3'],
  ['web-1.2.3_build.5', 'web', '1.2.3+build.5'],
])('a chart of the label %s', (label, name, version) => {
  expect(parseChart(label)).toEqual({ name, version });
});

it.each(['', 'web', '1.2.3', 'web-1.2'])('no chart of the label %j', (label) => {
  expect(parseChart(label)).toBeUndefined();
});
