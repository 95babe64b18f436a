/** The page's template, style and script, each as one text. */
import { existsSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { fileURLToPath } from 'node:url';

export interface PageAssets {
  template: string;
  style: string;
  script: string;
}

/** Where a package has them: beside the file that this one is bundled into. */
export const assetsFile = 'page-assets.json';

/** What was bundled ahead (a package has no bundler), else bundled from the sources beside this file, 100 ms. */
export function readPageAssets(beside: string | URL = import.meta.url): PageAssets {
  const ahead = new URL(assetsFile, beside);
  return existsSync(ahead) ? (JSON.parse(readFileSync(ahead, 'utf8')) as PageAssets) : bundlePage();
}

/** Whoever packs this writes the result as JSON into `assetsFile`. */
export function bundlePage(): PageAssets {
  // Not imported: where the page was bundled ahead there is no esbuild to find.
  const { buildSync } = createRequire(import.meta.url)('esbuild') as typeof import('esbuild');
  const folder = fileURLToPath(new URL('./page/', import.meta.url));
  const { outputFiles } = buildSync({
    absWorkingDir: folder,
    entryPoints: ['page.ts', 'page.css'],
    bundle: true,
    minify: true,
    format: 'esm',
    // Browsers of the last three years: nothing is rewritten for older ones.
    target: ['chrome120', 'firefox121', 'safari17.4'],
    charset: 'utf8',
    outdir: folder,
    write: false,
    logLevel: 'warning',
  });
  const textOf = (end: string) => outputFiles.find(({ path }) => path.endsWith(end))!.text;
  const template = readFileSync(new URL('./page/page.html', import.meta.url), 'utf8');
  return { template, style: textOf('.css'), script: textOf('.js') };
}
