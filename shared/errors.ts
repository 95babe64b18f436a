/** Something the user can put right (a file, a setting): one line on standard error, exit 2, no stack. */
export class UserError extends Error {
  override readonly name = 'UserError';
}

/** Something that a later attempt may get through: throttling, a backend that is away. */
export class RetryableError extends Error {
  override readonly name = 'RetryableError';
}

/** Data that no attempt will ever make sense of: set aside with its payload. */
export class PoisonError extends Error {
  override readonly name = 'PoisonError';
}

/** What the store takes in no attempt, for what it is: a key or an item that is too long. All else of the call is done. */
export class ItemRefusedError extends Error {
  override readonly name = 'ItemRefusedError';
  readonly keys: readonly { pk: string; sk: string }[];

  /** @param why names the limit, never a value */
  constructor(keys: readonly { pk: string; sk: string }[], why: string) {
    super(`the store refuses ${keys.length} items for what they are: ${why}`);
    this.keys = keys.map(({ pk, sk }) => ({ pk, sk }));
  }
}

/** What a queue takes in no attempt, for what it is: a message that is too long, or of characters that it cannot hold. */
export class MessageRefusedError<T> extends Error {
  override readonly name = 'MessageRefusedError';
  /** What is in the messages: activities of timers, spans. All else of the call is in the queue. */
  readonly refused: readonly T[];

  /** @param why names the limit, never a value */
  constructor(refused: readonly T[], why: string) {
    super(`the queue refuses messages for what they are: ${why}`);
    this.refused = refused;
  }
}
