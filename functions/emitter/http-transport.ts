/** The transport over HTTP/1.1 with connections kept alive. */
import { promisify } from 'node:util';
import { gzip } from 'node:zlib';
import product from '../../package.json' with { type: 'json' };
import { RetryableError } from '../../shared/errors.ts';
import type { OtlpTransport, TransportAnswer } from './export-spans.ts';
import type { OtlpEndpoint } from './read-config.ts';

/** An answer of OTLP is a few hundred bytes; of an error page the beginning will do. */
const MAX_ANSWER_BYTES = 64 * 1024;

const contentTypes = { 'http/protobuf': 'application/x-protobuf', 'http/json': 'application/json' } as const;

const compress = promisify(gzip);

export interface HttpTransport extends OtlpTransport {
  /** Closes the connections that are kept alive. */
  close(): void;
}

export type Headers = Readonly<Record<string, string>>;

/**
 * The headers to send, from those that there are: with credentials, or a signature of what is sent.
 * @throws RetryableError, whose message the log gets
 */
export type Authorize = (headers: Headers, body: Uint8Array) => Promise<Headers>;

/** A transport to one endpoint. Make it once: it holds the connections. */
export function createHttpTransport(
  endpoint: OtlpEndpoint,
  authorize: Authorize = async (headers) => headers,
): HttpTransport {
  // Not `import`: that reads each export of node:http, WebSocket too, and so loads all of undici at each cold start.
  const { Agent, request } =
    endpoint.url.protocol === 'https:'
      ? process.getBuiltinModule('node:https')
      : process.getBuiltinModule('node:http');
  const agent = new Agent({ keepAlive: true });
  const ownHeaders = {
    'user-agent': `${product.name}/${product.version}`,
    ...endpoint.headers,
    'content-type': contentTypes[endpoint.protocol],
    ...(endpoint.compression === 'gzip' ? { 'content-encoding': 'gzip' } : {}),
  };

  const attempt = (headers: Headers, body: Uint8Array, signal: AbortSignal) =>
    new Promise<TransportAnswer>((resolve, reject) => {
      const sent = request(endpoint.url, { method: 'POST', agent, headers, signal });
      sent.on('error', (error) =>
        reject(sent.reusedSocket && isHangUp(error) ? new StaleConnection() : error),
      );
      sent.on('response', (response) => {
        const chunks: Buffer[] = [];
        let bytes = 0;
        const answer = () =>
          resolve({
            kind: 'answered',
            status: response.statusCode ?? 0,
            contentType: response.headers['content-type'],
            retryAfter: response.headers['retry-after'],
            body: Buffer.concat(chunks).subarray(0, MAX_ANSWER_BYTES),
          });
        response.on('data', (chunk: Buffer) => {
          chunks.push(chunk);
          bytes += chunk.length;
          if (bytes < MAX_ANSWER_BYTES) return;
          answer();
          response.destroy();
        });
        response.on('end', answer);
        response.on('error', reject);
      });
      sent.end(body);
    });

  return {
    protocol: endpoint.protocol,
    async send(body) {
      const signal = AbortSignal.timeout(endpoint.timeoutMs);
      try {
        const bytes = endpoint.compression === 'gzip' ? await compress(body) : body;
        const headers = await authorize(ownHeaders, bytes);
        // A Lambda is frozen between invocations: the backend has long closed the connection that is used next. Once
        // more on a fresh one; that it may have taken the spans does no harm, their ids are the same.
        for (;;) {
          try {
            return await attempt(headers, bytes, signal);
          } catch (error) {
            if (!(error instanceof StaleConnection)) throw error;
          }
        }
      } catch (error) {
        if (error instanceof RetryableError) return { kind: 'unanswered', message: error.message };
        const message = signal.aborted
          ? `the backend did not answer within ${endpoint.timeoutMs} ms`
          : `the backend cannot be reached (${codeOf(error)})`;
        return { kind: 'unanswered', message };
      }
    },
    close: () => agent.destroy(),
  };
}

class StaleConnection extends Error {}

const isHangUp = (error: Error) => ['ECONNRESET', 'EPIPE'].includes(codeOf(error));

/** Codes only: messages of network errors carry addresses, those of header errors names. */
function codeOf(error: unknown): string {
  const code = error instanceof Error && 'code' in error ? error.code : undefined;
  return typeof code === 'string' ? code : 'unknown error';
}
