/** The consumer of the stream, in Lambda. */
import { readFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { SQSClient } from '@aws-sdk/client-sqs';
import { boundCalls } from '../../shared/bound-calls.ts';
import { createLaterSetAside } from '../../shared/set-aside-later.ts';
import { createTelemetry } from '../../shared/telemetry.ts';
import { createIngest } from './ingest.ts';
import { type Admission, openAdmission, readAdmission } from './read-admission.ts';
import { readIngestConfig } from './read-config.ts';
import { createDynamoDbStore } from './store-dynamodb.ts';
import { correlatorTellings } from './tell-remarks.ts';
import { createTimers } from './timers-sqs.ts';

const config = readIngestConfig(process.env);
const telemetry = createTelemetry(correlatorTellings);
const admission = config.admissionFile === undefined ? openAdmission : await read(config.admissionFile);
const ingest = createIngest(
  {
    store: createDynamoDbStore({
      client: new DynamoDBClient(boundCalls),
      tableName: config.tableName,
      now: Date.now,
    }),
    timers: createTimers(new SQSClient(boundCalls), config.timersQueueUrl),
    setAside: createLaterSetAside({ bucket: config.setAsideBucket, origin: 'ingest' }),
    log: telemetry.tell,
    now: Date.now,
  },
  config.thresholds,
  admission,
);

export const handler = telemetry.wrap(ingest);

async function read(file: string): Promise<Admission> {
  return readAdmission(await readFile(resolve(import.meta.dirname, file), 'utf8'), file);
}
