/** Stores that count what they bill, and of what. */
import type { AttributeValue, DynamoDBClient, WriteRequest } from '@aws-sdk/client-dynamodb';
import type { Key, Part, Store } from '../../../functions/correlator/store.ts';
import { createCountingStore } from '../../functions/correlator/counting-store.ts';
import { add, type Counts } from './counts.ts';
import { runningFunction } from './run-workload.ts';

/** In memory. */
export const meterMemory = (counts: Counts): ((now: () => number) => Store) =>
  createCountingStore({
    read: (units, { pk, sk, part }) =>
      add(
        counts,
        `read ${runningFunction()}: ${partitionKind(pk)} ${sk === undefined ? partName(part) : 'item'}`,
        units,
      ),
    write: (units, key, what) =>
      add(counts, `write ${what === 'removal' ? 'removal of ' : ''}${itemKind(key)}`, units),
  }).store;

const partitionKind = (pk: string): string => pk.split('#', 1)[0]!;
const itemKind = ({ pk, sk }: Key): string => {
  const partition = partitionKind(pk);
  const item = sk.split('#', 1)[0]!;
  return partition === 'activity' || item === 'early' ? item : partition;
};

function partName(part: Part | undefined): string {
  if (part?.most !== undefined) return 'beginning';
  const [from, to] = part?.within ?? [];
  if (from === undefined) return 'all';
  return to === '~' ? 'rest' : `from ${from.split('#', 1)[0]}`;
}

type Attributes = Record<string, AttributeValue>;

/** What one call asks or writes. */
interface Call {
  Item?: Attributes;
  RequestItems?: Record<string, WriteRequest[] | { Keys: Attributes[] }>;
  ExpressionAttributeValues?: Attributes;
}

/** What DynamoDB Local says that it consumed. */
export function meterClient(client: DynamoDBClient, counts: Counts): void {
  client.middlewareStack.add(
    (next, { commandName }) =>
      async (args) => {
        const result = await next({
          ...args,
          input: { ...args.input, ReturnConsumedCapacity: 'TOTAL' } as never,
        });
        const { ConsumedCapacity } = result.output as {
          ConsumedCapacity?: { CapacityUnits?: number } | { CapacityUnits?: number }[];
        };
        const units = [ConsumedCapacity ?? []].flat().reduce((sum, one) => sum + (one.CapacityUnits ?? 0), 0);
        if (/Put|Write/.test(commandName ?? '')) countWrite(args.input as Call, units, counts);
        else countRead(args.input as Call, units, counts);
        return result;
      },
    { step: 'initialize' },
  );
}

/** By kind of item as far as their sizes say it. */
function countWrite({ Item, RequestItems = {} }: Call, units: number, counts: Counts): void {
  const requests = Object.values(RequestItems).flatMap((some) => (Array.isArray(some) ? some : []));
  const items = [Item, ...requests.map(({ PutRequest }) => PutRequest?.Item)].filter(
    (item) => item !== undefined,
  );
  let left = units;
  for (const item of items) {
    const own = Math.ceil(sizeOf(item) / 1024);
    add(counts, `write ${itemKind({ pk: item.pk!.S!, sk: item.sk!.S! })}`, own);
    left -= own;
  }
  add(counts, 'write removals, and what sizes are rounded by', left);
}

function countRead(
  { RequestItems = {}, ExpressionAttributeValues }: Call,
  units: number,
  counts: Counts,
): void {
  // A consistent read of what is not there is one of 4 KB all the same; DynamoDB Local counts less.
  const keys = Object.values(RequestItems).flatMap((some) => ('Keys' in some ? some.Keys : []));
  const pk = ExpressionAttributeValues?.[':pk']?.S;
  const of = pk === undefined ? 'activity item' : partitionKind(pk);
  add(counts, `read ${runningFunction()}: ${of}`, Math.max(units, keys.length, 1));
}

/** Bytes: https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/CapacityUnitCalculations.html */
function sizeOf(attributes: Attributes): number {
  let size = 0;
  for (const [name, { S, N, B, M }] of Object.entries(attributes)) {
    size += name.length + (S?.length ?? B?.length ?? (N === undefined ? 3 : Math.ceil(N.length / 2) + 1));
    if (M !== undefined) size += sizeOf(M) + Object.keys(M).length;
  }
  return size;
}
