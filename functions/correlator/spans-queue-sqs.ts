/** The queue between correlator and emitter. */
import { SendMessageCommand, type SQSClient } from '@aws-sdk/client-sqs';
import { MessageRefusedError } from '../../shared/errors.ts';
import type { Span } from '../../shared/span.ts';
import { decodeSpanBatch, encodeSpanBatches } from '../../shared/span-batch-codec.ts';
import type { SpansQueue } from './ports.ts';
import { isMessageRefusal } from './sqs-refusal.ts';

export function createSpansQueue(client: SQSClient, queueUrl: string): SpansQueue {
  /** Why its message is refused for what it is; undefined: it is in the queue. */
  async function send(body: string): Promise<string | undefined> {
    try {
      await client.send(new SendMessageCommand({ QueueUrl: queueUrl, MessageBody: body }));
      return undefined;
    } catch (error) {
      if (error instanceof Error && isMessageRefusal(error.name, error.message)) return error.name;
      throw error;
    }
  }

  return {
    async send(spans) {
      const refused: Span[] = [];
      let why = '';
      for (const body of encodeSpanBatches(spans)) {
        const refusal = await send(body);
        if (refusal === undefined) continue;
        why = refusal;
        const batch = decodeSpanBatch(body);
        if (batch.ok) refused.push(...batch.value.spans);
      }
      if (refused.length > 0) throw new MessageRefusedError(refused, why);
    },
  };
}
