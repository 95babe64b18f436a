/** What AWS would bill, and what was done for it. */

export type Service = 'stream' | 'table' | 'queues' | 'bucket' | 'bus' | 'backend';
export type FunctionName = 'ingest' | 'settle' | 'emit';

interface FunctionFigures {
  invocations: number;
  coldStarts: number;
  /** Timed out, died, or threw. */
  failed: number;
  milliseconds: number;
  /** Of those milliseconds, with a whole CPU. */
  computing: number;
  /** Of its log. */
  logBytes: number;
}

interface ServiceFigures {
  requests: number;
  readUnits: number;
  writeUnits: number;
  bytes: number;
}

export interface Account {
  functions: Record<FunctionName, FunctionFigures>;
  services: Record<Service, ServiceFigures>;
  /** Kinesis' payload units of 25 KB. */
  payloadUnits: number;
  /** What SQS bills: a request for each 64 KB. */
  queueRequests: number;
  /** Change records on the bus. */
  recordsPut: number;
  setAside: number;
  /** Observations beyond their cluster's share, each time that they came. */
  held: number;
  deadLetters: number;
  /** By kind: how often it came. */
  faults: Map<string, number>;
}

export function openAccount(): Account {
  const ofFunction = (): FunctionFigures => ({
    invocations: 0,
    coldStarts: 0,
    failed: 0,
    milliseconds: 0,
    computing: 0,
    logBytes: 0,
  });
  const ofService = (): ServiceFigures => ({ requests: 0, readUnits: 0, writeUnits: 0, bytes: 0 });
  return {
    functions: { ingest: ofFunction(), settle: ofFunction(), emit: ofFunction() },
    services: {
      stream: ofService(),
      table: ofService(),
      queues: ofService(),
      bucket: ofService(),
      bus: ofService(),
      backend: ofService(),
    },
    payloadUnits: 0,
    queueRequests: 0,
    recordsPut: 0,
    setAside: 0,
    held: 0,
    deadLetters: 0,
    faults: new Map(),
  };
}

/** Bytes of what SQS bills as one request. */
const billedBytes = 65_536;

export function billQueues(account: Account, bytes: number): void {
  account.services.queues.bytes += bytes;
  account.queueRequests += Math.max(1, Math.ceil(bytes / billedBytes));
}

export const count = (counts: Map<string, number>, name: string): void =>
  void counts.set(name, (counts.get(name) ?? 0) + 1);
