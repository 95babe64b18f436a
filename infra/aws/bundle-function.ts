/** A function's code as Lambda gets it: ES modules for its Node, the SDK that was tested and all. */
import { join, resolve } from 'node:path';
import { buildSync, type Metafile } from 'esbuild';

const root = resolve(import.meta.dirname, '../..');

/**
 * Writes `index.mjs`, and what is imported later or never (the S3 client, the SDK's ways to credentials that Lambda does
 * not use) as files of its own: in one file Node would parse it all, and load all that it imports, at each cold start. The
 * CDK's NodejsFunction can only write one.
 * @param entry the module that exports `handler`, from the root of the repository
 */
export function bundleFunction(entry: string, folder: string): Metafile {
  const { metafile } = buildSync({
    absWorkingDir: root,
    entryPoints: [join(root, entry)],
    outdir: folder,
    entryNames: 'index',
    chunkNames: '[name]-[hash]',
    outExtension: { '.js': '.mjs' },
    bundle: true,
    splitting: true,
    format: 'esm',
    platform: 'node',
    target: 'node24',
    mainFields: ['module', 'main'],
    minify: true,
    sourcemap: true,
    sourcesContent: false,
    metafile: true,
    logLevel: 'warning',
  });
  return metafile;
}
