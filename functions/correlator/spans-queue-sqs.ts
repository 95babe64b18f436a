/** The queue between correlator and emitter. */
import { SendMessageCommand, type SQSClient } from '@aws-sdk/client-sqs';
import { encodeSpanBatches } from '../../shared/span-batch-codec.ts';
import type { SpansQueue } from './ports.ts';

export function createSpansQueue(client: SQSClient, queueUrl: string): SpansQueue {
  return {
    async send(spans) {
      for (const body of encodeSpanBatches(spans)) {
        await client.send(new SendMessageCommand({ QueueUrl: queueUrl, MessageBody: body }));
      }
    },
  };
}
