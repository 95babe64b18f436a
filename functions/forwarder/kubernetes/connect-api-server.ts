/**
 * The API server over HTTP/1.1. client-node knows the cluster, the credentials and TLS; the wire is Node's own: its
 * informer and its fetch cost more memory than everything else here, and its watch does not notice a dead connection.
 *
 * Answers are not compressed: the API server would pay for that in CPU, and a network inside a cluster is fast.
 */
import http from 'node:http';
import https from 'node:https';
import type { KubeConfig } from '@kubernetes/client-node/dist/config.js';
import { UserError } from '../../../shared/errors.ts';
import { type ApiError, type ApiServer, type Json, SilentConnection } from './api-server.ts';
import { toApiError } from './read-status.ts';

export interface ConnectedApiServer extends ApiServer {
  /** Closes all connections, also those in use. */
  close(): void;
}

export interface ConnectSettings {
  /** Milliseconds for a call and its whole answer, and for the beginning of a watch's. */
  callTimeout: number;
  userAgent: string;
}

const defaults: ConnectSettings = { callTimeout: 30_000, userAgent: 'rootspan-forwarder' };

/** Milliseconds of silence after which the kernel asks whether the other side is still there. */
const tcpKeepAlive = 30_000;
/** An object is 1.5 MB at most in etcd. */
const longestLine = 16 * 1024 * 1024;
const longestErrorBody = 64 * 1024;

/** Make it once: it holds the connections. Credentials are asked for at each request, so that they may rotate. */
export function createApiServer(
  config: Pick<KubeConfig, 'getCurrentCluster' | 'applyToHTTPSOptions'>,
  settings: Partial<ConnectSettings> = {},
): ConnectedApiServer {
  const { callTimeout, userAgent } = { ...defaults, ...settings };
  const cluster = config.getCurrentCluster();
  if (!cluster) throw new UserError('the kubeconfig names no cluster to use');
  const server = new URL(cluster.server);
  const plain = server.protocol === 'http:';
  // client-node refuses plain HTTP unless TLS is not to be verified: there is none.
  if (plain) Object.assign(cluster, { skipTLSVerify: true });
  const { Agent, request } = plain ? http : https;
  // TLS material goes with each request and is part of the name under which the agent keeps a connection: a new CA or
  // client certificate gets a new one. (client-node's own agent would hold on to the first.)
  const agent = new Agent({ keepAlive: true, maxFreeSockets: 2 });
  const prefix = server.pathname.replace(/\/+$/, '');

  const send = async (
    method: string,
    path: string,
    signal: AbortSignal,
    body?: string,
  ): Promise<http.IncomingMessage> => {
    const options: https.RequestOptions = { headers: {} };
    await config.applyToHTTPSOptions(options);
    signal.throwIfAborted();
    const attempt = () =>
      new Promise<http.IncomingMessage>((resolve, reject) => {
        const sent = request({
          ...options,
          agent: cluster.proxyUrl ? options.agent : agent,
          protocol: server.protocol,
          // Without the brackets of an IPv6 address.
          hostname: server.hostname.replace(/^\[|\]$/g, ''),
          port: server.port,
          path: prefix + path,
          method,
          signal,
          headers: {
            ...(options.headers as http.OutgoingHttpHeaders),
            accept: 'application/json',
            'user-agent': userAgent,
            ...(body !== undefined && { 'content-type': 'application/json' }),
          },
        });
        sent.on('socket', (socket) => socket.setKeepAlive(true, tcpKeepAlive));
        sent.on('response', resolve);
        sent.on('error', (error) =>
          reject(sent.reusedSocket && method === 'GET' && !signal.aborted ? new StaleConnection() : error),
        );
        sent.end(body);
      });
    // A server that restarts has closed what the agent kept. Only what changes nothing is asked again.
    for (;;) {
      try {
        return await attempt();
      } catch (error) {
        if (!(error instanceof StaleConnection)) throw error;
      }
    }
  };

  return {
    async call(method, path, { body, signal } = {}) {
      using deadline = startDeadline(signal);
      deadline.arm(
        callTimeout,
        () => new Error(`no answer to ${method} ${withoutQuery(path)} for ${callTimeout} ms`),
      );
      let text: string;
      try {
        const response = await send(method, path, deadline.signal, body && JSON.stringify(body));
        if (isError(response)) throw await readError(response);
        text = await readText(response);
      } catch (error) {
        throw deadline.explain(error);
      }
      try {
        return JSON.parse(text) as Json;
      } catch {
        throw new Error(`the answer to ${method} ${withoutQuery(path)} is no JSON`);
      }
    },

    async *lines(path, { signal, idleTimeout }) {
      using deadline = startDeadline(signal);
      const patience = Math.min(callTimeout, idleTimeout);
      const where = `the watch of ${withoutQuery(path)}`;
      deadline.arm(patience, () => new Error(`no answer to ${where} for ${patience} ms`));
      let response: http.IncomingMessage | undefined;
      try {
        response = await send('GET', path, deadline.signal);
        if (isError(response)) throw await readError(response);
        const chunks: AsyncIterator<Buffer> = response[Symbol.asyncIterator]();
        const begun: Buffer[] = [];
        let begunBytes = 0;
        for (;;) {
          // Only while we listen: a reader that takes its time makes nobody silent.
          deadline.arm(idleTimeout, () => new SilentConnection(`${where} went silent for ${idleTimeout} ms`));
          const { done, value: chunk } = await chunks.next();
          deadline.disarm();
          if (done) break;
          let from = 0;
          for (let end = chunk.indexOf(newline); end >= 0; end = chunk.indexOf(newline, from)) {
            begun.push(chunk.subarray(from, end));
            from = end + 1;
            const line = (begun.length === 1 ? begun[0]! : Buffer.concat(begun)).toString();
            begun.length = begunBytes = 0;
            if (line !== '') yield line;
            signal.throwIfAborted();
          }
          if (from === chunk.length) continue;
          begun.push(chunk.subarray(from));
          begunBytes += chunk.length - from;
          if (begunBytes > longestLine) throw new Error(`a line of ${where} has no end`);
        }
        if (begunBytes > 0) yield Buffer.concat(begun).toString();
      } catch (error) {
        throw deadline.explain(error);
      } finally {
        response?.destroy();
      }
    },

    close: () => agent.destroy(),
  };
}

const newline = 0x0a;

class StaleConnection extends Error {}

const isError = (response: http.IncomingMessage): boolean => (response.statusCode ?? 500) >= 400;

const withoutQuery = (path: string): string => path.split('?', 1)[0]!;

interface Deadline extends Disposable {
  signal: AbortSignal;
  /** Aborts so many milliseconds from now, in place of what was armed before. */
  arm(milliseconds: number, complain: () => Error): void;
  disarm(): void;
  /** Why it was aborted, in place of what that led to. */
  explain(error: unknown): unknown;
}

/** A signal that follows the caller's, and leaves nothing behind on it: the caller's lives as long as the process. */
function startDeadline(outer: AbortSignal | undefined): Deadline {
  const controller = new AbortController();
  const follow = () => controller.abort(outer?.reason);
  if (outer?.aborted) follow();
  outer?.addEventListener('abort', follow, { once: true });
  let timer: NodeJS.Timeout | undefined;
  const disarm = () => clearTimeout(timer);
  return {
    signal: controller.signal,
    arm(milliseconds, complain) {
      disarm();
      timer = setTimeout(() => controller.abort(complain()), milliseconds);
    },
    disarm,
    explain: (error) => (controller.signal.aborted ? controller.signal.reason : error),
    [Symbol.dispose]() {
      disarm();
      outer?.removeEventListener('abort', follow);
    },
  };
}

async function readText(response: http.IncomingMessage, most = Number.POSITIVE_INFINITY): Promise<string> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of response as AsyncIterable<Buffer>) {
    chunks.push(chunk);
    bytes += chunk.length;
    if (bytes > most) break;
  }
  return Buffer.concat(chunks).toString();
}

/** A proxy in between may answer in any form; the API server's own answer is a `Status`. */
async function readError(response: http.IncomingMessage): Promise<ApiError> {
  const text = await readText(response, longestErrorBody);
  let status: Json = {};
  try {
    status = (JSON.parse(text) as Json | null) ?? {};
  } catch {}
  const code = response.statusCode ?? 500;
  return toApiError(status, code, Number.parseInt(response.headers['retry-after'] ?? '', 10));
}
