import { expect, it } from 'vitest';
import { wrongVersions } from '../../../infra/release/check-versions.ts';

const right = {
  tag: 'v1.2.3',
  package: '1.2.3',
  chart: { version: '1.2.3', appVersion: '1.2.3' },
  changelog: '# Changes\n\n## Unreleased\n\n* later\n\n## 1.2.3 · 2026-12-01\n\n* now\n',
};

it('a tag that all agree with may be released', () => {
  expect(wrongVersions(right)).toEqual([]);
  const pre = '2.0.0-rc.1';
  const chart = { version: pre, appVersion: pre };
  const changelog = `## ${pre}\n\n* a try\n`;
  expect(wrongVersions({ tag: `v${pre}`, package: pre, chart, changelog })).toEqual([]);
});

it.each([
  [{ tag: '1.2.3' }, 'the tag is 1.2.3, package.json says 1.2.3: it should be v1.2.3'],
  [
    { chart: { version: '1.2.3', appVersion: '1.2.2' } },
    'infra/kubernetes/chart/Chart.yaml: appVersion is 1.2.2, not 1.2.3',
  ],
  [{ changelog: '## Unreleased\n\n* now\n' }, 'CHANGELOG.md: nothing under "## 1.2.3"'],
  [{ changelog: '## 1.2.3\n\n## 1.2.2\n\n* before\n' }, 'CHANGELOG.md: nothing under "## 1.2.3"'],
  [{ changelog: '## 1.2.30\n\n* another\n' }, 'CHANGELOG.md: nothing under "## 1.2.3"'],
])('%j may not', (wrong, line) => {
  expect(wrongVersions({ ...right, ...wrong })).toEqual([line]);
});
