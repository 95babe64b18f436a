/**
 * Who a batch is of: Ed25519 over its cluster and its lines. The forwarder has a key of its own, and the stack the public half of it, so
 * that nothing in the account is a secret of a cluster.
 */
import { createPrivateKey, createPublicKey, type KeyObject, sign, verify } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { UserError } from './errors.ts';

/** Of what is signed, in base64. */
export type Sign = (signed: string) => string;

/** So that no signature of something else under the same key is one of a batch. */
const purpose = 'rootspan batch 1\n';

/** Of an Ed25519 key: 64 bytes, in base64. */
export const signatureLength = 88;

/** @param cluster as its JSON stands in the header */
export const signedText = (cluster: string, lines: string): string => `${purpose}${cluster}\n${lines}`;

/**
 * @param pem as `openssl genpkey -algorithm ed25519` writes it
 * @param where it comes from, for the error, which quotes nothing of it
 * @throws UserError
 */
export function createSigner(pem: string, where: string): Sign {
  let key: KeyObject;
  try {
    key = createPrivateKey(pem);
  } catch {
    throw new UserError(`${where} is no private key in PEM`);
  }
  if (key.asymmetricKeyType !== 'ed25519') throw new UserError(`${where} should be an Ed25519 key`);
  return (signed) => sign(null, Buffer.from(signed), key).toString('base64');
}

/** Of a key in a file. @throws UserError */
export async function readSigner(file: string, where: string): Promise<Sign> {
  const pem = await readFile(file, 'utf8').catch((error: NodeJS.ErrnoException) => {
    throw new UserError(`${where} cannot be read (${error.code})`);
  });
  return createSigner(pem, where);
}

/** A public key from its DER in base64: 44 bytes, of which the first 12 are the same for all; undefined: it is none. */
export function readPublicKey(base64: string): KeyObject | undefined {
  try {
    const key = createPublicKey({ key: Buffer.from(base64, 'base64'), format: 'der', type: 'spki' });
    return key.asymmetricKeyType === 'ed25519' ? key : undefined;
  } catch {
    return undefined;
  }
}

export const isSignedBy = (key: KeyObject, signed: string, signature: string): boolean =>
  verify(null, Buffer.from(signed), key, Buffer.from(signature, 'base64'));
