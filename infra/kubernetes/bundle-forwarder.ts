/** `npm run build:forwarder`: the file that the forwarder's image runs, dist/forwarder.mjs, with its source map. */
import { resolve } from 'node:path';
import { type BuildOptions, build, type Plugin } from 'esbuild';

const root = resolve(import.meta.dirname, '../..');

/**
 * What client-node's kubeconfig module imports for its own API clients, which the forwarder has none of
 * (connect-api-server.ts): a second HTTP stack and a class for every type of the API. Evaluating them is a third of the
 * process's memory. Whoever calls them after all is told.
 */
const unusedModules: Readonly<Record<string, readonly string[]>> = {
  undici: ['Agent', 'ProxyAgent', 'fetch'],
  './gen/index.js': ['createConfiguration', 'ServerConfiguration'],
};

const leaveOutUnused: Plugin = {
  name: 'leave-out-unused',
  setup(build) {
    const filter = /^(?:undici|\.\/gen\/index\.js)$/;
    build.onResolve({ filter }, ({ path, importer }) =>
      /[\\/]@kubernetes[\\/]client-node[\\/]dist[\\/]/.test(importer)
        ? { path, namespace: 'unused' }
        : undefined,
    );
    build.onLoad({ filter: /.*/, namespace: 'unused' }, ({ path }) => ({
      contents: unusedModules[path]!.map(
        (name) =>
          `export function ${name}() { throw new Error('${name} of ${path} is not in this bundle'); }`,
      ).join('\n'),
    }));
  },
};

/** One ESM file for Node 24 with everything in it. */
export const forwarderBundle = {
  entryPoints: [resolve(root, 'functions/forwarder/main.ts')],
  outfile: resolve(root, 'dist/forwarder.mjs'),
  bundle: true,
  minify: true,
  sourcemap: true,
  // Names are all that a stack tells where nobody kept the map, and errors of the SDK are known by them.
  keepNames: true,
  platform: 'node',
  target: 'node24',
  format: 'esm',
  mainFields: ['module', 'main'],
  // What was written for CommonJS asks for Node's modules by `require`.
  banner: {
    js: "import { createRequire } from 'node:module'; const require = createRequire(import.meta.url);",
  },
  plugins: [leaveOutUnused],
  logLevel: 'warning',
} satisfies BuildOptions;

if (import.meta.main) await build(forwarderBundle);
