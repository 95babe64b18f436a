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
import { join, resolve } from 'node:path';
import { buffer } from 'node:stream/consumers';
import { gzipSync } from 'node:zlib';
import { build } from 'esbuild';

const runtimeVersion = '4.0.2';
const rounds = 15;
const root = resolve(import.meta.dirname, '../..');

const entries = {
  ingest: 'functions/correlator/ingest-handler.ts',
  settle: 'functions/correlator/settle-handler.ts',
  emit: 'functions/emitter/emit-handler.ts',
};
/** A bundle of each: in one of ES modules `import … from 'node:http'` costs what reading all of its exports costs. */
const formats = { cjs: 'index.cjs', esm: 'index.mjs' } as const;

type Source = { kind: 'empty' } | { kind: 'function'; entry: string; format: keyof typeof formats };

/** As the stack sets it; nothing of it is there, and an event without records does not ask. */
const environment = {
  AWS_REGION: 'us-east-1',
  AWS_ACCESS_KEY_ID: 'bench',
  AWS_SECRET_ACCESS_KEY: 'bench',
  TABLE_NAME: 'bench',
  TIMERS_QUEUE_URL: 'http://127.0.0.1:9/000000000000/timers',
  SPANS_QUEUE_URL: 'http://127.0.0.1:9/000000000000/spans',
  SET_ASIDE_BUCKET: 'bench',
  OTEL_EXPORTER_OTLP_ENDPOINT: 'http://127.0.0.1:9',
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

/** As the stack bundles it. Answers the bytes of the code as it is and zipped. */
async function bundle(source: Source, folder: string): Promise<{ bytes: number; zipped: number }> {
  await mkdir(folder);
  const outfile = join(folder, source.kind === 'empty' ? 'index.mjs' : formats[source.format]);
  if (source.kind === 'empty') await writeFile(outfile, 'export const handler = async () => ({});\n');
  else
    await build({
      entryPoints: [join(root, source.entry)],
      outfile,
      bundle: true,
      minify: true,
      sourcemap: true,
      platform: 'node',
      target: 'node24',
      format: source.format,
      mainFields: ['module', 'main'],
    });
  const code = readFileSync(outfile);
  return { bytes: code.byteLength, zipped: gzipSync(code, { level: 9 }).byteLength };
}

/** One process: from its start until it asks for work, then two invocations. */
async function startCold(runtime: string, folder: string): Promise<ColdStart> {
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
  first.padEnd(12) + rest.map((cell) => cell.padStart(11)).join('');

const runtime = installRuntime();
const workshop = await mkdtemp(join(tmpdir(), 'rootspan-coldstart-'));
try {
  const sources = new Map<string, Source>([['empty', { kind: 'empty' }]]);
  for (const [name, entry] of Object.entries(entries)) {
    for (const format of ['cjs', 'esm'] as const) {
      sources.set(`${name} ${format}`, { kind: 'function', entry, format });
    }
  }
  const cases = [];
  for (const [name, source] of sources) {
    const folder = join(workshop, name.replace(' ', '-'));
    cases.push({ name, folder, size: await bundle(source, folder), starts: [] as ColdStart[] });
  }
  // In turns, so that whatever else the machine does meets them all.
  for (let round = -1; round < rounds; round += 1) {
    for (const { folder, starts } of cases) {
      const start = await startCold(runtime, folder);
      if (round >= 0) starts.push(start);
    }
  }
  const empty = median(cases[0]!.starts.map(({ init }) => init));
  console.log(row(['', 'kB', 'kB zipped', 'init ms', '× empty', '1st ms', '2nd ms', 'peak MB']));
  for (const { name, size, starts } of cases) {
    const of = (figure: keyof ColdStart) => median(starts.map((start) => start[figure]));
    console.log(
      row([
        name,
        (size.bytes / 1000).toFixed(0),
        (size.zipped / 1000).toFixed(0),
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
