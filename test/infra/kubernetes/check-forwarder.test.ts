/** What `helm test` runs, against the forwarder's own status port and figures. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { resolve } from 'node:path';
import { text } from 'node:stream/consumers';
import { afterEach, expect, it } from 'vitest';
import { createMetrics, type MetricSources } from '../../../functions/forwarder/metrics.ts';
import { type StatusServer, serveStatus } from '../../../functions/forwarder/serve-status.ts';

const script = resolve(import.meta.dirname, '../../../infra/kubernetes/chart/files/check-forwarder.mjs');
const well: MetricSources = {
  channelBytes: () => 0,
  cachedObjects: () => 12,
  checkpointAge: () => 0,
  leads: () => true,
  failing: () => undefined,
  customKinds: () => new Map(),
};

let server: StatusServer | undefined;
afterEach(() => server?.close());

async function serve(sources: Partial<MetricSources>, notReady: string[] = []) {
  const metrics = createMetrics({ ...well, ...sources });
  server = await serveStatus(0, { stuck: () => [], notReady: () => notReady, metrics });
  return { port: server.port, metrics };
}

async function check(port: number, patience = 0, host = '127.0.0.1') {
  const child = spawn(process.execPath, [script], {
    env: { FORWARDER: host, PORT: String(port), PATIENCE_SECONDS: String(patience) },
  });
  const [out, err, [code]] = await Promise.all([text(child.stdout), text(child.stderr), once(child, 'exit')]);
  return { code, said: out + err };
}

it('says of a forwarder that ships how much it has shipped', async () => {
  const { port, metrics } = await serve({});
  metrics.records.inc(41);
  expect(await check(port)).toEqual({ code: 0, said: '1 ready, one leads, 41 records acknowledged\n' });
});

it('takes a cluster in which nothing happens for well', async () => {
  const { port } = await serve({});
  expect(await check(port)).toMatchObject({ code: 0 });
});

it.each<[string, Partial<MetricSources>, string[], string]>([
  ['is not ready', {}, ['nothing acknowledged for 70 s'], 'is not ready: nothing acknowledged for 70 s'],
  [
    'may not put',
    { failing: () => ({ reason: 'credentials', seconds: 3 }) },
    [],
    'ships nothing, reason: credentials',
  ],
  ['does not lead', { leads: () => false }, [], 'no replica leads'],
  ['has shipped nothing of what waits', { channelBytes: () => 900 }, [], 'none is acknowledged yet'],
])('fails where the forwarder %s, and says so', async (_, sources, notReady, words) => {
  const { port } = await serve(sources, notReady);
  const { code, said } = await check(port);
  expect(code).toBe(1);
  expect(said).toContain(words);
});

it('fails where nobody answers, or nobody is there', async () => {
  const { port } = await serve({});
  await server!.close();
  server = undefined;
  expect((await check(port)).said).toContain(`127.0.0.1 does not answer on port ${port}: ECONNREFUSED`);
  expect((await check(port, 0, 'rootspan-forwarder.invalid')).said).toContain('no pod has an address yet');
});

it('waits for a forwarder that comes to lead', async () => {
  let asked = 0;
  const { port } = await serve({ leads: () => ++asked > 1 });
  expect(await check(port, 30)).toMatchObject({ code: 0 });
  expect(asked).toBe(2);
});
