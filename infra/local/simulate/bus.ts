/** The bus of change records: it notes each as it came, and when. What it is not asked in time for comes back by the timers' queue. */
import { SendMessageCommand, type SQSClient } from '@aws-sdk/client-sqs';
import type { BusRecord, RecordsBus } from '../../../functions/correlator/ports.ts';
import type { Instance, World } from './function.ts';

export interface Told {
  /** Milliseconds since 1970. */
  at: number;
  record: BusRecord;
}

export interface Bus {
  of(instance: Instance, sqs: SQSClient, queueUrl: string): RecordsBus;
  told: readonly Told[];
}

export function createBus({ time, account }: World): Bus {
  const told: Told[] = [];
  return {
    told,
    of: (instance, sqs, queueUrl) => ({
      async put(records) {
        const refusal = () => new Error('EventBridge: ThrottlingException');
        try {
          await instance.call({ service: 'bus', name: 'PutEvents', refusal }, (take) => {
            for (const record of take(records)) {
              account.services.bus.bytes += JSON.stringify(record).length;
              account.recordsPut += 1;
              told.push({ at: time.now(), record });
            }
          });
          return { later: [], refused: [] };
        } catch {
          return { later: [...records], refused: [] };
        }
      },
      async postpone(records) {
        const MessageBody = JSON.stringify({ records });
        await sqs.send(new SendMessageCommand({ QueueUrl: queueUrl, MessageBody, DelaySeconds: 60 }));
      },
    }),
  };
}
