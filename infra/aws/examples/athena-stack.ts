/** An example: all records to S3, by day, and three questions that Athena answers of them. */
import { Duration, RemovalPolicy, Stack } from 'aws-cdk-lib';
import { CfnNamedQuery, CfnWorkGroup } from 'aws-cdk-lib/aws-athena';
import { EventBus, Rule, RuleTargetInput } from 'aws-cdk-lib/aws-events';
import { FirehoseDeliveryStream } from 'aws-cdk-lib/aws-events-targets';
import { CfnDatabase, CfnTable } from 'aws-cdk-lib/aws-glue';
import {
  AppendDelimiterToRecordProcessor,
  Compression,
  DeliveryStream,
  S3Bucket,
} from 'aws-cdk-lib/aws-kinesisfirehose';
import { BlockPublicAccess, Bucket, BucketEncryption, type IBucket } from 'aws-cdk-lib/aws-s3';
import type { Construct } from 'constructs';
import { athenaQueries } from './athena-queries.ts';

export interface AthenaSettings {
  /** The output RecordsBus of the stack Rootspan. */
  busName: string;
}

const database = 'rootspan';
/** Of the bucket. */
const prefixes = { records: 'records/', failed: 'failed/', answers: 'answers/' };

/** As shared/change-record.schema.json has them. */
const columns: Readonly<Record<string, string>> = {
  version: 'int',
  id: 'string',
  kind: 'string',
  time: 'string',
  cluster: 'struct<uid:string,name:string>',
  object: 'struct<apiversion:string,kind:string,namespace:string,name:string,uid:string>',
  service: 'struct<name:string,namespace:string,version:string>',
  change:
    'struct<verb:string,generation:int,summary:string,fields:array<string>,images:array<string>,rollbackto:string>',
  release: 'struct<key:string,clusters:int,changes:int,failed:int,leftout:int>',
  by: 'struct<manager:string,operation:string>',
  source: 'struct<repository:string,revision:string,ref:string,release:string>',
  outcome: 'string',
  cause: 'struct<type:string,message:string>',
  startedat: 'string',
  duration: 'double',
  phases:
    'struct<queue:double,schedule:double,pull:double,start:double,ready:double,stop:double,other:double>',
  trace: 'struct<traceid:string,spanid:string,url:string>',
};

export class AthenaStack extends Stack {
  constructor(scope: Construct, id: string, { busName }: AthenaSettings) {
    super(scope, id, { description: 'Rootspan: change records for Athena' });
    const bucket = createBucket(this);
    const stream = new DeliveryStream(this, 'Delivery', {
      destination: new S3Bucket(bucket, {
        compression: Compression.GZIP,
        // A line a record.
        processors: [new AppendDelimiterToRecordProcessor()],
        dataOutputPrefix: `${prefixes.records}day=!{timestamp:yyyy-MM-dd}/`,
        errorOutputPrefix: `${prefixes.failed}!{firehose:error-output-type}/`,
        // The longest: one object a quarter of an hour at most.
        bufferingInterval: Duration.seconds(900),
      }),
    });
    const rule = new Rule(this, 'All', {
      eventBus: EventBus.fromEventBusName(this, 'Records', busName),
      description: 'All change records',
      eventPattern: { source: ['rootspan'] },
    });
    rule.addTarget(
      new FirehoseDeliveryStream(stream, { message: RuleTargetInput.fromEventPath('$.detail') }),
    );
    const table = createTable(this, bucket);
    createQueries(this, bucket, table);
  }
}

function createBucket(scope: Construct): IBucket {
  return new Bucket(scope, 'Store', {
    encryption: BucketEncryption.S3_MANAGED,
    blockPublicAccess: BlockPublicAccess.BLOCK_ALL,
    enforceSSL: true,
    lifecycleRules: [{ prefix: prefixes.answers, expiration: Duration.days(7) }],
    removalPolicy: RemovalPolicy.RETAIN,
    // A cast, because the CDK's own declarations are not written for exactOptionalPropertyTypes.
  }) as IBucket;
}

/** Partitions are projected: no crawler has to find a new day. */
function createTable(scope: Stack, bucket: IBucket): CfnTable {
  const glue = new CfnDatabase(scope, 'Database', {
    catalogId: scope.account,
    databaseInput: { name: database },
  });
  const table = new CfnTable(scope, 'Table', {
    catalogId: scope.account,
    databaseName: database,
    tableInput: {
      name: 'records',
      tableType: 'EXTERNAL_TABLE',
      partitionKeys: [{ name: 'day', type: 'string' }],
      parameters: {
        'projection.enabled': 'true',
        'projection.day.type': 'date',
        'projection.day.format': 'yyyy-MM-dd',
        'projection.day.range': '2026-01-01,NOW',
        'storage.location.template': `s3://${bucket.bucketName}/${prefixes.records}day=\${day}/`,
      },
      storageDescriptor: {
        location: `s3://${bucket.bucketName}/${prefixes.records}`,
        inputFormat: 'org.apache.hadoop.mapred.TextInputFormat',
        outputFormat: 'org.apache.hadoop.hive.ql.io.HiveIgnoreKeyTextOutputFormat',
        serdeInfo: { serializationLibrary: 'org.openx.data.jsonserde.JsonSerDe' },
        columns: Object.entries(columns).map(([name, type]) => ({ name, type })),
      },
    },
  });
  table.addResourceDependency(glue);
  return table;
}

function createQueries(scope: Construct, bucket: IBucket, table: CfnTable): void {
  const workGroup = new CfnWorkGroup(scope, 'WorkGroup', {
    name: 'rootspan',
    workGroupConfiguration: {
      resultConfiguration: {
        outputLocation: `s3://${bucket.bucketName}/${prefixes.answers}`,
        encryptionConfiguration: { encryptionOption: 'SSE_S3' },
      },
    },
  });
  for (const { name, description, sql } of athenaQueries) {
    const query = new CfnNamedQuery(scope, name, {
      name,
      description,
      database,
      workGroup: workGroup.name,
      queryString: sql,
    });
    query.addResourceDependency(workGroup);
    query.addResourceDependency(table);
  }
}
