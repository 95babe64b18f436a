/** What AWS bills for, and what it asks: us-east-1, on demand, without any free tier. Dollars. */
export const prices = {
  'Kinesis: PUT payload unit (25 KB)': 0.014e-6,
  'Kinesis: shard, an hour': 0.015,
  'DynamoDB: write request unit': 0.625e-6,
  'DynamoDB: read request unit': 0.125e-6,
  'Lambda: request': 0.2e-6,
  'Lambda: GB-second (arm64)': 0.0000133334,
  'SQS: request': 0.4e-6,
  'CloudWatch: GB of logs': 0.5,
  'CloudWatch: metric, a month': 0.3,
  'CloudWatch: alarm, a month': 0.1,
} as const;

export type Price = keyof typeof prices;
export type Bill = Partial<Record<Price, number>>;

/** A month of 730 hours without an Event. Lambda's five pollers of a queue ask every 20 s, which SQS bills. */
export const idle: Bill = {
  'Kinesis: shard, an hour': 730,
  'SQS: request': 2 * 5 * 3 * 60 * 730,
  'CloudWatch: alarm, a month': 16,
};

export const dollarsOf = (bill: Bill): number =>
  (Object.entries(bill) as [Price, number][]).reduce(
    (sum, [name, quantity]) => sum + quantity * prices[name],
    0,
  );

/** Of the stack's functions. */
export const memoryGB = { ingest: 0.5, settle: 1.769, emit: 0.5 };
export type FunctionName = keyof typeof memoryGB;
export const functionNames = Object.keys(memoryGB) as FunctionName[];
/** What Lambda gives a whole CPU for: a function with less of it computes so much longer. */
export const memoryOfCpu = 1.769;

/** What AWS alone can say, and is assumed: milliseconds that a call takes within AWS. */
export const latencies: Readonly<Record<string, number>> = {
  read: 4,
  list: 4,
  put: 5,
  replace: 5,
  remove: 5,
  arm: 10,
  send: 10,
};
/** Milliseconds of a backend's answer. */
export const exportLatency = 50;
/** Bytes of log: of an invocation's figures, and of what the logger adds to each line. */
export const logBytes = 700;
export const loggerBytes = 250;
/** Milliseconds of the CPU that the emitter takes for an invocation and for a span of it, as measured of rollouts. */
export const emitCpu = { invocation: 2, span: 0.05 };
