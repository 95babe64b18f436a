/** The consumer of the spans queue, in Lambda. */
import { S3Client } from '@aws-sdk/client-s3';
import { createSetAside } from '../../shared/set-aside-s3.ts';
import { createTelemetry } from '../../shared/telemetry.ts';
import { createDelivery } from './deliver-messages.ts';
import { createEmitter } from './emit.ts';
import { exportSpans } from './export-spans.ts';
import { createHttpTransport } from './http-transport.ts';
import { readEmitterConfig } from './read-config.ts';
import { emitterTellings } from './tell-remarks.ts';

const config = readEmitterConfig(process.env);
const telemetry = createTelemetry(emitterTellings);
const transport = createHttpTransport(config.endpoint);
const emit = createEmitter({
  exportSpans: (spans) => exportSpans(spans, { transport, now: Date.now }),
  setAside: createSetAside(new S3Client(), { bucket: config.setAsideBucket, origin: 'emit' }),
});

export const handler = telemetry.wrap(createDelivery({ emit, log: telemetry.tell }));
