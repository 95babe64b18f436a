/** `npm run build:forwarder`: the file that the forwarder's image runs, dist/forwarder.mjs, with its source map. */
import { builtinModules } from 'node:module';
import { dirname, resolve } from 'node:path';
import { type BuildOptions, build, type Plugin } from 'esbuild';

const root = resolve(import.meta.dirname, '../..');

/**
 * What client-node's kubeconfig module imports for its own API clients, which the forwarder has none of
 * (connect-api-server.ts): a second HTTP stack and a class for every type of the API; and what of prom-client nobody
 * asks for. Evaluating them is a third of the process's memory. Whoever calls them after all is told.
 */
const unusedModules: readonly { importer: RegExp; modules: Readonly<Record<string, readonly string[]>> }[] = [
  {
    importer: /[\\/]@kubernetes[\\/]client-node[\\/]dist[\\/]/,
    modules: {
      undici: ['Agent', 'ProxyAgent', 'fetch'],
      './gen/index.js': ['createConfiguration', 'ServerConfiguration'],
    },
  },
  {
    importer: /[\\/]prom-client[\\/]index\.js$/,
    modules: {
      './lib/summary': [],
      './lib/pushgateway': [],
      './lib/defaultMetrics': [],
      './lib/cluster': [],
    },
  },
];

export const leaveOutUnused: Plugin = {
  name: 'leave-out-unused',
  setup(build) {
    const names = unusedModules.flatMap(({ modules }) => Object.keys(modules));
    const filter = new RegExp(`^(?:${names.map((name) => name.replaceAll('.', '\\.')).join('|')})$`);
    build.onResolve({ filter }, ({ path, importer }) => {
      const found = unusedModules.find((one) => one.importer.test(importer));
      const exported = found?.modules[path];
      return exported && { path, namespace: 'unused', pluginData: exported };
    });
    build.onLoad({ filter: /.*/, namespace: 'unused' }, ({ path, pluginData }) => {
      const complaint = (name: string) =>
        `() { throw new Error('${name} of ${path} is not in this bundle'); }`;
      const named = (pluginData as readonly string[]).map(
        (name) => `export function ${name}${complaint(name)}`,
      );
      return { contents: named.join('\n') || `module.exports = function unused${complaint('what')};` };
    });
  },
};

/** The SDK's default for Kinesis is HTTP/2; the forwarder gives it a handler for HTTP/1.1 (main.ts). */
const withoutHttp2: Plugin = {
  name: 'without-http2',
  setup(build) {
    const filter = /[\\/]@smithy[\\/]node-http-handler[\\/]dist-es[\\/]node-http2-handler\.js$/;
    build.onLoad({ filter }, ({ path }) => ({
      contents: "export { NodeHttpHandler as NodeHttp2Handler } from './node-http-handler.js';",
      resolveDir: dirname(path),
    }));
  },
};

/**
 * A module of Node's is loaded when something of it is first used. An `import` of `node:http` reads all that it exports,
 * and with that loads Node's own fetch.
 */
const loadNodeLazily: Plugin = {
  name: 'load-node-lazily',
  setup(build) {
    const filter = new RegExp(
      `^(?:node:)?(?:${builtinModules.map((name) => name.replace(/^node:/, '')).join('|')})$`,
    );
    build.onResolve({ filter }, ({ path }) => ({ path: path.replace(/^node:/, ''), namespace: 'node' }));
    build.onLoad({ filter: /.*/, namespace: 'node' }, ({ path }) => {
      const load = `process.getBuiltinModule('node:${path}')`;
      const exported: object | undefined = process.getBuiltinModule(`node:${path}`);
      // Functions and what has a prototype of its own: EventEmitter, Stream, assert, process.
      if (exported === undefined || Object.getPrototypeOf(exported) !== Object.prototype)
        return { contents: `module.exports = ${load};` };
      return {
        contents:
          `let loaded;\nconst load = () => (loaded ??= ${load});\n` +
          `for (const name of ${JSON.stringify(Object.getOwnPropertyNames(exported))})\n` +
          '  Object.defineProperty(module.exports, name, { enumerable: true, get: () => load()[name] });',
      };
    });
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
    js: "const require = process.getBuiltinModule('node:module').createRequire(import.meta.url);",
  },
  plugins: [leaveOutUnused, withoutHttp2, loadNodeLazily],
  logLevel: 'warning',
} satisfies BuildOptions;

if (import.meta.main) await build(forwarderBundle);
