/** What AWS bills for, and what it asks: us-east-1, on demand, without any free tier. Dollars. */
import type { FunctionName } from '../../../infra/local/simulate/account.ts';
import { memoryGB, prices as ofEvents } from '../../../infra/local/simulate/prices.ts';

export const prices = {
  ...ofEvents,
  'Kinesis: shard, an hour': 0.015,
  'CloudWatch: metric, a month': 0.3,
  'CloudWatch: alarm, a month': 0.1,
} as const;

export type Price = keyof typeof prices;
export type Bill = Partial<Record<Price, number>>;

/** A month of 730 hours without an Event. Lambda's five pollers of a queue ask every 20 s, which SQS bills. */
export const idle: Bill = {
  'Kinesis: shard, an hour': 730,
  'SQS: request': 2 * 5 * 3 * 60 * 730,
  // One for each metric that an alarm reads: of 26 alarms three read two.
  'CloudWatch: alarm, a month': 29,
};

export const dollarsOf = (bill: Bill): number =>
  (Object.entries(bill) as [Price, number][]).reduce(
    (sum, [name, quantity]) => sum + quantity * prices[name],
    0,
  );

export const functionNames = Object.keys(memoryGB) as FunctionName[];

/** What AWS alone can say, and is assumed: milliseconds that a call takes within AWS. */
export const latencies: Readonly<Record<string, number>> = {
  read: 4,
  list: 4,
  put: 5,
  replace: 5,
  remove: 5,
  arm: 10,
  send: 10,
  tell: 15,
};
/** Milliseconds of a backend's answer. */
export const exportLatency = 50;
/** Milliseconds of the CPU that the emitter takes for an invocation and for a span of it, as measured of rollouts. */
export const emitCpu = { invocation: 2, span: 0.05 };
