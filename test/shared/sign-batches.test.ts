import { generateKeyPairSync } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { UserError } from '../../shared/errors.ts';
import { isSignedBy, readPublicKey, readSigner, signatureLength } from '../../shared/sign-batches.ts';
import { checkProperty } from '../check-property.ts';
import { newSigningKey } from '../support/signing-key.ts';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'rootspan-keys-'));
});
afterAll(() => rm(folder, { recursive: true }));

const write = async (name: string, text: string) => {
  await writeFile(join(folder, name), text);
  return join(folder, name);
};

describe('a key', () => {
  it('signs whatever it is given, and its public half knows its signatures from others', async () => {
    const own = newSigningKey();
    const sign = await readSigner(await write('key.pem', own.pem), 'SIGNING_KEY_FILE');
    const [mine, other] = [own, newSigningKey()].map(({ publicKey }) => readPublicKey(publicKey)!);
    checkProperty(
      fc.property(fc.string({ unit: 'binary' }), fc.string(), (text, more) => {
        const signature = sign(text);
        expect(signature).toHaveLength(signatureLength);
        expect(isSignedBy(mine!, text, signature)).toBe(true);
        expect(isSignedBy(other!, text, signature)).toBe(false);
        if (more !== '') expect(isSignedBy(mine!, text + more, signature)).toBe(false);
      }),
      50,
    );
  });

  it.each(['', 'nonsense', '💥', 'A'.repeat(88)])('is not known by the signature %j', (signature) => {
    expect(isSignedBy(readPublicKey(newSigningKey().publicKey)!, 'text', signature)).toBe(false);
  });

  it('that cannot be used is told by where it comes from, and nothing of it', async () => {
    const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
    const elliptic = privateKey.export({ format: 'pem', type: 'pkcs8' }).toString();
    const read = (file: string) => readSigner(file, 'SIGNING_KEY_FILE');
    await expect(read(join(folder, 'none.pem'))).rejects.toThrow(
      new UserError('SIGNING_KEY_FILE cannot be read (ENOENT)'),
    );
    await expect(read(await write('text.pem', 'hunter2'))).rejects.toThrow(
      new UserError('SIGNING_KEY_FILE is no private key in PEM'),
    );
    await expect(read(await write('ec.pem', elliptic))).rejects.toThrow(
      new UserError('SIGNING_KEY_FILE should be an Ed25519 key'),
    );
  });

  it('of another kind is no public key', () => {
    const { publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
    expect(
      readPublicKey(publicKey.export({ format: 'der', type: 'spki' }).toString('base64')),
    ).toBeUndefined();
    expect(readPublicKey('MCowBQYDK2VwAyEA')).toBeUndefined();
  });
});
