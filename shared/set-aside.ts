/** Where poison goes: kept whole, with why and where it came from, for a person to look at and to replay. */
export interface Poison {
  /** Names what is wrong, never a value. */
  reason: string;
  /** As it came; of records that are no text, base64, one a line. */
  payload: string;
  /** The record or message it came in. */
  source: string;
}

export interface SetAside {
  /** Resolves once it is safe, rejects where it is not. The same payload twice is kept once. */
  keep(poison: Poison): Promise<void>;
}
