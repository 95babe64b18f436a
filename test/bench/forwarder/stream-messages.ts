/** What the process of the stream tells its parent. */

export const streamName = 'bench';

export type FromStream =
  | { type: 'ready'; url: string }
  | {
      type: 'state';
      /** Occurrences, each counted once. */
      events: number;
      duplicates: number;
      snapshots: number;
      records: number;
      bytes: number;
      /** Milliseconds from each first occurrence's making to its record's arrival, since the last message. */
      lags: number[];
    };
