/** The consumer of the spans queue, in Lambda. */
import { createLaterSetAside } from '../../shared/set-aside-later.ts';
import { createTelemetry } from '../../shared/telemetry.ts';
import { createDelivery, type SpansQueueEvent } from './deliver-messages.ts';
import { createEmitter, narrowingRequests } from './emit.ts';
import { exportSpans, type OtlpTransport } from './export-spans.ts';
import { createHttpTransport } from './http-transport.ts';
import { nameServices } from './name-services.ts';
import { otlpPacking, xrayPacking } from './pack-requests.ts';
import { type Destination, readEmitterConfig } from './read-config.ts';
import { createLaterRedelivery } from './redelivery-later.ts';
import { createSecretHeaders, renewHeaders } from './secret-headers.ts';
import { emitterTellings } from './tell-remarks.ts';

/** Milliseconds, beside a request's own time-out, to set aside and to answer before Lambda's time-out. */
const toFinish = 5_000;

const config = readEmitterConfig(process.env);
const telemetry = createTelemetry(emitterTellings);
const { now } = Date;
const transport = await connect(config.destination);
const deliver = createDelivery({
  emit: createEmitter(
    {
      exportSpans: (spans) => exportSpans(nameServices(spans, config.serviceName), { transport, now }),
      setAside: createLaterSetAside({ bucket: config.setAsideBucket, origin: 'emit' }),
      now,
    },
    { ...(config.destination.kind === 'x-ray' ? xrayPacking : otlpPacking), narrowingRequests },
  ),
  redelivery: createLaterRedelivery(config.spansQueueUrl),
  log: telemetry.tell,
  now,
});

export const handler = telemetry.wrap((event: SpansQueueEvent, context) => {
  const { timeoutMs } = config.destination.endpoint;
  return deliver(event, now() + context.getRemainingTimeInMillis() - timeoutMs - toFinish);
});

/** Of the SDK only what this destination needs is loaded: nothing, where it needs no secret and no signature. */
async function connect(destination: Destination): Promise<OtlpTransport> {
  const { endpoint } = destination;
  if (destination.kind === 'x-ray') {
    const { createXrayTransport } = await import('./xray-transport.ts');
    return createXrayTransport(endpoint, now);
  }
  const { headersSecretArn } = destination;
  if (headersSecretArn === undefined) return createHttpTransport(endpoint);
  const { createSecretSource } = await import('./secrets-manager.ts');
  const secret = createSecretHeaders(createSecretSource(headersSecretArn));
  return renewHeaders(createHttpTransport(endpoint, secret.authorize), secret);
}
