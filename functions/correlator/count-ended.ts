/** How changes ended, and how long they took: figures of what was sent. What is sent twice is counted twice. */
import { recordOfEnd } from '../../shared/change-record.ts';
import type { Span } from '../../shared/span.ts';

export interface EndedChange {
  /** Its name, else its UID; empty where neither is known. */
  cluster: string;
  outcome: string;
  /** Seconds. */
  duration: number;
}

/** Of roots of changes; a release is counted by its changes. */
export const endedChangesIn = (spans: readonly Span[]): EndedChange[] =>
  spans.flatMap((span) => {
    const record = recordOfEnd(span);
    if (record === undefined || record.kind !== 'ended') return [];
    const { cluster = {}, outcome, duration } = record;
    return { cluster: cluster.name ?? cluster.uid ?? '', outcome, duration };
  });
