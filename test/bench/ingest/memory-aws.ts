/**
 * DynamoDB and SQS as the SDK's clients ask them, answered in this process: what the clients do is measured, what AWS does is not. Calls
 * are answered in rounds: all that are under way at once, once nothing else is left to do; each round is a wait for AWS.
 */
import { setImmediate as runDry } from 'node:timers/promises';
import { type AttributeValue, DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { SQSClient } from '@aws-sdk/client-sqs';

export interface AwsFigures {
  /** Waits one after the other, however many calls each. */
  rounds: number;
  calls: Map<string, number>;
  /** Microseconds of the CPU that answering took here and would not take there. */
  answering: number;
}

export interface MemoryAws {
  dynamodb: DynamoDBClient;
  sqs: SQSClient;
  figures: AwsFigures;
}

interface Request {
  headers: Record<string, string>;
  body: string | Uint8Array;
}

export function createMemoryAws(): MemoryAws {
  const figures: AwsFigures = { rounds: 0, calls: new Map(), answering: 0 };
  const table: Table = new Map();
  let waiting: (() => void)[] = [];
  const round = async (): Promise<void> => {
    const first = waiting.length === 0;
    const released = new Promise<void>((resolve) => waiting.push(resolve));
    if (first) {
      await runDry();
      figures.rounds += 1;
      const all = waiting;
      waiting = [];
      for (const release of all) release();
    }
    await released;
  };
  const handler = {
    metadata: { handlerProtocol: 'http/1.1' },
    async handle({ headers, body }: Request) {
      const name = headers['x-amz-target']!.split('.')[1]!;
      figures.calls.set(name, (figures.calls.get(name) ?? 0) + 1);
      await round();
      const before = process.cpuUsage();
      const answer = new TextEncoder().encode(
        JSON.stringify(
          answerTo(table, name, JSON.parse(typeof body === 'string' ? body : new TextDecoder().decode(body))),
        ),
      );
      const { user, system } = process.cpuUsage(before);
      figures.answering += user + system;
      return {
        response: {
          statusCode: 200,
          headers: { 'content-type': 'application/x-amz-json-1.0' },
          body: answer,
        },
      };
    },
    destroy() {},
    updateHttpClientConfig() {},
    httpHandlerConfigs: () => ({}),
  };
  const settings = {
    region: 'eu-west-1',
    credentials: { accessKeyId: 'local', secretAccessKey: 'local' },
    requestHandler: handler as never,
    // Else the client asks where its endpoint is by the account.
    endpoint: 'https://local.example',
  };
  return { dynamodb: new DynamoDBClient(settings), sqs: new SQSClient({ ...settings, md5: false }), figures };
}

/** By pk, then sk. */
type Table = Map<string, Map<string, Attributes>>;
type Attributes = Record<string, AttributeValue>;

interface Asked {
  RequestItems?: Record<string, { Keys: Attributes[] } | { PutRequest?: { Item: Attributes } }[]>;
  ExpressionAttributeValues?: Attributes;
  Limit?: number;
  Entries?: { Id: string; MessageBody: string }[];
}

function answerTo(table: Table, name: string, asked: Asked): object {
  switch (name) {
    case 'BatchWriteItem':
      for (const { PutRequest } of Object.values(asked.RequestItems!)[0] as {
        PutRequest?: { Item: Attributes };
      }[])
        if (PutRequest !== undefined) put(table, PutRequest.Item);
      return { UnprocessedItems: {} };
    case 'BatchGetItem': {
      const [[tableName, { Keys }]] = Object.entries(asked.RequestItems!) as [
        [string, { Keys: Attributes[] }],
      ];
      const found = Keys.map(({ pk, sk }) => table.get(pk!.S!)?.get(sk!.S!)).filter(
        (item) => item !== undefined,
      );
      return { Responses: { [tableName]: found }, UnprocessedKeys: {} };
    }
    case 'Query':
      return { Items: query(table, asked) };
    case 'SendMessageBatch':
      return { Successful: asked.Entries!.map(({ Id }) => ({ Id, MessageId: Id })), Failed: [] };
    default:
      throw new Error(`nobody answers ${name} here`);
  }
}

function put(table: Table, item: Attributes): void {
  const pk = item.pk!.S!;
  const part = table.get(pk) ?? new Map();
  table.set(pk, part.set(item.sk!.S!, item));
}

function query(table: Table, { ExpressionAttributeValues: values, Limit = Number.POSITIVE_INFINITY }: Asked) {
  const [from, to] = [values![':from']?.S ?? '', values![':to']?.S];
  return [...(table.get(values![':pk']!.S!) ?? [])]
    .filter(([sk]) => sk >= from && (to === undefined || sk <= to))
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .slice(0, Limit)
    .map(([, item]) => item);
}
