/** The emitter's remarks as log lines and figures. */
import type { TellingTable } from '../../shared/telemetry.ts';
import type { DeliveryRemark } from './deliver-messages.ts';

export const emitterTellings: TellingTable<DeliveryRemark> = {
  emitted: ({ messages, undelivered, exported, rejected, refused, kept, requests }) => ({
    level: 'info',
    message: 'emitted',
    fields: { messages, undelivered, exported, rejected, refused, kept, requests },
    metrics: { Exported: exported, Refused: rejected + refused, Undelivered: undelivered },
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
  refused: ({ spans, reason }) => ({
    level: 'error',
    message: 'refused spans are set aside',
    fields: { spans, reason },
    metrics: { SetAside: 1 },
  }),
  unavailable: ({ message }) => ({
    level: 'warn',
    message: 'the backend is unavailable; the spans wait in the queue',
    fields: { reason: message },
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
