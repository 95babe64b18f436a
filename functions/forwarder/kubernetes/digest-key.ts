/** The key of the cluster's digests as an annotation of the Lease: whoever leads next makes the same ones. */
import type { Json } from './api-server.ts';
import { annotationsOf, withAnnotation } from './lease-annotations.ts';

const keyAnnotation = 'rootspan/digest-key';

/** Undefined where there is none, or what is there is none of ours. */
export function readDigestKey(lease: Json): string | undefined {
  const key = annotationsOf(lease)[keyAnnotation];
  return typeof key === 'string' && /^[\w-]{43}$/.test(key) ? key : undefined;
}

/** The Lease with the key that it has, else with a new one. */
export function withDigestKey(lease: Json, newKey: () => string): Json {
  return readDigestKey(lease) === undefined ? withAnnotation(lease, keyAnnotation, newKey()) : lease;
}
