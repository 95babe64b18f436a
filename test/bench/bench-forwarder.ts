/**
 * `npm run bench:forwarder [-- --seconds 60] [-- --rates 20,1000] [-- --pods 500,5000] [-- --history 2] [-- --pause 15] [-- --kspan PATH]
 * [-- --node-flags '…'] [-- --cpu-prof DIR]`: the bundle that the forwarder's image runs, in a process of its own, between an API
 * server on loopback (answers after 10 to 30 ms) that rolls out Deployments as a real cluster does, and a Kinesis. What
 * it costs, beside a Node that does nothing, and beside a kspan where there is one; whether it keeps up; and that each
 * Event arrived. With a pause the process stands still for so long in the middle, and loses its Lease. Linux only: memory and CPU are read from /proc.
 */
import { type ChildProcess, fork, spawn } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { type AddressInfo, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { build } from 'esbuild';
import { forwarderBundle } from '../../infra/kubernetes/bundle-forwarder.ts';
import { readImage } from '../functions/forwarder/read-image.ts';
import { measureProcess, type ProcessUsage } from './forwarder/measure-process.ts';
import type { FromCluster } from './forwarder/run-cluster.ts';
import { type FromStream, streamName } from './forwarder/stream-messages.ts';

const image = readImage();
const { values: options } = parseArgs({
  options: {
    seconds: { type: 'string', default: '60' },
    rates: { type: 'string', default: '20,1000' },
    pods: { type: 'string', default: '500,5000' },
    history: { type: 'string', default: '2' },
    pause: { type: 'string', default: '0' },
    kspan: { type: 'string' },
    'node-flags': { type: 'string', default: image.flags.join(' ') },
    'cpu-prof': { type: 'string' },
    'log-level': { type: 'string', default: 'warn' },
  },
});
const seconds = Number(options.seconds);
const pause = Number(options.pause);
const numbers = (list: string) => list.split(',').map(Number);

/** What is left to arrive when no more is made; the longest that a look-up holds an Event's batch. */
const drainTime = 40_000;
/** Events that expire are told to the watchers as well; a real cluster's after an hour. */
const eventTtl = 60_000;

/**
 * A session of its own each: on a busy machine Linux shares the cores out between sessions (sched(7), autogroup), and the
 * measured shall not starve for the company it is in.
 */
const detached = true;
const children = new Set<ChildProcess>();
process.on('exit', () => {
  for (const child of children) child.kill('SIGKILL');
});
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => process.exit(1));

interface Sample {
  /** Milliseconds since the load began. */
  at: number;
  made: number;
  arrived: number;
  usage: ProcessUsage;
  /** The API server's process, from 0 to 1. */
  serverBusy: number;
}

interface Result {
  name: string;
  rate: number;
  pods: number;
  samples: Sample[];
  idle: ProcessUsage;
  bareNode: ProcessUsage;
  /** Not from this process: what was read from the stream, or what kspan says of itself. */
  arrived: number;
  made: number;
  lost: number;
  duplicates: number;
  lags: number[];
  bytesPerEvent: number;
  snapshotsPerEvent: number;
  requestsPerEvent: number;
  drained: number;
}

/** A process that runs one of our modules and tells its state. */
function startChild<M extends { type: string }>(module: string, ...args: string[]) {
  const child = fork(resolve(import.meta.dirname, 'forwarder', module), args, {
    execArgv: ['--no-warnings'],
    detached,
  });
  children.add(child);
  let state: Extract<M, { type: 'state' }> | undefined;
  const listeners: ((message: M) => void)[] = [];
  child.on('message', (message: M) => {
    if (message.type === 'state') state = message as never;
    for (const listener of listeners) listener(message);
  });
  child.on('exit', (code) => {
    if (code !== null && code !== 0) throw new Error(`${module} ended with ${code}`);
  });
  const ready = new Promise<Extract<M, { type: 'ready' }>>((resolve) => {
    listeners.push((message) => {
      if (message.type === 'ready') resolve(message as never);
    });
  });
  return { child, ready, listeners, state: () => state };
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await new Promise((resolve) => server.once('listening', resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}

const stopped = (child: ChildProcess) =>
  new Promise<void>((resolve) => {
    if (child.exitCode !== null || child.signalCode !== null) return resolve();
    child.once('exit', () => resolve());
    return undefined;
  });

type Subject =
  | { type: 'forwarder' }
  /** The figure is its own: kspan tells Prometheus how many Events it has handled. */
  | { type: 'kspan'; path: string };

async function measure(subject: Subject, rate: number, pods: number): Promise<Result> {
  await using stack = new AsyncDisposableStack();
  const folder = await mkdtemp(join(tmpdir(), 'rootspan-bench-'));
  stack.defer(() => rm(folder, { recursive: true }));
  const settings = { pods, history: Number(options.history), eventTtl };
  const cluster = startChild<FromCluster>('run-cluster.ts', JSON.stringify(settings));
  stack.defer(() => void cluster.child.kill());
  const stream = startChild<FromStream>('run-stream.ts');
  stack.defer(() => void stream.child.kill());
  const [{ url }, { url: kinesis }] = await Promise.all([cluster.ready, stream.ready]);
  const lags: number[] = [];
  stream.listeners.push((message) => {
    if (message.type === 'state') lags.push(...message.lags);
  });

  const kubeconfig = join(folder, 'kubeconfig');
  const named = (name: string) => `{"name":"bench",${name}}`;
  await writeFile(
    kubeconfig,
    `{"apiVersion":"v1","kind":"Config","current-context":"bench","clusters":[${named(`"cluster":{"server":"${url}"}`)}],` +
      `"users":[${named('"user":{"token":"bench"}')}],"contexts":[${named('"context":{"cluster":"bench","user":"bench"}')}]}`,
  );
  const port = await freePort();
  const child =
    subject.type === 'kspan'
      ? startKspan(subject.path, kubeconfig, port)
      : startForwarder(kubeconfig, kinesis, port);
  children.add(child);
  stack.defer(async () => {
    child.kill('SIGTERM');
    await Promise.race([stopped(child), sleep(20_000)]);
    child.kill('SIGKILL');
  });
  const bare = spawn(process.execPath, ['-e', 'setInterval(() => {}, 1000)'], { stdio: 'ignore' });
  stack.defer(() => void bare.kill());

  const arrived = async (): Promise<number> =>
    subject.type === 'kspan' ? readKspan(port) : (stream.state()?.events ?? 0);
  // The population is listed.
  await sleep(5_000 + pods / 2);
  const idle = measureProcess(child.pid!);
  const before = { arrived: await arrived(), requests: cluster.state()?.requests ?? 0 };

  const began = performance.now();
  cluster.child.send({ rate });
  const samples: Sample[] = [];
  const made = () => cluster.state()?.made ?? 0;
  for (let second = 1; second <= seconds; second++) {
    await sleep(Math.max(0, began + second * 1000 - performance.now()));
    if (pause > 0 && second === Math.floor(seconds / 2)) {
      child.kill('SIGSTOP');
      setTimeout(() => child.kill('SIGCONT'), pause * 1000);
    }
    if (child.exitCode !== null) throw new Error(`the process ended with ${child.exitCode}`);
    const at = performance.now() - began;
    samples.push({
      at,
      made: made(),
      arrived: (await arrived()) - before.arrived,
      usage: measureProcess(child.pid!),
      serverBusy: cluster.state()?.busy ?? 0,
    });
    if (second % 30 === 0) {
      const { usage, arrived } = samples.at(-1)!;
      process.stderr.write(
        `${second} s: ${made()} made, ${arrived} arrived, ${usage.rss.toFixed(1)} MB, ${usage.cpu} s CPU\n`,
      );
    }
  }
  const bareNode = measureProcess(bare.pid!);

  cluster.child.send({ rate: 0 });
  const over = performance.now();
  // kspan is not asked to catch up: it is behind by minutes.
  while (subject.type === 'forwarder' && performance.now() - over < drainTime) {
    await sleep(250);
    if (cluster.state()?.active === 0 && (await arrived()) >= made()) break;
  }
  const { duplicates = 0, bytes = 0, snapshots = 0 } = stream.state() ?? {};
  const total = (await arrived()) - before.arrived;
  return {
    name: subject.type,
    rate,
    pods,
    samples,
    idle,
    bareNode,
    arrived: total,
    made: made(),
    lost: made() - total,
    duplicates,
    lags,
    bytesPerEvent: bytes / total,
    snapshotsPerEvent: snapshots / total,
    requestsPerEvent: ((cluster.state()?.requests ?? 0) - before.requests) / total,
    drained: performance.now() - over,
  };
}

function startForwarder(kubeconfig: string, kinesis: string, port: number): ChildProcess {
  const flags = (options['node-flags'] ?? '').split(' ').filter(Boolean);
  const profile =
    options['cpu-prof'] === undefined ? [] : ['--cpu-prof', `--cpu-prof-dir=${options['cpu-prof']}`];
  return spawn(process.execPath, [...flags, ...profile, forwarderBundle.outfile], {
    env: {
      KUBECONFIG: kubeconfig,
      STREAM_NAME: streamName,
      CLUSTER_NAME: 'bench',
      POD_NAME: 'rootspan-forwarder-0',
      POD_NAMESPACE: 'rootspan',
      STATUS_PORT: String(port),
      LOG_LEVEL: options['log-level'],
      AWS_REGION: 'us-east-1',
      AWS_ENDPOINT_URL_KINESIS: kinesis,
      AWS_ACCESS_KEY_ID: 'bench',
      AWS_SECRET_ACCESS_KEY: 'bench',
      ...image.environment,
    },
    stdio: ['ignore', 'inherit', 'inherit'],
    detached,
  });
}

function startKspan(path: string, kubeconfig: string, port: number): ChildProcess {
  // Nobody listens there; it makes its spans all the same.
  const args = [`--metrics-addr=127.0.0.1:${port}`, '--otlp-addr=127.0.0.1:9'];
  return spawn(path, args, { env: { KUBECONFIG: kubeconfig }, stdio: 'ignore', detached });
}

async function readKspan(port: number): Promise<number> {
  const response = await fetch(`http://127.0.0.1:${port}/metrics`).catch(() => undefined);
  const text = (await response?.text()) ?? '';
  let sum = 0;
  for (const [, value] of text.matchAll(/^kspan_events_total\{.*\} (\S+)$/gm)) sum += Number(value);
  return sum;
}

const quantile = (sorted: readonly number[], q: number) =>
  sorted[Math.floor(q * (sorted.length - 1))] ?? Number.NaN;
const mean = (values: readonly number[]) => values.reduce((sum, value) => sum + value, 0) / values.length;

function report(result: Result): Record<string, string | number> {
  const { samples, bareNode } = result;
  const [first, last] = [samples[0]!, samples.at(-1)!];
  const elapsed = (last.at - first.at) / 1000;
  const backlog = samples.map(({ made, arrived }) => made - arrived);
  const half = Math.floor(samples.length / 2);
  const growth = (mean(backlog.slice(-5)) - mean(backlog.slice(half, half + 5))) / (elapsed / 2);
  const sorted = result.lags.toSorted((a, b) => a - b);
  const second = (milliseconds: number) => `${(milliseconds / 1000).toFixed(1)} s`;
  const megabytes = (usage: ProcessUsage) =>
    `${usage.rss.toFixed(1)} (${usage.anonymous.toFixed(1)} + ${usage.file.toFixed(1)})`;
  const isOurs = result.name === 'forwarder';
  return {
    what: result.name,
    pods: result.pods,
    'Events/s': result.rate,
    offered: ((last.made - first.made) / elapsed).toFixed(1),
    shipped: ((last.arrived - first.arrived) / elapsed).toFixed(1),
    backlog: last.made - last.arrived,
    'growth/s': growth.toFixed(2),
    lost: isOurs ? result.lost : '',
    twice: isOurs ? `${result.duplicates} (${second((1000 * result.duplicates) / result.rate)})` : '',
    'lag p50': isOurs ? second(quantile(sorted, 0.5)) : '',
    p95: isOurs ? second(quantile(sorted, 0.95)) : '',
    'CPU %': (((last.usage.cpu - first.usage.cpu) / elapsed) * 100).toFixed(1),
    'CPU s/1,000 Events': (
      ((last.usage.cpu - first.usage.cpu) / (last.arrived - first.arrived)) *
      1000
    ).toFixed(2),
    'RSS, MB (private + files)': megabytes(last.usage),
    peak: last.usage.peak.toFixed(1),
    'idle RSS': result.idle.rss.toFixed(1),
    'bare Node': megabytes(bareNode),
    ratio: (last.usage.rss / bareNode.rss).toFixed(2),
    'B/Event': isOurs ? result.bytesPerEvent.toFixed(0) : '',
    'snapshots/Event': isOurs ? result.snapshotsPerEvent.toFixed(2) : '',
    'requests/Event': result.requestsPerEvent.toFixed(3),
    'server busy %': (mean(samples.map(({ serverBusy }) => serverBusy)) * 100).toFixed(0),
    drained: isOurs ? second(result.drained) : '',
  };
}

await build(forwarderBundle);
const rows: Record<string, string | number>[] = [];
for (const pods of numbers(options.pods)) {
  for (const rate of numbers(options.rates)) {
    const subjects: Subject[] = [{ type: 'forwarder' }];
    if (options.kspan !== undefined) subjects.push({ type: 'kspan', path: resolve(options.kspan) });
    for (const subject of subjects) rows.push(report(await measure(subject, rate, pods)));
    printTable(rows);
  }
}

/** A column each, since there are more figures than runs. */
function printTable(rows: readonly Record<string, string | number>[]): void {
  console.log('');
  for (const name of Object.keys(rows[0]!)) {
    console.log(name.padEnd(28) + rows.map((row) => String(row[name]).padStart(24)).join(''));
  }
}
