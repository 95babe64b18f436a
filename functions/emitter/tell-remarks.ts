/** The emitter's remarks as log lines and figures. */
import type { TellingTable } from '../../shared/telemetry.ts';
import type { DeliveryRemark } from './deliver-messages.ts';

/** Of one line: more would not be read. */
const mostTraceIds = 20;

export const emitterTellings: TellingTable<DeliveryRemark> = {
  emitted: ({ messages, left, age, exported, rejected, refused, kept, requests }) => ({
    level: 'info',
    message: 'emitted',
    fields: { messages, left, age, exported, rejected, refused, kept, requests },
    metrics: { Exported: exported, Refused: rejected + refused, Failed: left, OldestPendingAge: age },
  }),
  'unreadable-message': ({ messageId, reason }) => ({
    level: 'error',
    message: 'a message that cannot be read',
    fields: { messageId, reason },
    metrics: { SetAside: 1 },
  }),
  'partly-accepted': ({ spans, rejectedSpans, message }) => ({
    level: rejectedSpans > 0 ? 'error' : 'warn',
    message: 'the backend dropped spans of a request that it took',
    fields: { spans, rejectedSpans, reason: message },
  }),
  refused: ({ messageId, spans, traceIds, reason }) => ({
    level: 'error',
    message: 'refused spans are set aside',
    fields: { messageId, spans, traceIds: traceIds.slice(0, mostTraceIds), reason },
    metrics: { SetAside: 1 },
  }),
  unavailable: ({ message }) => ({
    level: 'warn',
    message: 'the backend is unavailable; the spans wait in the queue',
    fields: { reason: message },
  }),
  'out-of-time': ({ spans }) => ({
    level: 'warn',
    message: 'no time was left for all spans; they wait in the queue',
    fields: { spans },
  }),
  'not-delayed': ({ error }) => ({
    level: 'warn',
    message: 'messages could not be delayed; they come again after the visibility timeout of the queue',
    error,
  }),
  undecided: ({ spans }) => ({
    level: 'warn',
    message: 'too many refusals to find out which spans are meant',
    fields: { spans },
  }),
  'not-set-aside': ({ error }) => ({
    level: 'error',
    message: 'poison could not be set aside; its message comes again',
    error,
  }),
};
