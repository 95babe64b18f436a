/**
 * `npm run bench:coldstart`: how long each function takes until it can take its first invocation, beside an empty
 * handler, in the runtime that Lambda itself runs (aws-lambda-ric) behind a Runtime API of our own. Seconds of this
 * machine, not Lambda's: what counts is the ratio. The runtime builds a native addon (a minute and a half, once), so it
 * is no dependency: it is installed beside the system's temporary files, at the first run.
 */
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readFileSync } from 'node:fs';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { buffer } from 'node:stream/consumers';
import { gzipSync } from 'node:zlib';
import { bundleFunction } from '../../infra/aws/bundle-function.ts';

const runtimeVersion = '4.0.2';
const rounds = 15;

type Environment = Readonly<Record<string, string>>;

interface Source {
  name: string;
  /** Undefined: a handler that does nothing. */
  entry?: string;
  environment?: Environment;
}

const collector = { OTEL_EXPORTER_OTLP_ENDPOINT: 'http://127.0.0.1:9' };
const emit = 'functions/emitter/emit-handler.ts';
const sources: readonly Source[] = [
  { name: 'empty' },
  { name: 'ingest', entry: 'functions/correlator/ingest-handler.ts' },
  { name: 'settle', entry: 'functions/correlator/settle-handler.ts' },
  { name: 'emit', entry: emit, environment: collector },
  { name: '… secret', entry: emit, environment: { ...collector, OTLP_HEADERS_SECRET_ARN: 'bench' } },
  { name: '… X-Ray', entry: emit },
];

/** As the stack sets it; nothing of it is there, and an event without records does not ask. */
const environment: Environment = {
  AWS_REGION: 'us-east-1',
  AWS_ACCESS_KEY_ID: 'bench',
  AWS_SECRET_ACCESS_KEY: 'bench',
  TABLE_NAME: 'bench',
  TIMERS_QUEUE_URL: 'http://127.0.0.1:9/000000000000/timers',
  SPANS_QUEUE_URL: 'http://127.0.0.1:9/000000000000/spans',
  SET_ASIDE_BUCKET: 'bench',
  POWERTOOLS_SERVICE_NAME: 'bench',
  POWERTOOLS_METRICS_NAMESPACE: 'Rootspan',
  POWERTOOLS_LOG_LEVEL: 'INFO',
  NODE_OPTIONS: '--enable-source-maps',
};

/** Milliseconds, and megabytes at the most. */
interface ColdStart {
  init: number;
  first: number;
  second: number;
  peak: number;
}

function installRuntime(): string {
  const folder = join(tmpdir(), `rootspan-aws-lambda-ric-${runtimeVersion}`);
  const script = join(folder, 'node_modules/aws-lambda-ric/index.mjs');
  if (existsSync(script)) return script;
  process.stderr.write('building aws-lambda-ric (once) …\n');
  execFileSync(
    'npm',
    [
      'install',
      '--prefix',
      folder,
      '--no-save',
      '--no-audit',
      '--no-fund',
      `aws-lambda-ric@${runtimeVersion}`,
    ],
    { stdio: ['ignore', 'ignore', 'inherit'] },
  );
  return script;
}

/** As the stack bundles it. Answers kilobytes: what a start reads at once, and all of the code zipped. */
async function bundle({ entry }: Source, folder: string): Promise<{ start: number; zipped: number }> {
  await mkdir(folder);
  if (entry === undefined) {
    await writeFile(join(folder, 'index.mjs'), 'export const handler = async () => ({});\n');
    return { start: 0, zipped: 0 };
  }
  const { outputs } = bundleFunction(entry, folder);
  const codes = Object.keys(outputs).filter((path) => path.endsWith('.mjs'));
  const zipped = codes.map(
    (path) => gzipSync(readFileSync(join(folder, basename(path))), { level: 9 }).length,
  );
  const atStart = new Set(codes.filter((path) => path.endsWith('/index.mjs')));
  for (const path of atStart) {
    for (const { path: next, kind } of outputs[path]!.imports) {
      if (kind === 'import-statement' && next in outputs) atStart.add(next);
    }
  }
  const sum = (values: readonly number[]) => values.reduce((total, value) => total + value, 0);
  return { start: sum([...atStart].map((path) => outputs[path]!.bytes)) / 1000, zipped: sum(zipped) / 1000 };
}

/** One process: from its start until it asks for work, then two invocations. */
async function startCold(runtime: string, folder: string, own: Environment = {}): Promise<ColdStart> {
  const moments: number[] = [];
  let invocations = 0;
  let finish = (_: ColdStart) => {};
  const finished = new Promise<ColdStart>((take) => {
    finish = take;
  });
  const server: Server = createServer(async (request, response) => {
    const { url = '' } = request;
    if (url.endsWith('/invocation/next')) {
      moments.push(performance.now());
      if (invocations === 2) {
        const status = readFileSync(`/proc/${child.pid}/status`, 'utf8');
        const [begun, ready, once, twice] = moments as [number, number, number, number];
        finish({
          init: ready - begun,
          first: once - ready,
          second: twice - once,
          peak: Number(/VmHWM:\s+(\d+)/.exec(status)?.[1]) / 1024,
        });
        return;
      }
      invocations += 1;
      response
        .writeHead(200, {
          'content-type': 'application/json',
          'lambda-runtime-aws-request-id': `request-${invocations}`,
          'lambda-runtime-deadline-ms': String(Date.now() + 60_000),
          'lambda-runtime-invoked-function-arn': 'arn:aws:lambda:us-east-1:000000000000:function:bench',
        })
        .end('{"Records":[]}');
      return;
    }
    const body = (await buffer(request)).toString();
    response.writeHead(202).end();
    if (url.endsWith('/error')) throw new Error(`the function failed: ${body}`);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  moments.push(performance.now());
  const child = spawn(process.execPath, [runtime, 'index.handler'], {
    cwd: folder,
    stdio: 'ignore',
    env: {
      ...environment,
      ...own,
      PATH: process.env.PATH,
      AWS_LAMBDA_RUNTIME_API: `127.0.0.1:${(server.address() as AddressInfo).port}`,
      AWS_LAMBDA_FUNCTION_NAME: 'bench',
      AWS_LAMBDA_FUNCTION_VERSION: '1',
      AWS_LAMBDA_FUNCTION_MEMORY_SIZE: '512',
      AWS_LAMBDA_LOG_GROUP_NAME: 'bench',
      AWS_LAMBDA_LOG_STREAM_NAME: 'bench',
      LAMBDA_TASK_ROOT: folder,
      _HANDLER: 'index.handler',
    },
  });
  try {
    return await finished;
  } finally {
    child.kill('SIGKILL');
    server.closeAllConnections();
    server.close();
  }
}

const median = (values: readonly number[]) =>
  values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)]!;
const row = ([first = '', ...rest]: readonly string[]) =>
  first.padEnd(12) + rest.map((cell) => cell.padStart(12)).join('');

const runtime = installRuntime();
const workshop = await mkdtemp(join(tmpdir(), 'rootspan-coldstart-'));
try {
  const cases = [];
  for (const [index, source] of sources.entries()) {
    const folder = join(workshop, String(index));
    cases.push({ source, folder, size: await bundle(source, folder), starts: [] as ColdStart[] });
  }
  // In turns, so that whatever else the machine does meets them all.
  for (let round = -1; round < rounds; round += 1) {
    for (const { source, folder, starts } of cases) {
      const start = await startCold(runtime, folder, source.environment);
      if (round >= 0) starts.push(start);
    }
  }
  const empty = median(cases[0]!.starts.map(({ init }) => init));
  console.log(row(['', 'kB at start', 'kB zipped', 'init ms', '× empty', '1st ms', '2nd ms', 'peak MB']));
  for (const { source, size, starts } of cases) {
    const of = (figure: keyof ColdStart) => median(starts.map((start) => start[figure]));
    console.log(
      row([
        source.name,
        size.start.toFixed(0),
        size.zipped.toFixed(0),
        of('init').toFixed(0),
        (of('init') / empty).toFixed(2),
        of('first').toFixed(1),
        of('second').toFixed(1),
        of('peak').toFixed(0),
      ]),
    );
  }
} finally {
  await rm(workshop, { recursive: true });
}
