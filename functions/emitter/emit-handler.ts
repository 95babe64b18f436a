/** The consumer of the spans queue, in Lambda. */
import { SQSClient } from '@aws-sdk/client-sqs';
import { createLaterSetAside } from '../../shared/set-aside-later.ts';
import { createTelemetry } from '../../shared/telemetry.ts';
import { createDelivery, type SpansQueueEvent } from './deliver-messages.ts';
import { createEmitter, narrowingRequests } from './emit.ts';
import { exportSpans, type OtlpTransport } from './export-spans.ts';
import { createHttpTransport } from './http-transport.ts';
import { otlpPacking, xrayPacking } from './pack-requests.ts';
import { type Destination, readEmitterConfig } from './read-config.ts';
import { createRedelivery } from './redelivery-sqs.ts';
import { createSecretHeaders, renewHeaders } from './secret-headers.ts';
import { createSecretSource } from './secrets-manager.ts';
import { createSigning } from './sign-request.ts';
import { emitterTellings } from './tell-remarks.ts';

/** Milliseconds, beside a request's own time-out, to set aside and to answer before Lambda's time-out. */
const toFinish = 5_000;

const config = readEmitterConfig(process.env);
const telemetry = createTelemetry(emitterTellings);
const sqs = new SQSClient();
const { now } = Date;
const transport = connect(config.destination);
const deliver = createDelivery({
  emit: createEmitter(
    {
      exportSpans: (spans) => exportSpans(spans, { transport, now }),
      setAside: createLaterSetAside({ bucket: config.setAsideBucket, origin: 'emit' }),
      now,
    },
    { ...(config.destination.kind === 'x-ray' ? xrayPacking : otlpPacking), narrowingRequests },
  ),
  redelivery: createRedelivery(sqs, config.spansQueueUrl),
  log: telemetry.tell,
  now,
});

export const handler = telemetry.wrap((event: SpansQueueEvent, context) => {
  const { timeoutMs } = config.destination.endpoint;
  return deliver(event, now() + context.getRemainingTimeInMillis() - timeoutMs - toFinish);
});

function connect(destination: Destination): OtlpTransport {
  const { endpoint } = destination;
  if (destination.kind === 'x-ray') {
    const { credentials, region, sha256 } = sqs.config;
    const signing = { service: 'xray', url: endpoint.url, credentials, region, sha256, now };
    return createHttpTransport(endpoint, createSigning(signing));
  }
  const { headersSecretArn } = destination;
  if (headersSecretArn === undefined) return createHttpTransport(endpoint);
  const secret = createSecretHeaders(createSecretSource(headersSecretArn));
  return renewHeaders(createHttpTransport(endpoint, secret.authorize), secret);
}
