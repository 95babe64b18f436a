/** Between a forwarder and a Kinesis endpoint: a stream that throttles, or that is away, when the test says so. */
import { once } from 'node:events';
import { createServer, request } from 'node:http';
import type { AddressInfo } from 'node:net';

export interface StreamGate extends AsyncDisposable {
  /** On this machine; it listens at each of its addresses, for pods. */
  endpoint: string;
  /** `away`: connections are cut. `throttled`: three of four calls are answered with Kinesis' own exception. */
  mode: 'open' | 'throttled' | 'away';
  /** Calls by what became of them. */
  calls: { passed: number; throttled: number; cut: number };
}

export async function startStreamGate(target: string): Promise<StreamGate> {
  const to = new URL(target);
  const server = createServer((incoming, answer) => {
    if (gate.mode === 'away') {
      gate.calls.cut++;
      incoming.socket.resetAndDestroy();
      return;
    }
    if (gate.mode === 'throttled' && (gate.calls.passed + gate.calls.throttled) % 4 !== 0) {
      gate.calls.throttled++;
      incoming.resume();
      answer.writeHead(400, { 'content-type': 'application/x-amz-json-1.1' });
      answer.end(
        JSON.stringify({ __type: 'ProvisionedThroughputExceededException', message: 'Rate exceeded' }),
      );
      return;
    }
    gate.calls.passed++;
    const outgoing = request(
      {
        host: to.hostname,
        port: to.port,
        path: incoming.url,
        method: incoming.method,
        headers: incoming.headers,
      },
      (passed) => {
        answer.writeHead(passed.statusCode ?? 502, passed.headers);
        passed.pipe(answer);
      },
    );
    outgoing.on('error', () => incoming.socket.destroy());
    incoming.pipe(outgoing);
  });
  server.listen(0);
  await once(server, 'listening');
  const gate: StreamGate = {
    endpoint: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    mode: 'open',
    calls: { passed: 0, throttled: 0, cut: 0 },
    async [Symbol.asyncDispose]() {
      server.close();
      server.closeAllConnections();
    },
  };
  return gate;
}
