/** The emitter's part: over HTTP to a receiver in this process where there are few spans, else as it was measured of those. */
import { createEmitter, narrowingRequests } from '../../../functions/emitter/emit.ts';
import { exportSpans } from '../../../functions/emitter/export-spans.ts';
import { createHttpTransport } from '../../../functions/emitter/http-transport.ts';
import { otlpPacking } from '../../../functions/emitter/pack-requests.ts';
import { startOtlpReceiver } from '../../../infra/local/receive-otlp.ts';
import { add, type Counts } from './counts.ts';
import { emitCpu } from './prices.ts';
import { type Settings, timed } from './run-workload.ts';

export const reckonEmitter =
  (counts: Counts): Settings['emit'] =>
  async (_, spans) => {
    add(counts, 'spans', spans.length);
    add(counts, 'invocation emit', 1);
    add(counts, 'cpu emit', emitCpu.invocation + spans.length * emitCpu.span);
  };

export async function startEmitter(
  counts: Counts,
): Promise<{ emit: Settings['emit']; stop(): Promise<void> }> {
  const receiver = await startOtlpReceiver();
  const transport = createHttpTransport({
    url: new URL(receiver.endpoint),
    headers: {},
    timeoutMs: 10_000,
    compression: 'gzip',
    protocol: 'http/protobuf',
  });
  const emit = createEmitter(
    {
      exportSpans: (spans) => exportSpans(spans, { transport, now: Date.now }),
      setAside: { keep: () => Promise.reject(new Error('a span was refused')) },
      now: Date.now,
    },
    { ...otlpPacking, narrowingRequests },
  );
  let invocations = 0;
  return {
    async emit(messages, spans) {
      invocations += 1;
      add(counts, 'spans', spans.length);
      const some = messages.map((body, part) => ({ messageId: `${invocations}.${part}`, body }));
      await timed('emit', counts, () => emit(some, Number.POSITIVE_INFINITY));
    },
    async stop() {
      transport.close();
      await receiver.stop();
    },
  };
}
