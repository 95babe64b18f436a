/** The store in DynamoDB. */
import { setTimeout as sleep } from 'node:timers/promises';
import {
  type AttributeValue,
  BatchGetItemCommand,
  BatchWriteItemCommand,
  ConditionalCheckFailedException,
  type DynamoDBClient,
  PutItemCommand,
  type PutItemCommandInput,
  QueryCommand,
  type QueryCommandInput,
  type WriteRequest,
} from '@aws-sdk/client-dynamodb';
import { ItemRefusedError, RetryableError } from '../../shared/errors.ts';
import { inGroups } from '../../shared/in-groups.ts';
import { forEachOf } from './for-each-of.ts';
import { type Item, type Key, type Store, withoutRepeats } from './store.ts';

type Attributes = Record<string, AttributeValue>;

/** DynamoDB's limits for one call. */
const mostReads = 100;
const mostWrites = 25;
/** A call also takes 16 MB at most: 25 items of up to 400 KB do not reach it. */

const firstPause = 50;
/** 50 ms doubled so often: 6 s in all, then the batch comes again anyway. */
const mostAttempts = 8;

export interface DynamoDbStoreSettings {
  client: DynamoDBClient;
  tableName: string;
  /** Milliseconds since 1970. */
  now(): number;
  /** Between attempts at what DynamoDB left over. */
  pause?(milliseconds: number): Promise<unknown>;
}

/** A table with string keys `pk` and `sk`, and `expiresAt` as its TTL attribute. */
export function createDynamoDbStore({ client, tableName, now, pause = sleep }: DynamoDbStoreSettings): Store {
  const table: Table = { client, tableName, now, pause };
  return {
    read: (keys) => readItems(table, keys),
    list: (pk, options) => listItems(table, pk, options),
    // BatchWriteItem refuses a call that names one key twice: the last one counts.
    put: (items) =>
      write(
        table,
        withoutRepeats(items).map((item) => ({ PutRequest: { Item: toAttributes(item) } })),
      ),
    remove: (keys) =>
      write(
        table,
        withoutRepeats(keys).map((key) => ({ DeleteRequest: { Key: toKey(key) } })),
      ),
    replace: (item, seen) => replaceItem(table, item, seen),
  };
}

type Table = Required<DynamoDbStoreSettings>;

const isLive = ({ expiresAt }: Item, now: number): boolean => expiresAt * 1000 > now;

async function readItems(table: Table, keys: readonly Key[]): Promise<Item[]> {
  const { client, tableName, now } = table;
  const items: Item[] = [];
  await repeat(withoutRepeats(keys).map(toKey), mostReads, table, async (some) => {
    const answer = await client
      .send(new BatchGetItemCommand({ RequestItems: { [tableName]: { Keys: some, ConsistentRead: true } } }))
      .catch(refusing(some.map(fromKey)));
    items.push(...(answer.Responses?.[tableName] ?? []).map(fromAttributes));
    return (answer.UnprocessedKeys?.[tableName]?.Keys ?? []) as Attributes[];
  });
  return items.filter((item) => isLive(item, now()));
}

async function listItems(
  { client, tableName, now }: Table,
  pk: string,
  { within, most = Number.POSITIVE_INFINITY }: Parameters<Store['list']>[1] = {},
): Promise<Item[]> {
  const items: Item[] = [];
  let from: Attributes | undefined;
  do {
    const query = new QueryCommand({
      TableName: tableName,
      ConsistentRead: true,
      ...keysOf(pk, within),
      ...(from !== undefined && { ExclusiveStartKey: from }),
      ...(Number.isFinite(most) && { Limit: most }),
    });
    const answer = await client.send(query).catch(refusing([{ pk, sk: within?.[0] ?? '' }]));
    items.push(...(answer.Items ?? []).map(fromAttributes).filter((item) => isLive(item, now())));
    from = answer.LastEvaluatedKey;
  } while (from !== undefined && items.length < most);
  return items.slice(0, most);
}

type Condition = Pick<QueryCommandInput, 'KeyConditionExpression' | 'ExpressionAttributeValues'>;

const keysOf = (pk: string, within: readonly [string, string] | undefined): Condition =>
  within === undefined
    ? { KeyConditionExpression: 'pk = :pk', ExpressionAttributeValues: { ':pk': { S: pk } } }
    : {
        KeyConditionExpression: 'pk = :pk AND sk BETWEEN :from AND :to',
        ExpressionAttributeValues: {
          ':pk': { S: pk },
          ':from': { S: within[0] },
          ':to': { S: within[1] },
        },
      };

async function replaceItem(
  { client, tableName, now }: Table,
  item: Item,
  seen: number | undefined,
): Promise<boolean> {
  const Item = toAttributes(item);
  try {
    await client.send(new PutItemCommand({ TableName: tableName, Item, ...unchangedSince(seen, now()) }));
    return true;
  } catch (error) {
    if (error instanceof ConditionalCheckFailedException) return false;
    return refusing([item])(error);
  }
}

/** What has expired is not there, though DynamoDB takes its time to delete it. */
function unchangedSince(
  seen: number | undefined,
  now: number,
): Pick<PutItemCommandInput, 'ConditionExpression' | 'ExpressionAttributeValues'> {
  const at = { N: String(Math.floor(now / 1000)) };
  return seen === undefined
    ? {
        ConditionExpression: 'attribute_not_exists(pk) OR expiresAt <= :now',
        ExpressionAttributeValues: { ':now': at },
      }
    : {
        ConditionExpression: 'revision = :seen AND expiresAt > :now',
        ExpressionAttributeValues: { ':seen': { N: String(seen) }, ':now': at },
      };
}

/** @throws ItemRefusedError once all others are written */
async function write(table: Table, requests: WriteRequest[]): Promise<void> {
  const refused: Refused[] = [];
  await repeat(requests, mostWrites, table, (some) => writeSome(table, some, refused));
  if (refused.length === 0) return;
  throw new ItemRefusedError(
    refused.map(({ key }) => key),
    refused[0]!.why,
  );
}

/** What is left over. A call fails as a whole: where one of it is refused, each goes by itself, and those are kept in `refused`. */
async function writeSome(table: Table, some: WriteRequest[], refused: Refused[]): Promise<WriteRequest[]> {
  const { client, tableName } = table;
  try {
    const answer = await client.send(new BatchWriteItemCommand({ RequestItems: { [tableName]: some } }));
    return answer.UnprocessedItems?.[tableName] ?? [];
  } catch (error) {
    if (!isRefusal(error)) throw error;
    if (some.length === 1) {
      refused.push({ key: keyOf(some[0]!), why: error.message });
      return [];
    }
    const left: WriteRequest[] = [];
    for (const one of some) left.push(...(await writeSome(table, [one], refused)));
    return left;
  }
}

interface Refused {
  key: Key;
  why: string;
}

/** Of what is sent, and not of how: the calls are always the same. (The client has no class for it.) */
const isRefusal = (error: unknown): error is Error =>
  error instanceof Error && error.name === 'ValidationException';

const refusing =
  (keys: readonly Key[]) =>
  (error: unknown): never => {
    throw isRefusal(error) ? new ItemRefusedError(keys, error.message) : error;
  };

const fromKey = ({ pk, sk }: Attributes): Key => ({ pk: pk!.S!, sk: sk!.S! });
const keyOf = ({ PutRequest, DeleteRequest }: WriteRequest): Key =>
  fromKey((PutRequest?.Item ?? DeleteRequest?.Key)!);

/**
 * Calls side by side, since none depends on another; each until nothing is left over, with pauses that double and vary.
 * @throws RetryableError
 */
const repeat = <T>(
  all: readonly T[],
  size: number,
  { pause }: Pick<Table, 'pause'>,
  call: (some: T[]) => Promise<T[]>,
): Promise<void> =>
  forEachOf(inGroups(all, size), async (group) => {
    let left = group;
    for (let attempt = 0; ; attempt += 1) {
      left = await call(left);
      if (left.length === 0) return;
      if (attempt === mostAttempts) throw new RetryableError(`DynamoDB left over ${left.length} items`);
      await pause(firstPause * 2 ** attempt * (0.5 + Math.random() / 2));
    }
  });

const toKey = ({ pk, sk }: Key): Attributes => ({ pk: { S: pk }, sk: { S: sk } });

function toAttributes(item: Item): Attributes {
  const { expiresAt, revision, fields, body } = item;
  const attributes: Attributes = { ...toKey(item), expiresAt: { N: String(expiresAt) } };
  if (revision !== undefined) attributes.revision = { N: String(revision) };
  if (body !== undefined) attributes.body = { B: body };
  if (fields !== undefined) {
    const M: Attributes = {};
    for (const [name, value] of Object.entries(fields)) {
      if (value !== undefined) M[name] = typeof value === 'number' ? { N: String(value) } : { S: value };
    }
    attributes.fields = { M };
  }
  return attributes;
}

function fromAttributes({ pk, sk, expiresAt, revision, fields, body }: Attributes): Item {
  const item: Item = { pk: pk!.S!, sk: sk!.S!, expiresAt: Number(expiresAt!.N) };
  if (revision?.N !== undefined) item.revision = Number(revision.N);
  if (body?.B !== undefined) item.body = body.B;
  if (fields?.M !== undefined) {
    item.fields = {};
    for (const [name, value] of Object.entries(fields.M)) {
      item.fields[name] = value.N === undefined ? value.S! : Number(value.N);
    }
  }
  return item;
}
