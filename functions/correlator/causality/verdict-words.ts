/**
 * The words by which controllers say how far something is: as a phase, as a state, as the reason of a condition. Case and
 * separators say nothing (`FAILED`, `failed`, `PARTIALLY_FAILED`).
 */
import { withoutKind } from '../../../shared/group-kind.ts';

/** `complete` and `failed` are the end of it; `there` and `broken` hold until something changes. */
export type Meaning = 'complete' | 'failed' | 'there' | 'broken' | 'under way';

const words: Readonly<Record<Meaning, readonly string[]>> = {
  complete: ['succeeded', 'success', 'successful', 'completed', 'complete', 'finished', 'done'],
  failed: [
    'failed',
    'failure',
    'error',
    'errored',
    'partiallyfailed', // Velero: not all of it is in the backup
    'failedvalidation', // Velero: it was never begun
    'canceled',
    'cancelled',
    'aborted',
    'timedout',
    'invalid', // Elastic: so it can never be
    'rolledback', // Flink
  ],
  // `true`, and `false` below: of what is ready to use, or is not. The colours are Elastic's.
  there: ['healthy', 'ready', 'stable', 'green', 'true'],
  broken: ['degraded'],
  'under way': [
    'running',
    'pending',
    'progressing',
    'inprogress',
    'paused',
    'queued',
    'waiting',
    'initializing',
    'submitted',
    'retrying', // KubeRay, beside what the try before came to
    'pendingrerun', // Spark
    'upgrading',
    'yellow',
    'red',
    'false',
  ],
};

const meanings: ReadonlyMap<string, Meaning> = new Map(
  (Object.keys(words) as Meaning[]).flatMap((meaning) => words[meaning].map((word) => [word, meaning])),
);

/** Undefined: nobody here knows that word. */
export const meaningOf = (word: string): Meaning | undefined =>
  meanings.get(word.replace(/[_\s-]/g, '').toLowerCase());

/** Of a reason in Kubernetes' spelling: one of its words says that something failed. */
const failingReason =
  /(?:^|[a-z\d_])(?:Failed|Failure|Error|TimedOut|Timeout|Cancell?ed|Aborted|Exceeded)(?=$|[A-Z_])/;
/** A sentence that says so; but not one that counts none (`Tasks Completed: 3 (Failed: 0, Cancelled 0)`). */
const failingMessage = /(?<!\b(?:0|no|not|none|without) )\bfailed\b(?!:? 0)/i;

/** Of a condition that says that something is over: its reason says how, else its message. */
export function saysFailure(reason: string | undefined, message: string | undefined): boolean {
  const meaning = meaningOf(reason ?? '');
  if (meaning === 'complete' || meaning === 'there') return false;
  if (meaning === 'failed' || failingReason.test(reason ?? '')) return true;
  return !/(?:Succeeded|Completed|Success)$/.test(reason ?? '') && failingMessage.test(message ?? '');
}

const ends: ReadonlySet<string> = new Set([
  'Failed',
  'Error',
  'TimedOut',
  'Timeout',
  'Succeeded',
  'Completed',
]);
const bareEnds: ReadonlySet<string> = new Set(['Failed', 'Succeeded', 'Completed']);
/** cert-manager's Certificate has Failed, "and will be retried". */
const isTriedAgain = /\bretr(?:y|ied|ying|ies)\b|\btry(?:ing)? again\b/i;

/**
 * Of an Event whose reason no row declares: whether it says that its subject has come to its end. A word for an end does by itself,
 * or behind the subject's kind or the tail of it (MPIJobFailed, BackupCompleted of an EtcdBackup), or of all its parts
 * (AllJobsCompleted). Whatever else failed is a thing that a controller does again (ReconcileError, UpdateFailed, FailedMount).
 */
export function endBy(kind: string, reason: string, message: string): 'complete' | 'failed' | undefined {
  const end = /^All[A-Z]\w*s(Failed|Succeeded|Completed)$/.exec(reason)?.[1] ?? withoutKind(kind, reason);
  if (kind === '' || !(end === reason ? bareEnds : ends).has(end)) return undefined;
  if (end === 'Succeeded' || end === 'Completed') return 'complete';
  return isTriedAgain.test(message) ? undefined : 'failed';
}
