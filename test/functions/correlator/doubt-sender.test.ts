import { describe, expect, it } from 'vitest';
import { createDoubt } from '../../../functions/correlator/doubt-sender.ts';
import { decodeBatch, encodeLines, packBatch } from '../../../shared/batch-codec.ts';
import { PoisonError } from '../../../shared/errors.ts';
import type { Cluster } from '../../../shared/observation.ts';
import type { Sign } from '../../../shared/sign-batches.ts';
import { newSigningKey } from '../../support/signing-key.ts';
import { rollout } from './causality/cluster-story.ts';

const lines = rollout(0).observations.map((observation) => JSON.stringify(observation));
const [own, next, foreign] = [newSigningKey(), newSigningKey(), newSigningKey()];
const prod = { name: 'prod', uid: 'uid-of-prod' };
const clusters = [
  { ...prod, publicKeys: [own.publicKey, next.publicKey] },
  { name: 'stage', uid: 'uid-of-stage', publicKeys: [foreign.publicKey] },
  { name: 'dev', expected: true },
];

/** What becomes of a batch that says that it is of `cluster`: its observations, or why it is not taken. */
function send(cluster: Cluster, sign?: Sign, requireSignatures = false): number | string {
  const doubt = createDoubt({ clusters, requireSignatures });
  const [record] = encodeLines(cluster, lines, { sign }).records;
  return decode(record!, doubt);
}

function decode(record: Uint8Array, doubt: ReturnType<typeof createDoubt>): number | string {
  try {
    return decodeBatch(record, undefined, doubt).observations.length;
  } catch (error) {
    if (error instanceof PoisonError) return error.message;
    throw error;
  }
}

describe('a cluster that has a key', () => {
  it('is who signs with it, or with the one that takes its place', () => {
    expect([send(prod, own.sign), send(prod, next.sign)]).toEqual([lines.length, lines.length]);
  });

  it.each([
    ['nobody', undefined, 'it says that it is of the cluster prod, and is not signed'],
    [
      'another cluster',
      foreign.sign,
      'it says that it is of the cluster prod, and is not signed with a key of that one',
    ],
    [
      'whoever has no key at all',
      () => 'nonsense',
      'it says that it is of the cluster prod, and is not signed with a key of that one',
    ],
  ])('is not %s', (_, sign, why) => {
    expect(send(prod, sign)).toBe(why);
  });

  it.each([
    ['its UID under another name', { name: 'dev', uid: prod.uid }],
    ['its UID without a name', { uid: prod.uid }],
    ['its name with another UID', { name: 'prod', uid: 'another' }],
    ['its name, and the UID of another that has a key', { name: 'prod', uid: 'uid-of-stage' }],
  ])('is not who says %s, whoever signed it', (_, cluster) => {
    for (const sign of [undefined, own.sign, foreign.sign])
      expect(send(cluster, sign)).toMatch(
        /^it says that it is of the cluster prod, and has the name or the UID of/,
      );
  });

  it('signed just that: no line can be put in, left out or moved to another cluster', () => {
    const doubt = createDoubt({ clusters, requireSignatures: false });
    const [record] = encodeLines(prod, lines, { sign: own.sign }).records;
    let signature: string | undefined;
    decodeBatch(record!, undefined, (sender) => {
      signature = sender.signature;
      return undefined;
    });
    const forge = (cluster: Cluster, some: readonly string[]) =>
      decode(packBatch([JSON.stringify({ version: 1, cluster, signature }), ...some].join('\n')), doubt);
    expect(forge(prod, lines)).toBe(lines.length);
    expect(forge(prod, lines.slice(1))).toMatch(/not signed with a key of that one/);
    expect(forge(prod, [...lines, lines[0]!])).toMatch(/not signed with a key of that one/);
    expect(forge(prod, lines.toReversed())).toMatch(/not signed with a key of that one/);
    expect(forge({ ...prod, name: 'stage' }, lines)).toMatch(/has the name or the UID of another one/);
  });
});

describe('a cluster that has none', () => {
  const dev = { name: 'dev', uid: 'uid-of-dev' };

  it('is taken as it says, signed or not', () => {
    expect([send(dev), send(dev, foreign.sign), send({})]).toEqual([
      lines.length,
      lines.length,
      lines.length,
    ]);
  });

  it('is not taken where all have to sign', () => {
    const why = 'it is of a cluster without a key, and the stack takes no other';
    for (const sign of [undefined, foreign.sign]) expect(send(dev, sign, true)).toBe(why);
    expect(send({}, undefined, true)).toBe(why);
    expect(send(prod, own.sign, true)).toBe(lines.length);
  });
});
