import { execFile } from 'node:child_process';
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { promisify } from 'node:util';
import { gzipSync } from 'node:zlib';
import { build } from 'esbuild';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { bundleFunction } from '../../infra/aws/bundle-function.ts';
import { forwarderBundle } from '../../infra/kubernetes/bundle-forwarder.ts';
import product from '../../package.json' with { type: 'json' };

let workshop: string;
beforeAll(async () => {
  workshop = await mkdtemp(join(tmpdir(), 'rootspan-bundle-'));
});
afterAll(() => rm(workshop, { recursive: true }));

const clientsIn = (inputs: Iterable<string>) => {
  const names = [...inputs].map((input) => /@aws-sdk\/client-([^/]+)/.exec(input)?.[1]);
  return [...new Set(names)].filter((name) => name !== undefined).sort();
};

/**
 * What builds, tries and deploys. In package.json it stands beside what runs, since the package brings all that runs in bundles of
 * its own.
 */
const tools = [
  '@biomejs/biome',
  'abstract-level',
  'aws-cdk',
  'aws-cdk-lib',
  'cdk-nag',
  'constructs',
  'dynalite',
  'esbuild',
  'fast-check',
  'fauxqs',
  'kinesalite',
  'knip',
  'node',
  'playwright-core',
  'typescript',
  'vitest',
];
const development = tools.map((name) => `node_modules/${name}/`);
const foreignTo = (paths: readonly string[]) =>
  paths.filter((path) => /^(?:infra|test)\//.test(path) || development.some((name) => path.includes(name)));

it('each tool is one that the project has', () => {
  expect(Object.keys(product.devDependencies)).toEqual(expect.arrayContaining(tools));
});

describe("the forwarder's bundle", () => {
  it('holds what runs in production, one SDK client, and is one file', async () => {
    const { metafile, outputFiles } = await build({
      ...forwarderBundle,
      sourcemap: false,
      write: false,
      metafile: true,
    });
    const paths = Object.keys(metafile.inputs);
    expect(foreignTo(paths)).toEqual([]);
    expect(clientsIn(paths)).toEqual(['kinesis']);
    expect(outputFiles).toHaveLength(1);
    expect(gzipSync(outputFiles[0]!.contents).byteLength).toBeLessThan(500_000);
  });
});

/** Each function with the SDK clients that it starts with, and those that it has for later. */
describe.each([
  ['functions/correlator/ingest-handler.ts', ['dynamodb', 'sqs'], ['s3']],
  ['functions/correlator/settle-handler.ts', ['dynamodb', 'sqs'], ['s3']],
  ['functions/emitter/emit-handler.ts', [], ['s3', 'secrets-manager', 'sqs']],
])('the bundle of %s', (entry, atStart, later) => {
  it('holds the function, what it shares and what runs in production, and is small', async () => {
    const folder = join(workshop, basename(entry));
    const { inputs, outputs } = bundleFunction(entry, folder);
    const paths = Object.keys(inputs);
    expect(foreignTo(paths)).toEqual([]);
    expect(clientsIn(paths)).toEqual([...atStart, ...later].sort());
    // Zipped; goal of the project: below 1 MB.
    const codes = Object.keys(outputs).filter((path) => path.endsWith('.mjs'));
    const files = await Promise.all(codes.map((path) => readFile(join(folder, basename(path)))));
    const zipped = files.map((file) => gzipSync(file).byteLength);
    expect(zipped.reduce((sum, bytes) => sum + bytes, 0)).toBeLessThan(320_000);

    const started = new Set(codes.filter((path) => path.endsWith('/index.mjs')));
    for (const path of started) {
      for (const { path: next, kind } of outputs[path]?.imports ?? []) {
        if (kind === 'import-statement' && next in outputs) started.add(next);
      }
    }
    const read = [...started].flatMap((path) => Object.keys(outputs[path]?.inputs ?? {}));
    expect(clientsIn(read)).toEqual(atStart);

    // Those of the libraries would be read at each start, too.
    const maps = (await readdir(folder)).filter((name) => name.endsWith('.map'));
    expect(maps).toContain('index.mjs.map');
    expect(maps.length).toBeLessThan(codes.length / 2);
    expect(await readFile(join(folder, 'index.mjs'), 'utf8')).toMatch(
      /\n\/\/# sourceMappingURL=index\.mjs\.map\n$/,
    );
  });
});

it('what reads rules of the users’ own is loaded by settle only where there are any, from beside its code', async () => {
  const folder = join(workshop, 'with-rules');
  const { outputs } = bundleFunction('functions/correlator/settle-handler.ts', folder);
  const reader = Object.entries(outputs).find(([, { inputs }]) =>
    Object.keys(inputs).some((input) => input.includes('node_modules/re2js/')),
  );
  expect(basename(reader![0])).toMatch(/^check-rules-/);
  const rule = { subject: 'Shop', reason: 'Settled', message: '^All ', phase: true, example: 'All ready' };
  const start = async (...rules: object[]) => {
    await writeFile(join(folder, 'rules.json'), JSON.stringify(rules));
    const script = `console.log(typeof (await import('${join(folder, 'index.mjs')}')).handler);`;
    const evaluate = ['--input-type=module', '--eval', script];
    const { stdout } = await promisify(execFile)(process.execPath, evaluate, { env });
    return stdout;
  };
  expect(await start(rule)).toBe('function\n');
  await expect(start(rule, { ...rule, example: 'None' })).rejects.toThrow(/rules\.json/);
});

const env = {
  TABLE_NAME: 'state',
  TIMERS_QUEUE_URL: 'https://sqs.example/timers',
  SPANS_QUEUE_URL: 'https://sqs.example/spans',
  SET_ASIDE_BUCKET: 'set-aside',
  RULES_FILE: 'rules.json',
  AWS_REGION: 'eu-west-1',
};
