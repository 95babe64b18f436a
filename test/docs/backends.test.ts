/** What dashboards ask for is what spans say. */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parser } from '@grafana/lezer-traceql';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { explain, explainClusters } from '../../infra/local/explain.ts';
import type { Span } from '../../shared/span.ts';
import { inCluster } from '../other-clusters.ts';
import { readCase, readRecording } from '../read-recordings.ts';

const folder = new URL('../../docs/backends/', import.meta.url);
const textOf = (file: string) => readFileSync(new URL(file, folder), 'utf8');
const pages = readdirSync(folder).filter((file) => file.endsWith('.md'));
/** Five times the same, in each backend's own language. */
const asking = pages.filter((page) => page !== 'README.md');

async function saidBySpans(): Promise<{ span: Set<string>; resource: Set<string> }> {
  const files = ['bad-image.jsonl', 'deployment-image-update.jsonl', 'crash-loop.jsonl', 'job.jsonl'];
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
      for (const [, name] of query.matchAll(/\$\{?(\w+)/g)) expect(variables, title).toContain(name);
  }
});

it('panels do not lie on each other', () => {
  const squares = dashboard.panels.flatMap(({ gridPos: { x, y, w, h } }) =>
    Array.from({ length: w * h }, (_, i) => `${x + (i % w)},${y + Math.floor(i / w)}`),
  );
  expect(new Set(squares).size).toBe(squares.length);
});

it('each phase that spans have has its panel, and its place in the one of all', async () => {
  const said = await saidBySpans();
  const phases = [...said.span].filter((name) => name.startsWith('rootspan.change.time.'));
  expect(phases.length).toBeGreaterThan(5);
  for (const phase of phases) {
    const asking = dashboard.panels.filter(({ targets }) =>
      targets.some(({ query }) => query.includes(`sum_over_time(span.${phase})`)),
    );
    expect(asking, phase).toHaveLength(2);
  }
});

it('the dashboard has no property that Grafana’s types do not know', () => {
  expect(typeErrorsOf(textOf('grafana-dashboard.json'))).toEqual('');
  expect(typeErrorsOf(textOf('grafana-dashboard.json').replace('"gridPos"', '"gridPosition"'))).toMatch(
    /gridPosition/,
  );
});

/** As the compiler sees an object that is written down as a `Dashboard`: what is misspelt is an error. */
function typeErrorsOf(json: string): string {
  const folder = mkdtempSync(join(tmpdir(), 'dashboard-'));
  try {
    const text = `import type { Dashboard } from '@grafana/schema';\nexport const dashboard: Dashboard = ${json};`;
    writeFileSync(join(folder, 'dashboard.ts'), text);
    const compilerOptions = {
      strict: true,
      noEmit: true,
      skipLibCheck: true,
      types: [],
      module: 'esnext',
      moduleResolution: 'bundler',
      paths: {
        '@grafana/schema': [dirname(fileURLToPath(import.meta.resolve('@grafana/schema/package.json')))],
      },
    };
    writeFileSync(
      join(folder, 'tsconfig.json'),
      JSON.stringify({ compilerOptions, files: ['dashboard.ts'] }),
    );
    return spawnSync(compiler, ['-p', folder], { encoding: 'utf8' }).stdout;
  } finally {
    rmSync(folder, { recursive: true });
  }
}

const compiler = fileURLToPath(new URL('../../node_modules/.bin/tsc', import.meta.url));

/** With what a reader may write into the box of the dashboard. */
const conditions = ['true', 'resource.k8s.cluster.name =~ "prod-.*" && span.k8s.namespace.name = "shop"'];

it.each(conditions)('Grafana’s grammar of TraceQL reads each query of the dashboard, where %s', (where) => {
  const queries = dashboard.panels.flatMap(({ targets }) => targets.map(({ query }) => query));
  for (const query of queries)
    expect(errorsIn(query.replaceAll(/\$\{where:raw\}/g, where)), query).toEqual([]);
});

it('and each of the page about Tempo', () => {
  const blocks = [...textOf('tempo.md').matchAll(/^```traceql\n([\s\S]*?)^```/gm)].map(([, text]) => text!);
  const queries = blocks.flatMap((text) => text.split('\n')).filter((line) => line.startsWith('{'));
  expect(queries.length).toBeGreaterThan(4);
  for (const query of queries) expect(errorsIn(query), query).toEqual([]);
});

it('and finds what is none', () => {
  expect(errorsIn('{ span.rootspan.change.outcome = }')).not.toEqual([]);
  expect(errorsIn('{ rootspan.change.outcome = "failed" }')).not.toEqual([]);
});

/** Where its parser did not know how to go on. */
function errorsIn(query: string): string[] {
  const errors: string[] = [];
  parser.parse(query).iterate({
    enter: ({ type, from }) => {
      if (type.isError) errors.push(query.slice(from));
    },
  });
  return errors;
}

it('the dimensions of the collector’s recipe are attributes that roots have', async () => {
  const said = await saidBySpans();
  const [, recipe = ''] = /```yaml\n([\s\S]*?)```/.exec(textOf('collector.md').split('## Metrics')[1]!)!;
  const { connectors } = parse(recipe);
  const dimensions: { name: string }[] = connectors.spanmetrics.dimensions;
  expect(dimensions.length).toBeGreaterThan(3);
  for (const { name } of dimensions) expect([...said.span, ...said.resource]).toContain(name);
});

it('the recipe of how long changes took asks for each phase, and for attributes that roots have', async () => {
  const said = await saidBySpans();
  const [, recipe = ''] = /```yaml\n([\s\S]*?)```/.exec(
    textOf('collector.md').split('signaltometrics connector\n')[1]!,
  )!;
  const { connectors, service, processors, exporters } = parse(recipe);
  interface Made {
    name: string;
    conditions: string[];
    include_resource_attributes: { key: string }[];
    attributes: { key: string }[];
    histogram: { value: string };
  }
  const made: Made[] = connectors.signaltometrics.spans;
  const durations = [...said.span].filter((name) => /^rootspan\.change\.(?:duration$|time\.)/.test(name));
  expect(durations.length).toBeGreaterThan(6);
  expect(made.map(({ conditions }) => conditions)).toEqual(
    expect.arrayContaining(durations.map((name) => [`attributes["${name}"] != nil`])),
  );
  expect(made).toHaveLength(durations.length);
  for (const { conditions, histogram, attributes, include_resource_attributes: ofResource } of made) {
    expect(conditions).toEqual([`${/attributes\[.*?\]/.exec(histogram.value)![0]} != nil`]);
    for (const { key } of attributes) expect([...said.span]).toContain(key);
    for (const { key } of ofResource) expect([...said.resource]).toContain(key);
  }
  expect(Object.keys(processors)).toEqual(service.pipelines['metrics/took'].processors);
  expect(Object.keys(exporters)).toEqual(service.pipelines['metrics/took'].exporters);
});

describe.each(asking)('%s', (page) => {
  const blocks = [...textOf(page).matchAll(/^```(\w*)\n([\s\S]*?)^```/gm)];
  const queries = blocks.flatMap(([, language, text]) => (language === 'yaml' ? [] : [text])).join('\n');

  it('asks for attributes that spans have', async () => {
    const observed = await Promise.all([
      ...['bad-image.jsonl', 'drain.jsonl', 'deployment-image-update.jsonl'].map(readRecording),
      readCase('g01-flux-git-commit.jsonl'),
    ]);
    const spans = observed.flatMap((observations) => explain(observations));
    const said = new Set(
      spans.flatMap(({ attributes, resource }) => [...Object.keys(attributes), ...Object.keys(resource)]),
    );
    // By the chart's values, which no recording has.
    for (const name of ['deployment.environment.name', 'k8s.cluster.name']) said.add(name);
    const asked = queries.match(/\b(?:rootspan\.\w|k8s\.|vcs\.|deployment\.|error\.type)[\w.]*/g) ?? [];
    expect([...new Set(asked)].filter((name) => !said.has(name))).toEqual([]);
    expect(asked.length).toBeGreaterThan(5);
  });

  it('asks all five questions', () => {
    for (const word of [
      'rootspan.change.outcome',
      /Pod\.Pulling/i,
      'vcs.ref.head.revision',
      'k8s.pod.name',
      'rootspan.change.manager',
    ])
      expect(textOf(page)).toMatch(word);
  });

  it('says whether that was tried, and is listed', () => {
    expect(textOf(page)).toMatch(/^(?:Not tried|Tried)\b/m);
    expect(textOf('README.md')).toContain(`](${page})`);
  });
});
