/** What can be said of the chart and the image without Helm; the rest is test/e2e/chart.test.ts. */
import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { expect, it } from 'vitest';
import { isMap, parse, parseDocument, type YAMLMap } from 'yaml';
import { builtInRows } from '../../../functions/correlator/causality/rules/index.ts';
import {
  customKinds,
  groupOf,
  kindsOf,
  nameIn,
  watchedObjects,
} from '../../../functions/forwarder/kubernetes/watched-resources.ts';

const root = resolve(import.meta.dirname, '../../..');
const read = (file: string) => readFileSync(resolve(root, file), 'utf8');
const values = parse(read('infra/kubernetes/chart/values.yaml'));

/** As Kubernetes' kinds have it. */
const pluralOf = (kind: string): string => `${kind.toLowerCase()}s`.replace(/ys$/, 'ies');

it('the chart has the version of the package', () => {
  const { version } = JSON.parse(read('package.json')) as { version: string };
  expect(parse(read('infra/kubernetes/chart/Chart.yaml'))).toMatchObject({ version, appVersion: version });
});

it('the chart lets the forwarder read each kind that a rule of causality knows', () => {
  const read = [
    ...watchedObjects.map(({ resource }) => resource),
    ...Object.values<string[]>(values.watch).flat(),
    ...Object.values<string[]>(values.lookups).flat(),
  ];
  const kinds = builtInRows.flatMap(({ subject, target = '' }) => [subject, target]);
  // A target that says where to look is no kind.
  const known = new Set(kinds.filter((kind) => /^[A-Z]/.test(kind)).map(pluralOf));
  expect([...known].filter((resource) => !read.includes(resource))).toEqual([]);
});

it('the chart lets the forwarder watch just the kinds that it watches, and looks up none of them', () => {
  expect(values.watch).toEqual(customKinds);
  expect(values.extraKinds).toEqual([]);
  const watched = new Set(
    [
      ...kindsOf(customKinds),
      ...watchedObjects.map(({ apiVersion, resource }) => ({ group: groupOf(apiVersion), resource })),
    ].map(({ group, resource }) => nameIn(group, resource)),
  );
  const lookedUp = kindsOf(values.lookups).map(({ group, resource }) => nameIn(group, resource));
  expect(lookedUp.filter((name) => watched.has(name))).toEqual([]);
});

it('the image runs the bundle on the project’s Node, and not as root', () => {
  const stages = read('infra/kubernetes/Dockerfile')
    .split(/^FROM /m)
    .slice(1);
  const [build, image] = stages as [string, string];
  const [major] = JSON.parse(read('package.json')).devDependencies.node.split('.');
  expect(stages).toHaveLength(2);
  expect(build).toMatch(new RegExp(`node:${major}-`));
  expect(build).toContain('RUN npm run build:forwarder');
  expect(image).toMatch(new RegExp(`^\\S+/distroless/nodejs${major}-debian\\d+:nonroot\\n`));
  expect(image).toMatch(new RegExp(`^USER ${values.runAsUser}:${values.runAsUser}$`, 'm'));
  expect(image).toContain('/src/dist/forwarder.mjs /app/\n');
  expect(image).toMatch(/^ENTRYPOINT \["\/nodejs\/bin\/node", .*"\/app\/forwarder.mjs"\]$/m);
});

/** Values without a comment of their own, by their path; groups of rights are explained where they begin. */
function undocumentedIn(map: YAMLMap, path: string[] = []): string[] {
  return map.items.flatMap(({ key, value }, index) => {
    const { value: name, commentBefore } = key as { value: string; commentBefore?: string };
    const here = [...path, name];
    if (['watch', 'lookups'].includes(name)) return [];
    if (isMap(value) && value.flow !== true) return undocumentedIn(value, here);
    // A comment before the first of a group belongs to the group, as the parser sees it.
    return (commentBefore ?? (index === 0 ? map.commentBefore : undefined)) ? [] : [here.join('.')];
  });
}

it('each value of the chart says what it is for', () => {
  const document = parseDocument(read('infra/kubernetes/chart/values.yaml'));
  expect(undocumentedIn(document.contents as YAMLMap)).toEqual([]);
});

it('each value of the chart is one of its schema, and the other way round', () => {
  const { properties } = JSON.parse(read('infra/kubernetes/chart/values.schema.json'));
  // Helm's own words for charts that others depend on.
  const { global: _, enabled: __, ...own } = properties;
  expect(Object.keys(own).sort()).toEqual(Object.keys(values).sort());
  expect(Object.keys(own.metrics.properties)).toEqual(Object.keys(values.metrics));
});
