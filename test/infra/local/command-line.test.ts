/** The command line as a user meets it: a process of its own, its output and how it ends. */
import { execFile, execFileSync, spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { delimiter, join, resolve } from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { commandNames, commands } from '../../../infra/local/command-table.ts';
import { whyNotRead } from '../../../infra/local/connect-cluster.ts';
import { readOptions } from '../../../infra/local/read-options.ts';

const root = resolve(import.meta.dirname, '../../..');
const recording = resolve(root, 'test/recordings/deployment-scale.jsonl');
const folder = mkdtempSync(join(tmpdir(), 'rootspan-command-line-'));
afterAll(() => rmSync(folder, { recursive: true }));
const rule = '- {subject: Shop, reason: Settled, outcome: complete, example: All replicas are ready';
writeFileSync(join(folder, 'rules.yaml'), `rules:\n${rule}}\n`);
writeFileSync(join(folder, 'wrong.yaml'), `rules:\n${rule}, mesage: All}\n`);

interface Outcome {
  exit: number;
  stdout: string;
  stderr: string;
}

const run = (args: string[], environment: Record<string, string> = {}): Promise<Outcome> =>
  new Promise((done) => {
    const env = { PATH: process.env.PATH, INIT_CWD: folder, ...environment };
    execFile(
      process.execPath,
      [resolve(root, 'infra/local/rootspan.ts'), ...args],
      { cwd: root, env },
      (error, stdout, stderr) => done({ exit: error === null ? 0 : Number(error.code), stdout, stderr }),
    );
  });

describe('what the user can put right is one line, exit 2 and no output', () => {
  const help = 'rootspan explain --help says what there is';
  it.each([
    [[], 'no command; rootspan --help lists them'],
    [['explian'], 'no command explian; is explain meant?'],
    [
      ['toString'],
      'no command toString; the commands are explain, start, record, trace, doctor, simulate, replay-set-aside, completion',
    ],
    [
      ['explain', recording, '--format', 'toString'],
      '--format toString: no such format; choose waterfall, tree, json, otlp, html',
    ],
    [['explain', recording, '--format', 'jsn'], '--format jsn: no such format; is json meant?'],
    [['explain', recording, '--formt', 'json'], '--formt: explain has no such option; is --format meant?'],
    [['explain', recording, '--jsn'], `--jsn: explain has no such option; ${help}`],
    [['explain', recording, '-x'], `-x: explain has no such option; ${help}`],
    [['explain', recording, '--format'], `Option '--format <value>' argument missing; ${help}`],
    [
      ['explain', recording, '--fail-on', 'failed,staled'],
      '--fail-on staled: no such outcome; is stalled meant?',
    ],
    [['explain', recording, '--fail-on', 'fail'], '--fail-on fail: no such outcome; is failed meant?'],
    ...[',', 'failed,'].map((list): [string[], string] => [
      ['explain', recording, '--fail-on', list],
      `--fail-on ${list}: an outcome is missing beside a comma; write it like failed,stalled`,
    ]),
    [['--verison'], 'no option --verison; is --version meant?'],
    [
      ['help', 'toString'],
      'no command toString; the commands are explain, start, record, trace, doctor, simulate, replay-set-aside, completion',
    ],
    [['explain', recording, '--form', 'json'], '--form: explain has no such option; is --format meant?'],
    [['trace', 'deplyo/web', recording], 'nothing is told of a deplyo/web; is deploy/web meant?'],
    [['doctor', 'prod'], 'prod: doctor takes no argument; rootspan doctor --help says what there is'],
    [['completion', 'bsh'], 'bsh: no such shell; is bash meant?'],
    [['start', '--context', 'prod'], '--context goes with --live; rootspan start --help says what there is'],
    [['trace', 'web'], 'web: not KIND/NAME; write it like deploy/web'],
    [
      ['trace', 'deploy/web', recording, '--url', 'https://x'],
      '--url https://x: has no {traceId} in it, in whose place the trace’s id goes',
    ],
    [
      ['explain', recording, '--at', '2026-11-23T04:51:02'],
      '--at 2026-11-23T04:51:02: not a time; write it like 2026-11-23T04:51:02Z',
    ],
    [['explain', ''], 'a file without a name; name the recordings to read'],
    [['explain', recording, '--rules', ''], `--rules: its FILE is empty; ${help}`],
    [['explain', recording, '--rules', 'none.yaml'], 'none.yaml: no such file; check the path'],
    [['explain', recording, '--rules', '.'], '.: is a directory; name the file with the rules'],
    [
      ['explain', recording, '--rules', 'wrong.yaml'],
      'wrong.yaml: rules[0] (Shop.Settled): mesage is not known; is message meant?',
    ],
  ])('%j', async (args, line) => {
    expect(await run(args)).toEqual({ exit: 2, stdout: '', stderr: `rootspan: ${line}\n` });
  });

  it('advice is what can be typed: in a checkout by npm', async () => {
    const { stderr } = await run(['explain', '--jsn'], { npm_lifecycle_event: 'rootspan' });
    expect(stderr).toBe(
      'rootspan: --jsn: explain has no such option; npm run -s rootspan -- explain --help says what there is\n',
    );
  });
});

it('rules of the user’s own are read, from where the user is', async () => {
  const { exit, stderr, stdout } = await run(['explain', recording, '--rules', 'rules.yaml']);
  expect({ exit, stderr }).toEqual({ exit: 0, stderr: '' });
  expect(stdout).toContain('Deployment.');
});

it('a folder that holds other things too is explained, and what was skipped is said beside the traces', async () => {
  mkdirSync(join(folder, 'dump'));
  writeFileSync(join(folder, 'dump/readme.txt'), 'hello world\n');
  writeFileSync(join(folder, 'dump/scale.jsonl.gz'), gzipSync(readFileSync(recording)));
  const plain = await run(['explain', recording, '--format', 'json']);
  const { exit, stdout, stderr } = await run(['explain', 'dump', '--format', 'json']);
  expect({ exit, stderr }).toEqual({
    exit: 0,
    stderr: `rootspan: dump: 1 of 2 files skipped, for they hold nothing of Kubernetes\n`,
  });
  expect(stdout).toBe(plain.stdout);
  const wrong = await run(['explain', 'dump', 'dump/readme.txt']);
  expect(wrong).toMatchObject({
    exit: 2,
    stdout: '',
    stderr: expect.stringMatching(/^rootspan: dump.readme.txt:1: [^\n]*\n$/),
  });
});

it('what npm took for itself, for want of a --, is not passed over', async () => {
  const outcome = await run(['explain', recording], { npm_config_at: 'true' });
  expect(outcome).toEqual({
    exit: 2,
    stdout: '',
    stderr:
      'rootspan: npm took --at for itself; put -- before what is not for npm: npm run -s rootspan -- …, npm start -- …\n',
  });
});

describe('help', () => {
  it.each(commandNames)(
    '%s explains its options, each with an example that the table knows',
    async (name) => {
      const { exit, stdout, stderr } = await run([name, '--help']);
      expect({ exit, stderr }).toEqual({ exit: 0, stderr: '' });
      for (const option of Object.keys(commands[name].options)) expect(stdout).toContain(`--${option}`);
      expect(stdout.split('\n').filter((line) => line.length > 130)).toEqual([]);
      for (const [line] of commands[name].examples) {
        if (line.startsWith('kubectl ')) continue;
        const [command, ...args] = line.replace(/ > .*/, '').replaceAll('"', '').split(' ');
        expect(command).toBe(name);
        expect(() => readOptions(name, args, { environment: {}, call: 'rootspan' })).not.toThrow();
      }
    },
  );

  it('lists the commands, says the version, and goes by `help COMMAND` as well', async () => {
    expect((await run(['--help'])).stdout).toMatch(/explain .*\n.*start .*\n.*record /);
    expect((await run(['help', 'explain'])).stdout).toBe((await run(['explain', '-h'])).stdout);
    const { version } = JSON.parse(readFileSync(resolve(root, 'package.json'), 'utf8')) as {
      version: string;
    };
    expect((await run(['help', 'help'])).stdout).toBe((await run(['--help'])).stdout);
    expect(await run(['--version'])).toEqual({ exit: 0, stdout: `${version}\n`, stderr: '' });
  });
});

describe('completion', () => {
  const arn = 'arn:aws:eks:eu-west-1:111111111111:cluster';
  /** With a kubectl that knows three contexts. */
  const environment = () => {
    const bin = join(folder, 'bin');
    mkdirSync(bin, { recursive: true });
    const names = `printf '%s\\n' prod ${arn}/one ${arn}/two`;
    const script = `#!/bin/sh\n[ "$*" = "config get-contexts -o name" ] && ${names}\n`;
    writeFileSync(join(bin, 'kubectl'), script, { mode: 0o755 });
    return { ...process.env, PATH: `${bin}${delimiter}${process.env.PATH}` };
  };
  const scripts = new Map<string, string>();
  const scriptOf = async (shell: string): Promise<string> => {
    const script = scripts.get(shell) ?? (await run(['completion', shell])).stdout;
    scripts.set(shell, script);
    return script;
  };
  const linesOf = (text: string | Buffer): string[] =>
    text
      .toString()
      .split('\n')
      .filter((line) => line !== '');

  /** What bash offers for a line that is being typed: as bash has it, a colon is a word of its own. */
  const complete = async (...words: string[]): Promise<string[]> => {
    const script = `${await scriptOf('bash')}
COMP_LINE="$1"; COMP_POINT=\${#1}; shift
COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _rootspan; printf '%s\\n' "\${COMPREPLY[@]}"`;
    const typed = ['rootspan', ...words];
    const parts = typed.flatMap((word) => (word === '' ? [word] : word.split(/(:)/)));
    const offered = execFileSync('bash', ['-c', script, 'bash', typed.join(' '), ...parts], {
      cwd: folder,
      env: environment(),
    });
    return linesOf(offered);
  };

  it.each<[string[], string[]]>([
    [['si'], ['simulate']],
    [['explain', '--fo'], ['--format']],
    [['explain', '--format', 'o'], ['otlp']],
    [['explain', '--rules', 'ru'], ['rules.yaml']],
    [['explain', 'ru'], ['rules.yaml']],
    [['completion', 'f'], ['fish']],
    [['hel'], ['help']],
    [['help', 'si'], ['simulate']],
    [['start', '--live', '-n', ''], []],
    [['start', '--url', ''], []],
    [['explain', '--url', 'https://te'], []],
    [['explain', '--at', ''], []],
    [
      ['start', '--context', ''],
      ['prod', `${arn}/one`, `${arn}/two`],
    ],
    [['start', '--context', 'pr'], ['prod']],
    [
      ['start', '--context', 'arn:aws:eks:eu-west-1:11'],
      ['111111111111:cluster/one', '111111111111:cluster/two'],
    ],
    [['start', '--context', 'prod', '--name'], ['--namespace']],
  ])('bash completes %j', async (words, offered) => {
    expect(await complete(...words)).toEqual(offered);
  });

  it.skipIf(spawnSync('fish', ['--version']).error !== undefined).each<[string, string[]]>([
    ['si', ['simulate']],
    ['hel', ['help']],
    ['help si', ['simulate']],
    ['start --context pr', ['prod']],
    ['start -n ', []],
    ['explain --url ', []],
    ['explain --rules ru', ['rules.yaml']],
  ])('fish completes %s', async (typed, offered) => {
    const script = `${await scriptOf('fish')}\ncomplete -C ${JSON.stringify(`rootspan ${typed}`)}`;
    const env = { ...environment(), HOME: folder };
    const said = execFileSync('fish', ['--no-config', '-c', script], { cwd: folder, env });
    expect(linesOf(said).map((line) => line.split('\t')[0])).toEqual(offered);
  });

  it.each(['zsh', 'fish'])('%s: each command and option is in the script', async (shell) => {
    const { stdout } = await run(['completion', shell]);
    for (const name of commandNames) {
      expect(stdout).toContain(name);
      for (const option of Object.keys(commands[name].options)) expect(stdout).toContain(option);
    }
  });
});

describe('--fail-on', () => {
  const bad = resolve(root, 'test/recordings/jobs.jsonl');
  it('exit 1 where a change ended so, after the traces, and says which', async () => {
    const plain = await run(['explain', bad, '--format', 'json']);
    const { exit, stdout, stderr } = await run([
      'explain',
      bad,
      '--format',
      'json',
      '--fail-on',
      'stalled,failed',
    ]);
    expect({ exit, stdout }).toEqual({ exit: 1, stdout: plain.stdout });
    expect(stderr).toMatch(/^(?:rootspan: Job\.\w+ \S+\/\S+ failed \(trace [0-9a-f]{32}\): [^\n]+\n)+$/);
  });

  it('says of a change that a release tells, too, once that it ended so', async () => {
    const clusters = ['flux-release-eu.jsonl', 'flux-release-us.jsonl'].map((file) =>
      resolve(root, 'test/recordings', file),
    );
    const { exit, stdout, stderr } = await run(['explain', ...clusters, '--fail-on', 'failed,stalled']);
    expect(exit).toBe(1);
    expect(stdout).toContain('Release.Change');
    const told = stderr.match(/^rootspan: \S+ \S+ failed \(trace [0-9a-f]{32}\)/gm) ?? [];
    expect(told.map((line) => line.split(' ')[1]).sort()).toEqual([
      'Deployment.Apply',
      'Kustomization.Progressing',
    ]);
  });

  it('outcomes may stand apart', async () => {
    const { exit, stderr } = await run(['explain', bad, '--fail-on', 'failed, stalled']);
    expect(exit).toBe(1);
    expect(stderr).toContain(' failed (trace ');
  });

  it('exit 0 where none did', async () => {
    expect(await run(['explain', recording, '--fail-on', 'failed'])).toMatchObject({ exit: 0, stderr: '' });
  });
});

it.each(['tree', 'html', 'json'])('an empty file is told of, as %s too', async (format) => {
  writeFileSync(join(folder, 'empty.jsonl'), '');
  const { exit, stderr } = await run(['explain', 'empty.jsonl', '--format', format]);
  expect({ exit, stderr }).toEqual({ exit: 0, stderr: 'rootspan: nothing there, so no traces\n' });
});

it('a link by trace says when it begins, as far as that is known', async () => {
  const { stdout } = await run([
    'trace',
    'deploy/web',
    recording,
    '--url',
    'https://x/{traceId}?{start}&{end}',
  ]);
  expect(stdout).toMatch(/^https:\/\/x\/[0-9a-f]{32}\?1795409\d{6}&\{end\} {2}2026-11-23 /);
});

it('what is drawn for a terminal can be asked for elsewhere, with dates and whole ids of traces', async () => {
  const { exit, stdout } = await run(['explain', recording, '--format', 'waterfall']);
  expect(exit).toBe(0);
  expect(stdout).toMatch(/ · trace [0-9a-f]{32}|^ {2}trace [0-9a-f]{32}$/m);
  expect(stdout).toMatch(/^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d{3} UTC/m);
  expect(stdout).not.toContain('\u001b');
});

describe('replay-set-aside', () => {
  const args = [
    '--bucket',
    'b',
    '--stream',
    's',
    '--timers-queue',
    'https://t',
    '--spans-queue',
    'https://s',
  ];
  const keys = { AWS_ACCESS_KEY_ID: 'AKIA', AWS_SECRET_ACCESS_KEY: 's', HOME: folder };
  const nobody = { AWS_REGION: 'eu-west-1', AWS_ENDPOINT_URL: 'http://127.0.0.1:1', AWS_MAX_ATTEMPTS: '1' };
  it.each([
    ['no region', {}, 'no AWS region; set AWS_REGION to that of the stack'],
    ['no way to AWS', nobody, 'connect ECONNREFUSED 127.0.0.1:1'],
  ])('%s: says so in a line', async (_, environment, line) => {
    const outcome = await run(['replay-set-aside', ...args], { ...keys, ...environment });
    expect(outcome).toEqual({ exit: 2, stdout: '', stderr: `rootspan: ${line}\n` });
  });
});

describe('a cluster that cannot be read', () => {
  const answers: Record<string, [number, object | string]> = {
    '/unknown': [401, { kind: 'Status', message: 'Unauthorized', code: 401 }],
    '/forbidden': [403, { kind: 'Status', message: 'bob may not get namespaces', code: 403 }],
    '/two-lines': [503, { kind: 'Status', message: 'leader changed\ntry later', code: 503 }],
    '/proxy': [200, '<html>please log in</html>'],
  };
  let server: Server;
  let port: number;
  beforeAll(async () => {
    server = createServer((request, response) => {
      const [code, body] = answers[`/${request.url!.split('/')[1]}`] ?? [404, 'not found'];
      response.writeHead(code).end(typeof body === 'string' ? body : JSON.stringify(body));
    });
    await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening));
    port = (server.address() as AddressInfo).port;
  });
  afterAll(() => server.close());

  let files = 0;
  const kubeconfig = (address: string, user: object = { token: 'sekrit' }, more: object = {}): string => {
    const file = join(folder, `kubeconfig-${files++}`);
    const config = {
      apiVersion: 'v1',
      kind: 'Config',
      'current-context': 'x',
      clusters: [{ name: 'c', cluster: { server: address, ...more } }],
      users: [{ name: 'u', user }],
      contexts: [{ name: 'x', context: { cluster: 'c', user: 'u' } }],
    };
    writeFileSync(file, JSON.stringify(config));
    return file;
  };
  const plugin = (command: string, ...args: string[]) => ({
    exec: { apiVersion: 'client.authentication.k8s.io/v1', command, args, interactiveMode: 'Never' },
  });
  const here = (path = '') => `http://127.0.0.1:${port}${path}`;

  it.each<[string, () => string, string]>([
    [
      'knows nobody',
      () => kubeconfig(here('/unknown')),
      'does not know you (Unauthorized): log in again, and try kubectl get namespace kube-system',
    ],
    ['refuses', () => kubeconfig(here('/forbidden')), 'refuses: bob may not get namespaces'],
    ['answers in two lines', () => kubeconfig(here('/two-lines')), 'refuses: leader changed try later'],
    [
      'is behind a page to log in',
      () => kubeconfig(here('/proxy')),
      'does not answer: the answer to GET /api/v1/namespaces/kube-system is no JSON',
    ],
    [
      'needs a plug-in that is not there',
      () => kubeconfig(here(), plugin('no-such-plugin')),
      'cannot be asked: no-such-plugin, which the kubeconfig has for credentials, is not installed',
    ],
    [
      'needs a plug-in that fails without a word',
      () => kubeconfig(here(), plugin('false')),
      'cannot be asked: false, which the kubeconfig has for credentials, failed',
    ],
    [
      'needs a plug-in that says why not',
      () => kubeconfig(here(), plugin('sh', '-c', 'echo the session has expired >&2; exit 1')),
      'cannot be asked: sh, which the kubeconfig has for credentials, failed: the session has expired',
    ],
    [
      'needs a plug-in that prints something else, which may be secret',
      () => kubeconfig(here(), plugin('echo', 'sekrit')),
      'cannot be asked: echo, which the kubeconfig has for credentials, printed no credentials',
    ],
    [
      'speaks no TLS',
      () => kubeconfig(`https://127.0.0.1:${port}`),
      'does not answer: there is no TLS; should the address be http://…?',
    ],
    [
      'wants a certificate that is none',
      () =>
        kubeconfig('https://127.0.0.1:1', {
          'client-certificate-data': 'Z2FyYmFnZQ==',
          'client-key-data': 'Z2FyYmFnZQ==',
        }),
      'does not answer: the client certificate or key of the kubeconfig is no PEM',
    ],
    [
      'wants a token that is none',
      () => kubeconfig(here(), { token: 'a\nb' }),
      'does not answer: the token of the kubeconfig has characters that no token has',
    ],
    [
      'wants credentials in a way of old',
      () => kubeconfig(here(), { 'auth-provider': { name: 'gcp' } }),
      'cannot be asked: the kubeconfig has the auth-provider gcp, which kubectl has no more either; use its plug-in',
    ],
    [
      'has a certificate that is not there',
      () => kubeconfig('https://127.0.0.1:1', {}, { 'certificate-authority': '/no/such/ca.pem' }),
      "cannot be asked: ENOENT: no such file or directory, open '/no/such/ca.pem'",
    ],
  ])('%s: record says so, and writes nothing', async (_, config, reason) => {
    const KUBECONFIG = config();
    const { exit, stdout, stderr } = await run(['record', 'there.jsonl'], { KUBECONFIG });
    expect(existsSync(join(folder, 'there.jsonl'))).toBe(false);
    const address = JSON.parse(readFileSync(KUBECONFIG, 'utf8')).clusters[0].cluster.server;
    expect({ exit, stdout, stderr }).toEqual({
      exit: 2,
      stdout: '',
      stderr: `rootspan: ${address} ${reason}\n`,
    });
  });

  it('--live leaves the records of before as they are, and makes no file for new ones', async () => {
    const KUBECONFIG = kubeconfig(here('/unknown'));
    writeFileSync(join(folder, 'before.jsonl'), 'as it was\n');
    for (const file of ['before.jsonl', 'new.jsonl'])
      expect(await run(['start', '--live', '--records', file], { KUBECONFIG })).toMatchObject({
        exit: 2,
        stderr: expect.stringContaining('does not know you'),
      });
    expect(readFileSync(join(folder, 'before.jsonl'), 'utf8')).toBe('as it was\n');
    expect(existsSync(join(folder, 'new.jsonl'))).toBe(false);
  });

  it('has a certificate of an authority that the kubeconfig does not name', () => {
    const error = Object.assign(new Error('try --use-system-ca'), { code: 'DEPTH_ZERO_SELF_SIGNED_CERT' });
    expect(whyNotRead(error)).toBe(
      'does not answer: its certificate is of no authority that the kubeconfig names (DEPTH_ZERO_SELF_SIGNED_CERT)',
    );
  });

  it('has a name with addresses that are all tried in vain: of them Node has no message', () => {
    const error = Object.assign(new AggregateError([]), { code: 'ECONNREFUSED' });
    expect(whyNotRead(error)).toBe('does not answer: ECONNREFUSED');
  });

  it.each(['127.0.0.1:6443', 'localhost:6443', 'not an address'])(
    '%s is no address of one',
    async (address) => {
      const KUBECONFIG = kubeconfig(address);
      for (const command of [['doctor'], ['record', 'there.jsonl']]) {
        expect(await run(command, { KUBECONFIG })).toEqual({
          exit: 2,
          stdout: '',
          stderr: `rootspan: the kubeconfig has ${address} for a server; it should be an address like https://10.0.0.1:6443\n`,
        });
      }
    },
  );

  it('has a line in doctor as well, and exit 1', async () => {
    const KUBECONFIG = kubeconfig(here(), plugin('no-such-plugin'));
    const { exit, stdout, stderr } = await run(['doctor'], { KUBECONFIG });
    expect({ exit, stderr }).toEqual({ exit: 1, stderr: '' });
    expect(stdout.split('\n').slice(1)).toEqual([
      'FAIL API server  cannot be asked: no-such-plugin, which the kubeconfig has for credentials, is not installed',
      '',
    ]);
  });
});
