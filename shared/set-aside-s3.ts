/** What is set aside, as objects of an S3 bucket: each the JSON of a Poison. */
import { hash } from 'node:crypto';
import { PutObjectCommand, S3Client } from '@aws-sdk/client-s3';
import { boundCalls } from './bound-calls.ts';
import type { SetAside } from './set-aside.ts';

export interface SetAsideSettings {
  bucket: string;
  /** Whose poison it is; under `set-aside/<origin>/`. */
  origin: 'ingest' | 'settle' | 'emit';
}

export function createSetAside(client: S3Client, { bucket, origin }: SetAsideSettings): SetAside {
  return {
    async keep({ reason, payload, source }) {
      await client.send(
        new PutObjectCommand({
          Bucket: bucket,
          // By content alone, so that what comes again (a retried batch) is the same object.
          Key: `set-aside/${origin}/${hash('sha256', payload, 'hex').slice(0, 32)}.json`,
          Body: JSON.stringify({ reason, source, payload }),
          ContentType: 'application/json',
        }),
      );
    },
  };
}

/** With a client as the environment says. */
export const connectSetAside = (settings: SetAsideSettings): SetAside =>
  createSetAside(new S3Client(boundCalls), settings);
