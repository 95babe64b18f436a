/** Where batches go. */
export interface RecordSink {
  /**
   * Resolves once every record is stored, or refused for what it is: with those. A record may be stored twice. Rejects
   * where `signal` gives up.
   */
  put(records: readonly StreamRecord[], signal?: AbortSignal): Promise<readonly RefusedRecord[]>;
}

/** Would be refused again. */
export interface RefusedRecord {
  record: StreamRecord;
  /** Quotes nothing of it. */
  why: string;
}

export interface StreamRecord {
  data: Uint8Array;
  partitionKey: string;
  /** Where it belongs on the stream's ring, whatever the digest of its key says. */
  hashKey?: string;
}
