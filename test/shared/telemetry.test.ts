import type { Context } from 'aws-lambda';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { createTelemetry, type TellingTable } from '../../shared/telemetry.ts';

type Remark =
  | { kind: 'counted'; observations: number }
  | { kind: 'heard'; cluster: string; observations: number }
  | { kind: 'broken'; error: unknown };

const table: TellingTable<Remark> = {
  counted: ({ observations }) => ({
    level: 'info',
    message: 'counted',
    fields: { observations },
    metrics: { Received: observations },
  }),
  heard: ({ cluster, observations }) => ({
    level: 'debug',
    message: 'heard',
    ofCluster: { cluster, metrics: { Received: observations } },
  }),
  broken: ({ error }) => ({ level: 'error', message: 'broken', error }),
};
const context = (awsRequestId: string) => ({ awsRequestId }) as Context;

let lines: Record<string, unknown>[];
beforeEach(() => {
  vi.stubEnv('POWERTOOLS_SERVICE_NAME', 'ingest');
  vi.stubEnv('POWERTOOLS_METRICS_NAMESPACE', 'Rootspan');
  lines = [];
  for (const stream of [process.stdout, process.stderr]) {
    vi.spyOn(stream, 'write').mockImplementation((text) => {
      lines.push(JSON.parse(String(text)));
      return true;
    });
  }
});
afterEach(() => {
  vi.unstubAllEnvs();
  vi.restoreAllMocks();
});

const figures = () => lines.filter((line) => '_aws' in line);

it('figures of one invocation are one line, with each value', async () => {
  const { tell, wrap } = createTelemetry(table);
  const handler = wrap(async (counts: number[]) => {
    for (const observations of counts) tell({ kind: 'counted', observations });
  });
  await handler([3, 5], context('one'));
  expect(figures()).toMatchObject([{ service: 'ingest', Received: [3, 5] }]);
  await handler([7], context('two'));
  expect(figures()[1]).toMatchObject({ Received: 7 });
  const ids = lines.filter((line) => 'message' in line).map((line) => line.function_request_id);
  expect(ids).toEqual(['one', 'one', 'two']);
});

it('a figure of one cluster is a line of its own, and none that is 0', async () => {
  const { tell, wrap } = createTelemetry(table);
  const handler = wrap(async () => {
    tell({ kind: 'counted', observations: 5 });
    tell({ kind: 'heard', cluster: 'prod', observations: 3 });
    tell({ kind: 'heard', cluster: 'stage', observations: 0 });
  });
  await handler({}, context('one'));
  expect(figures()).toHaveLength(2);
  const [ofProd, ofAll] = figures();
  expect(ofProd).toMatchObject({ service: 'ingest', cluster: 'prod', Received: 3 });
  expect(ofAll).toMatchObject({ service: 'ingest', Received: 5 });
  expect(ofAll).not.toHaveProperty('cluster');
  expect(figures()).toMatchObject([
    { _aws: { CloudWatchMetrics: [{ Dimensions: [['service', 'cluster']] }] } },
    { _aws: { CloudWatchMetrics: [{ Dimensions: [['service']] }] } },
  ]);
});

it('an invocation that fails tells what it had counted, and fails', async () => {
  const { tell, wrap } = createTelemetry(table);
  const handler = wrap(async () => {
    tell({ kind: 'counted', observations: 1 });
    throw new Error('DynamoDB is away');
  });
  await expect(handler({}, context('one'))).rejects.toThrow('DynamoDB is away');
  expect(figures()).toMatchObject([{ Received: 1 }]);
});

it('without a figure there is no line of figures', async () => {
  const { wrap } = createTelemetry(table);
  await wrap(async () => {})({}, context('one'));
  expect(lines).toEqual([]);
});

it('an error is told by its name, its message and where it came from', () => {
  const { tell } = createTelemetry(table);
  tell({ kind: 'broken', error: new RangeError('too far') });
  tell({ kind: 'broken', error: 'just text' });
  expect(lines).toMatchObject([
    { level: 'ERROR', message: 'broken', error: { name: 'RangeError', message: 'too far' } },
    { error: 'just text' },
  ]);
});
