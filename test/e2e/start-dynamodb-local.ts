/**
 * Amazon's own DynamoDB Local, which keeps the limits of an item, a page and a call, and counts capacity as AWS does. It
 * wants Java and Maven, which fetches it once into the system's temporary files.
 */
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { findFreePort } from './find-free-port.ts';

const version = '3.1.0';

export async function startDynamoDbLocal(): Promise<{ endpoint: string; stop(): Promise<void> }> {
  const jars = install();
  const port = await findFreePort();
  const child = spawn(
    'java',
    [
      `-Djava.library.path=${jars}`,
      '-cp',
      join(jars, '*'),
      'software.amazon.dynamodb.services.local.main.ServerRunner',
      '-inMemory',
      '-disableTelemetry',
      '-port',
      String(port),
    ],
    { stdio: 'ignore' },
  );
  const endpoint = `http://127.0.0.1:${port}`;
  const stop = async () => {
    if (child.exitCode !== null) return;
    child.kill('SIGTERM');
    await once(child, 'exit');
  };
  // It answers a request that is none of DynamoDB's with 400.
  const answers = () =>
    fetch(endpoint).then(
      () => true,
      () => false,
    );
  for (let tries = 0; !(await answers()); tries++) {
    if (tries === 300 || child.exitCode !== null) {
      await stop();
      throw new Error('DynamoDB Local did not start');
    }
    await sleep(100);
  }
  return { endpoint, stop };
}

function install(): string {
  const folder = join(tmpdir(), `rootspan-dynamodb-local-${version}`);
  if (existsSync(folder)) return folder;
  const partial = `${folder}.partial`;
  rmSync(partial, { recursive: true, force: true });
  mkdirSync(partial);
  const pom = join(partial, 'pom.xml');
  writeFileSync(
    pom,
    `<project>
  <modelVersion>4.0.0</modelVersion>
  <groupId>rootspan</groupId><artifactId>test</artifactId><version>1</version>
  <dependencies><dependency>
    <groupId>software.amazon.dynamodb</groupId><artifactId>DynamoDBLocal</artifactId><version>${version}</version>
  </dependency></dependencies>
</project>`,
  );
  execFileSync(
    'mvn',
    [
      '-q',
      '-B',
      '-f',
      pom,
      'dependency:copy-dependencies',
      `-DoutputDirectory=${partial}`,
      '-DincludeScope=runtime',
    ],
    { stdio: ['ignore', 'ignore', 'inherit'] },
  );
  renameSync(partial, folder);
  return folder;
}
