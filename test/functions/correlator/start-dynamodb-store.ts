import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import type { Store } from '../../../functions/correlator/store.ts';
import { createDynamoDbStore } from '../../../functions/correlator/store-dynamodb.ts';
import { createTable } from '../../../infra/local/create-resources.ts';

/** A new table behind an address that speaks DynamoDB, and stores on it. */
export async function startDynamoDbStore(
  endpoint: string,
  tableName = 'rootspan',
): Promise<{ client: DynamoDBClient; make(now: () => number): Store; close(): void }> {
  const client = new DynamoDBClient({
    endpoint,
    region: 'us-east-1',
    credentials: { accessKeyId: 'test', secretAccessKey: 'test' },
  });
  await createTable(client, tableName);
  return {
    client,
    make: (now) => createDynamoDbStore({ client, tableName, now }),
    close: () => client.destroy(),
  };
}
