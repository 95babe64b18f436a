/** The examples synth, and what they select and write is what change records are. */
import { readFileSync } from 'node:fs';
import { App } from 'aws-cdk-lib';
import { Match, Template } from 'aws-cdk-lib/assertions';
import { expect, it } from 'vitest';
import { detailTypes } from '../../../../functions/correlator/records-eventbridge.ts';
import { athenaQueries } from '../../../../infra/aws/examples/athena-queries.ts';
import { AthenaStack } from '../../../../infra/aws/examples/athena-stack.ts';
import { NotifyStack } from '../../../../infra/aws/examples/notify-stack.ts';
import { explain, explainClusters } from '../../../../infra/local/explain.ts';
import { recordOfEnd } from '../../../../shared/change-record.ts';
import { inCluster } from '../../../other-clusters.ts';
import { readRecording } from '../../../read-recordings.ts';

const schema = JSON.parse(
  readFileSync(new URL('../../../../shared/change-record.schema.json', import.meta.url), 'utf8'),
);

const webhook = { url: 'https://chat.test/hooks/1', secretName: 'chat' };
const notify = Template.fromStack(
  new NotifyStack(new App(), 'Notify', { busName: 'records', namespace: 'shop', webhook }),
);
const athena = Template.fromStack(new AthenaStack(new App(), 'Athena', { busName: 'records' }));

it('troubles of a namespace go to a topic and to a chat', () => {
  notify.hasResourceProperties('AWS::Events::Rule', {
    EventBusName: 'records',
    EventPattern: {
      source: ['rootspan'],
      detail: {
        kind: ['ended', 'stalled'],
        outcome: ['failed', 'stalled'],
        object: { namespace: ['shop'] },
      },
    },
    Targets: [
      Match.objectLike({ InputTransformer: Match.anyValue() }),
      Match.objectLike({ InputTransformer: Match.anyValue() }),
    ],
  });
  notify.resourceCountIs('AWS::SNS::Topic', 1);
  notify.hasResourceProperties('AWS::Events::ApiDestination', { InvocationEndpoint: webhook.url });
});

/** As EventBridge reads a pattern that has values and prefixes alone: at each path one of them. */
const selects = (pattern: unknown, value: unknown): boolean =>
  Array.isArray(pattern)
    ? pattern.some(
        (one) => one === value || (one.prefix !== undefined && String(value).startsWith(one.prefix)),
      )
    : Object.entries(pattern as object).every(([name, inner]) =>
        selects(inner, (value as Record<string, unknown> | undefined)?.[name]),
      );

it.each([
  ['crash-loop.jsonl', 's-crash-loop', ['Create crash stalled']],
  ['progress-deadline.jsonl', 'deadline', ['Update web failed']],
  ['jobs.jsonl', 'jobs', ['Create fails failed']],
  ['jobs.jsonl', 'shop', []],
  ['deployment-image-update.jsonl', 's-deployment-image-update', []],
])('of the records of %s in namespace %s: %j', async (file, namespace, selected) => {
  const stack = new NotifyStack(new App(), 'Notify', { busName: 'records', namespace });
  const [rule] = Object.values(Template.fromStack(stack).findResources('AWS::Events::Rule'));
  const records = explain(await readRecording(file)).flatMap((span) => recordOfEnd(span) ?? []);
  expect(records.length).toBeGreaterThan(1);
  const told = records.filter((detail) =>
    selects(rule!.Properties.EventPattern, { source: 'rootspan', detail }),
  );
  expect(told.map(({ change, object, outcome }) => `${change!.verb} ${object!.name} ${outcome}`)).toEqual(
    selected,
  );
});

it('the pattern of the README selects what it says', async () => {
  const readme = readFileSync(new URL('../../../../README.md', import.meta.url), 'utf8');
  const pattern = JSON.parse(/^ {4}\{\n {6}"source"[\s\S]*?\n {4}\}\n/m.exec(readme)![0]);
  const observations = (await readRecording('progress-deadline.jsonl')).map((observation) =>
    JSON.parse(JSON.stringify(observation).replaceAll('"namespace":"deadline"', '"namespace":"shop"')),
  );
  const told = (name: string) =>
    explainClusters([inCluster(observations, { name })]).flatMap((span) => {
      const detail = recordOfEnd(span);
      if (detail === undefined) return [];
      const event = { source: 'rootspan', 'detail-type': detailTypes[detail.kind], detail };
      return selects(pattern, event) ? [`${detail.object!.name} ${detail.outcome}`] : [];
    });
  expect(told('prod-eu-1')).toEqual(['web failed']);
  expect(told('stage-eu-1')).toEqual([]);
  for (const name of Object.values(detailTypes)) expect(readme).toContain(`"${name}"`);
});

it('a chat that wants no header gets one that says nothing, and no secret has to be there', () => {
  const open = Template.fromStack(
    new NotifyStack(new App(), 'Open', {
      busName: 'records',
      namespace: 'shop',
      webhook: { url: webhook.url },
    }),
  );
  const headerOf = (template: Template) => {
    const [connection] = Object.values(template.findResources('AWS::Events::Connection'));
    expect(connection!.Properties.AuthorizationType).toBe('API_KEY');
    return connection!.Properties.AuthParameters.ApiKeyAuthParameters;
  };
  expect(headerOf(open)).toEqual({ ApiKeyName: 'X-Rootspan', ApiKeyValue: 'change-record' });
  expect(headerOf(notify)).toEqual({
    ApiKeyName: 'Authorization',
    ApiKeyValue: expect.stringContaining('resolve:secretsmanager:chat:'),
  });
});

it('without a chat there is the topic alone', () => {
  const alone = Template.fromStack(
    new NotifyStack(new App(), 'Notify', { busName: 'records', namespace: 'shop' }),
  );
  alone.resourceCountIs('AWS::Events::ApiDestination', 0);
  alone.resourceCountIs('AWS::SNS::Topic', 1);
});

it('what the message names, a record has', () => {
  const [rule] = Object.values(notify.findResources('AWS::Events::Rule'));
  const paths: string[] = Object.values(rule!.Properties.Targets[0].InputTransformer.InputPathsMap);
  expect(paths.length).toBeGreaterThan(5);
  for (const path of paths) {
    const [first, second] = path.replace('$.detail.', '').split('.');
    const found = schema.properties[first!];
    expect(second === undefined ? found : found.properties[second], path).toBeDefined();
  }
});

it('the table has a column for each field of a record, as Athena writes names', () => {
  const [table] = Object.values(athena.findResources('AWS::Glue::Table'));
  const columns: { Name: string; Type: string }[] = table!.Properties.TableInput.StorageDescriptor.Columns;
  const fieldsOf = (properties: object) => Object.keys(properties).map((name) => name.toLowerCase());
  expect(columns.map(({ Name }) => Name).toSorted()).toEqual(fieldsOf(schema.properties).toSorted());
  for (const { Name, Type } of columns) {
    const [property] = Object.entries<{ properties?: object }>(schema.properties).flatMap(([name, value]) =>
      name.toLowerCase() === Name ? value : [],
    );
    if (property?.properties === undefined) continue;
    const fields = /^struct<(.*)>$/
      .exec(Type)![1]!
      .replace(/<[^>]*>/g, '')
      .split(',')
      .map((field) => field.split(':')[0]);
    expect(fields.toSorted(), Name).toEqual(fieldsOf(property.properties).toSorted());
  }
});

/** A phase that a record leaves out took no time: an average without those changes is of the few that were slow. */
it('the slowest phase is asked of all phases, for each kind, with 0 for what a record leaves out', () => {
  const { sql } = athenaQueries.find(({ name }) => name === 'slowest-phase')!;
  const names = [...sql.matchAll(/ARRAY\['(.*)'\]/g)].flatMap(([, list]) => list!.split("', '"));
  const values = [...sql.matchAll(/phases\."?(\w+)"?/g)].map(([, name]) => name);
  const [table] = Object.values(athena.findResources('AWS::Glue::Table'));
  const columns: { Name: string; Type: string }[] = table!.Properties.TableInput.StorageDescriptor.Columns;
  const { Type } = columns.find(({ Name }) => Name === 'phases')!;
  const phases = [...Type.matchAll(/(\w+):double/g)].map(([, name]) => name);
  expect(phases.length).toBeGreaterThan(5);
  expect(names).toEqual(phases);
  expect(values).toEqual(phases);
  expect(sql).toContain('avg(coalesce(seconds, 0))');
  expect(sql).toContain('object.kind AS kind');
});

it('the name by which runs are counted is that of what makes them', async () => {
  const { sql } = athenaQueries.find(({ name }) => name === 'slowest-phase')!;
  expect(sql).toContain("if(change.verb = 'Run', service.name, object.name) AS name");
  const records = explain(await readRecording('cronjob.jsonl')).flatMap((span) => recordOfEnd(span) ?? []);
  const runs = records.filter(({ change }) => change?.verb === 'Run');
  expect(runs.length).toBeGreaterThan(2);
  expect(new Set(runs.map(({ object }) => object!.name)).size).toBe(runs.length);
  expect(new Set(runs.map(({ service }) => service!.name))).toEqual(new Set(['tick']));
});

it('three questions are kept', () => {
  const names = Object.values(athena.findResources('AWS::Athena::NamedQuery')).map(
    ({ Properties }) => Properties.Name,
  );
  expect(names.toSorted()).toEqual(['change-failure-rate', 'lead-time', 'slowest-phase']);
});
