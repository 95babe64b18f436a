/**
 * AWS on loopback: ministack (MIT), which runs CloudFormation, Kinesis, SQS, DynamoDB, S3, Secrets Manager and Lambda with
 * real Node processes. It is installed beside the system's temporary files, at the first run.
 */
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { findFreePort } from './find-free-port.ts';

const version = '1.5.33';
const modules = resolve(import.meta.dirname, '../../node_modules');

export interface Ministack extends AsyncDisposable {
  endpoint: string;
  /** For a child process that is to talk to it, and to nobody else. */
  environment: Record<string, string>;
  /** What it and the functions in it have printed. */
  output(): string;
}

export async function startMinistack(): Promise<Ministack> {
  const port = await findFreePort();
  const endpoint = `http://127.0.0.1:${port}`;
  const environment = {
    AWS_ENDPOINT_URL: endpoint,
    AWS_ENDPOINT_URL_S3: endpoint,
    AWS_ACCESS_KEY_ID: 'test',
    AWS_SECRET_ACCESS_KEY: 'test',
    AWS_REGION: 'us-east-1',
    AWS_DEFAULT_REGION: 'us-east-1',
  };
  const child = spawn(join(install(), 'ministack'), {
    env: {
      ...process.env,
      ...environment,
      // Functions run on whatever `node` comes first: the project's own, Lambda's version.
      PATH: `${join(modules, '.bin')}:${process.env.PATH}`,
      NODE_PATH: modules,
      GATEWAY_PORT: String(port),
      BIND_HOST: '127.0.0.1',
    },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const chunks: string[] = [];
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (chunk: string) => chunks.push(chunk));
  }
  const stop = async () => {
    if (child.exitCode !== null) return;
    child.kill('SIGTERM');
    await once(child, 'exit');
  };
  for (let tries = 0; !(await answers(`${endpoint}/_ministack/health`)); tries++) {
    if (tries === 300 || child.exitCode !== null) {
      await stop();
      throw new Error(`ministack did not start:\n${chunks.join('')}`);
    }
    await sleep(100);
  }
  return { endpoint, environment, output: () => chunks.join(''), [Symbol.asyncDispose]: stop };
}

function install(): string {
  const folder = join(tmpdir(), `rootspan-ministack-${version}`);
  const done = join(folder, 'installed');
  if (!existsSync(done)) {
    execFileSync('python3', ['-m', 'venv', '--clear', folder], { stdio: 'inherit' });
    execFileSync(join(folder, 'bin/pip'), ['install', '--quiet', `ministack==${version}`], {
      stdio: 'inherit',
    });
    execFileSync('touch', [done]);
  }
  return join(folder, 'bin');
}

const answers = (url: string) =>
  fetch(url).then(
    ({ ok }) => ok,
    () => false,
  );
