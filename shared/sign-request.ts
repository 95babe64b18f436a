/** Requests signed with AWS Signature Version 4, by the function's role, as X-Ray's OTLP endpoint and EventBridge want them. */
import { SignatureV4, type SignatureV4CryptoInit, type SignatureV4Init } from '@smithy/signature-v4';
import { RetryableError } from './errors.ts';

/** `sha256`, `credentials` and `region` as an SDK client has them resolved: credentials that are renewed in time. */
export interface Signing extends SignatureV4CryptoInit, Pick<SignatureV4Init, 'credentials' | 'region'> {
  service: string;
  url: URL;
  /** Milliseconds since 1970. */
  now(): number;
}

export function createSigning({ url, now, ...identity }: Signing) {
  const signer = new SignatureV4(identity);
  return async (
    headers: Readonly<Record<string, string>>,
    body: Uint8Array,
  ): Promise<Record<string, string>> => {
    const request = {
      method: 'POST',
      protocol: url.protocol,
      hostname: url.hostname,
      path: url.pathname,
      query: Object.fromEntries(url.searchParams),
      headers: { ...headers, host: url.host },
      body,
    };
    try {
      return (await signer.sign(request, { signingDate: new Date(now()) })).headers;
    } catch (error) {
      throw new RetryableError(`there are no credentials to sign with (${(error as Error).name})`);
    }
  };
}
