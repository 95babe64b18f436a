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
import { createLineSplitter } from './split-lines.ts';

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
  config: ClusterConfig,
  settings: Partial<ConnectSettings> = {},
): ConnectedApiServer {
  const { callTimeout, userAgent } = { ...defaults, ...settings };
  const connection = openConnection(config, userAgent);
  return {
    call: (method, path, options) => callOnce(connection, callTimeout, { method, path, ...options }),
    lines: (path, options) => readLines(connection, callTimeout, { path, ...options }),
    close: () => connection.agent.destroy(),
  };
}

type ClusterConfig = Pick<KubeConfig, 'getCurrentCluster' | 'applyToHTTPSOptions'>;

/** What all requests to one server share. */
interface Connection {
  config: ClusterConfig;
  server: URL;
  agent: http.Agent;
  userAgent: string;
  /** The agent is client-node's own then, which knows the proxy. */
  isProxied: boolean;
}

function openConnection(config: ClusterConfig, userAgent: string): Connection {
  const cluster = config.getCurrentCluster();
  if (!cluster) throw new UserError('the kubeconfig names no cluster to use');
  const server = new URL(cluster.server);
  const plain = server.protocol === 'http:';
  // client-node refuses plain HTTP unless TLS is not to be verified: there is none.
  if (plain) Object.assign(cluster, { skipTLSVerify: true });
  const { Agent } = plain ? http : https;
  // TLS material goes with each request and is part of the name under which the agent keeps a connection: a new CA or
  // client certificate gets a new one. (client-node's own agent would hold on to the first.)
  const agent = new Agent({ keepAlive: true, maxFreeSockets: 2 });
  return { config, server, agent, userAgent, isProxied: Boolean(cluster.proxyUrl) };
}

interface Sent {
  method: string;
  path: string;
  body?: string | undefined;
  signal: AbortSignal;
}

/** A server that restarts has closed what the agent kept. Only what changes nothing is asked again. */
async function send(connection: Connection, sent: Sent): Promise<http.IncomingMessage> {
  const options = await requestOptions(connection, sent);
  sent.signal.throwIfAborted();
  for (;;) {
    try {
      return await attempt(connection.server, options, sent);
    } catch (error) {
      if (!(error instanceof StaleConnection)) throw error;
    }
  }
}

async function requestOptions(
  { config, server, agent, userAgent, isProxied }: Connection,
  { method, path, body, signal }: Sent,
): Promise<https.RequestOptions> {
  const options: https.RequestOptions = { headers: {} };
  await config.applyToHTTPSOptions(options);
  return {
    ...options,
    agent: isProxied ? options.agent : agent,
    protocol: server.protocol,
    // Without the brackets of an IPv6 address.
    hostname: server.hostname.replace(/^\[|\]$/g, ''),
    port: server.port,
    path: server.pathname.replace(/\/+$/, '') + path,
    method,
    signal,
    headers: {
      ...(options.headers as http.OutgoingHttpHeaders),
      accept: 'application/json',
      'user-agent': userAgent,
      ...(body !== undefined && { 'content-type': 'application/json' }),
    },
  };
}

/** @throws StaleConnection */
const attempt = (
  server: URL,
  options: https.RequestOptions,
  { method, body, signal }: Sent,
): Promise<http.IncomingMessage> =>
  new Promise((resolve, reject) => {
    const request = (server.protocol === 'http:' ? http : https).request(options);
    request.on('socket', (socket) => socket.setKeepAlive(true, tcpKeepAlive));
    request.on('response', resolve);
    request.on('error', (error) =>
      reject(request.reusedSocket && method === 'GET' && !signal.aborted ? new StaleConnection() : error),
    );
    request.end(body);
  });

async function callOnce(
  connection: Connection,
  callTimeout: number,
  { method, path, body, signal }: { method: string; path: string; body?: Json; signal?: AbortSignal },
): Promise<Json> {
  using deadline = startDeadline(signal);
  deadline.arm(
    callTimeout,
    () => new Error(`no answer to ${method} ${withoutQuery(path)} for ${callTimeout} ms`),
  );
  let text: string;
  try {
    const sent = { method, path, signal: deadline.signal, body: body && JSON.stringify(body) };
    const response = await send(connection, sent);
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
}

async function* readLines(
  connection: Connection,
  callTimeout: number,
  { path, signal, idleTimeout }: { path: string; signal: AbortSignal; idleTimeout: number },
): AsyncGenerator<string, void> {
  using deadline = startDeadline(signal);
  const patience = Math.min(callTimeout, idleTimeout);
  const where = `the watch of ${withoutQuery(path)}`;
  deadline.arm(patience, () => new Error(`no answer to ${where} for ${patience} ms`));
  let response: http.IncomingMessage | undefined;
  try {
    response = await send(connection, { method: 'GET', path, signal: deadline.signal });
    if (isError(response)) throw await readError(response);
    const chunks: AsyncIterator<Buffer> = response[Symbol.asyncIterator]();
    const lines = createLineSplitter(longestLine);
    for (;;) {
      // Only while we listen: a reader that takes its time makes nobody silent.
      deadline.arm(idleTimeout, () => new SilentConnection(`${where} went silent for ${idleTimeout} ms`));
      const { done, value: chunk } = await chunks.next();
      deadline.disarm();
      if (done) break;
      for (const line of lines.split(chunk)) {
        yield line;
        signal.throwIfAborted();
      }
      if (lines.isEndless()) throw new Error(`a line of ${where} has no end`);
    }
    const rest = lines.rest();
    if (rest !== '') yield rest;
  } catch (error) {
    throw deadline.explain(error);
  } finally {
    response?.destroy();
  }
}

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
