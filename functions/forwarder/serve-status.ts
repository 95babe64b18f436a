/** What the kubelet and Prometheus ask: `/healthz`, `/readyz`, `/metrics`. */
import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { UserError } from '../../shared/errors.ts';

export interface StatusSources {
  /** What is wrong, a line each: empty is well. */
  stuck(): string[];
  notReady(): string[];
  metrics: { read(): Promise<string>; contentType: string };
}

export interface StatusServer {
  port: number;
  close(): Promise<void>;
}

/** @throws UserError where the port is not to be had */
export async function serveStatus(port: number, sources: StatusSources): Promise<StatusServer> {
  const server = createServer((request, response) => {
    answer(request, response, sources).catch(() => response.destroy());
  });
  server.listen(port);
  await once(server, 'listening').catch((error: NodeJS.ErrnoException) => {
    throw new UserError(`STATUS_PORT: cannot listen on ${port} (${error.code ?? 'error'})`);
  });
  return {
    port: (server.address() as AddressInfo).port,
    async close() {
      server.close();
      server.closeAllConnections();
      await once(server, 'close');
    },
  };
}

async function answer(
  { method, url = '' }: IncomingMessage,
  response: ServerResponse,
  { stuck, notReady, metrics }: StatusSources,
): Promise<void> {
  const send = (status: number, body: string, contentType = 'text/plain; charset=utf-8') =>
    response.writeHead(status, { 'content-type': contentType }).end(body);
  const check = (problems: string[]) =>
    problems.length === 0 ? send(200, 'ok\n') : send(503, `${problems.join('\n')}\n`);
  if (method !== 'GET' && method !== 'HEAD') return void send(405, 'only GET\n');
  switch (url.split('?', 1)[0]) {
    case '/healthz':
      return void check(stuck());
    case '/readyz':
      return void check(notReady());
    case '/metrics':
      return void send(200, await metrics.read(), metrics.contentType);
    default:
      send(404, '/healthz, /readyz and /metrics are here\n');
  }
}
