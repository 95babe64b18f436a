/**
 * DynamoDB's limits, for the store in memory: what AWS would refuse, tests are to meet.
 * https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Constraints.html and CapacityUnitCalculations.html
 */
import { ItemRefusedError } from '../../shared/errors.ts';
import type { Item, Key } from './store.ts';

/** Bytes of UTF-8. */
const longestPartitionKey = 2_048;
const longestSortKey = 1_024;
/** Names of attributes included. */
const largestItem = 400 * 1024;
const largestNumber = 1e126;

const bytesOf = (text: string): number => Buffer.byteLength(text);

/** @throws ItemRefusedError */
export function checkKeys(keys: readonly Key[]): void {
  const refused = keys.map((key) => ({ key, why: refusalOfKey(key) })).filter(({ why }) => why !== undefined);
  if (refused.length > 0)
    throw new ItemRefusedError(
      refused.map(({ key }) => key),
      refused[0]!.why!,
    );
}

function refusalOfKey({ pk, sk }: Key): string | undefined {
  if (pk === '' || sk === '') return 'an empty key';
  if (bytesOf(pk) > longestPartitionKey) return `a partition key of more than ${longestPartitionKey} bytes`;
  if (bytesOf(sk) > longestSortKey) return `a sort key of more than ${longestSortKey} bytes`;
  return undefined;
}

export function refusalOf(item: Item): string | undefined {
  const { expiresAt, revision = 0, fields = {} } = item;
  const numbers = [
    expiresAt,
    revision,
    ...Object.values(fields).filter((value) => typeof value === 'number'),
  ];
  if (!numbers.every((number) => Math.abs(number) < largestNumber)) return 'a number beyond 38 digits';
  return (
    refusalOfKey(item) ??
    (sizeOf(item) > largestItem ? `an item of more than ${largestItem} bytes` : undefined)
  );
}

/** Bytes, as AWS counts. */
export function sizeOf({ pk, sk, expiresAt, revision, fields, body }: Item): number {
  let size =
    'pk'.length + bytesOf(pk) + 'sk'.length + bytesOf(sk) + 'expiresAt'.length + sizeOfNumber(expiresAt);
  if (revision !== undefined) size += 'revision'.length + sizeOfNumber(revision);
  if (body !== undefined) size += 'body'.length + body.length;
  if (fields === undefined) return size;
  size += 'fields'.length + 3;
  for (const [name, value] of Object.entries(fields)) {
    size += 1 + bytesOf(name) + (typeof value === 'number' ? sizeOfNumber(value) : bytesOf(value));
  }
  return size;
}

/** A byte for each two digits, and one. */
const sizeOfNumber = (value: number): number => Math.ceil(String(value).length / 2) + 1;
