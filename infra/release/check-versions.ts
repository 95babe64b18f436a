/**
 * `node infra/release/check-versions.ts TAG`: whether a tag may be released. package.json is the one place that says the version;
 * the tag, the chart and CHANGELOG.md have to agree with it.
 */
import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { parse } from 'yaml';
import { notesOf } from './release-notes.ts';

export interface Versions {
  /** `v1.2.3` */
  tag: string;
  package: string;
  chart: { version?: unknown; appVersion?: unknown };
  changelog: string;
}

/** A line for each thing that is not of the version of package.json; none where all is. */
export function wrongVersions({ tag, package: version, chart, changelog }: Versions): string[] {
  const wrong: string[] = [];
  const isVersion = /^\d+\.\d+\.\d+(?:-[0-9A-Za-z.-]+)?$/.test(version);
  if (!isVersion) wrong.push(`package.json: ${version} is no version`);
  if (tag !== `v${version}`)
    wrong.push(`the tag is ${tag}, package.json says ${version}: it should be v${version}`);
  for (const key of ['version', 'appVersion'] as const) {
    if (chart[key] !== version)
      wrong.push(`infra/kubernetes/chart/Chart.yaml: ${key} is ${chart[key]}, not ${version}`);
  }
  if (notesOf(version, changelog) === undefined) wrong.push(`CHANGELOG.md: nothing under "## ${version}"`);
  return wrong;
}

if (import.meta.main) {
  const read = (file: string) => readFileSync(resolve(import.meta.dirname, '../..', file), 'utf8');
  const wrong = wrongVersions({
    tag: process.argv[2] ?? '',
    package: (JSON.parse(read('package.json')) as { version: string }).version,
    chart: parse(read('infra/kubernetes/chart/Chart.yaml')),
    changelog: read('CHANGELOG.md'),
  });
  for (const line of wrong) console.error(line);
  if (wrong.length > 0) process.exitCode = 1;
}
