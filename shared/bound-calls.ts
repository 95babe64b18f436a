/**
 * How long a call of the functions to AWS may take: without bounds the SDK waits for as long as its socket is open, and one host that
 * takes a request and never answers costs a whole invocation, a minute or two, and all that it had in hand.
 */

/**
 * Milliseconds from asking to the answer, of each attempt; the SDK makes three, so that a call is over after 16 s and pauses, well within
 * the shortest time-out of a function, a minute. DynamoDB and SQS answer within 10 ms, S3 within 100. Smaller: an answer that is only late
 * (a page of 1 MB, a partition that splits) is asked for again, which makes it later. Larger: three attempts leave no time for the rest.
 */
const longestAttempt = 5_000;

/** Milliseconds; within a region a connection takes two or three. Larger: an address of which nobody is there any more is tried for longer. */
const longestConnecting = 1_000;

/** For every client of the SDK that a function has. */
export const boundCalls = {
  requestHandler: {
    connectionTimeout: longestConnecting,
    requestTimeout: longestAttempt,
    // Else it would only be logged.
    throwOnRequestTimeout: true,
    // An answer that began and goes on no more.
    socketTimeout: longestAttempt,
  },
} as const;
