/** What an operator has to say of any stack: its name, its key, how long it keeps, how much it may take, when it calls. */
import { RetentionDays } from 'aws-cdk-lib/aws-logs';
import * as v from 'valibot';
import { Arn, matching, Whole } from './setting-texts.ts';

/** Of CloudWatch Logs: it takes these and no others. */
const logDays = Object.values(RetentionDays).filter(
  (days): days is RetentionDays => typeof days === 'number' && days <= RetentionDays.TEN_YEARS,
);

const RetentionSchema = v.strictObject({
  /**
   * Of the stream, which Kinesis keeps for a day at least. Beyond a day it bills each hour of each shard; what is older than a day when it
   * is read is set aside, since what was sent of that time is no longer known.
   */
  streamHours: v.optional(Whole(24, 8760, 'hours'), 24),
  /** Of timers, spans and their dead letters: how long a backend may be away. SQS keeps nothing for longer than 14 days. */
  queueDays: v.optional(Whole(1, 14, 'days'), 14),
  logDays: v.optional(
    v.pipe(
      v.number(),
      v.check(
        (days) => logDays.includes(days),
        `should be one of CloudWatch Logs’ own: ${logDays.join(', ')}`,
      ),
    ),
    RetentionDays.ONE_MONTH,
  ),
  /** Of what was set aside. */
  setAsideDays: v.optional(Whole(1, 3650, 'days'), 90),
});

const mostMemory = 10_240;

/**
 * MB of each function. What they need at least is what their bounds (functions/correlator/thresholds.ts) come to: with less they are
 * killed by a full batch, whatever else holds.
 */
const MemorySchema = v.strictObject({
  /** 1,769 is a whole CPU: with less a busy cluster is filed more slowly, with more it is not filed faster. */
  ingest: v.optional(Whole(512, mostMemory, 'MB'), 512),
  /** An object of which thousands of pods crash for half a day needs more (RUNBOOK.md, SettleCrashing). */
  settle: v.optional(Whole(1769, mostMemory, 'MB'), 1769),
  emit: v.optional(Whole(256, mostMemory, 'MB'), 512),
});

/** From when on alarms go off. Smaller: for what mends itself. Larger: there is less time to mend it before something is lost. */
const AlarmsSchema = v.strictObject({
  /** Of the oldest Events in the stream. */
  streamLateMinutes: v.optional(Whole(1, 1200, 'minutes'), 10),
  /** Of timers and spans that nobody has tried yet. Timers are delayed by up to 15 minutes. */
  queueLateMinutes: v.optional(Whole(16, 1440, 'minutes'), 30),
  /** Of what was tried in vain; a timer is given up after 20 hours. */
  timersOldHours: v.optional(Whole(1, 20, 'hours'), 2),
  /** Half of the time for which they are kept, where that is less than two days. */
  spansOldHours: v.optional(Whole(1, 335, 'hours')),
  /** Of a cluster with `alarmWhenSilent`. */
  clusterSilentMinutes: v.optional(
    v.pipe(
      Whole(5, 1440, 'minutes'),
      v.check((minutes) => minutes % 5 === 0, 'should be a multiple of 5'),
    ),
    60,
  ),
});

/** On demand a table takes what comes: these are the most of units a second that it is billed for. */
const TableSchema = v.strictObject({
  maxReadRequestUnits: v.optional(Whole(1, 1_000_000, 'units')),
  maxWriteRequestUnits: v.optional(Whole(1, 1_000_000, 'units')),
});

/** AWS's own rules of tags, as far as they hold for every service of the stack. */
const TagsSchema = v.pipe(
  v.record(
    matching(
      /^(?!aws:)[\p{L}\p{N} _.:/=+@-]{1,128}$/u,
      'should be 1 to 128 letters, digits, spaces and _.:/=+-@, not aws:…',
    ),
    matching(/^[\p{L}\p{N} _.:/=+@-]{0,256}$/u, 'should be up to 256 letters, digits, spaces and _.:/=+-@'),
  ),
  v.check((tags) => Object.keys(tags).length <= 40, 'should be 40 at most'),
);

export const operatorEntries = {
  /** Several stacks in one account and region each have one of their own; CloudWatch's namespace of their figures is the same. */
  stackName: v.optional(
    matching(
      /^[A-Za-z][A-Za-z0-9-]{0,49}$/,
      'should be letters, digits and dashes, 50 at most, the first a letter',
    ),
  ),
  /** Of a key of the users' own for stream, table, queues, bucket and logs; the stack is in its region. */
  kmsKeyArn: v.optional(
    Arn('kms', /[a-z0-9-]+:\d{12}:key\/(?:mrk-)?[0-9a-f-]{32,36}$/, 'a key of KMS (not an alias)'),
  ),
  retention: v.optional(RetentionSchema, {}),
  memoryMiB: v.optional(MemorySchema, {}),
  alarms: v.optional(AlarmsSchema, {}),
  table: v.optional(TableSchema, {}),
  /** Of everything that takes tags. */
  tags: v.optional(TagsSchema, {}),
  /** Of a managed policy that bounds every role of the stack. */
  permissionsBoundaryArn: v.optional(
    Arn('iam', /:(?:\d{12}|aws):policy\/[\w+=,.@/-]+$/, 'a managed policy of IAM'),
  ),
};
