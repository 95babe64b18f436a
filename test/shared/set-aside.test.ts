import { CreateBucketCommand, GetObjectCommand, ListObjectsV2Command } from '@aws-sdk/client-s3';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { type AwsClients, connectAws } from '../../infra/local/connect-aws.ts';
import { type Emulators, startEmulators } from '../../infra/local/start-emulators.ts';
import type { Poison, SetAside } from '../../shared/set-aside.ts';
import { createLaterSetAside } from '../../shared/set-aside-later.ts';
import { createSetAside, type SetAsideSettings } from '../../shared/set-aside-s3.ts';

let emulators: Emulators;
let aws: AwsClients;
beforeAll(async () => {
  emulators = await startEmulators();
  aws = connectAws(emulators.endpoints);
});
afterAll(async () => {
  aws.destroy();
  await emulators.stop();
});
afterEach(() => void vi.unstubAllEnvs());

/** Everything in the bucket: the JSON of each object by its key. */
async function contents(bucket: string): Promise<Record<string, Poison>> {
  const { Contents = [] } = await aws.s3.send(new ListObjectsV2Command({ Bucket: bucket }));
  const entries = Contents.map(async ({ Key }) => {
    const { Body } = await aws.s3.send(new GetObjectCommand({ Bucket: bucket, Key }));
    return [Key, JSON.parse((await Body?.transformToString()) ?? '') as Poison] as const;
  });
  return Object.fromEntries(await Promise.all(entries));
}

describe.each<[string, (settings: SetAsideSettings) => SetAside]>([
  [
    'with a client that is there, as the local pipeline has it',
    (settings) => createSetAside(aws.s3, settings),
  ],
  ['with a client that is made when it is needed, as Lambda has it', createLaterSetAside],
])('setting aside %s', (_, create) => {
  let bucket: string;
  let count = 0;
  beforeEach(async () => {
    vi.stubEnv('AWS_ENDPOINT_URL_S3', emulators.endpoints.s3);
    vi.stubEnv('AWS_REGION', 'us-east-1');
    vi.stubEnv('AWS_ACCESS_KEY_ID', 'local');
    vi.stubEnv('AWS_SECRET_ACCESS_KEY', 'local');
    bucket = `set-aside-${create.name}-${count++}`.toLowerCase();
    await aws.s3.send(new CreateBucketCommand({ Bucket: bucket }));
  });

  it('keeps the payload whole, with the reason and the source', async () => {
    const poison = { reason: 'is not JSON', payload: '{"cut — ✂\n\u0000', source: 'shardId-0:1' };
    await create({ bucket, origin: 'ingest' }).keep(poison);
    const kept = await contents(bucket);
    expect(Object.values(kept)).toEqual([poison]);
    expect(Object.keys(kept)[0]).toMatch(/^set-aside\/ingest\/[0-9a-f]{32}\.json$/);
  });

  it('keeps the same payload once, wherever it comes from, and each other one', async () => {
    const setAside = create({ bucket, origin: 'emit' });
    await setAside.keep({ reason: 'first', payload: 'a', source: 'm1' });
    await setAside.keep({ reason: 'first', payload: 'b', source: 'm1' });
    await create({ bucket, origin: 'emit' }).keep({ reason: 'again', payload: 'a', source: 'm2' });
    await create({ bucket, origin: 'settle' }).keep({ reason: 'elsewhere', payload: 'a', source: 'm3' });
    const reasons = Object.values(await contents(bucket)).map(({ reason }) => reason);
    expect(reasons.sort()).toEqual(['again', 'elsewhere', 'first']);
  });

  it('keeps what is as large as a message can be', async () => {
    const payload = '"'.repeat(1024 * 1024);
    await create({ bucket, origin: 'emit' }).keep({ reason: 'large', payload, source: 'm1' });
    const [kept] = Object.values(await contents(bucket));
    expect(kept!.payload === payload).toBe(true);
  });

  it('rejects where there is no place', async () => {
    const setAside = create({ bucket: `${bucket}-missing`, origin: 'ingest' });
    await expect(setAside.keep({ reason: 'r', payload: 'p', source: 's' })).rejects.toThrow();
  });
});
