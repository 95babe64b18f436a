/** The client of the stream. Region, credentials and endpoint are the environment's, as every AWS SDK reads them. */
import { KinesisClient } from '@aws-sdk/client-kinesis';
import { NodeHttpHandler } from '@smithy/node-http-handler';

/**
 * For the providers of credentials, to which the client hands its settings on: without it a file is read once and never
 * again, and keys that were replaced in their Secret would reach nobody before a restart.
 */
const readFilesAgain = { ignoreCache: true };

/**
 * It tries nothing again: the sink does, and says so.
 * @param environment HTTPS_PROXY and NO_PROXY, which the SDK does not look for; its client of STS gets this one's handler
 */
export function connectKinesis(environment: NodeJS.ProcessEnv): KinesisClient {
  // HTTP/2, the client's default, holds more memory, and proxies and emulators do not speak it.
  const requestHandler = new NodeHttpHandler({
    httpsAgent: { keepAlive: true, proxyEnv: environment },
    connectionTimeout: 5_000,
    requestTimeout: 20_000,
    throwOnRequestTimeout: true,
  });
  return new KinesisClient({ requestHandler, maxAttempts: 1, ...readFilesAgain });
}
