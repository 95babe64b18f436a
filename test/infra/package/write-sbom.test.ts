import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { build } from 'esbuild';
import { afterAll, expect, it } from 'vitest';
import { bundledPackages } from '../../../infra/package/bundled-packages.ts';
import { writeSbom } from '../../../infra/package/write-sbom.ts';

const root = resolve(import.meta.dirname, '../../..');
const folder = mkdtempSync(join(tmpdir(), 'rootspan-sbom-'));
afterAll(() => rmSync(folder, { recursive: true }));

it('lists the libraries that are in a bundle, and none that it was only built with', async () => {
  const { metafile } = await build({
    stdin: { contents: "import * as v from 'valibot'; console.log(v.string());", resolveDir: root },
    bundle: true,
    write: false,
    metafile: true,
    absWorkingDir: root,
    platform: 'node',
  });
  const file = join(folder, 'sbom.json');
  writeSbom({ name: 'shop', version: '1.0.0' }, bundledPackages(root, [metafile]), file);
  const { version } = JSON.parse(readFileSync(join(root, 'node_modules/valibot/package.json'), 'utf8')) as {
    version: string;
  };
  expect(JSON.parse(readFileSync(file, 'utf8'))).toMatchObject({
    bomFormat: 'CycloneDX',
    metadata: { component: { name: 'shop', version: '1.0.0' } },
    components: [
      { name: 'valibot', version, purl: `pkg:npm/valibot@${version}`, licenses: [{ expression: 'MIT' }] },
    ],
    dependencies: [{ ref: 'pkg:npm/shop@1.0.0', dependsOn: [`pkg:npm/valibot@${version}`] }],
  });
});

it('names a scope as packages are named in such lists', () => {
  const file = join(folder, 'scoped.json');
  writeSbom(
    { name: 'shop', version: '1.0.0' },
    [{ folder: 'node_modules/@a/b', name: '@a/b', version: '2.0.0' }],
    file,
  );
  expect(JSON.parse(readFileSync(file, 'utf8')).components[0].purl).toBe('pkg:npm/%40a/b@2.0.0');
});
