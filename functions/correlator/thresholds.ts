/**
 * Every number of the correlator that somebody chose: what breaks when it is smaller, and what when it is larger. They assume
 * functions of 512 MB (ingest, 60 s a batch) and 1,769 MB (settle, 120 s for two messages of up to ten activities each).
 */

/** Seconds. */
export interface Thresholds {
  /**
   * Debounce: without an observation for so long an activity is quiet. Smaller: traces are cut in two where a controller
   * pauses (11 s is the worst delay seen in a burst). Larger: every trace comes later by as much. A setting of the stack.
   */
  quiet: number;
  /**
   * Beyond `quiet`, from the first observation to the first check. Smaller: what is quiet at the very moment is checked a
   * little too early, and once more. Larger: every trace comes later by as much.
   */
  slack: number;
  /**
   * By which a timer that was sent before comes after what is written now: settle reads up to a second before it is due, and
   * clocks of two functions differ by 2 s. Smaller: an observation that no timer follows. Larger: a timer more, now and then.
   */
  margin: number;
  /** By which clocks of two functions differ. Smaller: a batch that nobody sends. Larger: more that is sent twice. */
  clockSkew: number;
  /** Max wait: an activity that never goes quiet is settled anyway. Smaller: more reads an Event. Larger: traces come later. */
  maxWait: number;
  /**
   * Between two commits of an activity of `muchToRead` bytes; of a larger one longer in proportion, up to the max wait. Smaller: an
   * activity that pauses now and then (twenty crash loops of one Deployment) is read whole each time. Larger: what comes of it comes later.
   */
  rest: number;
  /** For the snapshot of an object that others name as their owner. Smaller: roots come apart. Larger: Events of what nobody
   * describes come later. */
  ownerWait: number;
  /** For related activities to be quiet, too. Smaller: causes come after their effects were sent. Larger: one loud root delays
   * the others. */
  holdForRelated: number;
  /**
   * Between registering join keys and reading who else is there. Smaller: of two that register at once one misses the other.
   * Larger: whatever meets others comes later by as much.
   */
  registration: number;
  /** The horizon: how long observations and owners are kept, and how late they may come. */
  retention: number;
  /**
   * How long it is known that a span was sent. What could tell it again is an observation that came a horizon late (1), was kept
   * for a horizon (2), compacted with one as much younger (3), and repeats what was a day before it (4).
   */
  sentRetention: number;
  /** How long a batch of the outbox is at hand whole, for the timer that committed it; then it is in the archive. Smaller: more
   * reads of the archive. Larger: more bytes in every read of an activity that goes on. */
  outboxRetention: number;
  /**
   * How long before its last word an activity looks for others that registered. Smaller: no trace is longer than an hour, and who
   * waits for something holds it for as long. Larger: more of others to read, which have nothing to do with it.
   */
  joinRetention: number;
  /**
   * For so long after its last word a trace that was sent whole keeps its observations and what says that its spans were sent
   * where every settle reads them. Smaller: an hour is the longest that anything may still hang under one of its spans. Larger:
   * more to read where an activity never ends.
   */
  afterTrace: number;
}

/**
 * Bytes of bodies of an activity: to read so much once more costs what it costs to write (five of DynamoDB's read units). Smaller: more
 * writes of what spares hardly any reads. Larger: more reads.
 */
export const muchToRead = 20_000;

const hour = 3600;

export const defaultThresholds: Thresholds = {
  quiet: 20,
  slack: 1,
  margin: 5,
  clockSkew: 2,
  maxWait: 300,
  rest: 30,
  ownerWait: 60,
  holdForRelated: 60,
  registration: 10,
  retention: 24 * hour,
  sentRetention: 4 * 24 * hour,
  outboxRetention: 1800,
  joinRetention: 2 * hour,
  afterTrace: 2 * hour,
};
