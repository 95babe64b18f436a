/**
 * The pipeline: one stream in, one table and two queues between three functions, spans out. Nothing here has a schedule:
 * without Events nothing is invoked and nothing is written.
 */
import { CfnOutput, Duration, RemovalPolicy, Stack, type StackProps, Tags, Validations } from 'aws-cdk-lib';
import { type Alarm, TreatMissingData } from 'aws-cdk-lib/aws-cloudwatch';
import { SnsAction } from 'aws-cdk-lib/aws-cloudwatch-actions';
import { AttributeType, Billing, TableV2 } from 'aws-cdk-lib/aws-dynamodb';
import { PolicyStatement } from 'aws-cdk-lib/aws-iam';
import { Stream, StreamEncryption, StreamMode } from 'aws-cdk-lib/aws-kinesis';
import { BlockPublicAccess, Bucket, BucketEncryption, type IBucket } from 'aws-cdk-lib/aws-s3';
import { Secret } from 'aws-cdk-lib/aws-secretsmanager';
import { Topic } from 'aws-cdk-lib/aws-sns';
import { Construct } from 'constructs';
import { toWrittenRules } from '../../functions/correlator/causality/rules/check-rules.ts';
import { acknowledgeWildcard } from './acknowledge-wildcard.ts';
import { ClusterAccess } from './cluster-access.ts';
import { Consumer } from './consumer.ts';
import { createDashboard } from './create-dashboard.ts';
import { commandLine } from './function-code.ts';
import type { Settings } from './read-settings.ts';
import { WorkQueue } from './work-queue.ts';

const settleTimeout = Duration.minutes(2);
const emitTimeout = Duration.minutes(1);

/** Rules of the users' own, beside settle's code. */
const rulesFile = 'rules.json';

/** What the functions ask of the table (store-dynamodb.ts). */
const tableActions = [
  'dynamodb:BatchGetItem',
  'dynamodb:BatchWriteItem',
  'dynamodb:PutItem',
  'dynamodb:Query',
];

export class RootspanStack extends Stack {
  constructor(scope: Construct, id: string, settings: Settings, props: StackProps = {}) {
    super(scope, id, { description: 'Rootspan: Kubernetes Events as OpenTelemetry traces', ...props });
    Tags.of(this).add('application', 'rootspan');
    const stores: Stores = {
      stream: createStream(this, settings.stream),
      table: createTable(this),
      // 100 times 12 minutes: what the table's or the queue's absence for most of a day leaves is still tried.
      timers: new WorkQueue(this, 'Timers', { consumerTimeout: settleTimeout, maxReceiveCount: 100 }),
      // The emitter delays what it could not deliver so that 1,000 times, SQS's most, are more than 14 days.
      spans: new WorkQueue(this, 'Spans', { consumerTimeout: emitTimeout, maxReceiveCount: 1000 }),
      setAside: createSetAside(this),
    };
    const consumers = {
      ingest: createIngest(this, stores, settings),
      settle: createSettle(this, stores, settings),
      emit: createEmit(this, stores, settings),
    };
    const alarms = Object.values(consumers).flatMap((consumer) => consumer.alarms);
    if (settings.alarmTopicArn !== undefined) notifyTopic(this, settings.alarmTopicArn, alarms);
    const { stream, timers, spans } = stores;
    createDashboard(this, { ...consumers, stream, timers, spans, alarms });
    // Names of the user's own, in a scope of their own.
    const clusters = new Construct(this, 'Clusters');
    for (const [name, cluster] of Object.entries(settings.clusters)) {
      new ClusterAccess(clusters, name, { settings: cluster, stream });
    }
    tellReplay(this, stores);
  }
}

/** What the functions work on. */
interface Stores {
  stream: Stream;
  table: TableV2;
  timers: WorkQueue;
  spans: WorkQueue;
  setAside: IBucket;
}

const createStream = (scope: Construct, settings: Settings['stream']): Stream =>
  new Stream(scope, 'Observations', {
    encryption: StreamEncryption.MANAGED,
    retentionPeriod: Duration.hours(24),
    ...(settings.mode === 'on-demand'
      ? { streamMode: StreamMode.ON_DEMAND }
      : { streamMode: StreamMode.PROVISIONED, shardCount: settings.shards }),
    // What is in it is a day old at most, and the forwarders' clusters still have most of that.
    removalPolicy: RemovalPolicy.DESTROY,
  });

const createTable = (scope: Construct): TableV2 =>
  new TableV2(scope, 'State', {
    partitionKey: { name: 'pk', type: AttributeType.STRING },
    sortKey: { name: 'sk', type: AttributeType.STRING },
    billing: Billing.onDemand(),
    timeToLiveAttribute: 'expiresAt',
    pointInTimeRecoverySpecification: { pointInTimeRecoveryEnabled: true },
    // It forgets within four days anyway; DynamoDB keeps the backup of a deleted table for 35 days.
    removalPolicy: RemovalPolicy.DESTROY,
  });

function createSetAside(scope: Construct): IBucket {
  const setAside = new Bucket(scope, 'SetAside', {
    encryption: BucketEncryption.S3_MANAGED,
    blockPublicAccess: BlockPublicAccess.BLOCK_ALL,
    enforceSSL: true,
    lifecycleRules: [{ expiration: Duration.days(90) }],
    // The only copy of what was not understood.
    removalPolicy: RemovalPolicy.RETAIN,
    // A cast, because the CDK's own declarations are not written for exactOptionalPropertyTypes.
  }) as IBucket;
  Validations.of(setAside).acknowledge({
    id: 'AwsSolutions-S1',
    reason:
      'Three functions write to it and a person replays it; a log of that would be a second bucket to keep.',
  });
  return setAside;
}

/** What both functions of the correlator have to agree on. */
const stateOf = ({ table, timers }: Stores, { settleAfterSeconds }: Settings) => ({
  TABLE_NAME: table.tableName,
  TIMERS_QUEUE_URL: timers.queue.queueUrl,
  SETTLE_AFTER_QUIET_SECONDS: String(settleAfterSeconds),
});

function createIngest(scope: Construct, stores: Stores, settings: Settings): Consumer {
  const ingest = new Consumer(scope, 'Ingest', {
    entry: 'functions/correlator/ingest-handler.ts',
    service: 'ingest',
    description: 'Rootspan: files what forwarders ship under the activity it belongs to',
    memoryMiB: 512,
    timeout: Duration.minutes(1),
    environment: stateOf(stores, settings),
    setAside: stores.setAside,
  });
  stores.table.grant(ingest.handler, ...tableActions);
  stores.timers.queue.grantSendMessages(ingest.handler);
  ingest.readStream(stores.stream, {
    failing:
      'Events reach AWS but cannot be filed: traces come late, and after 6 hours of it whole batches are kept in the set-aside bucket instead',
    late: 'Events have been waiting in the stream for more than 10 minutes: traces come late, and Events are lost from 24 hours on',
    givenUp:
      'Events that could not be filed were given up and are missing from the traces; they are kept in the set-aside bucket',
    lost: 'Events that could not be filed did not get into the set-aside bucket either, and are gone once the stream forgets them',
  });
  return ingest;
}

function createSettle(scope: Construct, stores: Stores, settings: Settings): Consumer {
  const { rules } = settings;
  const settle = new Consumer(scope, 'Settle', {
    entry: 'functions/correlator/settle-handler.ts',
    service: 'settle',
    description: 'Rootspan: assembles the traces of an activity once it is quiet',
    // One whole CPU: assembling is all that it does.
    memoryMiB: 1769,
    timeout: settleTimeout,
    // An activity that does not go quiet is checked again and again, by timers that settle arms.
    armsItself: true,
    environment: {
      ...stateOf(stores, settings),
      SPANS_QUEUE_URL: stores.spans.queue.queueUrl,
      ...(rules !== undefined && { RULES_FILE: rulesFile }),
    },
    // Beside the code and not in the environment, which has room for 4 kB in all.
    ...(rules !== undefined && {
      files: { [rulesFile]: JSON.stringify(toWrittenRules(rules)) },
    }),
    setAside: stores.setAside,
  });
  stores.table.grant(settle.handler, ...tableActions);
  stores.timers.queue.grantSendMessages(settle.handler);
  stores.spans.queue.grantSendMessages(settle.handler);
  settle.readQueue(stores.timers, {
    // A cluster's restart makes thousands of activities settle at once; the table is asked no faster than this.
    maxConcurrency: 20,
    // Of up to ten activities each, which have to be done within the timeout together.
    batchSize: 2,
    failing: 'Traces of some changes cannot be assembled and are missing so far',
    late: 'Changes have been waiting for more than 30 minutes to be assembled for the first time: their traces come late',
  });
  return settle;
}

function createEmit(scope: Construct, stores: Stores, settings: Settings): Consumer {
  const emit = new Consumer(scope, 'Emit', {
    entry: 'functions/emitter/emit-handler.ts',
    service: 'emit',
    description: 'Rootspan: exports spans over OTLP/HTTP',
    memoryMiB: 512,
    timeout: emitTimeout,
    environment: {
      SPANS_QUEUE_URL: stores.spans.queue.queueUrl,
      SERVICE_NAME: settings.serviceName,
      ...(settings.otlp?.protocol !== undefined && {
        OTEL_EXPORTER_OTLP_PROTOCOL: settings.otlp.protocol,
      }),
      ...(settings.otlp !== undefined && { OTEL_EXPORTER_OTLP_ENDPOINT: settings.otlp.endpoint }),
      ...(settings.otlp?.headersSecretArn !== undefined && {
        OTLP_HEADERS_SECRET_ARN: settings.otlp.headersSecretArn,
      }),
    },
    setAside: stores.setAside,
    ...(settings.vpc !== undefined && { vpc: settings.vpc }),
  });
  grantBackend(scope, emit, settings);
  emit.readQueue(stores.spans, {
    // A backend that comes back after days is met by a few requests at a time.
    maxConcurrency: 5,
    batchSize: 10,
    failing:
      'The backend does not take spans: traces are missing there. They wait in the queue, for 14 days at most',
    // From the 80th attempt on a message comes less often than once in a period: until a request gets through, it is down.
    failingAlarm: { withoutData: TreatMissingData.IGNORE },
    late: 'Spans have been waiting for more than 30 minutes to be exported for the first time',
  });
  emit.addAlarm(
    'Refused',
    emit.metric('Refused'),
    1,
    'The backend refused spans for what they are, and traces there have gaps; what it named is kept in the set-aside bucket.',
    { periods: 1 },
  );
  return emit;
}

/** The right to hand spans to X-Ray, or to read what another backend is to be sent along. */
function grantBackend(scope: Construct, emit: Consumer, { otlp }: Settings): void {
  if (otlp === undefined) {
    emit.handler.addToRolePolicy(
      new PolicyStatement({
        actions: ['xray:PutSpans', 'xray:PutSpansForIndexing', 'xray:PutTraceSegments'],
        resources: ['*'],
      }),
    );
    acknowledgeWildcard(emit, '*', 'X-Ray has no resources to name in a policy.');
  } else if (otlp.headersSecretArn !== undefined) {
    Secret.fromSecretCompleteArn(scope, 'Headers', otlp.headersSecretArn).grantRead(emit.handler);
  }
}

function notifyTopic(scope: Construct, topicArn: string, alarms: readonly Alarm[]): void {
  const action = new SnsAction(Topic.fromTopicArn(scope, 'AlarmTopic', topicArn));
  for (const alarm of alarms) {
    alarm.addAlarmAction(action);
    alarm.addOkAction(action);
  }
}

function tellReplay(stack: Stack, { setAside, stream, timers, spans }: Stores): void {
  new CfnOutput(stack, 'ReplaySetAside', {
    description: 'Brings back what was set aside, once its cause is mended',
    value:
      `AWS_REGION=${stack.region} ${commandLine} replay-set-aside --bucket ${setAside.bucketName} --stream ${stream.streamName}` +
      ` --timers-queue ${timers.queue.queueUrl} --spans-queue ${spans.queue.queueUrl}`,
  });
}
