/** What ingest and settle touch besides the store. Each may be called again with the same arguments without harm. */
import type { ChangeRecord } from '../../shared/change-record.ts';
import type { SetAside } from '../../shared/set-aside.ts';
import type { Span } from '../../shared/span.ts';
import type { EndedChange } from './count-ended.ts';
import type { Store } from './store.ts';

/** Times in milliseconds since 1970. */
export interface Timer {
  /**
   * Of its chain: whoever comes for a timer and is not done with an activity sends the next one under the same id. A batch of the
   * outbox that this chain has committed is the business of its timers until one of them is done with it.
   */
  id: string;
  activities: readonly string[];
  dueAt: number;
  /** When it was sent. Of batches that were committed since, nobody but its receiver may live to send them. */
  armedAt?: number | undefined;
  /** Of a timer that is there for what was ingested until then: what came since has timers of its own. */
  since?: number | undefined;
  /** By activity: the last batch of the outbox of which this chain knows that it, and those before, are sent. */
  sent?: Readonly<Record<string, number>> | undefined;
  /** What the check before had read was too old to commit on. It is not put off for that a second time. */
  isPutOff?: boolean | undefined;
}

export interface Timers {
  /**
   * Resolves once the timer is safe. It comes back after at most 900 s, early where `delaySeconds` is more, and maybe in
   * parts. Rejects with MessageRefusedError of the activities that the queue takes in no attempt; all others are armed.
   */
  arm(timer: Timer, delaySeconds: number): Promise<void>;
}

export interface SpansQueue {
  /**
   * Resolves once all are in the queue. Rejects with MessageRefusedError of the spans that it takes in no attempt; all others are
   * in it.
   */
  send(spans: readonly Span[]): Promise<void>;
}

export type Remark =
  | ({ kind: 'ingested'; clusters: string[] } & Ingested)
  /** By its name, of a cluster of which an alarm goes off where it is silent. */
  | { kind: 'heard'; cluster: string; observations: number }
  /** Beyond their cluster's share, and kept whole in the bucket. */
  | { kind: 'held'; source: string; cluster: string; records: number; observations: number }
  | { kind: 'set-aside'; source: string; reason: string }
  | { kind: 'not-set-aside'; source: string; error: unknown }
  | ({ kind: 'settled'; activity: string } & Settled)
  /** Its settle comes back in `seconds`; something of it has been waiting for `age` seconds. */
  | { kind: 'postponed'; activity: string; seconds: number; age: number }
  /** They were sent. */
  | { kind: 'changes-ended'; changes: readonly EndedChange[] }
  | { kind: 'merged'; activity: string; into: string; chunks: number }
  /** All of it is read, and it is near what a settle can read: packed, in bytes. */
  | { kind: 'large'; activity: string; bytes: number }
  | { kind: 'too-many-related'; activity: string; left: number }
  /** A body of it cannot be read: it waits for a function that can, and others settle without it. */
  | { kind: 'unreadable'; activity: string; error: unknown }
  /** It has been due for `age` seconds; undefined: nobody knows. */
  | { kind: 'settle-failed'; activity: string; error: unknown; age?: number };

interface Ingested {
  records: number;
  observations: number;
  /** Of the observations those that this function remembers. */
  duplicates: number;
  activities: number;
}

interface Settled {
  /** Activities of other roots that it was assembled with, and itself. */
  related: number;
  /** Spans. */
  sent: number;
  /** Of those sent: in traces whose root was sent before. */
  late: number;
  /** Of those sent: of objects of which no snapshot came, so that nobody knows what they belong to. */
  unresolved: number;
  /** Spans that may still change. */
  open: number;
  /** Of those sent. */
  traceIds: string[];
  /** Seconds that the oldest had to wait. */
  age: number;
}

export type BusRecord = Pick<ChangeRecord, 'id' | 'kind' | 'time'>;

export interface RecordsBus {
  /** Resolves with those that it did not take, and does not reject: those that may be put later, and those that no attempt gets in. */
  put(records: readonly BusRecord[]): Promise<{ later: BusRecord[]; refused: BusRecord[] }>;
  /** Resolves once they are in a queue, from which they come back to settle. */
  postpone(records: readonly BusRecord[]): Promise<void>;
}

export interface Ports {
  store: Store;
  timers: Timers;
  spansQueue: SpansQueue;
  setAside: SetAside;
  /** Undefined: nobody wants to be told. */
  records?: RecordsBus | undefined;
  log(remark: Remark): void;
  /** Milliseconds since 1970. */
  now(): number;
  /** Nanoseconds since 1970, for assembly: the wall clock when live, past every bound in a replay. */
  assemblyClock(): bigint;
}

/** Ingest assembles and sends nothing. */
export type IngestPorts = Omit<Ports, 'spansQueue' | 'records' | 'assemblyClock'>;
