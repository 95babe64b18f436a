/** `npm run build:forwarder`: the file that the forwarder's image runs, dist/forwarder.mjs, with its source map. */
import { resolve } from 'node:path';
import { type BuildOptions, build } from 'esbuild';

const root = resolve(import.meta.dirname, '../..');

/** One ESM file for Node 24 with everything in it. */
export const forwarderBundle = {
  entryPoints: [resolve(root, 'functions/forwarder/main.ts')],
  outfile: resolve(root, 'dist/forwarder.mjs'),
  bundle: true,
  minify: true,
  sourcemap: true,
  // Names are all that a stack tells where nobody kept the map.
  keepNames: true,
  platform: 'node',
  target: 'node24',
  format: 'esm',
  mainFields: ['module', 'main'],
  // What was written for CommonJS asks for Node's modules by `require`.
  banner: {
    js: "import { createRequire } from 'node:module'; const require = createRequire(import.meta.url);",
  },
  logLevel: 'warning',
} satisfies BuildOptions;

if (import.meta.main) await build({ ...forwarderBundle, metafile: true });
