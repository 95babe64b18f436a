/** The backend is seldom down: the SQS client is set up when a message has to wait for the first time, not with each cold start. */
import type { Redelivery } from './deliver-messages.ts';

export function createLaterRedelivery(queueUrl: string): Redelivery {
  let made: Promise<Redelivery> | undefined;
  return {
    async delay(messages) {
      if (messages.length === 0) return;
      made ??= import('./redelivery-sqs.ts').then(({ connectRedelivery }) => connectRedelivery(queueUrl));
      await (await made).delay(messages);
    },
  };
}
