/**
 * The chart as an administrator installs it: by Helm, with pods of the forwarder's own from an image made here; and `helm test`,
 * which has to tell when they ship and when they cannot.
 */
import { execFile } from 'node:child_process';
import { resolve } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { connectAws, localRegion } from '../../../infra/local/connect-aws.ts';
import { createResources } from '../../../infra/local/create-resources.ts';
import { startEmulators } from '../../../infra/local/start-emulators.ts';
import { installHelm } from '../install-helm.ts';
import { type StreamGate, startStreamGate } from './gate-stream.ts';
import { createKubectl } from './kubectl.ts';
import { serveImage } from './serve-image.ts';
import { serveNames } from './serve-names.ts';

const { KUBECONFIG: kubeconfig = '' } = process.env;
const chart = resolve(import.meta.dirname, '../../../infra/kubernetes/chart');
const namespace = 'rootspan-chart';
const kubectl = createKubectl('kubectl', kubeconfig);
const run = promisify(execFile);
const helm = async (command: string, ...args: string[]) =>
  (await run(installHelm(), [command, 'rootspan', ...args, '--namespace', namespace])).stdout;

const running = new AsyncDisposableStack();
let gate: StreamGate;

beforeAll(async () => {
  const emulators = await startEmulators();
  running.defer(() => emulators.stop());
  const aws = connectAws(emulators.endpoints);
  running.defer(() => aws.destroy());
  const { streamName } = await createResources(aws, { shards: 1 });
  gate = running.use(await startStreamGate(emulators.endpoints.kinesis));
  const { repository } = running.use(await serveImage());
  running.use(await serveNames(kubectl));
  const { hostname, port } = new URL(
    JSON.parse(await kubectl('config view -o json')).clusters[0].cluster.server,
  );
  // Nobody forwards Services' addresses in this cluster: the API server and the stream are named by the machine's own.
  const environment = {
    KUBERNETES_SERVICE_HOST: hostname,
    KUBERNETES_SERVICE_PORT: port,
    AWS_ENDPOINT_URL_KINESIS: `http://${hostname}:${new URL(gate.endpoint).port}`,
    AWS_ACCESS_KEY_ID: 'test',
    AWS_SECRET_ACCESS_KEY: 'test',
  };
  const values = {
    cluster: { name: 'e2e' },
    stream: { name: streamName, region: localRegion },
    image: { repository },
    replicas: 2,
    extraEnv: Object.entries(environment).map(([name, value]) => ({ name, value })),
  };
  const settings = Object.entries(values).flatMap(([name, value]) => [
    '--set-json',
    `${name}=${JSON.stringify(value)}`,
  ]);
  await helm('install', chart, '--create-namespace', '--wait', '--timeout=180s', ...settings);
});

afterAll(async () => {
  await helm('uninstall', '--wait');
  await kubectl(`delete namespace ${namespace} --wait=false`);
  await running.disposeAsync();
});

it('helm test says of replicas that ship that they do', async () => {
  const told = await helm('test', '--logs');
  expect(told).toMatch(/^Phase: +Succeeded$/m);
  expect(told).toMatch(/^2 ready, one leads, [1-9]\d* records acknowledged$/m);
});

it('helm test fails where the stream is away, and its pod says why', async () => {
  gate.mode = 'away';
  await expect(helm('test')).rejects.toThrow(/pod rootspan-forwarder-test failed/);
  const why = await kubectl(`logs rootspan-forwarder-test --namespace ${namespace}`);
  expect(why).toMatch(/ships nothing, reason: /);
});
