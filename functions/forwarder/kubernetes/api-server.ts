/** What the forwarder asks of a cluster's API server, over one keep-alive connection and one more for each watch. */

/** Kubernetes' JSON: nothing of it is checked yet. */
export type Json = Record<string, unknown>;
export const isRecord = (value: unknown): value is Json =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
/** What is none is taken for an empty one. */
export const json = (value: unknown): Json => (isRecord(value) ? value : {});

export interface ApiServer {
  /**
   * One call and its whole answer. Paths are absolute and hold the query: `/api/v1/pods?limit=500`.
   * @throws ApiError for an answer of 400 and more; any other error is the network's
   */
  call(
    method: 'GET' | 'POST' | 'PUT' | 'DELETE',
    path: string,
    options?: { body?: Json; signal?: AbortSignal },
  ): Promise<Json>;
  /**
   * The lines of a watch as they come, until the server ends it. Reading slowly slows the server down.
   * @param idleTimeout milliseconds without a byte after which the connection counts as dead
   * @throws ApiError as above; SilentConnection; any other error is the network's
   */
  lines(path: string, options: { signal: AbortSignal; idleTimeout: number }): AsyncIterable<string>;
}

/** Nothing came for the idle timeout of a watch: the connection is dead, or there was nothing to tell. */
export class SilentConnection extends Error {
  override readonly name = 'SilentConnection';
}

/** An answer that is no success, of a call or as an ERROR line of a watch: Kubernetes' `Status`. */
export class ApiError extends Error {
  override readonly name = 'ApiError';
  readonly status: number;
  /** `Expired`, `Forbidden`, `NotFound`, … */
  readonly reason: string | undefined;
  readonly retryAfterSeconds: number | undefined;

  constructor(
    message: string,
    {
      status,
      reason,
      retryAfterSeconds,
    }: { status: number; reason?: string | undefined; retryAfterSeconds?: number | undefined },
  ) {
    super(message);
    this.status = status;
    this.reason = reason;
    this.retryAfterSeconds = retryAfterSeconds;
  }
}
