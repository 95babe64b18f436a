/** An OTLP backend that does what a test tells it, over real HTTP on a port of the system's choice. */
import { createServer, type IncomingHttpHeaders, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { buffer } from 'node:stream/consumers';
import { gunzipSync } from 'node:zlib';
import type { OtlpEndpoint } from '../../../functions/emitter/read-config.ts';

export interface ReceivedRequest {
  method: string | undefined;
  path: string | undefined;
  headers: IncomingHttpHeaders;
  /** Unzipped. */
  body: string;
  /** As it came. */
  raw: Buffer;
  /** Which connection it came over, from 0. */
  connection: number;
}

export type Script = (request: ReceivedRequest, response: ServerResponse) => void;

export interface ScriptedBackend extends AsyncDisposable {
  endpoint: OtlpEndpoint;
  /** Those that came whole, in order. */
  requests: ReceivedRequest[];
}

/** `await using backend = await startBackend((request, response) => …)`; the default takes everything. */
export async function startBackend(
  script: Script = answer(200, '{}'),
  settings: Partial<OtlpEndpoint> = {},
): Promise<ScriptedBackend> {
  const requests: ReceivedRequest[] = [];
  const connections = new Map<unknown, number>();
  const server = createServer(async (incoming, response) => {
    const raw = await buffer(incoming).catch(() => undefined);
    if (raw === undefined) return;
    const request: ReceivedRequest = {
      method: incoming.method,
      path: incoming.url,
      headers: incoming.headers,
      body: (incoming.headers['content-encoding'] === 'gzip' ? gunzipSync(raw) : raw).toString(),
      raw,
      connection: connections.get(incoming.socket) ?? -1,
    };
    requests.push(request);
    script(request, response);
  });
  server.on('connection', (socket) => connections.set(socket, connections.size));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  return {
    requests,
    endpoint: {
      url: new URL(`http://127.0.0.1:${port}/v1/traces`),
      headers: {},
      timeoutMs: 10_000,
      compression: 'gzip',
      protocol: 'http/json',
      ...settings,
    },
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

export const answer =
  (status: number, body: string | Uint8Array = '', headers: Record<string, string> = {}): Script =>
  (_, response) => {
    response.writeHead(status, { 'content-type': 'application/json', ...headers }).end(body);
  };
