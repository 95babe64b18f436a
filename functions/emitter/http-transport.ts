/** The transport over HTTP/1.1 with connections kept alive. */
import type { Agent, request as httpRequest, IncomingMessage } from 'node:http';
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
  const connection = openConnection(endpoint.url);
  const ownHeaders = {
    'user-agent': `${product.name}/${product.version}`,
    ...endpoint.headers,
    'content-type': contentTypes[endpoint.protocol],
    ...(endpoint.compression === 'gzip' ? { 'content-encoding': 'gzip' } : {}),
  };
  return {
    protocol: endpoint.protocol,
    async send(body) {
      const signal = AbortSignal.timeout(endpoint.timeoutMs);
      try {
        const bytes = endpoint.compression === 'gzip' ? await compress(body) : body;
        const headers = await authorize(ownHeaders, bytes);
        return await post(connection, headers, bytes, signal);
      } catch (error) {
        return { kind: 'unanswered', message: explainSilence(error, signal, endpoint) };
      }
    },
    close: () => connection.agent.destroy(),
  };
}

interface Connection {
  url: URL;
  agent: Agent;
  request: typeof httpRequest;
}

function openConnection(url: URL): Connection {
  // Not `import`: that reads each export of node:http, WebSocket too, and so loads all of undici at each cold start.
  const { Agent, request } =
    url.protocol === 'https:'
      ? process.getBuiltinModule('node:https')
      : process.getBuiltinModule('node:http');
  return { url, agent: new Agent({ keepAlive: true }), request };
}

/**
 * A Lambda is frozen between invocations: the backend has long closed the connection that is used next. Once more on a
 * fresh one; that it may have taken the spans does no harm, their ids are the same.
 */
async function post(
  connection: Connection,
  headers: Headers,
  body: Uint8Array,
  signal: AbortSignal,
): Promise<TransportAnswer> {
  for (;;) {
    try {
      return await attempt(connection, headers, body, signal);
    } catch (error) {
      if (!(error instanceof StaleConnection)) throw error;
    }
  }
}

/** @throws StaleConnection */
const attempt = (
  { url, agent, request }: Connection,
  headers: Headers,
  body: Uint8Array,
  signal: AbortSignal,
): Promise<TransportAnswer> =>
  new Promise((resolve, reject) => {
    const sent = request(url, { method: 'POST', agent, headers, signal });
    sent.on('error', (error) => reject(sent.reusedSocket && isHangUp(error) ? new StaleConnection() : error));
    sent.on('response', (response) => readAnswer(response).then(resolve, reject));
    sent.end(body);
  });

/** What comes beyond the most is not waited for. */
function readAnswer(response: IncomingMessage): Promise<TransportAnswer> {
  return new Promise((resolve, reject) => {
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
}

function explainSilence(error: unknown, { aborted }: AbortSignal, { timeoutMs }: OtlpEndpoint): string {
  if (error instanceof RetryableError) return error.message;
  return aborted
    ? `the backend did not answer within ${timeoutMs} ms`
    : `the backend cannot be reached (${codeOf(error)})`;
}

class StaleConnection extends Error {}

const isHangUp = (error: Error) => ['ECONNRESET', 'EPIPE'].includes(codeOf(error));

/** Codes only: messages of network errors carry addresses, those of header errors names. */
function codeOf(error: unknown): string {
  const code = error instanceof Error && 'code' in error ? error.code : undefined;
  return typeof code === 'string' ? code : 'unknown error';
}
