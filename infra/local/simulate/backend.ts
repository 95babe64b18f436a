/** What takes OTLP over HTTP: it notes each span as it came, and when. */
import type { OtlpTransport, TransportAnswer } from '../../../functions/emitter/export-spans.ts';
import type { Span } from '../../../shared/span.ts';
import { readOtlpSpans } from '../read-otlp-spans.ts';
import type { Instance, World } from './function.ts';

export interface Delivery {
  /** Milliseconds since 1970. */
  deliveredAt: number;
  span: Span;
}

export interface Backend {
  of(instance: Instance): OtlpTransport;
  deliveries: readonly Delivery[];
}

class Refusal extends Error {
  readonly answer: TransportAnswer;
  constructor(answer: TransportAnswer) {
    super('refused');
    this.answer = answer;
  }
}

const nothing = new Uint8Array();
const warning = new TextEncoder().encode(
  JSON.stringify({ partialSuccess: { rejectedSpans: '0', errorMessage: 'an attribute was cut' } }),
);

export function createBackend({ time, account, faults }: World): Backend {
  const deliveries: Delivery[] = [];
  const refusal = () => {
    const { status, retryAfter } = faults.refusalOfBackend();
    const after = retryAfter === undefined ? undefined : String(retryAfter);
    return new Refusal({ kind: 'answered', status, retryAfter: after, body: nothing });
  };
  return {
    deliveries,
    of: (instance) => ({
      protocol: 'http/json',
      async send(body) {
        const spans = readOtlpSpans(JSON.parse(new TextDecoder().decode(body)));
        try {
          return await instance.call({ service: 'backend', name: 'POST /v1/traces', refusal }, (take) => {
            account.services.backend.bytes += body.byteLength;
            for (const span of take(spans)) deliveries.push({ deliveredAt: time.now(), span });
            const answer = faults.isGrudging() ? warning : nothing;
            return { kind: 'answered', status: 200, body: answer } as const;
          });
        } catch (error) {
          if (error instanceof Refusal) return error.answer;
          return { kind: 'unanswered', message: String(error) };
        }
      },
    }),
  };
}
