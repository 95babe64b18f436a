/** Timers as delayed messages of an SQS queue. */
import { SendMessageBatchCommand, type SQSClient } from '@aws-sdk/client-sqs';
import { MessageRefusedError, RetryableError } from '../../shared/errors.ts';
import { inGroups } from '../../shared/in-groups.ts';
import { forEachOf } from './for-each-of.ts';
import type { Timers } from './ports.ts';
import { isMessageRefusal } from './sqs-refusal.ts';
import { clusterOf } from './store.ts';
import { longestDelay } from './thresholds.ts';

/** Activities of one message: they are settled together, and what fails of them brings the others again for nothing. */
const mostTogether = 10;
/** SQS's most messages of one request. */
const mostMessages = 10;

export function createTimers(client: SQSClient, queueUrl: string): Timers {
  /** Activities whose message is refused for what it is; a request that is too long as a whole is sent message by message. */
  async function send(messages: readonly Message[]): Promise<Refused[]> {
    const Entries = messages.map(({ activities: _, ...entry }, index) => ({ ...entry, Id: String(index) }));
    try {
      const { Failed = [] } = await client.send(new SendMessageBatchCommand({ QueueUrl: queueUrl, Entries }));
      const other = Failed.find(({ Code, Message }) => !isMessageRefusal(Code, Message));
      if (other !== undefined)
        throw new RetryableError(`SQS did not take ${Failed.length} messages: ${other.Code}`);
      return Failed.map(({ Id, Code = '' }) => ({ ...messages[Number(Id)]!, why: Code }));
    } catch (error) {
      if (!(error instanceof Error && isMessageRefusal(error.name, error.message))) throw error;
      if (messages.length === 1) return [{ ...messages[0]!, why: error.name }];
      const refused: Refused[] = [];
      for (const message of messages) refused.push(...(await send([message])));
      return refused;
    }
  }

  return {
    async arm({ activities, ...when }, delaySeconds) {
      const DelaySeconds = Math.min(longestDelay / 1000, Math.max(0, Math.ceil(delaySeconds)));
      const messages = inMessages(activities).map((some) => ({
        activities: some,
        MessageBody: JSON.stringify({ activities: some, ...when }),
        DelaySeconds,
        ...groupOf(some),
      }));
      const refused: Refused[] = [];
      await forEachOf(inGroups(messages, mostMessages), async (some) => {
        refused.push(...(await send(some)));
      });
      if (refused.length > 0)
        throw new MessageRefusedError(
          refused.flatMap(({ activities }) => activities),
          refused[0]!.why,
        );
    },
  };
}

interface Message {
  activities: string[];
  MessageBody: string;
  DelaySeconds: number;
  MessageGroupId?: string;
}

/** A cluster's own as far as they fill messages: what is left of several shares some, since each is billed. */
function inMessages(activities: readonly string[]): string[][] {
  const ofClusters = [...Map.groupBy(activities, clusterOf).values()].flatMap((own) =>
    inGroups(own, mostTogether),
  );
  const full = ofClusters.filter(({ length }) => length === mostTogether);
  const left = ofClusters.filter(({ length }) => length < mostTogether).flat();
  return [...full, ...inGroups(left, mostTogether)];
}

/** SQS's own: so many characters, all of them printable ASCII and no blank. Two that look the same after that share their turn. */
const longestGroup = 128;
const toGroup = (cluster: string): string => cluster.replace(/[^!-~]/g, '-').slice(0, longestGroup);

/**
 * Whose a message is, where it is one cluster's: of what waits the queue hands out first what is not of those that keep settle busy (SQS
 * calls that a fair queue, and bills it). What has no group counts as nobody else's: who floods has several activities a message.
 */
function groupOf([first, ...others]: readonly string[]): Pick<Message, 'MessageGroupId'> {
  const cluster = clusterOf(first!);
  return others.length > 0 && others.every((activity) => clusterOf(activity) === cluster)
    ? { MessageGroupId: toGroup(cluster) }
    : {};
}

interface Refused extends Message {
  why: string;
}
