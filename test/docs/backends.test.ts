/** What dashboards ask for is what spans say. */
import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { parse } from 'yaml';
import { explain, explainClusters } from '../../infra/local/explain.ts';
import type { Span } from '../../shared/span.ts';
import { inCluster } from '../other-clusters.ts';
import { readRecording } from '../read-recordings.ts';

const textOf = (file: string) =>
  readFileSync(new URL(`../../docs/backends/${file}`, import.meta.url), 'utf8');

async function saidBySpans(): Promise<{ span: Set<string>; resource: Set<string> }> {
  const files = ['bad-image.jsonl', 'deployment-image-update.jsonl', 'crash-loop.jsonl'];
  const recordings = await Promise.all(files.map(readRecording));
  const clusters = ['eu-1', 'eu-2'].map((name) => inCluster(recordings[0]!, { name }));
  const spans: Span[] = [
    ...recordings.flatMap((recording) => explain(recording)),
    ...explainClusters(clusters),
  ];
  return {
    span: new Set(spans.flatMap(({ attributes }) => Object.keys(attributes))),
    resource: new Set(spans.flatMap(({ resource }) => Object.keys(resource))),
  };
}

interface Panel {
  id: number;
  title: string;
  gridPos: { x: number; y: number; w: number; h: number };
  targets: { query: string }[];
}

const dashboard: { panels: Panel[]; templating: { list: { name: string }[] } } = JSON.parse(
  textOf('grafana-dashboard.json'),
);

it('each attribute of a query is one that spans have', async () => {
  const said = await saidBySpans();
  for (const { title, targets } of dashboard.panels) {
    const asked = targets.flatMap(({ query }) => [...query.matchAll(/\b(span|resource)\.([\w.]+)/g)]);
    expect(asked.length, title).toBeGreaterThan(0);
    for (const [, where, name] of asked)
      expect([...said[where as 'span' | 'resource']], title).toContain(name);
  }
});

it('panels have ids of their own, fit the grid, and use variables that there are', () => {
  const ids = dashboard.panels.map(({ id }) => id);
  expect(new Set(ids).size).toBe(ids.length);
  const variables = dashboard.templating.list.map(({ name }) => name);
  for (const { title, gridPos, targets } of dashboard.panels) {
    expect(gridPos.x + gridPos.w, title).toBeLessThanOrEqual(24);
    for (const { query } of targets)
      for (const [, name] of query.matchAll(/\$(\w+)/g)) expect(variables, title).toContain(name);
  }
});

it('the dimensions of the collector’s recipe are attributes that roots have', async () => {
  const said = await saidBySpans();
  const [, recipe = ''] = /```yaml\n([\s\S]*?)```/.exec(textOf('README.md'))!;
  const { connectors } = parse(recipe);
  const dimensions: { name: string }[] = connectors.spanmetrics.dimensions;
  expect(dimensions.length).toBeGreaterThan(3);
  for (const { name } of dimensions) expect([...said.span, ...said.resource]).toContain(name);
});
