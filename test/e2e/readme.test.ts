/**
 * The commands of the documentation, as they stand, where their reader types them: in an empty folder with the package, in a
 * checkout, in the folder of an app with the stack in it. `mine.jsonl` is a recording, `mine.json` what kubectl prints. What asks a cluster or an account that is not there has to
 * get so far as to say that in a line; what cannot run is listed, with the reason.
 */
import { execFileSync, spawnSync } from 'node:child_process';
import {
  copyFileSync,
  cpSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, dirname, join, relative, resolve } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { readCommands } from '../docs/read-commands.ts';
import { hasChromium, setUpChromium } from '../page-in-chromium.ts';
import { installHelm } from './install-helm.ts';

const root = resolve(import.meta.dirname, '../..');
const read = (file: string) => readFileSync(join(root, file), 'utf8');
const { version, devDependencies } = JSON.parse(read('package.json')) as {
  version: string;
  devDependencies: Record<string, string>;
};
/** What `npm ci` has brought into npm's cache. */
const pinned = (name: string): string => `${name}@${devDependencies[name]}`;

/** What of a page's command is not as it stands here. */
const substitutes: readonly (readonly [said: string | RegExp, here: string])[] = [
  [/aws-cdk-lib constructs/, `${pinned('aws-cdk-lib')} ${pinned('constructs')}`],
  [/-D aws-cdk$/, `-D ${pinned('aws-cdk')}`],
  // Deploying is cdk's; what it would deploy is ours.
  [/\bcdk deploy/, 'cdk synth --quiet'],
  ['helm install', 'helm install --dry-run=client'],
  ['REPOSITORY', 'registry.example/rootspan-forwarder'],
  [
    'HELM_VALUES',
    '--namespace rootspan --set-string cluster.name=prod --set stream.name=events --set stream.region=eu-west-1',
  ],
  ['stream.name=…', 'stream.name=events'],
  [':role/…', ':role/rootspan'],
  [
    '"oidcProviderArn":"…"',
    '"oidcProviderArn":"arn:aws:iam::111111111111:oidc-provider/oidc.eks.eu-west-1.amazonaws.com/id/ABC"',
  ],
];

const notHere: readonly (readonly [RegExp, reason: string])[] = [
  [/^npm (?:ci|test)/, '.ci/run begins with it, and with npm test and npm start'],
  [/^npm audit/, 'asks the registry of what is published'],
  [/^npx cdk (?:bootstrap|diff)$/, 'asks an account'],
  [/^cdk deploy .*…/, 'has an ellipsis'],
  [/^helm (?:upgrade|rollback|test|uninstall)/, 'asks a cluster for what is installed'],
  [/^(?:git checkout v|npm i rootspan@)/, 'nothing has been tagged or published yet'],
  [/^(?:kubectl|docker|openssl) /, 'a program of others, and a cluster or a container engine'],
  [/^(?:gh|cosign) /, 'asks where releases are published'],
];

/** No cluster is there: the last thing that can be said. */
const asksCluster = /^rootspan (?:start --live|record|trace|doctor)/;

/** Who types a command is in a checkout, unless it is the package's or of an app that has it. */
function placeOf(command: string): 'app' | 'empty' | 'checkout' {
  if (/aws-cdk-lib|app\.mjs/.test(command)) return 'app';
  return /^(?:rootspan|npx rootspan|npm i) /.test(command) ? 'empty' : 'checkout';
}

/** The last ones say other versions of this checkout, and its format. */
const pages = [
  'README.md',
  'docs/rules.md',
  'docs/operate.md',
  'infra/kubernetes/README.md',
  'infra/aws/README.md',
  'infra/aws/RUNBOOK.md',
  'CONTRIBUTING.md',
  'docs/releases.md',
];
const documented = pages.flatMap((page) =>
  readCommands(read(page)).map(({ line, command }) => ({ where: `${page}:${line}`, command })),
);
const running = documented.filter(
  ({ command }, index) =>
    !notHere.some(([pattern]) => pattern.test(command)) &&
    documented.findIndex((other) => other.command === command) === index,
);

let folder: string;
let environment: NodeJS.ProcessEnv;

const ofNpm = (key: string) => execFileSync('npm', ['config', 'get', key], { encoding: 'utf8' }).trim();
const bringsNone = { npm_config_offline: 'true' };
/** Only an app has packages of others. They come from where those of this checkout came from. */
const bringsPackages = {
  npm_config_prefer_offline: 'true',
  npm_config_cache: ofNpm('cache'),
  npm_config_userconfig: ofNpm('userconfig'),
};

/** What a reader has in hand before the first command. */
function furnish(place: string): void {
  copyFileSync(join(root, 'test/recordings/deployment-image-update.jsonl'), join(place, 'mine.jsonl'));
  copyFileSync(join(root, 'test/recordings/drain-dump.json'), join(place, 'mine.json'));
  copyFileSync(join(root, 'test/cases/f05-mixed-events-one-without-uid.yaml'), join(place, 'events.yaml'));
  writeFileSync(join(place, 'rules.yaml'), /```yaml\n([\s\S]*?)```/.exec(read('docs/rules.md'))![1]!);
}

/** What is written in a checkout stays in its copy; in its CHANGELOG a release has been prepared. */
function copyCheckout(to: string): void {
  const left = /^(?:\.git|node_modules|cdk\.out|dist|coverage|rootspan-.*)$/;
  cpSync(root, to, { recursive: true, filter: (from) => !left.test(relative(root, from)) });
  symlinkSync(join(root, 'node_modules'), join(to, 'node_modules'));
  const changelog = read('CHANGELOG.md').replace('## Unreleased', '## 1.2.3 · 2026-12-01');
  writeFileSync(join(to, 'CHANGELOG.md'), changelog);
}

/** The README's app, with a cluster where it has an ellipsis. */
function writeApp(to: string): void {
  const [, block] = /^where `app\.mjs` is\n\n((?: {4}.*\n|\n)+)/m.exec(read('README.md'))!;
  const cluster = "{ prod: { principalArn: 'arn:aws:iam::222222222222:role/edge' } }";
  writeFileSync(join(to, 'app.mjs'), block!.replace(/^ {4}/gm, '').replace('{ … }', cluster));
}

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'rootspan-readme-'));
  const [empty, checkout, app] = ['empty', 'checkout', 'app'].map((name) => join(folder, name)) as [
    string,
    string,
    string,
  ];
  for (const place of [empty, checkout, app]) mkdirSync(place);
  copyCheckout(checkout);
  for (const place of [empty, checkout]) furnish(place);
  writeApp(app);
  const global = join(folder, 'global');
  const home = join(folder, 'home');
  mkdirSync(home);
  const { INIT_CWD: _, ...env } = process.env;
  environment = {
    ...env,
    HOME: home,
    KUBECONFIG: join(folder, 'none'),
    npm_config_prefix: global,
    PATH: [join(global, 'bin'), dirname(installHelm()), join(root, 'node_modules/.bin'), env.PATH].join(
      delimiter,
    ),
  };
  execFileSync('npm', ['pack', '--silent', '--pack-destination', empty], { cwd: root });
  copyFileSync(join(empty, `rootspan-${version}.tgz`), join(app, `rootspan-${version}.tgz`));
  const installed = run(`npm i -g ./rootspan-${version}.tgz`, empty);
  expect(installed).toMatchObject({ status: 0 });
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

function run(command: string, cwd: string) {
  const env = { ...environment, ...(cwd === join(folder, 'app') ? bringsPackages : bringsNone) };
  const { status, stdout, stderr } = spawnSync('bash', ['-c', command], { cwd, encoding: 'utf8', env });
  return { status, stdout, stderr };
}

it('there are commands to run, and a reason for each that is not', () => {
  expect(running.length).toBeGreaterThan(15);
  const unused = notHere.filter(([pattern]) => !documented.some(({ command }) => pattern.test(command)));
  expect(unused).toEqual([]);
});

describe.each(running)('$where: $command', ({ command }) => {
  const here = substitutes.reduce((text, [said, instead]) => text.replace(said, instead), command);

  it(asksCluster.test(command) ? 'comes to ask the cluster' : 'ends well', () => {
    const { status, stderr } = run(here, join(folder, placeOf(command)));
    if (asksCluster.test(command)) {
      expect({ status, stderr }).toEqual({
        status: 2,
        stderr: expect.stringMatching(/^rootspan: the kubeconfig cannot be read: [^\n]*\n$/),
      });
    } else expect({ status, stderr: status === 0 ? '' : stderr }).toEqual({ status: 0, stderr: '' });
  });
});

describe.skipIf(!hasChromium)('the pages that these commands wrote', () => {
  const open = setUpChromium();
  it.each([
    ['mine.html', 'rootspan explain mine.jsonl --format html > mine.html', 2],
    ['rootspan-traces.html', 'rootspan start mine.json', 5],
  ])('%s, of %s, shows its traces in a browser, and asks for nothing', async (file, command, traces) => {
    expect(running.map((each) => each.command)).toContain(command);
    const page = await open({ file: join(folder, 'empty', file) });
    expect(await page.locator('.trace').count()).toBe(traces);
    // One of them is open.
    expect(await page.locator('.row').count()).toBeGreaterThan(0);
  });
});
