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
   * Between registering join keys and reading who else is there, and at most between that and the commit. Smaller: of two that register
   * at once one misses the other; and what takes long to read and assemble is read in vain. Larger: whatever meets others comes later by
   * as much.
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
  /** Of a change that is kept from getting there, without anything that moves, until it is told to have stalled. Smaller: a back-off of
   * five minutes between two attempts is told. Larger: somebody waits for longer to hear of it. */
  stall: number;
  /** Between the starts of two changes of one revision: a longer gap is one between two releases. Smaller: a release that goes out in
   * waves is told in parts. Larger: a revision that is rolled back and forth is one release. */
  releaseGap: number;
  /** After the start of its last change, or the last word of one that is under way, a release is sent. A change that is stuck and says
   * nothing more has its root an hour and a quarter after its start at the latest. Smaller: it comes as a late span, and the release's
   * root says that all went well. Larger: the release comes later. */
  releaseWait: number;
  /** A release to which more comes all the time, or that waits for a change that goes on, is sent anyway. Smaller: slow releases are told in parts. Larger: its first changes
   * are forgotten (`retention`) before they are told. */
  releaseMaxWait: number;
}

/**
 * With another gap between two releases, in seconds: what is still to join one, and the root of what is stuck, are there before it is sent.
 * @param gap two hours at most: `releaseMaxWait` is longer than both together
 */
export const withReleaseGap = (thresholds: Thresholds, gap: number): Thresholds => ({
  ...thresholds,
  releaseGap: gap,
  releaseWait: Math.max(thresholds.releaseWait, gap + 1200),
});

/** As assembly counts them, in nanoseconds. */
export const releaseTimes = ({
  releaseGap,
  releaseWait,
  releaseMaxWait,
}: Pick<Thresholds, 'releaseGap' | 'releaseWait' | 'releaseMaxWait'>) => ({
  gap: BigInt(Math.round(releaseGap * 1e9)),
  wait: BigInt(Math.round(releaseWait * 1e9)),
  maxWait: BigInt(Math.round(releaseMaxWait * 1e9)),
});

/**
 * Bytes of bodies of an activity: to read so much once more costs what it costs to write (five of DynamoDB's read units). Smaller: more
 * writes of what spares hardly any reads. Larger: more reads.
 */
export const muchToRead = 20_000;

/**
 * Of the quiet after which an activity settles: so much is enough for a trace that is over, by the clocks of those who report. Smaller:
 * more comes after its root (11 s is the worst delay seen in a burst). Larger: a rollout of some seconds is checked twice.
 */
export const shareOfQuiet = 0.75;

// How much is read and assembled at once: settle has 1,769 MB, of which an observation takes some 20 kB while it is assembled.

/** Items of an activity that are read first: what a rollout comes to. Smaller: two reads for most. Larger: more read of what a checkpoint
 * stands for. */
export const fewItems = 12;
/**
 * Bytes of bodies; unpacked and assembled they are some two hundred times as much, and an invocation has up to twenty activities. What
 * is larger comes alone. Smaller: more messages. Larger: the others fail with it.
 */
export const mostAtOnce = 300_000;
/** Bytes of bodies: with this, a settle has used a third of the function's memory, and the log warns. */
export const largeActivity = 3_000_000;
/**
 * Seconds by which a partition key of a cluster is behind another one on any day: the window of the event source (5 s), a batch of the forwarder
 * (1 s) and an invocation. Smaller: activities wait for nothing. Larger: a key that is behind is taken for a quiet one.
 */
export const usualLag = 15;
/** Seconds until it is looked at again whether it has caught up. Smaller: more reads. Larger: traces come later. */
export const betweenLags = 10;
/** Activities that are read together. Smaller: a drain of a hundred Deployments is told in parts. Larger: a settle of more than its time. */
export const mostRelated = 200;
/** Spans of a batch that are tried first: mostly half of what fits. Smaller: more items. Larger: all of what is left is packed for each. */
export const mostOfBatch = 4_000;
/** Calls to the store at a time. Smaller: many small reads wait for round trips. Larger: more of them are throttled. */
export const callsAtOnce = 16;
/** Steps of a check: resolve, merge (again for what is to be merged by then), register. So many mean that it goes in circles. */
export const mostSteps = 16;
/** Of others that say at the same time when one activity is checked next. Larger: the same. */
export const mostAttempts = 16;

/** Seconds until a change that stands still is looked at at the earliest. Smaller: it is assembled several times a minute. */
export const untilStall = 60;

// Compaction.

/** Chunks of which one is made. Smaller: costs more to write than it spares. Larger: more to read. */
export const fewestChunks = 48;
/** Batches of the outbox, likewise. */
export const fewestBatches = 8;
/** What was compacted is written anew where so much of it is over. Smaller: more writes. Larger: more reads of what is over. */
export const shareOver = 0.5;

// What ingest, with 512 MB, remembers and asks.

/** Objects, timers, observations: some 2 to 5 MB each. Smaller: more reads, and messages, in a cluster of many pods. */
export const mostRemembered = 20_000;
/** Seconds after its creation in which a snapshot is the first one that anybody has. Larger: its owner may have changed by then. */
export const newbornFor = 10;
/**
 * Items of a family that are read together. Smaller: rollouts have a key, and a write, for each of their pods. Larger, together with
 * those of a few functions that write at the same time (`familyPage`): two read units (4 kB each) a page.
 */
export const familyTogether = 8;
export const familyPage = 12;

/**
 * What a record of which something is set aside takes of its cluster's share, beside its observations: it is a request to the bucket of its
 * own, while all that is held of an invocation is one. Smaller: who floods with what nobody can read is billed by the request ($430 a day for a
 * shard's 1,000 records a second; with this, three of them). Larger: what a newer forwarder sends is held; it comes back all the same.
 */
export const poisonWeight = 1_000;
/** No burst may be less: a record has up to 5,000 lines (shared/batch-codec.ts), and would never come in. */
export const leastBurst = 10_000;
/**
 * Observations of one cluster that are filed of one shard, a setting of the stack: twice what a cluster of a thousand Events a second ships,
 * with two snapshots to an Event. Smaller: what a large cluster says in an upgrade is held, and has to be brought back by hand.
 * Larger: a flood takes others along for longer. The burst is a minute of it.
 */
export const defaultClusterRate = { perSecond: 6_000, burst: 360_000 };
/**
 * Of its share: a cluster whose batch comes to less, over the time of its own records and over a second at least, is not counted. Smaller: what
 * is left of a share is read and written for most batches. Larger: a cluster may get as much beyond its share.
 */
export const loudShare = 0.1;

// Times that follow from others.

/** Milliseconds from when ingest looks at the clock until what it writes is there: its time-out. */
export const longestPut = 60_000;
/**
 * Milliseconds: settle's time-out of 120 s, and 10 s for clocks. Whoever left the activity to a timer ran before it was due, and so
 * did, at most so much longer, the one that came for the same message.
 */
export const longestRun = 130_000;
/** Milliseconds: SQS's longest delay. What is to wait longer is armed again when it comes back early. */
export const longestDelay = 900_000;
/** Seconds that a trace is open at most without a word (causality/trace.ts). */
export const longestOpen = 900;
/** Milliseconds: what is due so soon is done now. Larger: chunks are not there yet that the timer follows. */
export const dueSoon = 1_000;
/** Seconds by which a timer that is to come anyway may be later than the one that would be sent. Larger: traces come later. */
export const goodEnough = 2;
/** Seconds until a check that met another settle, or failed beside others, is done again. Smaller: they meet again. */
export const untilRetry = 20;
/** Seconds until what cannot be read is tried again: an upgrade, or its undoing, takes minutes. Smaller: more reads for nothing. */
export const untilReadable = 300;

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
  stall: 300,
  releaseGap: hour,
  releaseWait: hour + 1200,
  releaseMaxWait: 6 * hour,
};
