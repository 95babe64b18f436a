/**
 * The words by which controllers say how far something is: as a phase, as a state, as the reason of a condition. Case and
 * separators say nothing (`FAILED`, `failed`, `PARTIALLY_FAILED`).
 */

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
  ],
  there: ['healthy'],
  broken: ['degraded'],
  'under way': ['running', 'pending', 'progressing', 'paused', 'inprogress', 'queued', 'initializing'],
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
