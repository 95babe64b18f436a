/** The forwarder as its image runs it: the bundle, in a process of its own, with the service account's own token. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { resolve } from 'node:path';
import { readImage } from '../../functions/forwarder/read-image.ts';
import { findFreePort } from '../find-free-port.ts';

const bundle = resolve(import.meta.dirname, '../../../dist/forwarder.mjs');

export interface ForwarderProcess {
  /** What its Lease calls it. */
  name: string;
  /** Of its /metrics, /healthz and /readyz. */
  statusUrl: string;
  /** Lines of JSON. */
  log: string[];
  /** Milliseconds since 1970. */
  startedAt: number;
  /** -9: at whatever line it is. */
  crash(): Promise<void>;
  /** As Kubernetes stops a pod. */
  stop(): Promise<void>;
  /** Bytes. */
  rss(): Promise<number>;
}

export interface ForwarderSettings {
  kubeconfig: string;
  stream: { endpoint: string; name: string; region: string };
  namespace: string;
  clusterName: string;
}

const image = readImage();
let started = 0;

export async function startForwarder(settings: ForwarderSettings): Promise<ForwarderProcess> {
  const name = `forwarder-${++started}`;
  const port = await findFreePort();
  const child: ChildProcess = spawn(process.execPath, [...image.flags, bundle], {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: {
      ...image.environment,
      KUBECONFIG: settings.kubeconfig,
      CLUSTER_NAME: settings.clusterName,
      STREAM_NAME: settings.stream.name,
      AWS_REGION: settings.stream.region,
      AWS_ENDPOINT_URL_KINESIS: settings.stream.endpoint,
      AWS_ACCESS_KEY_ID: 'test',
      AWS_SECRET_ACCESS_KEY: 'test',
      POD_NAME: name,
      POD_NAMESPACE: settings.namespace,
      STATUS_PORT: String(port),
    },
  });
  const log: string[] = [];
  for (const output of [child.stdout!, child.stderr!]) {
    output.setEncoding('utf8').on('data', (text: string) => log.push(...text.split('\n').filter(Boolean)));
  }
  const end = async (signal: NodeJS.Signals) => {
    if (child.exitCode !== null || child.signalCode !== null) return;
    const exited = once(child, 'exit');
    child.kill(signal);
    await exited;
  };
  const statusUrl = `http://127.0.0.1:${port}`;
  return {
    name,
    statusUrl,
    log,
    startedAt: Date.now(),
    crash: () => end('SIGKILL'),
    stop: () => end('SIGTERM'),
    rss: async () => {
      const text = await (await fetch(`${statusUrl}/metrics`)).text();
      return Number(/^process_resident_memory_bytes (\S+)/m.exec(text)?.[1]);
    },
  };
}
