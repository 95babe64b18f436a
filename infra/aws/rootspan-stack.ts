/**
 * The pipeline: one stream in, one table and two queues between three functions, spans out. Nothing here has a schedule:
 * without Events nothing is invoked and nothing is written.
 */
import {
  Aws,
  CfnOutput,
  Duration,
  RemovalPolicy,
  Stack,
  type StackProps,
  Tags,
  Validations,
} from 'aws-cdk-lib';
import { type Alarm, Stats, TreatMissingData } from 'aws-cdk-lib/aws-cloudwatch';
import { SnsAction } from 'aws-cdk-lib/aws-cloudwatch-actions';
import { AttributeType, Billing, TableEncryptionV2, TableV2 } from 'aws-cdk-lib/aws-dynamodb';
import { EventBus } from 'aws-cdk-lib/aws-events';
import { ManagedPolicy, PermissionsBoundary, PolicyStatement } from 'aws-cdk-lib/aws-iam';
import { type IStream, Stream, StreamEncryption, StreamMode } from 'aws-cdk-lib/aws-kinesis';
import { type IKey, Key } from 'aws-cdk-lib/aws-kms';
import type { RetentionDays } from 'aws-cdk-lib/aws-logs';
import { BlockPublicAccess, Bucket, BucketEncryption, type IBucket } from 'aws-cdk-lib/aws-s3';
import { Secret } from 'aws-cdk-lib/aws-secretsmanager';
import { Topic } from 'aws-cdk-lib/aws-sns';
import { Construct } from 'constructs';
import { toWrittenRules } from '../../functions/correlator/causality/rules/check-rules.ts';
import type { Admission } from '../../functions/correlator/read-admission.ts';
import { acknowledgeWildcard } from './acknowledge-wildcard.ts';
import { ClusterAccess } from './cluster-access.ts';
import { Consumer, longestWait } from './consumer.ts';
import { alarmPeriod, atOnce, createAlarm } from './create-alarm.ts';
import { createDashboard } from './create-dashboard.ts';
import { commandLine } from './function-code.ts';
import type { Settings } from './read-settings.ts';
import { createSilentClusterAlarm } from './silent-cluster-alarm.ts';
import { WorkQueue } from './work-queue.ts';

const settleTimeout = Duration.minutes(2);
const emitTimeout = Duration.minutes(1);

/** Rules of the users' own, beside settle's code. */
const rulesFile = 'rules.json';

/** Who may send, and how much, beside ingest's. */
const admissionFile = 'admission.json';

/** What the functions ask of the table (store-dynamodb.ts). */
const tableActions = [
  'dynamodb:BatchGetItem',
  'dynamodb:BatchWriteItem',
  'dynamodb:PutItem',
  'dynamodb:Query',
];

export class RootspanStack extends Stack {
  constructor(scope: Construct, id: string, settings: Settings, props: StackProps = {}) {
    super(scope, id, {
      description: 'Rootspan: Kubernetes Events as OpenTelemetry traces',
      ...(settings.stackName !== undefined && { stackName: settings.stackName }),
      ...environmentOf(settings),
      ...props,
    });
    const tags = { application: 'rootspan', ...settings.tags };
    for (const [name, value] of Object.entries(tags)) Tags.of(this).add(name, value);
    const stores = createStores(this, settings);
    const records = createRecordsBus(this, stores, settings);
    const consumers = {
      ingest: createIngest(this, stores, settings),
      settle: createSettle(this, stores, settings, records),
      emit: createEmit(this, stores, settings),
    };
    const alarms = [
      ...Object.values(consumers).flatMap((consumer) => consumer.alarms),
      alarmOfProducers(this, stores.stream),
      ...createClusters(this, stores, consumers.ingest, settings),
    ];
    if (settings.alarmTopicArn !== undefined) notifyTopic(this, settings.alarmTopicArn, alarms);
    const { stream, timers, spans } = stores;
    const { metricsByCluster } = settings;
    createDashboard(this, { ...consumers, stream, timers, spans, alarms, metricsByCluster });
    tellReplay(this, stores);
    if (settings.permissionsBoundaryArn !== undefined) boundRoles(this, settings.permissionsBoundaryArn);
  }
}

/**
 * With no environment set the stack goes wherever the credentials of `cdk deploy` point; nothing is looked up. A key is of one region,
 * and so is then what it encrypts.
 */
const environmentOf = ({ kmsKeyArn }: Settings): Pick<StackProps, 'env'> =>
  kmsKeyArn === undefined ? {} : { env: { region: kmsKeyArn.split(':')[3]! } };

/** What the functions work on. */
interface Stores {
  /** The users' own, where they have one. */
  key: IKey | undefined;
  stream: Stream;
  table: TableV2;
  timers: WorkQueue;
  spans: WorkQueue;
  setAside: IBucket;
}

function createStores(scope: Construct, settings: Settings): Stores {
  const { kmsKeyArn, retention } = settings;
  const key = kmsKeyArn === undefined ? undefined : Key.fromKeyArn(scope, 'Key', kmsKeyArn);
  const ofQueues = { key, retention: Duration.days(retention.queueDays) };
  return {
    key,
    stream: createStream(scope, settings, key),
    table: createTable(scope, settings, key),
    // 100 times 12 minutes: what the table's or the queue's absence for most of a day leaves is still tried.
    timers: new WorkQueue(scope, 'Timers', {
      consumerTimeout: settleTimeout,
      maxReceiveCount: 100,
      ...ofQueues,
    }),
    // The emitter delays what it could not deliver so that 1,000 times, SQS's most, are more than 14 days.
    spans: new WorkQueue(scope, 'Spans', {
      consumerTimeout: emitTimeout,
      maxReceiveCount: 1000,
      ...ofQueues,
    }),
    setAside: createSetAside(scope, settings, key),
  };
}

function createStream(scope: Construct, { stream, retention }: Settings, key: IKey | undefined): Stream {
  const created = new Stream(scope, 'Observations', {
    ...(key === undefined
      ? { encryption: StreamEncryption.MANAGED }
      : { encryption: StreamEncryption.KMS, encryptionKey: key }),
    retentionPeriod: Duration.hours(retention.streamHours),
    ...(stream.mode === 'on-demand'
      ? { streamMode: StreamMode.ON_DEMAND }
      : { streamMode: StreamMode.PROVISIONED, shardCount: stream.shards }),
    // The forwarders' clusters still have most of what is in it.
    removalPolicy: RemovalPolicy.DESTROY,
  });
  if (key !== undefined) {
    const reason = 'The users have asked for a key of their own.';
    Validations.of(created).acknowledge({ id: 'AwsSolutions-KDS3', reason });
  }
  return created;
}

function createTable(scope: Construct, { table }: Settings, key: IKey | undefined): TableV2 {
  const { maxReadRequestUnits, maxWriteRequestUnits } = table;
  return new TableV2(scope, 'State', {
    partitionKey: { name: 'pk', type: AttributeType.STRING },
    sortKey: { name: 'sk', type: AttributeType.STRING },
    billing: Billing.onDemand({
      ...(maxReadRequestUnits !== undefined && { maxReadRequestUnits }),
      ...(maxWriteRequestUnits !== undefined && { maxWriteRequestUnits }),
    }),
    timeToLiveAttribute: 'expiresAt',
    pointInTimeRecoverySpecification: { pointInTimeRecoveryEnabled: true },
    ...(key !== undefined && { encryption: TableEncryptionV2.customerManagedKey(key) }),
    // It forgets within four days anyway; DynamoDB keeps the backup of a deleted table for 35 days.
    removalPolicy: RemovalPolicy.DESTROY,
  });
}

function createSetAside(scope: Construct, { retention }: Settings, key: IKey | undefined): IBucket {
  const setAside = new Bucket(scope, 'SetAside', {
    ...(key === undefined
      ? { encryption: BucketEncryption.S3_MANAGED }
      : // Else each object is a request to KMS, for each reader and writer.
        { encryption: BucketEncryption.KMS, encryptionKey: key, bucketKeyEnabled: true }),
    blockPublicAccess: BlockPublicAccess.BLOCK_ALL,
    enforceSSL: true,
    lifecycleRules: [{ expiration: Duration.days(retention.setAsideDays) }],
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

/** What all functions have in common. */
const commonOf = (scope: Stack, { setAside, key }: Stores, settings: Settings) => ({
  metricsNamespace: scope.stackName,
  logRetention: settings.retention.logDays as RetentionDays,
  setAside,
  key,
});

/** Not by the CDK's own grant, which would let it ask for what it knows, and with a key of the users' own do all that begins alike. */
const mayArm = ({ timers }: Stores, { handler }: Consumer) => timers.queue.grant(handler, 'sqs:SendMessage');

function createIngest(scope: Stack, stores: Stores, settings: Settings): Consumer {
  const ingest = new Consumer(scope, 'Ingest', {
    entry: 'functions/correlator/ingest-handler.ts',
    service: 'ingest',
    description: 'Rootspan: files what forwarders ship under the activity it belongs to',
    memoryMiB: settings.memoryMiB.ingest,
    timeout: Duration.minutes(1),
    environment: { ...stateOf(stores, settings), ADMISSION_FILE: admissionFile },
    files: { [admissionFile]: JSON.stringify(admissionOf(settings)) },
    ...commonOf(scope, stores, settings),
  });
  stores.table.grant(ingest.handler, ...tableActions);
  mayArm(stores, ingest);
  const { streamLateMinutes } = settings.alarms;
  const { streamHours } = settings.retention;
  const hours = longestWait.toHours();
  const meanings = {
    failing: `Events reach AWS but cannot be filed: traces come late, and after ${hours} hours of it whole batches are kept in the set-aside bucket instead`,
    late: `Events have been waiting in the stream for more than ${streamLateMinutes} minutes: traces come late, and from ${hours} hours on they are kept in the set-aside bucket instead`,
    idle: `Events come into the stream and nobody takes them out: there are no new traces, and Events are lost from ${streamHours} hours on`,
    givenUp:
      'Events that could not be filed were given up and are missing from the traces; they are kept in the set-aside bucket',
    held: 'A cluster floods the stream: what is beyond its share is missing from the traces; it is kept in the set-aside bucket',
    lost: 'Events that could not be filed did not get into the set-aside bucket either, and are gone once the stream forgets them',
  };
  const lateAfter = Duration.minutes(streamLateMinutes);
  const { parallelization } = settings.stream;
  ingest.readStream(stores.stream, meanings, { lateAfter, parallelization });
  return ingest;
}

/** Of the stack's own: whoever wants to be told has a rule on it. */
function createRecordsBus(stack: Stack, { key }: Stores, { records }: Settings): EventBus | undefined {
  if (records === undefined) return undefined;
  const bus = new EventBus(stack, 'Records', key === undefined ? {} : { kmsKey: key });
  new CfnOutput(stack, 'RecordsBus', {
    description: 'The EventBridge bus of change records: rules on it tell whoever wants to be told',
    value: bus.eventBusName,
  });
  return bus;
}

function createSettle(
  scope: Stack,
  stores: Stores,
  settings: Settings,
  records: EventBus | undefined,
): Consumer {
  const { rules } = settings;
  const settle = new Consumer(scope, 'Settle', {
    entry: 'functions/correlator/settle-handler.ts',
    service: 'settle',
    description: 'Rootspan: assembles the traces of an activity once it is quiet',
    memoryMiB: settings.memoryMiB.settle,
    timeout: settleTimeout,
    // An activity that does not go quiet is checked again and again, by timers that settle arms.
    armsItself: true,
    environment: {
      ...stateOf(stores, settings),
      SPANS_QUEUE_URL: stores.spans.queue.queueUrl,
      RELEASES_BY_IMAGES: Object.keys(settings.clusters).length > 1 ? 'yes' : 'no',
      METRICS_BY_CLUSTER: settings.metricsByCluster ? 'yes' : 'no',
      RELEASE_GAP_SECONDS: String(settings.releaseGapMinutes * 60),
      ...(rules !== undefined && { RULES_FILE: rulesFile }),
      ...(records !== undefined && {
        RECORDS_BUS: records.eventBusName,
        RECORDS_ENDPOINT: `https://events.${scope.region}.${scope.urlSuffix}/`,
      }),
      ...(settings.records?.outcomes !== undefined && {
        RECORD_OUTCOMES: settings.records.outcomes.join(),
      }),
      ...(settings.records?.traceUrl !== undefined && { TRACE_URL: settings.records.traceUrl }),
    },
    // Beside the code and not in the environment, which has room for 4 kB in all.
    ...(rules !== undefined && {
      files: { [rulesFile]: JSON.stringify(toWrittenRules(rules)) },
    }),
    ...commonOf(scope, stores, settings),
  });
  stores.table.grant(settle.handler, ...tableActions);
  records?.grantPutEventsTo(settle.handler);
  mayArm(stores, settle);
  stores.spans.queue.grant(settle.handler, 'sqs:SendMessage');
  const { queueLateMinutes, timersOldHours } = settings.alarms;
  settle.readQueue(stores.timers, {
    // A cluster's restart makes thousands of activities settle at once; the table is asked no faster than this.
    maxConcurrency: 20,
    // Of up to ten activities each, which have to be done within the timeout together.
    batchSize: 2,
    failing: 'Traces of some changes cannot be assembled and are missing so far',
    late: `Changes have been waiting for more than ${queueLateMinutes} minutes to be assembled for the first time: their traces come late`,
    lateAfter: Duration.minutes(queueLateMinutes),
    idle: 'Changes wait to be assembled and nobody does it: there are no new traces',
    old: {
      threshold: Duration.hours(timersOldHours),
      means: `Some changes have been waiting for more than ${timersOldHours} hours to be assembled, however often it was tried: their traces are missing so far`,
    },
  });
  return settle;
}

function createEmit(scope: Stack, stores: Stores, settings: Settings): Consumer {
  const emit = new Consumer(scope, 'Emit', {
    entry: 'functions/emitter/emit-handler.ts',
    service: 'emit',
    description: 'Rootspan: exports spans over OTLP/HTTP',
    memoryMiB: settings.memoryMiB.emit,
    timeout: emitTimeout,
    environment: {
      SPANS_QUEUE_URL: stores.spans.queue.queueUrl,
      SERVICE_NAME: settings.serviceName,
      // X-Ray's host ends in it: amazonaws.com, in China amazonaws.com.cn.
      ...(settings.otlp === undefined && { URL_SUFFIX: Aws.URL_SUFFIX }),
      ...(settings.otlp?.protocol !== undefined && {
        OTEL_EXPORTER_OTLP_PROTOCOL: settings.otlp.protocol,
      }),
      ...(settings.otlp !== undefined && { OTEL_EXPORTER_OTLP_ENDPOINT: settings.otlp.endpoint }),
      ...(settings.otlp?.headersSecretArn !== undefined && {
        OTLP_HEADERS_SECRET_ARN: settings.otlp.headersSecretArn,
      }),
    },
    ...commonOf(scope, stores, settings),
    ...(settings.vpc !== undefined && { vpc: settings.vpc }),
  });
  grantBackend(scope, emit, settings);
  const { queueDays } = settings.retention;
  const { queueLateMinutes, spansOldHours = Math.min(24, 12 * queueDays) } = settings.alarms;
  emit.readQueue(stores.spans, {
    // A backend that comes back after days is met by a few requests at a time.
    maxConcurrency: 5,
    batchSize: 10,
    failing: `The backend does not take spans: traces are missing there. They wait in the queue, for ${queueDays} days at most`,
    // From the 80th attempt on a message comes less often than once in a period: until a request gets through, it is down.
    failingAlarm: { withoutData: TreatMissingData.IGNORE },
    late: `Spans have been waiting for more than ${queueLateMinutes} minutes to be exported for the first time`,
    lateAfter: Duration.minutes(queueLateMinutes),
    idle: 'Spans wait to be exported and nobody does it: traces are missing in the backend',
    old: {
      threshold: Duration.hours(spansOldHours),
      means: `Some spans have been waiting for more than ${spansOldHours} hours to be exported, however often it was tried; they are lost from ${queueDays} days on`,
    },
  });
  emit.addAlarm(
    'Refused',
    emit.metric('Refused'),
    1,
    'The backend refused spans for what they are, and traces there have gaps; what it named is kept in the set-aside bucket.',
    atOnce,
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

/** Of most clusters nothing has to be known. */
const admissionOf = ({ clusters, requireSignatures, clusterRate }: Settings): Admission => ({
  clusters: Object.entries(clusters)
    .filter(([, { alarmWhenSilent, publicKeys }]) => alarmWhenSilent || publicKeys !== undefined)
    .map(([name, { alarmWhenSilent, publicKeys, uid }]) => ({
      name,
      ...(alarmWhenSilent && { expected: true }),
      ...(publicKeys !== undefined && { uid, publicKeys }),
    })),
  requireSignatures,
  clusterRate,
});

/** Names of the user's own, in a scope of their own. */
function createClusters(
  stack: Stack,
  { stream, key }: Stores,
  ingest: Consumer,
  settings: Settings,
): Alarm[] {
  const scope = new Construct(stack, 'Clusters');
  const silence = Duration.minutes(settings.alarms.clusterSilentMinutes);
  return Object.entries(settings.clusters).flatMap(([name, cluster]) => {
    const access = new ClusterAccess(scope, name, { settings: cluster, stream, key });
    return cluster.alarmWhenSilent ? [createSilentClusterAlarm(access, name, ingest, silence)] : [];
  });
}

/** A forwarder that is throttled waits and loses nothing, for as long as its API server keeps Events. */
const alarmOfProducers = (scope: Construct, stream: IStream): Alarm =>
  createAlarm(scope, 'StreamThrottled', {
    metric: stream.metricWriteProvisionedThroughputExceeded({ statistic: Stats.SUM, period: alarmPeriod }),
    threshold: 1,
    means:
      'The stream has turned forwarders away for a quarter of an hour: traces come late, and Events are lost that a cluster has kept for an hour.',
    section: 'StreamThrottled',
  });

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

function boundRoles(stack: Stack, policyArn: string): void {
  const policy = ManagedPolicy.fromManagedPolicyArn(stack, 'PermissionsBoundary', policyArn);
  PermissionsBoundary.of(stack).apply(policy);
}
