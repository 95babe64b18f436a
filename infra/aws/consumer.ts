/**
 * A function that consumes a source: with rights of its own and no others, a place for what it cannot handle, and alarms
 * that say what it means for users when it stands still.
 */
import { writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { AssetHashType, Duration, RemovalPolicy, Validations } from 'aws-cdk-lib';
import { type Alarm, type IMetric, Metric, SearchExpression, Stats } from 'aws-cdk-lib/aws-cloudwatch';
import { ManagedPolicy, PolicyStatement, Role, ServicePrincipal } from 'aws-cdk-lib/aws-iam';
import type { IStream } from 'aws-cdk-lib/aws-kinesis';
import type { IKey } from 'aws-cdk-lib/aws-kms';
import {
  Architecture,
  type CfnFunction,
  Code,
  Function as LambdaFunction,
  LoggingFormat,
  MetricType,
  RecursiveLoop,
  Runtime,
  StartingPosition,
  SystemLogLevel,
} from 'aws-cdk-lib/aws-lambda';
import { KinesisEventSource, SqsEventSource } from 'aws-cdk-lib/aws-lambda-event-sources';
import { LogGroup, type RetentionDays } from 'aws-cdk-lib/aws-logs';
import type { IBucket } from 'aws-cdk-lib/aws-s3';
import { Construct } from 'constructs';
import { acknowledgeWildcard, objectsOf } from './acknowledge-wildcard.ts';
import {
  type AlarmTiming,
  atOnce,
  createAlarm,
  idleTiming,
  nowAndThen,
  alarmPeriod as period,
  waitingInVain,
} from './create-alarm.ts';
import { writeFunction } from './function-code.ts';
import type { Settings } from './read-settings.ts';
import type { WorkQueue } from './work-queue.ts';

const root = resolve(import.meta.dirname, '../..');

/** What stream, table, queues and bucket ask of a key in the name of whoever reads and writes them. */
const keyActions = [
  'Decrypt',
  'DescribeKey',
  'Encrypt',
  'GenerateDataKey',
  'GenerateDataKeyWithoutPlaintext',
  'ReEncryptFrom',
  'ReEncryptTo',
].map((action) => `kms:${action}`);

/**
 * Of a record in the stream: its shortest retention, less what a catch-up takes. Smaller: what waited through an outage has to be replayed
 * by hand. Larger: the stream has forgotten what is to be kept in the bucket.
 */
export const longestWait = Duration.hours(22);

export interface ConsumerProps {
  /** The module that exports `handler`, from the root of the repository. */
  entry: string;
  /** Dimension of its figures, and its folder in the bucket. */
  service: 'ingest' | 'settle' | 'emit';
  description: string;
  memoryMiB: number;
  timeout: Duration;
  /**
   * Sends messages to the queue that it consumes. Lambda takes that for a loop and stops it at the 17th turn, by the trace
   * header that the SDK hands on (https://docs.aws.amazon.com/lambda/latest/dg/invocation-recursion.html).
   */
  armsItself?: boolean;
  environment: Record<string, string>;
  /** What stands beside the code, by name. */
  files?: Readonly<Record<string, string>>;
  setAside: IBucket;
  /** CloudWatch's namespace of what it says of itself. */
  metricsNamespace: string;
  logRetention: RetentionDays;
  /** The users' own, of whatever the function reads and writes. */
  key: IKey | undefined;
  vpc?: NonNullable<Settings['vpc']>;
}

/** What the readers of its alarms have to know, each in a sentence. */
export interface Meanings {
  failing: string;
  late: string;
  /** Nobody is invoked though something waits. */
  idle: string;
}

/** Of an age. */
export interface AgeAlarm {
  threshold: Duration;
  means: string;
}

export class Consumer extends Construct {
  readonly handler: LambdaFunction;
  readonly alarms: Alarm[] = [];
  /** What goes into the bucket: set aside by the function, and of a stream given up by Lambda. */
  readonly kept: Metric[] = [];
  readonly #props: ConsumerProps;

  constructor(scope: Construct, id: string, props: ConsumerProps) {
    super(scope, id);
    this.#props = props;
    const files = Object.entries(props.files ?? {});
    const logGroup = new LogGroup(this, 'Logs', {
      retention: props.logRetention,
      ...(props.key !== undefined && { encryptionKey: props.key }),
      removalPolicy: RemovalPolicy.DESTROY,
    });
    // CDK's own role may write to every log group of the account.
    const role = new Role(this, 'Role', { assumedBy: new ServicePrincipal('lambda.amazonaws.com') });
    logGroup.grantWrite(role);
    this.handler = new LambdaFunction(this, 'Function', {
      code: Code.fromAsset(root, {
        assetHashType: AssetHashType.OUTPUT,
        bundling: {
          // An image and a command for where nobody here could bundle; the CDK also tells what it has bundled by them.
          image: Runtime.NODEJS_24_X.bundlingImage,
          command: [props.entry, ...files.flat()],
          local: {
            tryBundle(folder) {
              writeFunction(props.entry, folder);
              for (const [name, text] of files) writeFileSync(join(folder, name), text);
              return true;
            },
          },
        },
      }),
      handler: 'index.handler',
      description: props.description,
      runtime: Runtime.NODEJS_24_X,
      architecture: Architecture.ARM_64,
      memorySize: props.memoryMiB,
      timeout: props.timeout,
      ...(props.armsItself === true && { recursiveLoop: RecursiveLoop.ALLOW }),
      role,
      logGroup,
      loggingFormat: LoggingFormat.JSON,
      // START and REPORT of each invocation would be most of the log's bytes, and are metrics anyway.
      systemLogLevelV2: SystemLogLevel.WARN,
      environment: {
        ...props.environment,
        SET_ASIDE_BUCKET: props.setAside.bucketName,
        POWERTOOLS_SERVICE_NAME: props.service,
        POWERTOOLS_METRICS_NAMESPACE: props.metricsNamespace,
        POWERTOOLS_LOG_LEVEL: 'INFO',
        NODE_OPTIONS: '--enable-source-maps',
      },
    });
    if (props.vpc !== undefined) this.#enterVpc(role, props.vpc);
    this.#grantPut(`set-aside/${props.service}/`);
    props.key?.grant(role, ...keyActions);
  }

  /**
   * Events in order, shard by shard. What fails is halved until it stands alone; after a hundred attempts (under two hours), or once it
   * is as old as the stream may forget it soon, it is kept in the bucket, whole.
   */
  readStream(
    stream: IStream,
    means: Meanings & { givenUp: string; held: string; lost: string },
    { lateAfter, parallelization }: { lateAfter: Duration; parallelization: number },
  ): void {
    const { setAside } = this.#props;
    const source = new KinesisEventSource(stream, {
      startingPosition: StartingPosition.TRIM_HORIZON,
      batchSize: 100,
      // What one invocation reads of an activity is one write, so a longer window is cheaper; with 5 s what comes up to
      // 11 s late still comes within the 20 s of quiet.
      maxBatchingWindow: Duration.seconds(5),
      parallelizationFactor: parallelization,
      bisectBatchOnError: true,
      reportBatchItemFailures: true,
      retryAttempts: 100,
      maxRecordAge: longestWait,
      // The CDK's own destination would give the function every right on the bucket, reading and deleting too.
      onFailure: { bind: () => ({ destination: setAside.bucketArn }) },
      metricsConfig: { metrics: [MetricType.EVENT_COUNT] },
    });
    this.handler.addEventSource(source);
    // https://docs.aws.amazon.com/lambda/latest/dg/kinesis-on-failure-destination.html
    this.#grantPut('aws/lambda/');
    this.handler.addToRolePolicy(
      new PolicyStatement({ actions: ['s3:ListBucket'], resources: [setAside.bucketArn] }),
    );
    this.#addInvocationAlarms(means, stream.metricIncomingRecords({ statistic: Stats.SUM }));
    this.addAlarm(
      'Late',
      this.handler.metric('IteratorAge', { statistic: Stats.MAXIMUM, period }),
      lateAfter.toMilliseconds(),
      `${means.late}.`,
    );
    // Without it nobody would hear of them: a hundred attempts may be over before "Crashing" goes off.
    const givenUp = new Metric({
      namespace: 'AWS/Lambda',
      metricName: 'OnFailureDestinationDeliveredEventCount',
      dimensionsMap: { EventSourceMappingUUID: source.eventSourceMappingId },
      statistic: Stats.SUM,
      period,
    });
    this.kept.push(givenUp);
    this.addAlarm('Held', this.metric('Held'), 1, `${means.held}.`, atOnce);
    this.addAlarm('GivenUp', givenUp, 1, `${means.givenUp}.`, atOnce);
    const lost = this.handler.metric('DestinationDeliveryFailures', { statistic: Stats.SUM, period });
    this.addAlarm('Lost', lost, 1, `${means.lost}.`, atOnce);
    this.#addSetAsideAlarm();
  }

  /**
   * @param maxConcurrency of the event source and not of the function: nothing is taken from what other functions of the
   * account may use, and messages beyond it wait in the queue instead of being received in vain
   * @param batchSize messages
   */
  readQueue(
    { queue, deadLetters }: WorkQueue,
    {
      maxConcurrency,
      batchSize,
      failingAlarm = nowAndThen,
      lateAfter,
      old,
      ...means
    }: Meanings & {
      maxConcurrency: number;
      batchSize: number;
      failingAlarm?: AlarmTiming;
      lateAfter: Duration;
      old: AgeAlarm;
    },
  ): void {
    this.handler.addEventSource(
      new SqsEventSource(queue, { batchSize, reportBatchItemFailures: true, maxConcurrency }),
    );
    const visible = queue.metricApproximateNumberOfMessagesVisible({ statistic: Stats.MAXIMUM });
    this.#addInvocationAlarms(means, visible);
    this.addAlarm('Failing', this.metric('Failed'), 1, `${means.failing}.`, failingAlarm);
    this.addAlarm(
      'Late',
      queue.metricApproximateAgeOfOldestMessage({ statistic: Stats.MAXIMUM, period }),
      lateAfter.toSeconds(),
      `${means.late}.`,
    );
    // SQS's own age leaves out what was received more than three times; this is what the function finds in its messages.
    const oldest = this.metric('OldestPendingAge', Stats.MAXIMUM);
    this.addAlarm('Old', oldest, old.threshold.toSeconds(), `${old.means}.`, nowAndThen);
    this.addAlarm(
      'DeadLetters',
      deadLetters.metricApproximateNumberOfMessagesVisible({ statistic: Stats.MAXIMUM, period }),
      1,
      `${means.failing}, and it was given up after many times. The messages are in the dead-letter queue.`,
      atOnce,
    );
    this.#addSetAsideAlarm();
  }

  /** Of the figures that the function tells of itself. */
  metric(metricName: string, statistic: string = Stats.SUM): Metric {
    const { service, metricsNamespace: namespace } = this.#props;
    const dimensionsMap = { service };
    return new Metric({ namespace, metricName, dimensionsMap, statistic, period });
  }

  /** By a search, because a cluster that is new has no place in what was deployed. Of more than 500 CloudWatch draws 500. */
  metricByCluster(metricName: string, statistic: string = Stats.SUM): SearchExpression {
    const { service, metricsNamespace } = this.#props;
    const found = `{"${metricsNamespace}","service","cluster"} service="${service}" MetricName="${metricName}"`;
    return new SearchExpression({
      expression: `SEARCH('${found}', '${statistic}', ${period.toSeconds()})`,
      // biome-ignore lint/suspicious/noTemplateCurlyInString: CloudWatch fills it in
      label: "${PROP('Dim.cluster')}",
      period,
    });
  }

  /** By ids, as they are: the CDK's own way wants to know a VPC's zones and route tables, and would look them up. */
  #enterVpc(role: Role, vpcConfig: NonNullable<Settings['vpc']>) {
    (this.handler.node.defaultChild as CfnFunction).vpcConfig = vpcConfig;
    const policy = 'service-role/AWSLambdaVPCAccessExecutionRole';
    role.addManagedPolicy(ManagedPolicy.fromAwsManagedPolicyName(policy));
    Validations.of(role).acknowledge({
      id: `AwsSolutions-IAM4[Policy::arn:<AWS::Partition>:iam::aws:policy/${policy}]`,
      reason:
        'What Lambda needs to give a function an address in a VPC; network interfaces have no names in advance.',
    });
  }

  /** Nothing but to add objects: what is set aside, only a person looks at. */
  #grantPut(prefix: string) {
    const { setAside } = this.#props;
    this.handler.addToRolePolicy(
      new PolicyStatement({ actions: ['s3:PutObject'], resources: [setAside.arnForObjects(`${prefix}*`)] }),
    );
    acknowledgeWildcard(
      this,
      objectsOf(setAside, prefix),
      'Keys are hashes or times, of which nobody knows in advance.',
    );
  }

  /** It fails, it may not run, or nobody runs it. @param waiting what its source has got, or has */
  #addInvocationAlarms({ failing, idle }: Meanings, waiting: IMetric) {
    const errors = this.handler.metricErrors({ period });
    this.addAlarm('Crashing', errors, 1, `${failing}: the function itself fails.`, nowAndThen);
    this.addAlarm(
      'Throttled',
      this.handler.metricThrottles({ statistic: Stats.SUM, period }),
      1,
      `${failing} in time: Lambda has had no place for the function for a quarter of an hour.`,
    );
    const inVain = waitingInVain(waiting, this.handler.metricInvocations({ statistic: Stats.SUM }));
    this.addAlarm('Idle', inVain, 1, `${idle}.`, idleTiming);
  }

  #addSetAsideAlarm() {
    const setAside = this.metric('SetAside');
    this.kept.push(setAside);
    this.addAlarm(
      'SetAside',
      setAside,
      1,
      'Something was not understood or was refused, and is missing from the traces; it is kept in the set-aside bucket.',
      atOnce,
    );
  }

  addAlarm(id: string, metric: IMetric, threshold: number, means: string, timing?: AlarmTiming): void {
    const section = `${this.node.id}${id}`;
    this.alarms.push(
      createAlarm(this, id, { metric, threshold, means, section, ...(timing !== undefined && { timing }) }),
    );
  }
}
