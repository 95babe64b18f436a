/** Where batches go. */
export interface RecordSink {
  /** Resolves once every record is stored; a record may be stored twice. Rejects where `signal` gives up. */
  put(records: readonly StreamRecord[], signal?: AbortSignal): Promise<void>;
}

export interface StreamRecord {
  data: Uint8Array;
  partitionKey: string;
}
