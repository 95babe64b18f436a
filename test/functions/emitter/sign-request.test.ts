import { SQSClient } from '@aws-sdk/client-sqs';
import { expect, test } from 'vitest';
import { exportSpans } from '../../../functions/emitter/export-spans.ts';
import { createHttpTransport } from '../../../functions/emitter/http-transport.ts';
import { createSigning } from '../../../shared/sign-request.ts';
import { makeRollout } from '../../spans.ts';
import { startBackend } from './scripted-backend.ts';
import { verifySignature } from './verify-signature.ts';

const now = () => Date.parse('2026-11-23T05:11:29Z');
const spans = makeRollout({ name: 'web', replicas: 2 });

test('the verifier knows a signature of AWS: post-vanilla of its Signature Version 4 test suite', () => {
  const request = {
    method: 'POST',
    path: '/',
    headers: {
      host: 'example.amazonaws.com',
      'x-amz-date': '20150830T123600Z',
      authorization:
        'AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/service/aws4_request, SignedHeaders=host;x-amz-date, Signature=5da7c1a2acd57cee7505fc6676e4e544621c30862966e37dddb68e92efbe5d6b',
    },
    raw: new Uint8Array(),
  };
  const secretKey = 'wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY';
  expect(verifySignature(request, secretKey).isValid).toBe(true);
  expect(verifySignature({ ...request, raw: Uint8Array.of(1) }, secretKey).isValid).toBe(false);
});

test.each(['gzip', 'none'] as const)(
  'what arrives is signed, body and all (compression: %s)',
  async (compression) => {
    await using backend = await startBackend(undefined, { compression });
    const { url } = backend.endpoint;
    // As the function does it: whose credentials the SDK has, and renews.
    let rotations = 0;
    const { config } = new SQSClient({
      region: 'eu-central-1',
      credentials: async () => ({
        accessKeyId: `key-${++rotations}`,
        secretAccessKey: 'hidden',
        sessionToken: 'session',
        expiration: new Date(0),
      }),
    });
    const { credentials, region, sha256 } = config;
    const signing = createSigning({ service: 'xray', url, credentials, region, sha256, now });
    const transport = createHttpTransport(backend.endpoint, signing);
    expect(await exportSpans(spans, { transport, now })).toEqual({ kind: 'accepted' });
    expect(await exportSpans(spans, { transport, now })).toEqual({ kind: 'accepted' });
    transport.close();

    const [first, second] = backend.requests.map(({ method = '', path = '', headers, raw }) =>
      verifySignature({ method, path, headers, raw }, 'hidden'),
    );
    expect(first).toMatchObject({ isValid: true, scope: '20261123/eu-central-1/xray/aws4_request' });
    expect(first!.signedHeaders).toEqual(
      expect.arrayContaining(['content-type', 'host', 'x-amz-date', 'x-amz-security-token']),
    );
    expect(second!.isValid).toBe(true);
    expect(second!.accessKeyId).not.toBe(first!.accessKeyId);
  },
);

test('without credentials the spans wait', async () => {
  await using backend = await startBackend();
  const { config } = new SQSClient({
    region: 'eu-central-1',
    credentials: () => Promise.reject(new Error('none, and this text may say anything')),
  });
  const { credentials, region, sha256 } = config;
  const signing = createSigning({
    service: 'xray',
    url: backend.endpoint.url,
    credentials,
    region,
    sha256,
    now,
  });
  const transport = createHttpTransport(backend.endpoint, signing);
  expect(await exportSpans(spans, { transport, now })).toEqual({
    kind: 'unavailable',
    message: 'there are no credentials to sign with (Error)',
  });
  expect(backend.requests).toEqual([]);
});
