/** The store on Amazon's own DynamoDB Local: what the lighter emulator of the other tests does not know. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Store } from '../../functions/correlator/store.ts';
import { startDynamoDbStore } from '../functions/correlator/start-dynamodb-store.ts';
import { keepsTheContract } from '../functions/correlator/store-contract.ts';
import { startDynamoDbLocal } from './start-dynamodb-local.ts';

let local: Awaited<ReturnType<typeof startDynamoDbLocal>>;
let started: Awaited<ReturnType<typeof startDynamoDbStore>>;
let store: Store;

beforeAll(async () => {
  local = await startDynamoDbLocal();
  started = await startDynamoDbStore(local.endpoint);
  store = started.make(Date.now);
});

afterAll(async () => {
  started?.close();
  await local?.stop();
});

describe('the store on DynamoDB Local', () => {
  keepsTheContract(async () => ({ make: started.make, stop: async () => {} }));

  it('reads a partition of several pages of a megabyte', async () => {
    const expiresAt = Math.ceil(Date.now() / 1000) + 3600;
    const items = Array.from({ length: 30 }, (_, i) => ({
      pk: 'pages',
      sk: String(i).padStart(2, '0'),
      expiresAt,
      body: new Uint8Array(300_000).fill(i),
    }));
    await store.put(items);
    expect(await store.list('pages')).toEqual(items);
  });
});
