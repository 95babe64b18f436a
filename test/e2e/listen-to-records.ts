/** Whoever wants to be told: rules on the bus of change records that deliver to queues, and one that a topic fills. */
import { DeleteMessageCommand, ReceiveMessageCommand, type SQSClient } from '@aws-sdk/client-sqs';
import { App, CfnOutput, Stack } from 'aws-cdk-lib';
import { EventBus, type EventPattern, Rule } from 'aws-cdk-lib/aws-events';
import { SqsQueue } from 'aws-cdk-lib/aws-events-targets';
import { Topic } from 'aws-cdk-lib/aws-sns';
import { SqsSubscription } from 'aws-cdk-lib/aws-sns-subscriptions';
import { Queue } from 'aws-cdk-lib/aws-sqs';
import type { ChangeRecord } from '../../shared/change-record.ts';

export interface Listeners {
  busName: string;
  topicArn: string;
  /** By the name of the queue. */
  patterns: Readonly<Record<string, EventPattern>>;
}

/** Writes the stack `Listeners` into a folder that `cdk --app` takes. An output for each queue, and `topic` for that of the topic. */
export function synthesizeListeners(outdir: string, { busName, topicArn, patterns }: Listeners): void {
  const app = new App({ outdir });
  const stack = new Stack(app, 'Listeners');
  const eventBus = EventBus.fromEventBusName(stack, 'Bus', busName);
  const createQueue = (name: string): Queue => {
    const queue = new Queue(stack, `${name}Queue`);
    new CfnOutput(stack, name, { value: queue.queueUrl });
    return queue;
  };
  for (const [name, eventPattern] of Object.entries(patterns))
    new Rule(stack, `${name}Rule`, { eventBus, eventPattern, targets: [new SqsQueue(createQueue(name))] });
  Topic.fromTopicArn(stack, 'Topic', topicArn).addSubscription(
    new SqsSubscription(createQueue('topic'), { rawMessageDelivery: true }),
  );
  app.synth();
}

/** An event as a rule delivers it. */
export interface Delivered {
  source: string;
  'detail-type': string;
  detail: ChangeRecord;
}

/** All that a queue holds, which is empty then. */
export async function takeMessages(sqs: SQSClient, QueueUrl: string): Promise<string[]> {
  const bodies: string[] = [];
  for (;;) {
    const { Messages = [] } = await sqs.send(
      new ReceiveMessageCommand({ QueueUrl, MaxNumberOfMessages: 10, WaitTimeSeconds: 1 }),
    );
    if (Messages.length === 0) return bodies;
    for (const { Body, ReceiptHandle } of Messages) {
      bodies.push(Body!);
      await sqs.send(new DeleteMessageCommand({ QueueUrl, ReceiptHandle }));
    }
  }
}
