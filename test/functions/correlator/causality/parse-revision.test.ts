import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseRevision } from '../../../../functions/correlator/causality/parse-revision.ts';
import { checkProperty } from '../../../check-property.ts';

const sha = '64207fc001382e697be01d0c8cce5234ffe6092e';
const digest = 'b5bb9d8014a0f9b1d61e21e796d78dccdf1352f23cd32812f4850b878ae4944c';

describe('a revision, as', () => {
  it.each([
    ['a branch of Flux', `main@sha1:${sha}`, 'main', sha],
    ['a branch with slashes', `feat/cart/7@sha1:${sha}`, 'feat/cart/7', sha],
    ['a branch by its full name', `refs/heads/main@sha1:${sha}`, 'main', sha],
    ['a tag', `v1.2.3@sha1:${sha}`, 'v1.2.3', sha],
    ['a commit that was asked for', `sha1:${sha}`, undefined, sha],
    ['a branch of Flux before 0.36', `main/${sha}`, 'main', sha],
    ['a branch with slashes of Flux before 0.36', `feat/cart/${sha}`, 'feat/cart', sha],
    ['no branch of Flux before 0.36', `HEAD/${sha}`, undefined, sha],
    ['a tag of an OCI artifact', `latest@sha256:${digest}`, 'latest', digest],
    ['a digest of a bucket', `sha256:${digest}`, undefined, digest],
    ["a chart's version", '6.5.4', undefined, '6.5.4'],
    ["a chart's version with a digest", '6.5.4+b5bb9d8014a0', undefined, '6.5.4+b5bb9d8014a0'],
    ['a commit of Argo CD', sha, undefined, sha],
  ])('%s: %s', (_, text, name, revision) => {
    expect(parseRevision(text)).toEqual({ name, revision });
  });

  it.each(['', 'main@', '@sha1:', 'no revision at all'])('nothing that is one: %j', (text) => {
    expect(parseRevision(text)).toBeUndefined();
  });

  it('any text at all', () => {
    checkProperty(
      fc.property(fc.string(), (text) => {
        const parsed = parseRevision(text);
        if (parsed !== undefined) expect(text).toContain(parsed.revision);
      }),
    );
  });
});
