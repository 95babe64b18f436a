import { ApiError, type Json } from './api-server.ts';

/** Of a `Status`; `retryAfter` in seconds where a header said so. */
export function toApiError(status: Json, code: number, retryAfter = Number.NaN): ApiError {
  const details = status.details as Json | null | undefined;
  const seconds = Number.isNaN(retryAfter) ? details?.retryAfterSeconds : retryAfter;
  return new ApiError(typeof status.message === 'string' ? status.message : `HTTP status ${code}`, {
    status: code,
    reason: typeof status.reason === 'string' ? status.reason : undefined,
    retryAfterSeconds: typeof seconds === 'number' && seconds > 0 ? seconds : undefined,
  });
}
