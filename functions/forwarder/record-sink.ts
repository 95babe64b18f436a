/** Where batches go. */
export interface RecordSink {
  /** Resolves once every record is stored; a record may be stored twice. */
  put(records: readonly StreamRecord[]): Promise<void>;
}

export interface StreamRecord {
  data: Uint8Array;
  partitionKey: string;
}
