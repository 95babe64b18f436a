/** Dollars in us-east-1, on demand, without any free tier; and what of AWS nobody but AWS can say. */
export const prices = {
  'Kinesis: PUT payload unit (25 KB)': 0.014e-6,
  'DynamoDB: write request unit': 0.625e-6,
  'DynamoDB: read request unit': 0.125e-6,
  'Lambda: request': 0.2e-6,
  'Lambda: GB-second (arm64)': 0.0000133334,
  'SQS: request': 0.4e-6,
  'EventBridge: event (64 KB)': 1e-6,
  'CloudWatch: GB of logs': 0.5,
} as const;

export type Price = keyof typeof prices;

/** Of each function, as infra/aws has it. */
export const memoryGB = { ingest: 0.5, settle: 1.769, emit: 0.5 } as const;

/** What Lambda gives a whole CPU for: a function with less of it computes so much longer. */
export const memoryOfCpu = 1.769;

/**
 * Milliseconds of a whole CPU: of an invocation; of a kilobyte of records (in base64), of messages, or of bodies that are read from the
 * table, whatever is done with it. Of records bench:ingest measures 0.6 to 0.9, of bodies of rollouts bench:cost 0.7 to 1.7, of spans
 * 0.4. Smaller: functions keep up here that would not in AWS.
 */
export const computing = { invocation: 2, kilobyte: 1 };

/** Milliseconds that a request takes within AWS; of the backend: wherever it is. */
export const latencies = { stream: 15, table: 5, queues: 10, bucket: 30, bus: 15, backend: 50 } as const;

/** Milliseconds that Node and the handler's code take to start. */
export const coldStart = 300;

/** Bytes of log: of an invocation's figures, and of what the logger adds to each line. */
export const invocationLogBytes = 700;
export const loggerBytes = 250;
