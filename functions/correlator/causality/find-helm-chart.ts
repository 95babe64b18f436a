/**
 * Which chart and which version of the application a change brought, by Helm's labels
 * (https://helm.sh/docs/chart_best_practices/labels/) of the versions before and after it. What no chart made may bear the version
 * of its application as well (https://kubernetes.io/docs/concepts/overview/working-with-objects/common-labels/).
 */
import type { Attributes } from '../../../shared/span.ts';
import type { Change } from './change.ts';

interface Chart {
  name: string;
  version: string;
}

interface HelmMarks {
  /** Whether Helm made the object. */
  isHelms: boolean;
  chart: Chart | undefined;
  appVersion: string | undefined;
}

const noMarks: HelmMarks = { isHelms: false, chart: undefined, appVersion: undefined };

function marksOf(version: Change['version']): HelmMarks {
  const { labels } = version?.object ?? {};
  if (labels === undefined) return noMarks;
  const chart = parseChart(labels['helm.sh/chart']);
  const isHelms = chart !== undefined || labels['app.kubernetes.io/managed-by'] === 'Helm';
  // An empty label says nothing.
  return { isHelms, chart, appVersion: labels['app.kubernetes.io/version'] || undefined };
}

/** `NAME-VERSION`, a version by https://semver.org, with `_` for the `+` that no label may have. */
export function parseChart(label: string | undefined): Chart | undefined {
  const [, name, version] = /^(.+?)-(v?\d+\.\d+\.\d+(?:[-_.].*)?)$/.exec(label ?? '') ?? [];
  return version === undefined ? undefined : { name: name!, version: version.replace('_', '+') };
}

/** Semantic conventions have no names for it. */
export function addHelm(attributes: Attributes, { before, version }: Change): void {
  const [old, now] = [marksOf(before), marksOf(version)];
  if (!now.isHelms) return;
  const release = version?.object.annotations?.['meta.helm.sh/release-name'];
  if (release !== undefined) attributes['rootspan.helm.release'] = release;
  if (now.chart !== undefined) {
    attributes['rootspan.helm.chart.name'] = now.chart.name;
    attributes['rootspan.helm.chart.version'] = now.chart.version;
  }
  if (old.chart !== undefined && old.chart.name === now.chart?.name)
    attributes['rootspan.helm.chart.version_before'] = old.chart.version;
  if (now.appVersion !== undefined) attributes['rootspan.helm.app.version'] = now.appVersion;
  if (old.appVersion !== undefined) attributes['rootspan.helm.app.version_before'] = old.appVersion;
}

/** What of it the change brought, as one says it: `chart web 1.2.3 → 1.3.0`. */
export function tellHelm({ before, version, type }: Change): string[] {
  if (version === undefined || type !== 'generation') return [];
  const [old, now] = [marksOf(before), marksOf(version)];
  const isCreation = before === undefined && version.object.generation === 1;
  if (before === undefined && !isCreation) return [];
  return [tellChart(old.chart, now.chart), tellVersion(old.appVersion, now.appVersion)].filter(
    (said) => said !== '',
  );
}

function tellChart(old: Chart | undefined, now: Chart | undefined): string {
  if (now === undefined || (old?.name === now.name && old.version === now.version)) return '';
  if (old === undefined) return `chart ${now.name} ${now.version}`;
  return old.name === now.name
    ? `chart ${now.name} ${old.version} → ${now.version}`
    : `chart ${old.name} ${old.version} → ${now.name} ${now.version}`;
}

function tellVersion(old: string | undefined, now: string | undefined): string {
  if (now === undefined || old === now) return '';
  return old === undefined ? `app version ${now}` : `app version ${old} → ${now}`;
}
