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
