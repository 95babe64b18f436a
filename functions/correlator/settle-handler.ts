/** The consumer of the timers, in Lambda. */
import { readFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { SQSClient } from '@aws-sdk/client-sqs';
import { boundCalls } from '../../shared/bound-calls.ts';
import { createLaterSetAside } from '../../shared/set-aside-later.ts';
import { createTelemetry } from '../../shared/telemetry.ts';
import { withUserRows } from './causality/rules/built-in-rules.ts';
import type { EventRow } from './causality/rules/event-row.ts';
import type { RecordsBus } from './ports.ts';
import { readSettleConfig, type SettleConfig } from './read-config.ts';
import { createSettle } from './settle.ts';
import { createSpansQueue } from './spans-queue-sqs.ts';
import { createDynamoDbStore } from './store-dynamodb.ts';
import { correlatorTellings } from './tell-remarks.ts';
import { createTimers } from './timers-sqs.ts';

const config = readSettleConfig(process.env);
const telemetry = createTelemetry(correlatorTellings, { byCluster: config.metricsByCluster });
const sqs = new SQSClient(boundCalls);
const rules = withUserRows(await readUserRows(config.rulesFile));
const settle = createSettle(
  {
    store: createDynamoDbStore({
      client: new DynamoDBClient(boundCalls),
      tableName: config.tableName,
      now: Date.now,
    }),
    timers: createTimers(sqs, config.timersQueueUrl),
    spansQueue: createSpansQueue(sqs, config.spansQueueUrl),
    setAside: createLaterSetAside({ bucket: config.setAsideBucket, origin: 'settle' }),
    records: await connectRecordsBus(config),
    log: telemetry.tell,
    now: Date.now,
    assemblyClock: () => BigInt(Date.now()) * 1_000_000n,
  },
  config.thresholds,
  rules,
  config,
);

export const handler = telemetry.wrap(settle);

/** Loaded where somebody wants to be told. */
async function connectRecordsBus({
  records,
  timersQueueUrl: queueUrl,
}: SettleConfig): Promise<RecordsBus | undefined> {
  if (records === undefined) return undefined;
  const { createRecordsBus } = await import('./records-eventbridge.ts');
  const { credentials, region, sha256 } = sqs.config;
  const identity = { credentials, region, sha256, now: Date.now };
  return createRecordsBus({ ...identity, bus: records.bus, url: records.endpoint, sqs, queueUrl });
}

/** Loaded where there are any: most deployments have none. */
async function readUserRows(file: string | undefined): Promise<readonly EventRow[]> {
  if (file === undefined) return [];
  const { checkRules } = await import('./causality/rules/check-rules.ts');
  return checkRules(JSON.parse(await readFile(resolve(import.meta.dirname, file), 'utf8')), file);
}
