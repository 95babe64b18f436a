/** A key pair of a cluster, as `openssl` makes one. */
import { generateKeyPairSync } from 'node:crypto';
import { createSigner, type Sign } from '../../shared/sign-batches.ts';

export function newSigningKey(): { publicKey: string; pem: string; sign: Sign } {
  const { publicKey, privateKey } = generateKeyPairSync('ed25519');
  const pem = privateKey.export({ format: 'pem', type: 'pkcs8' }).toString();
  return {
    publicKey: publicKey.export({ format: 'der', type: 'spki' }).toString('base64'),
    pem,
    sign: createSigner(pem, 'key'),
  };
}
