/** The emulators for the tests of a file, as AWS with the stack in it. */
import { ReceiveMessageCommand, type SQSClient } from '@aws-sdk/client-sqs';
import { afterAll, beforeAll } from 'vitest';
import { type AwsClients, connectAws } from '../../infra/local/connect-aws.ts';
import { createResources, type Resources } from '../../infra/local/create-resources.ts';
import { type Emulators, startEmulators } from '../../infra/local/start-emulators.ts';

/** Clients, and what there is: to be read once the tests run. */
export function useEmulators(): Omit<AwsClients, 'destroy'> & Resources {
  const inUse = {} as AwsClients & Resources;
  let emulators: Emulators;
  beforeAll(async () => {
    emulators = await startEmulators();
    Object.assign(inUse, connectAws(emulators.endpoints));
    Object.assign(inUse, await createResources(inUse, { shards: 1 }));
  });
  afterAll(async () => {
    inUse.destroy();
    await emulators.stop();
  });
  return inUse;
}

/** The bodies of all messages that are there. */
export async function receiveAll(sqs: SQSClient, queueUrl: string): Promise<string[]> {
  const bodies: string[] = [];
  for (;;) {
    const command = new ReceiveMessageCommand({ QueueUrl: queueUrl, MaxNumberOfMessages: 10 });
    const { Messages = [] } = await sqs.send(command);
    if (Messages.length === 0) return bodies;
    bodies.push(...Messages.map(({ Body = '' }) => Body));
  }
}
