/** The consumer of the stream, in Lambda. */
import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { SQSClient } from '@aws-sdk/client-sqs';
import { createLaterSetAside } from '../../shared/set-aside-later.ts';
import { createTelemetry } from '../../shared/telemetry.ts';
import { createIngest } from './ingest.ts';
import { readIngestConfig } from './read-config.ts';
import { createDynamoDbStore } from './store-dynamodb.ts';
import { correlatorTellings } from './tell-remarks.ts';
import { createTimers } from './timers-sqs.ts';

const config = readIngestConfig(process.env);
const telemetry = createTelemetry(correlatorTellings);
const ingest = createIngest(
  {
    store: createDynamoDbStore({ client: new DynamoDBClient(), tableName: config.tableName, now: Date.now }),
    timers: createTimers(new SQSClient(), config.timersQueueUrl),
    setAside: createLaterSetAside({ bucket: config.setAsideBucket, origin: 'ingest' }),
    log: telemetry.tell,
    now: Date.now,
  },
  config.thresholds,
);

export const handler = telemetry.wrap(ingest);
