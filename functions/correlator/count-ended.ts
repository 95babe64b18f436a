/** How changes ended, and how long they took: figures of what was sent. What is sent twice is counted twice. */
import type { ChangeRecord } from '../../shared/change-record.ts';

export interface EndedChange {
  /** Its name, else its UID; empty where neither is known. */
  cluster: string;
  outcome: string;
  /** Seconds. */
  duration: number;
}

/** A release is counted by its changes. */
export const endedChangesIn = (records: readonly ChangeRecord[]): EndedChange[] =>
  records
    .filter(({ kind }) => kind === 'ended')
    .map(({ cluster = {}, outcome, duration }) => ({
      cluster: cluster.name ?? cluster.uid ?? '',
      outcome,
      duration,
    }));
