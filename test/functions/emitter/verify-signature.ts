/**
 * AWS Signature Version 4 from the receiver's side, written from its description alone
 * (https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html).
 */
import { createHash, createHmac } from 'node:crypto';

export interface SignedRequest {
  method: string;
  path: string;
  /** Names in lower case. */
  headers: Readonly<Record<string, string | string[] | undefined>>;
  raw: Uint8Array;
}

export interface Signature {
  accessKeyId: string;
  /** date/region/service/aws4_request */
  scope: string;
  signedHeaders: string[];
  /** Whether it is the one that this secret key makes. */
  isValid: boolean;
}

export function verifySignature({ method, path, headers, raw }: SignedRequest, secretKey: string): Signature {
  const authorization =
    /^AWS4-HMAC-SHA256 Credential=([^/]+)\/(\S+), ?SignedHeaders=(\S+), ?Signature=(\S+)$/.exec(
      String(headers.authorization),
    );
  if (authorization === null) throw new Error('the request is not signed');
  const [, accessKeyId = '', scope = '', names = '', signature] = authorization;
  const signedHeaders = names.split(';');
  const canonical = [
    method,
    path,
    '',
    ...signedHeaders.map((name) => `${name}:${String(headers[name]).trim().replace(/ +/g, ' ')}`),
    '',
    names,
    sha256(raw),
  ].join('\n');
  const text = ['AWS4-HMAC-SHA256', headers['x-amz-date'], scope, sha256(canonical)].join('\n');
  const key = scope
    .split('/')
    .reduce<string | Buffer>((secret, part) => hmac(secret, part), `AWS4${secretKey}`);
  return { accessKeyId, scope, signedHeaders, isValid: hmac(key, text).toString('hex') === signature };
}

const sha256 = (data: string | Uint8Array) => createHash('sha256').update(data).digest('hex');
const hmac = (key: string | Buffer, data: string) => createHmac('sha256', key).update(data).digest();
