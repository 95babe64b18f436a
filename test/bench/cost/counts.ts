/** What is counted, by name, so that an hour of it is a difference and a bill a sum over names that begin alike. */
import type { FunctionName } from '../../../infra/local/simulate/account.ts';
import { invocationLogBytes, memoryGB, memoryOfCpu } from '../../../infra/local/simulate/prices.ts';
import { type Bill, exportLatency, functionNames, latencies } from './prices.ts';

/** Change records of all outcomes, or of those that somebody has to see to: failed and stalled. */
export type Told = 'all' | 'trouble';

export type CountName =
  | 'events'
  | 'spans'
  | 'payload units'
  | 'payload bytes'
  | 'log bytes'
  /** Change records, where somebody wants them, and requests that put them. */
  | `records: ${Told}`
  | `puts of records: ${Told}`
  /** DynamoDB's units; of what, and in which function. */
  | `read ${string}`
  | `write ${string}`
  /** Requests to SQS, by queue and purpose. */
  | `request ${string}`
  | `invocation ${FunctionName}`
  /** Milliseconds of the CPU, and of waiting for AWS. */
  | `cpu ${FunctionName}`
  | `wait ${FunctionName}`
  /** What the correlator says that it did. */
  | `remark ${string}`;

export type Counts = Map<CountName, number>;

export const add = (counts: Counts, name: CountName, count: number): void => {
  if (count !== 0) counts.set(name, (counts.get(name) ?? 0) + count);
};

export const sumOf = (counts: Counts, beginning: string): number =>
  [...counts].reduce((sum, [name, count]) => sum + (name.startsWith(beginning) ? count : 0), 0);

/** What came since. */
export const minus = (counts: Counts, before: Counts): Counts =>
  new Map([...counts].map(([name, count]) => [name, count - (before.get(name) ?? 0)]));

export function gbSecondsOf(counts: Counts, name: FunctionName): number {
  const waits = counts.get(`wait ${name}`) ?? 0;
  const backend = name === 'emit' ? sumOf(counts, 'invocation emit') * exportLatency : 0;
  return ((waits + backend) * memoryGB[name] + (counts.get(`cpu ${name}`) ?? 0) * memoryOfCpu) / 1000;
}

/** What is paid on top where change records go to a bus. */
export const billOfRecords = (counts: Counts, which: Told): Bill => ({
  'EventBridge: event (64 KB)': sumOf(counts, `records: ${which}`),
  'Lambda: GB-second (arm64)':
    (sumOf(counts, `puts of records: ${which}`) * latencies.tell! * memoryGB.settle) / 1000,
});

export const billOf = (counts: Counts): Bill => ({
  'Kinesis: PUT payload unit (25 KB)': sumOf(counts, 'payload units'),
  'DynamoDB: write request unit': sumOf(counts, 'write '),
  'DynamoDB: read request unit': sumOf(counts, 'read '),
  'Lambda: request': sumOf(counts, 'invocation '),
  'Lambda: GB-second (arm64)': functionNames.reduce((sum, name) => sum + gbSecondsOf(counts, name), 0),
  'SQS: request': sumOf(counts, 'request '),
  'CloudWatch: GB of logs':
    (sumOf(counts, 'log bytes') + sumOf(counts, 'invocation ') * invocationLogBytes) / 1e9,
});
