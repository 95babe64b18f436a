/** A queue between two functions, and where its messages go when they were received too often. */
import { Duration } from 'aws-cdk-lib';
import type { IKey } from 'aws-cdk-lib/aws-kms';
import { Queue, QueueEncryption } from 'aws-cdk-lib/aws-sqs';
import { Construct } from 'constructs';

export interface WorkQueueProps {
  /** Of the function that consumes it. */
  consumerTimeout: Duration;
  /** 1 to 1,000. */
  maxReceiveCount: number;
  retention: Duration;
  /** The users' own, where they have one. */
  key: IKey | undefined;
}

export class WorkQueue extends Construct {
  readonly queue: Queue;
  readonly deadLetters: Queue;

  constructor(
    scope: Construct,
    id: string,
    { consumerTimeout, maxReceiveCount, retention, key }: WorkQueueProps,
  ) {
    super(scope, id);
    const settings = {
      ...(key === undefined
        ? { encryption: QueueEncryption.SQS_MANAGED }
        : { encryption: QueueEncryption.KMS, encryptionMasterKey: key }),
      enforceSSL: true,
      retentionPeriod: retention,
    };
    this.deadLetters = new Queue(this, 'DeadLetters', settings);
    this.queue = new Queue(this, 'Queue', {
      ...settings,
      // Six times the function's, as Lambda recommends: it may be throttled while a batch is in its hands.
      visibilityTimeout: Duration.seconds(6 * consumerTimeout.toSeconds()),
      deadLetterQueue: { queue: this.deadLetters, maxReceiveCount },
    });
  }
}
