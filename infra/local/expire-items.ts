/**
 * What DynamoDB's TTL does and the emulator does not: items that have expired go. A page at a time with pauses between,
 * so that whoever waits for the table does not wait for this.
 * https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/TTL.html
 */
import {
  type AttributeValue,
  ConditionalCheckFailedException,
  DeleteItemCommand,
  type DynamoDBClient,
  ScanCommand,
} from '@aws-sdk/client-dynamodb';
import type { Clock } from './clock.ts';

export interface ExpirySettings {
  tableName: string;
  /** Milliseconds between two pages (1 MB of the table each), and between two rounds. */
  pagePause: number;
  roundPause: number;
  clock: Clock;
  signal: AbortSignal;
}

/** Until the signal is aborted. */
export async function expireItems(
  client: DynamoDBClient,
  { tableName, pagePause, roundPause, clock, signal }: ExpirySettings,
): Promise<void> {
  let from: Record<string, AttributeValue> | undefined;
  for (;;) {
    await clock.sleep(from === undefined ? roundPause : pagePause, signal);
    if (signal.aborted) return;
    const expired = { ':now': { N: String(Math.floor(clock.now() / 1000)) } };
    const page = await client.send(
      new ScanCommand({
        TableName: tableName,
        ProjectionExpression: 'pk, sk',
        FilterExpression: 'expiresAt <= :now',
        ExpressionAttributeValues: expired,
        ExclusiveStartKey: from,
      }),
    );
    for (const { pk, sk } of page.Items ?? []) {
      const command = new DeleteItemCommand({
        TableName: tableName,
        Key: { pk: pk!, sk: sk! },
        // It may have been written anew meanwhile.
        ConditionExpression: 'expiresAt <= :now',
        ExpressionAttributeValues: expired,
      });
      await client.send(command).catch((error: unknown) => {
        if (!(error instanceof ConditionalCheckFailedException)) throw error;
      });
    }
    from = page.LastEvaluatedKey;
  }
}
