import { gzipSync } from 'node:zlib';
import { type BuildOptions, build } from 'esbuild';
import { describe, expect, it } from 'vitest';
import { forwarderBundle } from '../../infra/kubernetes/bundle-forwarder.ts';
import product from '../../package.json' with { type: 'json' };

/** As a Lambda function gets it: one ESM file for Node 24, SDK and all. */
const lambdaBundle: BuildOptions = {
  bundle: true,
  minify: true,
  platform: 'node',
  target: 'node24',
  format: 'esm',
  mainFields: ['module', 'main'],
  logLevel: 'silent',
};

const bundle = (entry: string, options: BuildOptions) =>
  build({
    ...options,
    entryPoints: [`${import.meta.dirname}/../../${entry}`],
    sourcemap: false,
    write: false,
    metafile: true,
  });

describe.each([
  ['functions/correlator/ingest-handler.ts', ['dynamodb', 'sqs', 's3'], lambdaBundle],
  ['functions/correlator/settle-handler.ts', ['dynamodb', 'sqs', 's3'], lambdaBundle],
  ['functions/emitter/emit-handler.ts', ['sqs', 's3', 'secrets-manager'], lambdaBundle],
  // As the forwarder's image gets it.
  ['functions/forwarder/main.ts', ['kinesis'], forwarderBundle],
])('the bundle of %s', (entry, clients, options) => {
  it('holds the function, what it shares and what runs in production, and is small', async () => {
    const { metafile, outputFiles } = await bundle(entry, options);
    const inputs = Object.keys(metafile.inputs);
    expect(inputs.filter((input) => /^(?:infra|test)\//.test(input))).toEqual([]);
    const development = Object.keys(product.devDependencies).map((name) => `node_modules/${name}/`);
    expect(inputs.filter((input) => development.some((name) => input.startsWith(name)))).toEqual([]);
    const used = new Set(inputs.map((input) => /@aws-sdk\/client-([^/]+)/.exec(input)?.[1]));
    used.delete(undefined);
    expect([...used].sort()).toEqual([...clients].sort());
    // Zipped; goal of the project: below 1 MB.
    expect(gzipSync(outputFiles[0]!.contents).byteLength).toBeLessThan(300_000);
  });
});
