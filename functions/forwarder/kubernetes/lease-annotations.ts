/** Annotations of the Lease: text by name. */
import type { Json } from './api-server.ts';

export const annotationsOf = (lease: Json): Record<string, string> =>
  ((lease.metadata as Json | undefined)?.annotations ?? {}) as Record<string, string>;

/** The Lease with this one, beside those that it has. */
export const withAnnotation = (lease: Json, name: string, text: string): Json => ({
  ...lease,
  metadata: { ...(lease.metadata as Json), annotations: { ...annotationsOf(lease), [name]: text } },
});
