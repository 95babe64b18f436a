/**
 * `npm run build:package`, and before each `npm pack`: what the package has in `dist/`, with all that it needs inside. The command
 * line needs no package of others, the stack only the CDK of whoever uses it.
 */
import { rmSync, writeFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { type BuildOptions, build, type Metafile, type Plugin } from 'esbuild';
import { bundleFunction } from '../aws/bundle-function.ts';
import { functionFolder } from '../aws/function-folder.ts';
import { forwarderBundle, leaveOutUnused } from '../kubernetes/bundle-forwarder.ts';
import { rootspanVersion } from '../local/version.ts';
import { assetsFile, bundlePage } from '../local/view/page-assets.ts';
import { bundledPackages } from './bundled-packages.ts';
import { writeDeclarations } from './write-declarations.ts';
import { writeNotices } from './write-notices.ts';
import { writeSbom } from './write-sbom.ts';

const root = resolve(import.meta.dirname, '../..');
const dist = join(root, 'dist');

/**
 * The emulators can keep what they hold on disk, by databases that are compiled for each machine or that Node 22 warns of.
 * Here all is in memory, and those are never asked for.
 */
const withoutDatabases: Plugin = {
  name: 'without-databases',
  setup(build) {
    build.onResolve({ filter: /^(?:level|leveldown|node:sqlite)$/ }, ({ path }) => ({
      path,
      namespace: 'database',
    }));
    build.onLoad({ filter: /.*/, namespace: 'database' }, ({ path }) => {
      const complaint = `throw new Error('${path} is not in this package');`;
      return { contents: `exports.Level = exports.DatabaseSync = function () { ${complaint} };` };
    });
  },
};

/** `require('./actions/' + name)`: the bundler finds what that may be, by its whole name only. */
const nameRequiredFiles: Plugin = {
  name: 'name-required-files',
  setup(build) {
    const filter = /[\\/](?:dynalite|kinesalite)[\\/](?:index|validations[\\/]index)\.js$/;
    build.onLoad({ filter }, async ({ path }) => ({
      contents: (await readFile(path, 'utf8')).replace(/(require\('\.\/\w+\/' \+ \w+)\)/g, "$1 + '.js')"),
    }));
  },
};

/** Kinesalite assigns to names that it nowhere declares, which only a file of CommonJS may. */
const kinesaliteFile = 'kinesalite.cjs';
const kinesaliteApart: Plugin = {
  name: 'kinesalite-apart',
  setup(build) {
    build.onResolve({ filter: /^kinesalite$/ }, () => ({ path: `./${kinesaliteFile}`, external: true }));
  },
};

const common = {
  bundle: true,
  platform: 'node',
  target: 'node22',
  mainFields: ['module', 'main'],
  minifySyntax: true,
  minifyWhitespace: true,
  legalComments: 'none',
  logLevel: 'warning',
} satisfies BuildOptions;

/** What was written for CommonJS asks for Node's modules by `require`. */
const withRequire = {
  js: "import { createRequire as makeRequire } from 'node:module'; const require = makeRequire(import.meta.url);",
};

/** Each command is a file of its own, and what several share: `explain` does not parse the AWS clients. */
const commandLine = {
  ...common,
  entryPoints: { rootspan: join(root, 'infra/package/cli.ts') },
  outdir: join(dist, 'cli'),
  chunkNames: '[name]-[hash]',
  format: 'esm',
  splitting: true,
  banner: withRequire,
  plugins: [leaveOutUnused, withoutDatabases, nameRequiredFiles, kinesaliteApart],
} satisfies BuildOptions;

const kinesalite = {
  ...common,
  entryPoints: [join(root, 'node_modules/kinesalite/index.js')],
  outfile: join(dist, 'cli', kinesaliteFile),
  format: 'cjs',
  plugins: [withoutDatabases, nameRequiredFiles],
} satisfies BuildOptions;

/** In a checkout the functions are bundled at synth, by a bundler that the package does not bring. */
const withPackagedCode: Plugin = {
  name: 'with-packaged-code',
  setup(build) {
    build.onResolve({ filter: /\/function-code\.ts$/ }, ({ resolveDir }) => ({
      path: join(resolveDir, 'packaged-code.ts'),
    }));
  },
};

const stack = {
  ...common,
  entryPoints: [join(root, 'infra/aws/index.ts')],
  outfile: join(dist, 'aws/index.js'),
  format: 'esm',
  banner: withRequire,
  external: ['aws-cdk-lib', 'constructs'],
  plugins: [withPackagedCode],
} satisfies BuildOptions;

/** What each Consumer of the stack names as its entry. */
const functions = [
  'functions/correlator/ingest-handler.ts',
  'functions/correlator/settle-handler.ts',
  'functions/emitter/emit-handler.ts',
];

async function buildPackage(): Promise<void> {
  for (const part of ['cli', 'aws']) rmSync(join(dist, part), { recursive: true, force: true });
  const bundles: Metafile[] = [];
  const bundle = async (options: BuildOptions): Promise<Metafile> =>
    (await build({ ...options, absWorkingDir: root, metafile: true })).metafile!;
  for (const options of [commandLine, kinesalite, stack]) bundles.push(await bundle(options));
  const forwarder = await bundle({ ...forwarderBundle, sourcemap: false });
  bundles.push(forwarder);
  for (const entry of functions)
    bundles.push(bundleFunction(entry, join(dist, 'aws', functionFolder(entry))));
  writeFileSync(join(dist, 'cli', assetsFile), JSON.stringify(bundlePage()));
  writeDeclarations(join(dist, 'aws'));
  const packages = bundledPackages(root, bundles);
  writeNotices(root, packages, join(dist, 'NOTICES.txt'));
  const version = rootspanVersion();
  writeSbom({ name: 'rootspan', version }, packages, join(dist, 'rootspan.cdx.json'));
  const inForwarder = bundledPackages(root, [forwarder]);
  writeSbom({ name: 'rootspan-forwarder', version }, inForwarder, join(dist, 'forwarder.cdx.json'));
}

await buildPackage();
