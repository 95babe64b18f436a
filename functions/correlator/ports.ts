/** What ingest and settle touch besides the store. Each may be called again with the same arguments without harm. */
import type { SetAside } from '../../shared/set-aside.ts';
import type { Span } from '../../shared/span.ts';
import type { Store } from './store.ts';

/** Times in milliseconds since 1970. */
export interface Timer {
  /** The same whenever it comes again. */
  id: string;
  activities: readonly string[];
  dueAt: number;
  /** Of a timer that is there for what was ingested until then: what came since has timers of its own. */
  since?: number;
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
  | { kind: 'set-aside'; source: string; reason: string }
  | { kind: 'not-set-aside'; source: string; error: unknown }
  | ({ kind: 'settled'; activity: string } & Settled)
  /** Its settle comes back in `seconds`; something of it has been waiting for `age` seconds. */
  | { kind: 'postponed'; activity: string; seconds: number; age: number }
  | { kind: 'moved'; activity: string; into: string; items: number }
  /** All of it is read, and it is near what a settle can read: packed, in bytes. */
  | { kind: 'large'; activity: string; bytes: number }
  | { kind: 'too-many-members'; activity: string; left: number }
  | { kind: 'settle-failed'; activity: string; error: unknown };

interface Ingested {
  records: number;
  observations: number;
  /** Of the observations those that this function remembers. */
  duplicates: number;
  activities: number;
}

interface Settled {
  /** Of other roots, and itself. */
  members: number;
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

export interface Ports {
  store: Store;
  timers: Timers;
  spansQueue: SpansQueue;
  setAside: SetAside;
  log(remark: Remark): void;
  /** Milliseconds since 1970. */
  now(): number;
  /** Nanoseconds since 1970, for assembly: the wall clock when live, past every bound in a replay. */
  assemblyClock(): bigint;
}

/** Ingest assembles and sends nothing. */
export type IngestPorts = Omit<Ports, 'spansQueue' | 'assemblyClock'>;

/** Seconds. */
export interface Waits {
  /** Without an observation until an activity counts as quiet: 11 s is the worst delay seen in a burst. */
  quiet: number;
  /** From the first observation to the first look, more than quiet: what is over by then is looked at once. */
  spread: number;
  /**
   * By which a timer that was sent before comes after what is written now: settle reads a second before it is due at the
   * earliest, and clocks differ by less than the rest.
   */
  margin: number;
  /** An activity that never goes quiet is settled anyway. */
  patience: number;
  /** For the snapshot of an object that others name as their owner. */
  pending: number;
  /** For activities of other roots to be quiet too. */
  hold: number;
  /** Between registering at a meeting point and looking who came. */
  meeting: number;
  /** Until traces without a word are closed; the causal core's bound is 15 minutes. */
  closing: number;
  /** How long observations, objects and what was sent are kept. */
  retention: number;
  /** How long what was cut is at hand whole, for a timer that comes again; a later one finds it in the archive. */
  cutRetention: number;
  /** How long activities of different roots may find each other: no trace is longer than an hour. */
  acquaintance: number;
}

export const defaultWaits: Waits = {
  quiet: 20,
  spread: 10,
  margin: 5,
  patience: 300,
  pending: 60,
  hold: 60,
  meeting: 10,
  closing: 900,
  retention: 24 * 3600,
  cutRetention: 1800,
  acquaintance: 2 * 3600,
};
