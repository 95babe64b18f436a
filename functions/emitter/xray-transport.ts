/** To X-Ray's OTLP endpoint, signed by the function's role. */
import { SQSClient } from '@aws-sdk/client-sqs';
import { createSigning } from '../../shared/sign-request.ts';
import { createHttpTransport, type HttpTransport } from './http-transport.ts';
import type { OtlpEndpoint } from './read-config.ts';

/** @param now milliseconds since 1970 */
export function createXrayTransport(endpoint: OtlpEndpoint, now: () => number): HttpTransport {
  // Any client of the SDK has them as the environment says.
  const { credentials, region, sha256 } = new SQSClient().config;
  return createHttpTransport(
    endpoint,
    createSigning({ service: 'xray', url: endpoint.url, credentials, region, sha256, now }),
  );
}
