import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { expect, onTestFinished, test } from 'vitest';
import { assetsFile, bundlePage, readPageAssets } from '../../../../infra/local/view/page-assets.ts';

const assets = bundlePage();

test('the page is three texts that need nothing else', () => {
  expect(assets.template).toContain('<!--script-->');
  expect(assets.style).not.toMatch(/@import|url\(/);
  expect(assets.script).not.toMatch(/\bimport\s*[{(*'"]|\brequire\(|node:/);
  // Neither ends its element, and neither fills a hole of the template.
  expect(assets.script + assets.style).not.toMatch(/<\/(?:script|style)|<!--/);
});

test('the script is small beside what it shows', () => {
  expect(assets.script.length).toBeLessThan(60_000);
  expect(assets.style.length).toBeLessThan(25_000);
});

test('what was bundled ahead is taken as it is', () => {
  const folder = mkdtempSync(join(tmpdir(), 'rootspan-assets-'));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  const beside = pathToFileURL(join(folder, 'rootspan.mjs'));
  expect(readPageAssets(beside)).toEqual(assets);
  writeFileSync(join(folder, assetsFile), JSON.stringify({ ...assets, script: 'ahead' }));
  expect(readPageAssets(beside)).toEqual({ ...assets, script: 'ahead' });
});
