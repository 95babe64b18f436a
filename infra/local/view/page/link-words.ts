/** What a link between two traces says, read from either end. */
import { isSynced } from '../../../../functions/correlator/causality/sync-kinds.ts';

const words: Readonly<Record<string, [there: string, back: string]>> = {
  'generation-in-force': ['Happened under', 'Happened under this'],
  'moved-pods-of': ['Moved pods of', 'Its pods were moved by'],
  'run-of': ['A run of', 'Ran'],
  'waits-for': ['Waits for', 'Waited for by'],
  caller: ['Called by', 'Called'],
  continues: ['Continues', 'Went on in'],
  release: ['Part of the release', 'Part of this release'],
};

export interface LinkEnds {
  reason: string;
  /** The kind of the object that the trace is about from which the link is read. */
  kind: string;
  isBack: boolean;
}

export function linkWords({ reason, kind, isBack }: LinkEnds): string {
  // Of what applies nothing a sync is what applied it.
  if (reason === 'sync') return isSynced({ kind }) ? 'Applied' : 'Applied by';
  const known = Object.hasOwn(words, reason) ? words[reason] : undefined;
  if (known !== undefined) return known[isBack ? 1 : 0];
  return [isBack ? 'Linked from' : 'Links to', reason && `(${reason})`].filter(Boolean).join(' ');
}
