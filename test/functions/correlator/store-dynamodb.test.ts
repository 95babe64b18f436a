import type { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { expect, it } from 'vitest';
import { createDynamoDbStore } from '../../../functions/correlator/store-dynamodb.ts';
import { RetryableError } from '../../../shared/errors.ts';

const keys = [1, 2, 3].map((n) => ({ pk: 'p', sk: String(n) }));

/** A table that does `portion` entries of each call and leaves over the rest. */
function throttled(portion: number) {
  const done: unknown[] = [];
  const pauses: number[] = [];
  const client = {
    send: async ({ input }: { input: { RequestItems: { t: unknown[] | { Keys: unknown[] } } } }) => {
      const { t } = input.RequestItems;
      const entries = Array.isArray(t) ? t : t.Keys;
      done.push(...entries.slice(0, portion));
      const rest = entries.slice(portion);
      if (rest.length === 0) return {};
      return Array.isArray(t)
        ? { UnprocessedItems: { t: rest } }
        : { UnprocessedKeys: { t: { Keys: rest } } };
    },
  };
  const store = createDynamoDbStore({
    client: client as unknown as DynamoDBClient,
    tableName: 't',
    now: () => 0,
    pause: async (milliseconds) => void pauses.push(milliseconds),
  });
  return { store, done, pauses };
}

it('asks again for what DynamoDB left over, with longer and longer pauses', async () => {
  const { store, done, pauses } = throttled(1);
  await store.remove(keys);
  expect(done).toHaveLength(3);
  expect(pauses).toHaveLength(2);
  expect(pauses[0]).toBeLessThanOrEqual(50);
  expect(pauses[1]).toBeLessThanOrEqual(100);
  await store.read(keys);
  expect(done).toHaveLength(6);
});

it('gives up in the end, and says that a later attempt may get through', async () => {
  const { store, pauses } = throttled(0);
  await expect(store.put([{ ...keys[0]!, expiresAt: 1 }])).rejects.toThrow(RetryableError);
  expect(pauses.length).toBeGreaterThan(5);
});
