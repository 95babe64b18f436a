/** The package as a user gets it: `npm pack`, its tarball in an empty folder, each command on Node 22, the stack in an app. */
import { execFileSync, spawnSync } from 'node:child_process';
import {
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

const root = resolve(import.meta.dirname, '../..');
const recording = resolve(root, 'test/recordings/drain.jsonl');
const { version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { version: string };

/** The oldest that the package says it runs on, and a late one of the same line. */
const nodes = ['22.0.0', '22.23.3'];

let folder: string;
let packed: { filename: string; size: number; files: { path: string }[] };
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'rootspan-package-'));
  const npm = (...args: string[]) => execFileSync('npm', args, { cwd: root, encoding: 'utf8' });
  // It says what it packed after what the build says.
  const said = npm('pack', '--json', '--pack-destination', folder);
  [packed] = JSON.parse(said.slice(said.indexOf('[\n'))) as [typeof packed];
  for (const node of nodes) npm('install', '--silent', '--prefix', join(folder, node), `node@${node}`);
  mkdirSync(join(folder, 'app'));
  writeFileSync(join(folder, 'app/package.json'), '{"private":true,"type":"module"}');
  const install = ['install', '--silent', '--offline', '--prefix', join(folder, 'app')];
  npm(...install, join(folder, packed.filename));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

describe('the tarball', () => {
  it('has what a package has, and nothing of the workshop', () => {
    const paths = packed.files.map(({ path }) => path);
    expect(paths).toEqual(
      expect.arrayContaining(['LICENSE', 'README.md', 'package.json', 'dist/NOTICES.txt']),
    );
    expect(
      paths.filter((path) => !/^(?:dist|infra\/(?:package|aws|kubernetes\/chart))\//.test(path)).sort(),
    ).toEqual([
      'CHANGELOG.md',
      'LICENSE',
      'README.md',
      'docs/rules.md',
      'package.json',
      'shared/change-record.schema.json',
      'test/recordings/deployment-image-update.jsonl',
    ]);
  });

  it('is a few megabytes, and brings no other package', () => {
    expect(packed.size).toBeLessThan(5_000_000);
    expect(readdirSync(join(folder, 'app/node_modules')).filter((name) => !name.startsWith('.'))).toEqual([
      'rootspan',
    ]);
  });
});

describe.each(nodes)('on Node %s', (node) => {
  const run = (...args: string[]) => {
    const { INIT_CWD: _, ...env } = process.env;
    const { status, stdout, stderr } = spawnSync(
      join(folder, node, 'node_modules/.bin/node'),
      [join(folder, 'app/node_modules/.bin/rootspan'), ...args],
      {
        cwd: join(folder, 'app'),
        encoding: 'utf8',
        env: { ...env, KUBECONFIG: join(folder, 'none'), HOME: folder },
      },
    );
    return { status, stdout, stderr };
  };

  it('says its version', () => {
    expect(run('--version')).toEqual({ status: 0, stdout: `${version}\n`, stderr: '' });
  });

  it('explains to the byte what a checkout explains', () => {
    const checkout = execFileSync(
      process.execPath,
      ['infra/local/rootspan.ts', 'explain', recording, '--format', 'json'],
      { cwd: root, encoding: 'utf8' },
    );
    expect(run('explain', recording, '--format', 'json')).toEqual({
      status: 0,
      stdout: checkout,
      stderr: '',
    });
    expect(run('explain', recording, '--format', 'html').stdout).toContain('<!doctype html>');
  });

  it('shows its example through the whole pipeline', () => {
    const { status, stdout } = run('start');
    expect({ status, stdout }).toMatchObject({
      status: 0,
      stdout: expect.stringContaining('2 traces, 51 spans'),
    });
    expect(statSync(join(folder, 'app/rootspan-traces.html')).size).toBeGreaterThan(10_000);
  });

  it('simulates, with rules of the user’s own', () => {
    writeFileSync(
      join(folder, 'rules.yaml'),
      'rules:\n- {subject: Shop, reason: Settled, outcome: complete, example: All replicas are ready}\n',
    );
    const { status, stdout, stderr } = run(
      'simulate',
      recording,
      '--faults',
      'all',
      '--rules',
      join(folder, 'rules.yaml'),
    );
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
    expect(stdout).toContain('delivered');
  });

  it.each([[['doctor']], [['record', 'mine.jsonl']], [['start', '--live']], [['trace', 'deploy/web']]])(
    '%j says in a line that there is no cluster',
    (args) => {
      const { status, stdout, stderr } = run(...args);
      expect({ status, stdout }).toEqual({ status: 2, stdout: '' });
      expect(stderr).toMatch(/^rootspan: [^\n]*\n$/);
    },
  );
});

describe('rootspan/aws', () => {
  const app = `
import { App } from 'aws-cdk-lib';
import { RootspanStack, type RootspanSettings } from 'rootspan/aws';
const settings: RootspanSettings = { clusters: { prod: { principalArn: 'arn:aws:iam::222222222222:role/edge' } } };
const app = new App({ outdir: 'out' });
const stack: RootspanStack = new RootspanStack(app, 'Traces', { settings, stackName: 'traces', env: { region: 'eu-west-1' } });
stack.addMetadata('by', 'test');
app.synth();
`;
  const inApp = (command: string, ...args: string[]) =>
    spawnSync(command, args, { cwd: join(folder, 'app'), encoding: 'utf8' });
  beforeAll(() => {
    for (const name of ['aws-cdk-lib', 'constructs', '@types'])
      symlinkSync(join(root, 'node_modules', name), join(folder, 'app/node_modules', name));
    writeFileSync(join(folder, 'app/app.ts'), app);
  });

  it('has types that a strict app compiles with, the package’s own declarations included', () => {
    const options = [
      '--noEmit',
      '--strict',
      '--module',
      'nodenext',
      '--types',
      'node',
      '--exactOptionalPropertyTypes',
    ];
    // Of the CDK's own declarations not all hold under exactOptionalPropertyTypes.
    const { stdout } = inApp(join(root, 'node_modules/.bin/tsc'), ...options, '--skipLibCheck', 'app.ts');
    expect(stdout).toBe('');
    const wrong = app.replace("principalArn: '", "principal: '");
    writeFileSync(join(folder, 'app/wrong.ts'), wrong);
    expect(
      inApp(join(root, 'node_modules/.bin/tsc'), ...options, '--skipLibCheck', 'wrong.ts').stdout,
    ).toContain("'principal' does not exist");
  });

  it('synthesizes with the functions of the package, and bundles nothing', () => {
    const { status, stderr } = inApp(process.execPath, 'app.ts');
    // The CDK says on standard error what it does.
    expect(stderr).not.toContain('Error');
    expect(status).toBe(0);
    const text = readFileSync(join(folder, 'app/out/Traces.template.json'), 'utf8');
    const { Resources } = JSON.parse(text) as { Resources: Record<string, { Type: string }> };
    expect(Object.values(Resources).filter(({ Type }) => Type === 'AWS::Lambda::Function')).toHaveLength(3);
    expect(text).toContain('npx rootspan replay-set-aside');
    const assets = readdirSync(join(folder, 'app/out')).filter((name) => name.startsWith('asset.'));
    const entries = assets.map((asset) => readdirSync(join(folder, 'app/out', asset)));
    expect(entries.filter((names) => names.includes('index.mjs'))).toHaveLength(3);
  });

  it('names the setting to put right', () => {
    writeFileSync(
      join(folder, 'app/wrong.mjs'),
      app
        .replace(': RootspanSettings', '')
        .replace(', type RootspanSettings', '')
        .replace(': RootspanStack', '')
        .replace('prod: {', "prod: { namespace: 'A B',"),
    );
    const { stderr } = inApp(process.execPath, 'wrong.mjs');
    expect(stderr).toContain(
      'RootspanStack: settings: clusters.prod.namespace should be a name of Kubernetes',
    );
  });
});

it('the forwarder is in it, and says what it wants', () => {
  const file = join(folder, 'app/node_modules/rootspan/dist/forwarder.mjs');
  const { status, stderr, stdout } = spawnSync(process.execPath, [file], { encoding: 'utf8', env: {} });
  expect(status).not.toBe(0);
  expect(stdout + stderr).toContain('STREAM');
});
