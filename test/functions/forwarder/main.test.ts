import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { json, text } from 'node:stream/consumers';
import { setTimeout as sleep } from 'node:timers/promises';
import { build } from 'esbuild';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { events } from '../../../functions/forwarder/kubernetes/watched-resources.ts';
import { forwarderBundle } from '../../../infra/kubernetes/bundle-forwarder.ts';
import { decodeBatch } from '../../../shared/batch-codec.ts';
import type { Observation } from '../../../shared/observation.ts';
import { findFreePort } from '../../e2e/find-free-port.ts';
import {
  type FakeApiServer,
  leases,
  namespaces,
  pods,
  startFakeApiServer,
} from './kubernetes/fake-api-server.ts';
import { readImage } from './read-image.ts';
import { told } from './run-in-memory.ts';

const image = readImage();

let folder: string;
let bundle: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'rootspan-forwarder-'));
  bundle = join(folder, 'forwarder.mjs');
  await build({ ...forwarderBundle, outfile: bundle });
});
afterAll(() => rm(folder, { recursive: true }));

/** Kinesis' HTTP, as far as PutRecords goes. */
async function startStream() {
  const arrived: Observation[] = [];
  const state: { away: boolean; refuses?: { status: number; type: string; message: string } } = {
    away: false,
  };
  const server = createServer(async (request, response) => {
    const { Records } = (await json(request)) as { Records: { Data: string }[] };
    if (state.away) return void response.socket?.destroy();
    if (state.refuses !== undefined) {
      const { status, type: __type, message } = state.refuses;
      response.writeHead(status, { 'content-type': 'application/x-amz-json-1.1' });
      return void response.end(JSON.stringify({ __type, message }));
    }
    for (const { Data } of Records) arrived.push(...decodeBatch(Buffer.from(Data, 'base64')).observations);
    const stored = Records.map(() => ({ SequenceNumber: '1', ShardId: 'shardId-000000000000' }));
    response.writeHead(200, { 'content-type': 'application/x-amz-json-1.1' });
    response.end(JSON.stringify({ FailedRecordCount: 0, Records: stored }));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    arrived,
    state,
    close: () => {
      server.close();
      server.closeAllConnections();
    },
  };
}

type Stream = Awaited<ReturnType<typeof startStream>>;

async function startProcess(api: FakeApiServer, stream: Stream, environment: Record<string, string> = {}) {
  const kubeConfig = join(folder, 'config');
  await writeFile(
    kubeConfig,
    JSON.stringify({
      apiVersion: 'v1',
      kind: 'Config',
      clusters: [{ name: 'fake', cluster: { server: api.url } }],
      users: [{ name: 'nobody', user: {} }],
      contexts: [{ name: 'fake', context: { cluster: 'fake', user: 'nobody' } }],
      'current-context': 'fake',
    }),
  );
  const port = await findFreePort();
  const child = spawn(process.execPath, [...image.flags, bundle], {
    env: {
      ...image.environment,
      KUBECONFIG: kubeConfig,
      STREAM_NAME: 'observations',
      POD_NAME: 'forwarder-0',
      POD_NAMESPACE: 'rootspan',
      STATUS_PORT: String(port),
      AWS_REGION: 'us-east-1',
      AWS_ACCESS_KEY_ID: 'local',
      AWS_SECRET_ACCESS_KEY: 'local',
      AWS_ENDPOINT_URL_KINESIS: stream.url,
      ...environment,
    },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  return {
    child,
    output: text(child.stdout),
    errors: text(child.stderr),
    get: async (path: string) => (await fetch(`http://127.0.0.1:${port}${path}`)).text(),
  };
}

async function end(child: ChildProcess, signal: NodeJS.Signals): Promise<number | null> {
  child.kill(signal);
  if (child.exitCode === null && child.signalCode === null) await once(child, 'exit');
  return child.exitCode;
}

async function until(what: () => boolean | Promise<boolean>): Promise<void> {
  while (!(await what())) await sleep(20);
}

async function startCluster() {
  const api = await startFakeApiServer();
  api.apply(namespaces, { metadata: { name: 'kube-system', uid: 'the-cluster' } });
  api.apply(pods, { metadata: { name: 'web', namespace: 'shop', uid: 'u-web' } });
  const say = (name: string) =>
    api.apply(events, {
      metadata: { name, namespace: 'shop', uid: `uid of ${name}` },
      involvedObject: { apiVersion: 'v1', kind: 'Pod', namespace: 'shop', name: 'web', uid: 'u-web' },
      reason: name,
      type: 'Normal',
      message: 'hunter2',
    });
  return { api, say };
}

describe('the bundle, as its image runs it', () => {
  it('ships, stops at SIGTERM with its checkpoint in the Lease, and goes on there after kill -9', async () => {
    const { api, say } = await startCluster();
    const stream = await startStream();
    try {
      say('First');
      const first = await startProcess(api, stream);
      await until(() => stream.arrived.length === 2);
      expect(told(stream.arrived)).toEqual(['Pod web', 'Pod web First']);
      const metrics = await first.get('/metrics');
      expect(metrics).toContain('rootspan_forwarder_events_received_total 1\n');
      expect(metrics).toContain('rootspan_forwarder_observations_shipped_total{type="event"} 1\n');
      expect(metrics).toContain('rootspan_forwarder_leader 1\n');
      expect([await first.get('/healthz'), await first.get('/readyz')]).toEqual(['ok\n', 'ok\n']);
      expect(await end(first.child, 'SIGTERM')).toBe(0);
      expect(await first.errors).toBe('');
      const [lease] = api.objects(leases);
      expect(lease).toMatchObject({ spec: { holderIdentity: '' } });
      expect(JSON.stringify(lease?.metadata)).toContain('checkpoint');
      for (const line of (await first.output).trim().split('\n')) {
        expect(JSON.parse(line)).toMatchObject({ level: expect.any(String), message: expect.any(String) });
        expect(line).not.toContain('hunter2');
      }

      stream.arrived.length = 0;
      say('Second');
      const second = await startProcess(api, stream, { POD_NAME: 'forwarder-1' });
      await until(() => stream.arrived.length === 2);
      expect(told(stream.arrived)).toEqual(['Pod web', 'Pod web Second']);
      await end(second.child, 'SIGKILL');

      say('Third');
      const third = await startProcess(api, stream, { POD_NAME: 'forwarder-1' });
      await until(() => told(stream.arrived).includes('Pod web Third'));
      expect(await end(third.child, 'SIGTERM')).toBe(0);
    } finally {
      stream.close();
      await api[Symbol.asyncDispose]();
    }
  });

  it('waits for a stream that is away, with everything that came meanwhile', async () => {
    const { api, say } = await startCluster();
    const stream = await startStream();
    try {
      stream.state.away = true;
      const { child, get } = await startProcess(api, stream);
      await until(() =>
        get('/healthz').then(
          () => true,
          () => false,
        ),
      );
      say('Meanwhile');
      await until(async () => /kinesis_retries_total\{reason="network"\} [2-9]/.test(await get('/metrics')));
      expect(await get('/healthz')).toBe('ok\n');
      stream.state.away = false;
      await until(() => stream.arrived.length === 2);
      expect(told(stream.arrived)).toEqual(['Pod web', 'Pod web Meanwhile']);
      expect(await end(child, 'SIGTERM')).toBe(0);
    } finally {
      stream.close();
      await api[Symbol.asyncDispose]();
    }
  });

  it.each([
    {
      status: 400,
      type: 'AccessDeniedException',
      reason: 'denied',
      message: 'is not authorized to perform: kinesis:PutRecords',
    },
    {
      status: 400,
      type: 'ResourceNotFoundException',
      reason: 'no-stream',
      message: 'Stream observations not found',
    },
    {
      status: 400,
      type: 'ValidationException',
      reason: 'invalid',
      message: "Value 'a b' at 'streamName' failed",
    },
  ])(
    'lives through $type, says what mends it, and ships once it is mended',
    async ({ reason, ...refuses }) => {
      const { api, say } = await startCluster();
      const stream = await startStream();
      try {
        stream.state.refuses = refuses;
        say('Meanwhile');
        const { child, get, output } = await startProcess(api, stream);
        const retried = new RegExp(`kinesis_retries_total\\{reason="${reason}"\\} [2-9]`);
        await until(() =>
          get('/metrics').then(
            (text) => retried.test(text),
            () => false,
          ),
        );
        expect(await get('/metrics')).toContain(
          `rootspan_forwarder_put_failing_seconds{reason="${reason}"} `,
        );
        expect(await get('/healthz')).toBe('ok\n');
        delete stream.state.refuses;
        await until(() => stream.arrived.length === 2);
        expect(told(stream.arrived)).toEqual(['Pod web', 'Pod web Meanwhile']);
        expect(await get('/metrics')).not.toContain('put_failing_seconds{');
        expect(await end(child, 'SIGTERM')).toBe(0);
        const tellings = (await output).split('\n').filter((line) => line.includes('"mend"'));
        expect(tellings).toHaveLength(1);
        expect(JSON.parse(tellings[0]!)).toMatchObject({
          level: 'warn',
          reason,
          mend: expect.stringContaining('HelmValues'),
        });
      } finally {
        stream.close();
        await api[Symbol.asyncDispose]();
      }
    },
  );

  it('says in one line which variable is wrong', async () => {
    const { api } = await startCluster();
    const stream = await startStream();
    const { child, output, errors } = await startProcess(api, stream, { EVENT_FILTERS: 'hunter2' });
    await once(child, 'exit');
    expect([child.exitCode, await output, await errors]).toEqual([
      2,
      '',
      'rootspan: EVENT_FILTERS is no JSON\n',
    ]);
    stream.close();
    await api[Symbol.asyncDispose]();
  });
});
