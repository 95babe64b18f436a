/** A function's code as Lambda gets it: ES modules for its Node, the SDK that was tested and all. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { basename, join, relative, resolve } from 'node:path';
import { buildSync, type Metafile } from 'esbuild';

const root = resolve(import.meta.dirname, '../..');

/**
 * Writes `index.mjs`, and what is imported later or never (the S3 client, the SDK's ways to credentials that Lambda does
 * not use) as files of its own: in one file Node would parse it all, and load all that it imports, at each cold start. The
 * CDK's NodejsFunction can only write one. Files with code of ours get their source map, so that a stack in the log names our
 * lines; the libraries' maps would make a start a sixth longer, since Node reads them all at once.
 * @param entry the module that exports `handler`, from the root of the repository
 */
export function bundleFunction(entry: string, folder: string): Metafile {
  const { metafile, outputFiles } = buildSync({
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
    sourcemap: 'external',
    sourcesContent: false,
    metafile: true,
    write: false,
    logLevel: 'warning',
  });
  const maps = new Map(outputFiles.map(({ path, contents }) => [path, contents]));
  mkdirSync(folder, { recursive: true });
  for (const { path, text } of outputFiles.filter(({ path }) => path.endsWith('.mjs'))) {
    const { inputs } = metafile.outputs[relative(root, path)]!;
    const isOurs = Object.keys(inputs).some((input) => !input.includes('node_modules/'));
    const name = basename(path);
    writeFileSync(join(folder, name), isOurs ? `${text}//# sourceMappingURL=${name}.map\n` : text);
    if (isOurs) writeFileSync(join(folder, `${name}.map`), maps.get(`${path}.map`)!);
  }
  return metafile;
}
