import { build } from 'esbuild';
import { describe, expect, it } from 'vitest';
import product from '../../package.json' with { type: 'json' };

/** As a Lambda function gets it: one ESM file for Node 24. */
const bundle = (...entries: string[]) =>
  build({
    stdin: {
      contents: entries.map((entry) => `export * from './${entry}';`).join('\n'),
      resolveDir: `${import.meta.dirname}/../..`,
    },
    bundle: true,
    minify: true,
    write: false,
    metafile: true,
    platform: 'node',
    target: 'node24',
    format: 'esm',
    mainFields: ['module', 'main'],
    logLevel: 'silent',
  });

describe.each([
  [
    'ingest',
    [
      'functions/correlator/ingest.ts',
      'functions/correlator/store-dynamodb.ts',
      'functions/correlator/timers-sqs.ts',
    ],
  ],
  [
    'settle',
    [
      'functions/correlator/settle.ts',
      'functions/correlator/store-dynamodb.ts',
      'functions/correlator/spans-queue-sqs.ts',
    ],
  ],
  [
    'emitter',
    ['functions/emitter/emit.ts', 'functions/emitter/export-spans.ts', 'functions/emitter/http-transport.ts'],
  ],
])('the bundle of %s', (_, entries) => {
  it('holds the functions, what they share and what runs in production, and is small', async () => {
    const { metafile, outputFiles } = await bundle(...entries);
    const inputs = Object.keys(metafile.inputs).filter((input) => input !== '<stdin>');
    expect(inputs.filter((input) => /^(?:infra|test)\//.test(input))).toEqual([]);
    const development = Object.keys(product.devDependencies).map((name) => `node_modules/${name}/`);
    expect(inputs.filter((input) => development.some((name) => input.startsWith(name)))).toEqual([]);
    expect(outputFiles[0]!.contents.byteLength).toBeLessThan(1_000_000);
  });
});
