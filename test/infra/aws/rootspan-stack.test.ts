import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { App, Stage, Validations } from 'aws-cdk-lib';
import { Match, Template } from 'aws-cdk-lib/assertions';
import { AwsSolutionsChecks } from 'cdk-nag';
import { afterAll, describe, expect, it } from 'vitest';
import { checkRules } from '../../../functions/correlator/causality/rules/check-rules.ts';
import { openAdmission, readAdmission } from '../../../functions/correlator/read-admission.ts';
import { readRulesFile } from '../../../functions/correlator/read-rules-file.ts';
import { RootspanStack as OwnStack } from '../../../infra/aws/index.ts';
import { readSettings } from '../../../infra/aws/read-settings.ts';
import { RootspanStack } from '../../../infra/aws/rootspan-stack.ts';
import { UserError } from '../../../shared/errors.ts';
import { idle } from '../../bench/cost/prices.ts';
import { newSigningKey } from '../../support/signing-key.ts';

/** `aws:cdk:bundling-stacks`: what is bundled is looked at in test/functions/bundle.test.ts. */
function synthesize(settings: object = {}): Template {
  const app = new App({ context: { 'aws:cdk:bundling-stacks': [] } });
  const stack = new RootspanStack(app, 'Rootspan', readSettings(settings));
  return Template.fromStack(stack);
}

const plain = synthesize();
const { publicKey } = newSigningKey();

interface Statement {
  Action: string | string[];
  Resource: unknown;
}

/** Of the role of one function or cluster, by the start of its logical id: each action and where it may be done. */
function rightsOf(template: Template, id: string): string[] {
  const policies = template.findResources('AWS::IAM::Policy');
  return Object.entries(policies)
    .filter(([name]) => name.startsWith(id))
    .flatMap(([, { Properties }]) => Properties.PolicyDocument.Statement as Statement[])
    .flatMap(({ Action, Resource }) =>
      [Action]
        .flat()
        .flatMap((action) => [Resource].flat().map((resource) => `${action} ${nameOf(resource)}`)),
    )
    .sort();
}

function nameOf(resource: unknown): string {
  if (typeof resource === 'string') return resource;
  const text = JSON.stringify(resource);
  const id = /"(?:Ref|Fn::GetAtt)":\[?"([A-Za-z]+?)(?:[0-9A-F]{8})?"/.exec(text)?.[1];
  const path = /"(\/[^"]*)"/.exec(text)?.[1];
  return `${id}${path ?? ''}`;
}

/** With … for what only CloudFormation knows. */
function textOf(value: string | { 'Fn::Join': [string, never[]] } | { Ref: string }): string {
  if (typeof value === 'string') return value;
  return 'Fn::Join' in value ? value['Fn::Join'][1].map(textOf).join(value['Fn::Join'][0]) : '…';
}

it('each function has code of its own', () => {
  const template = Template.fromStack(new RootspanStack(new App(), 'Rootspan', readSettings({})));
  const functions = Object.values(template.findResources('AWS::Lambda::Function'));
  expect(new Set(functions.map(({ Properties }) => Properties.Code.S3Key)).size).toBe(3);
});

describe('rights', () => {
  it('of each function: what it does, where it does it', () => {
    const table = ['BatchGetItem', 'BatchWriteItem', 'PutItem', 'Query'].map(
      (name) => `dynamodb:${name} State`,
    );
    expect(rightsOf(plain, 'Settle')).toEqual([
      ...table,
      'logs:CreateLogStream SettleLogs',
      'logs:PutLogEvents SettleLogs',
      's3:PutObject SetAside/set-aside/settle/*',
      'sqs:ChangeMessageVisibility TimersQueue',
      'sqs:DeleteMessage TimersQueue',
      'sqs:GetQueueAttributes TimersQueue',
      'sqs:GetQueueUrl TimersQueue',
      'sqs:ReceiveMessage TimersQueue',
      'sqs:SendMessage SpansQueue',
      'sqs:SendMessage TimersQueue',
    ]);
    expect(rightsOf(plain, 'Ingest').filter((right) => right.startsWith('s3:'))).toEqual([
      's3:ListBucket SetAside',
      's3:PutObject SetAside/aws/lambda/*',
      's3:PutObject SetAside/set-aside/ingest/*',
    ]);
    expect(rightsOf(plain, 'Emit').filter((right) => /^(?:xray|secrets|dynamodb)/.test(right))).toEqual([
      'xray:PutSpans *',
      'xray:PutSpansForIndexing *',
      'xray:PutTraceSegments *',
    ]);
  });
});

describe('change records', () => {
  it('there is no bus where nobody asks for one', () => {
    plain.resourceCountIs('AWS::Events::EventBus', 0);
    expect(JSON.stringify(plain.toJSON())).not.toContain('RECORDS_BUS');
  });

  it('settle puts them on a bus of the stack, whose name is an output', () => {
    const template = synthesize({ records: { traceUrl: 'https://grafana.test/{traceId}' } });
    expect(rightsOf(template, 'Settle')).toContain('events:PutEvents Records');
    expect(rightsOf(template, 'Emit').join()).not.toContain('events:');
    template.hasOutput('RecordsBus', {});
    template.hasResourceProperties('AWS::Lambda::Function', {
      Environment: { Variables: Match.objectLike({ TRACE_URL: 'https://grafana.test/{traceId}' }) },
    });
  });

  it('with a key of the users’ own they are under it, too', () => {
    const kmsKeyArn = 'arn:aws:kms:eu-west-1:111111111111:key/0f1e2d3c-0000-4000-8000-000000000000';
    synthesize({ kmsKeyArn, records: {} }).hasResourceProperties('AWS::Events::EventBus', {
      KmsKeyIdentifier: kmsKeyArn,
    });
  });

  it('who wants to hear of trouble alone pays for nothing else', () => {
    synthesize({ records: { outcomes: ['failed', 'stalled'] } }).hasResourceProperties(
      'AWS::Lambda::Function',
      { Environment: { Variables: Match.objectLike({ RECORD_OUTCOMES: 'failed,stalled' }) } },
    );
    for (const outcomes of [[], ['slow']])
      expect(() => synthesize({ records: { outcomes } as never })).toThrow(/records.outcomes/);
  });

  it('a link without a trace in it is no link', () =>
    expect(() => synthesize({ records: { traceUrl: 'https://grafana.test/' } })).toThrow(UserError));

  it('how long a gap is between two releases', () => {
    for (const [settings, seconds] of [
      [{}, '3600'],
      [{ releaseGapMinutes: 120 }, '7200'],
    ] as const)
      synthesize(settings).hasResourceProperties('AWS::Lambda::Function', {
        Environment: { Variables: Match.objectLike({ RELEASE_GAP_SECONDS: seconds }) },
      });
    expect(() => synthesize({ releaseGapMinutes: 121 })).toThrow(
      'releaseGapMinutes should be whole minutes, from 5 to 120',
    );
  });

  it('by their images changes are one release only where there are several clusters', () => {
    const principalArn = 'arn:aws:iam::222222222222:role/edge';
    const said = (clusters: object) =>
      /"RELEASES_BY_IMAGES":"(\w+)"/.exec(JSON.stringify(synthesize({ clusters }).toJSON()))?.[1];
    expect([said({ a: { principalArn } }), said({ a: { principalArn }, b: { principalArn } })]).toEqual([
      'no',
      'yes',
    ]);
  });
});

describe('clusters', () => {
  const oidc = 'oidc.eks.eu-west-1.amazonaws.com/id/ABC';
  const template = synthesize({
    clusters: {
      prod: { oidcProviderArn: `arn:aws:iam::111111111111:oidc-provider/${oidc}` },
      stage: { oidcIssuerUrl: 'https://oidc.eks.eu-west-1.amazonaws.com/id/DEF', namespace: 'tracing' },
      dev: { eksClusterArn: 'arn:aws:eks:eu-west-1:111111111111:cluster/dev' },
      edge: { principalArn: 'arn:aws:iam::222222222222:role/edge' },
    },
  });

  it.each(['prod', 'stage', 'dev', 'edge'])('%s may put records on the stream, and that is all', (name) => {
    expect(rightsOf(template, `Clusters${name}`)).toEqual(['kinesis:PutRecords Observations']);
  });

  it.each([
    [
      'IAM Roles for Service Accounts',
      {
        Action: 'sts:AssumeRoleWithWebIdentity',
        Condition: {
          StringEquals: {
            [`${oidc}:aud`]: 'sts.amazonaws.com',
            [`${oidc}:sub`]: 'system:serviceaccount:rootspan:rootspan-forwarder',
          },
        },
      },
    ],
    [
      'EKS Pod Identity',
      {
        Action: ['sts:AssumeRole', 'sts:TagSession'],
        Principal: { Service: 'pods.eks.amazonaws.com' },
        Condition: {
          StringEquals: {
            'aws:RequestTag/eks-cluster-arn': 'arn:aws:eks:eu-west-1:111111111111:cluster/dev',
            'aws:RequestTag/kubernetes-namespace': 'rootspan',
            'aws:RequestTag/kubernetes-service-account': 'rootspan-forwarder',
          },
        },
      },
    ],
    [
      'another account',
      { Action: 'sts:AssumeRole', Principal: { AWS: 'arn:aws:iam::222222222222:role/edge' } },
    ],
  ])('assume their role by %s', (_, statement) => {
    template.hasResourceProperties('AWS::IAM::Role', {
      AssumeRolePolicyDocument: { Statement: [Match.objectLike(statement)] },
    });
  });

  it('have outputs that are all that Helm has to be told', () => {
    const values = (name: string) => {
      const outputs = Object.entries(template.findOutputs('*'));
      return textOf(outputs.find(([id]) => id.startsWith(`Clusters${name}HelmValues`))![1].Value);
    };
    const rest =
      '--set stream.name=… --set stream.region=… --set stream.roleArn=… --set serviceAccount.name=rootspan-forwarder';
    expect(values('prod')).toBe(`--namespace rootspan --set-string cluster.name=prod ${rest}`);
    expect(values('stage')).toBe(`--namespace tracing --set-string cluster.name=stage ${rest}`);
    // Nobody here knows how the principal's credentials come to the pod; Helm refuses the word and lists what there is.
    expect(values('edge')).toBe(
      `--namespace rootspan --set-string cluster.name=edge ${rest} --set stream.assumeRole.from=CHOOSE`,
    );
  });

  it('add roles, outputs and nothing that costs', () => {
    const count = (of: Template) =>
      Object.values(of.toJSON().Resources as Record<string, { Type: string }>)
        .map(({ Type }) => Type)
        .filter((type) => !type.startsWith('AWS::IAM::')).length;
    expect(count(template)).toBe(count(plain));
    expect(Object.keys(template.findOutputs('*')).filter((name) => /HelmValues/.test(name))).toHaveLength(4);
  });
});

it('ReplaySetAside is a command that runs as it stands, wherever the region is set', () => {
  expect(textOf(plain.findOutputs('ReplaySetAside').ReplaySetAside!.Value)).toBe(
    'AWS_REGION=… npm run -s rootspan -- replay-set-aside --bucket … --stream … --timers-queue … --spans-queue …',
  );
});

describe('event sources', () => {
  it('of the stream: halved, bounded, and kept whole where given up', () => {
    plain.hasResourceProperties('AWS::Lambda::EventSourceMapping', {
      EventSourceArn: { 'Fn::GetAtt': [Match.stringLikeRegexp('^Observations'), 'Arn'] },
      BisectBatchOnFunctionError: true,
      FunctionResponseTypes: ['ReportBatchItemFailures'],
      MaximumRetryAttempts: 100,
      MaximumRecordAgeInSeconds: 22 * 3600,
      DestinationConfig: {
        OnFailure: { Destination: { 'Fn::GetAtt': [Match.stringLikeRegexp('^SetAside'), 'Arn'] } },
      },
    });
  });

  it.each([
    ['Timers', 'Settle', 120, 100],
    ['Spans', 'Emit', 60, 1000],
  ])('%s wait six times as long as %s may take, for 14 days', (queue, consumer, timeout, maxReceiveCount) => {
    plain.hasResourceProperties('AWS::Lambda::Function', {
      Timeout: timeout,
      Architectures: ['arm64'],
      Runtime: 'nodejs24.x',
      Environment: { Variables: Match.objectLike({ POWERTOOLS_SERVICE_NAME: consumer.toLowerCase() }) },
    });
    plain.hasResourceProperties('AWS::SQS::Queue', {
      VisibilityTimeout: 6 * timeout,
      MessageRetentionPeriod: 14 * 24 * 3600,
      SqsManagedSseEnabled: true,
      RedrivePolicy: {
        maxReceiveCount,
        deadLetterTargetArn: { 'Fn::GetAtt': [Match.stringLikeRegexp(`^${queue}DeadLetters`), 'Arn'] },
      },
    });
    plain.hasResourceProperties('AWS::Lambda::EventSourceMapping', {
      EventSourceArn: { 'Fn::GetAtt': [Match.stringLikeRegexp(`^${queue}Queue`), 'Arn'] },
      FunctionResponseTypes: ['ReportBatchItemFailures'],
      ScalingConfig: { MaximumConcurrency: Match.anyValue() },
    });
  });
});

it('settle, which arms its own timers, is not stopped as a loop after 16 of them; nobody else goes in circles', () => {
  const loops = Object.values(plain.findResources('AWS::Lambda::Function')).map(({ Properties }) => [
    Properties.Environment.Variables.POWERTOOLS_SERVICE_NAME,
    Properties.RecursiveLoop ?? 'Terminate',
  ]);
  expect(Object.fromEntries(loops)).toEqual({ ingest: 'Terminate', settle: 'Allow', emit: 'Terminate' });
});

describe('state', () => {
  it('expires, is paid by request, and can be brought back', () => {
    plain.hasResource('AWS::DynamoDB::GlobalTable', {
      DeletionPolicy: 'Delete',
      Properties: {
        BillingMode: 'PAY_PER_REQUEST',
        TimeToLiveSpecification: { AttributeName: 'expiresAt', Enabled: true },
        Replicas: [
          Match.objectLike({ PointInTimeRecoverySpecification: { PointInTimeRecoveryEnabled: true } }),
        ],
      },
    });
  });

  it('that was set aside outlives the stack, encrypted and to nobody else', () => {
    plain.hasResource('AWS::S3::Bucket', {
      DeletionPolicy: 'Retain',
      Properties: {
        BucketEncryption: Match.anyValue(),
        PublicAccessBlockConfiguration: Match.objectLike({
          BlockPublicPolicy: true,
          RestrictPublicBuckets: true,
        }),
      },
    });
  });

  it('in the stream is encrypted, on one shard unless more is asked for', () => {
    plain.hasResourceProperties('AWS::Kinesis::Stream', {
      ShardCount: 1,
      StreamEncryption: { EncryptionType: 'KMS' },
    });
    const parallel = synthesize({ stream: { mode: 'provisioned', shards: 4, parallelization: 5 } });
    parallel.hasResourceProperties('AWS::Lambda::EventSourceMapping', { ParallelizationFactor: 5 });
    synthesize({ stream: { mode: 'on-demand' } }).hasResourceProperties('AWS::Kinesis::Stream', {
      StreamModeDetails: { StreamMode: 'ON_DEMAND' },
    });
  });

  it('of logs goes after a month', () => {
    const groups = plain.findResources('AWS::Logs::LogGroup');
    expect(Object.values(groups).map(({ Properties }) => Properties.RetentionInDays)).toEqual([30, 30, 30]);
  });
});

describe('idle', () => {
  it('nothing has a schedule, and nothing is kept warm', () => {
    const types = Object.values(plain.toJSON().Resources as Record<string, { Type: string }>).map(
      ({ Type }) => Type,
    );
    expect(types.filter((type) => /Schedule|Events::Rule|Lambda::(?:Version|Alias)/.test(type))).toEqual([]);
    for (const { Properties } of Object.values(plain.findResources('AWS::Lambda::Function'))) {
      expect(Properties.ReservedConcurrentExecutions).toBeUndefined();
    }
  });
});

describe('alarms', () => {
  const silent = { principalArn: 'arn:aws:iam::222222222222:role/edge', alarmWhenSilent: true };
  const watched = synthesize({ clusters: { edge: silent } });
  const alarmsOf = (template: Template) =>
    Object.values(template.findResources('AWS::CloudWatch::Alarm')).map(({ Properties }) => Properties);
  const alarm = (section: string, template = plain) =>
    alarmsOf(template).find(({ AlarmDescription }) => AlarmDescription.endsWith(`, ${section}`))!;
  const alarms = alarmsOf(watched).map(({ AlarmDescription }) => AlarmDescription as string);
  const runbook = readFileSync(new URL('../../../infra/aws/RUNBOOK.md', import.meta.url), 'utf8');
  const sections = [...runbook.matchAll(/^## (\w+)$/gm)].map(([, name]) => name);

  it('say what they mean for users, and each has its page', () => {
    const named = alarms.map(
      (text) => /^[A-Z].*\. What to do: infra\/aws\/RUNBOOK\.md, (\w+)$/.exec(text)?.[1],
    );
    expect(named.sort()).toEqual(sections.sort());
  });

  it.each(['IngestCrashing', 'SettleCrashing', 'SettleFailing'])(
    '%s goes off for what comes again every 12 minutes only',
    (name) => {
      plain.hasResourceProperties('AWS::CloudWatch::Alarm', {
        AlarmDescription: Match.stringLikeRegexp(`, ${name}$`),
        Period: 300,
        DatapointsToAlarm: 3,
        EvaluationPeriods: 9,
        TreatMissingData: 'notBreaching',
      });
    },
  );

  it('EmitFailing stays until a request gets through, however seldom one is tried', () => {
    plain.hasResourceProperties('AWS::CloudWatch::Alarm', {
      AlarmDescription: Match.stringLikeRegexp(', EmitFailing$'),
      EvaluationPeriods: 3,
      TreatMissingData: 'ignore',
    });
  });

  it('IngestLost goes off for a batch that did not even get into the bucket', () => {
    plain.hasResourceProperties('AWS::CloudWatch::Alarm', {
      AlarmDescription: Match.stringLikeRegexp(', IngestLost$'),
      MetricName: 'DestinationDeliveryFailures',
      Dimensions: [{ Name: 'FunctionName', Value: { Ref: Match.stringLikeRegexp('^IngestFunction') } }],
      Threshold: 1,
      EvaluationPeriods: 1,
    });
  });

  it('are as many as the bill counts', () => {
    // Of one that holds two figures against each other, two.
    const figures = alarmsOf(plain).flatMap(({ Metrics }) =>
      Metrics === undefined ? [1] : Metrics.filter((metric: object) => 'MetricStat' in metric),
    );
    expect(idle['CloudWatch: alarm, a month']).toBe(figures.length);
  });

  it.each([
    ['IngestIdle', 'IncomingRecords'],
    ['SettleIdle', 'ApproximateNumberOfMessagesVisible'],
    ['EmitIdle', 'ApproximateNumberOfMessagesVisible'],
  ])('%s goes off where something waits and nobody is invoked', (section, waiting) => {
    const { Metrics, Threshold, DatapointsToAlarm, EvaluationPeriods, TreatMissingData } = alarm(section);
    expect(Metrics.slice(1)).toMatchObject([
      { Id: 'waiting', MetricStat: { Metric: { MetricName: waiting }, Period: 900 } },
      { Id: 'invocations', MetricStat: { Metric: { MetricName: 'Invocations' }, Period: 900 } },
    ]);
    expect(Metrics[0].Expression).toBe('IF(FILL(invocations, 0) < 1, FILL(waiting, 0), 0)');
    expect([Threshold, DatapointsToAlarm, EvaluationPeriods, TreatMissingData]).toEqual([
      1,
      2,
      8,
      'notBreaching',
    ]);
  });

  it.each([
    ['StreamThrottled', 'WriteProvisionedThroughputExceeded'],
    ['IngestThrottled', 'Throttles'],
    ['SettleThrottled', 'Throttles'],
    ['EmitThrottled', 'Throttles'],
  ])('%s goes off where somebody is turned away for a quarter of an hour', (section, MetricName) => {
    expect(alarm(section)).toMatchObject({ MetricName, Period: 300, Threshold: 1, EvaluationPeriods: 3 });
  });

  it('of age see what was received more than three times, which SQS leaves out', () => {
    for (const [section, hours] of [
      ['SettleOld', 2],
      ['EmitOld', 24],
    ] as const) {
      expect(alarm(section)).toMatchObject({
        Namespace: 'Rootspan',
        MetricName: 'OldestPendingAge',
        Threshold: hours * 3600,
      });
    }
  });

  it('ClusterSilent is there for a cluster whose setting says so: silence is a breach', () => {
    expect(alarms.filter((text) => text.endsWith('ClusterSilent'))).toEqual([
      'Nothing has come from the cluster edge for 60 minutes, though it is expected to send: its traces are missing. What to do: infra/aws/RUNBOOK.md, ClusterSilent',
    ]);
    expect(alarm('ClusterSilent', watched)).toMatchObject({
      MetricName: 'Received',
      Dimensions: [
        { Name: 'cluster', Value: 'edge' },
        { Name: 'service', Value: 'ingest' },
      ],
      Threshold: 1,
      ComparisonOperator: 'LessThanThreshold',
      EvaluationPeriods: 12,
      TreatMissingData: 'breaching',
    });
    watched.hasResourceProperties('AWS::Lambda::Function', {
      Environment: {
        Variables: Match.objectLike({
          POWERTOOLS_SERVICE_NAME: 'ingest',
          ADMISSION_FILE: 'admission.json',
        }),
      },
    });
  });

  it('go off when their settings say', () => {
    const template = synthesize({
      clusters: { edge: silent },
      alarms: {
        streamLateMinutes: 5,
        queueLateMinutes: 60,
        timersOldHours: 1,
        spansOldHours: 100,
        clusterSilentMinutes: 120,
      },
    });
    const thresholds = ['IngestLate', 'SettleLate', 'EmitLate', 'SettleOld', 'EmitOld'].map(
      (section) => alarm(section, template).Threshold,
    );
    expect(thresholds).toEqual([300_000, 3600, 3600, 3600, 360_000]);
    expect(alarm('ClusterSilent', template).EvaluationPeriods).toBe(24);
    expect(alarm('SettleLate', template).AlarmDescription).toContain('for more than 60 minutes');
  });

  it('EmitOld goes off before spans are gone, however short they are kept', () => {
    const { Threshold, AlarmDescription } = alarm('EmitOld', synthesize({ retention: { queueDays: 1 } }));
    expect(Threshold).toBe(12 * 3600);
    expect(AlarmDescription).toContain('lost from 1 days on');
  });

  it('IngestGivenUp goes off for a single record that Lambda puts into the bucket', () => {
    plain.hasResourceProperties('AWS::Lambda::EventSourceMapping', {
      MetricsConfig: { Metrics: ['EventCount'] },
    });
    plain.hasResourceProperties('AWS::CloudWatch::Alarm', {
      MetricName: 'OnFailureDestinationDeliveredEventCount',
      Dimensions: [
        { Name: 'EventSourceMappingUUID', Value: { Ref: Match.stringLikeRegexp('^IngestFunctionKinesis') } },
      ],
      Threshold: 1,
      EvaluationPeriods: 1,
    });
  });

  it('tell a topic, of their end as well', () => {
    const topic = 'arn:aws:sns:eu-west-1:111111111111:ops';
    const told = synthesize({ alarmTopicArn: topic });
    told.allResourcesProperties('AWS::CloudWatch::Alarm', { AlarmActions: [topic], OKActions: [topic] });
  });

  it('and figures on the dashboard are ones that the functions tell', () => {
    const source = readFileSync(new URL('../../../shared/telemetry.ts', import.meta.url), 'utf8');
    const body = JSON.stringify(plain.findResources('AWS::CloudWatch::Dashboard'));
    const shown = [...body.matchAll(/Rootspan\\",\\"(\w+)/g)].map(([, name]) => name);
    expect(shown.length).toBeGreaterThan(8);
    for (const name of shown) expect(source).toContain(`'${name}'`);
  });

  it('those by cluster are on the dashboard where they are told', () => {
    const searchesIn = (stack: Template) => {
      const body = JSON.stringify(stack.findResources('AWS::CloudWatch::Dashboard')).replaceAll('\\', '');
      return [...body.matchAll(/SEARCH\('(.*?)', '(\w+)', 300\)/g)].map(([, found, statistic]) => [
        found,
        statistic,
      ]);
    };
    expect(searchesIn(plain)).toEqual([]);
    const schema = '{"Rootspan","service","cluster"} service="settle"';
    expect(searchesIn(synthesize({ metricsByCluster: true }))).toEqual([
      [`${schema} MetricName="ChangesFailed"`, 'Sum'],
      [`${schema} MetricName="ChangesComplete"`, 'Sum'],
      [`${schema} MetricName="ChangeDuration"`, 'p90'],
    ]);
  });
});

describe('settings', () => {
  const role = { principalArn: 'arn:aws:iam::222222222222:role/edge' };
  const secret = 'arn:aws:secretsmanager:eu-west-1:111111111111:secret:otlp';
  const uid = '3c8f4e0a-1d6b-4b1e-9a55-0f6a7a1a9d10';
  const many = (count: number, cluster: (i: number) => object) =>
    Object.fromEntries(Array.from({ length: count }, (_, i) => [`c${i}`, cluster(i)]));
  const onEks = (i: number) => ({ eksClusterArn: `arn:aws:eks:eu-west-1:111111111111:cluster/c${i}` });

  const wrong: [object, string][] = [
    [{ cluster: {} }, 'cluster is not known'],
    [[], 'should be an object, is an array'],
    [
      { clusters: { '-a': role } },
      'clusters.-a should be a name of letters, digits, dots, dashes and underscores, 100 at most, the first a letter or digit',
    ],
    [
      { clusters: { 'prod/eu': role } },
      'clusters.prod/eu should be a name of letters, digits, dots, dashes and underscores, 100 at most, the first a letter or digit',
    ],
    [
      { clusters: { a: {} } },
      'clusters.a needs exactly one of oidcProviderArn, oidcIssuerUrl, eksClusterArn and principalArn',
    ],
    [
      { clusters: { a: { oidcProviderArn: 'arn:aws:iam::111111111111:role/forwarder' } } },
      'clusters.a.oidcProviderArn should be the ARN of an OIDC provider in IAM',
    ],
    [
      { clusters: { a: { eksClusterArn: 'arn:aws:eks:eu-west-1:111111111111:nodegroup/a/b/c' } } },
      'clusters.a.eksClusterArn should be the ARN of an EKS cluster',
    ],
    [
      { clusters: { a: { oidcIssuerUrl: 'https://oidc.example:8443/id' } } },
      'clusters.a.oidcIssuerUrl should be an address like https://oidc.eks…, without a port or query: IAM takes no other',
    ],
    [
      { clusters: many(2, () => ({ oidcIssuerUrl: 'https://oidc.example/id' })) },
      'clusters.c1.oidcIssuerUrl is that of c0 too: IAM has one provider for it; give its oidcProviderArn to both',
    ],
    ...['role/*', 'group/ops', 'policy/ops', 'instance-profile/ops'].map((name): [object, string] => [
      { clusters: { a: { principalArn: `arn:aws:iam::222222222222:${name}` } } },
      'clusters.a.principalArn should be the ARN of a role, a user or an account (…:root), without wildcards',
    ]),
    [
      { clusters: { a: { ...role, namespace: 'Tracing' } } },
      'clusters.a.namespace should be a name of Kubernetes: lower case, digits and dashes',
    ],
    [
      { clusters: { a: { ...role, serviceAccount: '*' } } },
      'clusters.a.serviceAccount should be a name of Kubernetes: lower case, digits, dots and dashes',
    ],
    [
      { clusters: many(100, onEks) },
      'clusters would take 200 outputs, and a stack has room for 198; let some share a principalArn',
    ],
    [
      { clusters: many(160, (i) => ({ oidcIssuerUrl: `https://oidc.example/${i}` })) },
      'clusters would take 480 resources, and a stack has room for 430; let some share a principalArn',
    ],
    [
      { otlp: { endpoint: 'https://x y' } },
      'otlp.endpoint should be an address like https://collector.example:4318',
    ],
    [
      { otlp: { endpoint: 'https://collector.example/v1/traces/' } },
      'otlp.endpoint should be the address before /v1/traces, which is added',
    ],
    [
      { otlp: { endpoint: 'https://collector.example/?token=abc' } },
      'otlp.endpoint should have no user, password or query: what is secret belongs in headersSecretArn',
    ],
    [
      { otlp: { endpoint: 'https://collector.example', headersSecretArn: secret } },
      'otlp.headersSecretArn should be the ARN of a secret, with its last six characters',
    ],
    [
      { otlp: { endpoint: 'https://collector.example', protocol: 'grpc' } },
      'otlp.protocol should be ("http/protobuf" | "http/json"), is string',
    ],
    [{ serviceName: 'deployment' }, 'serviceName should be ("workload" | "component" | "one"), is string'],
    [{ vpc: { subnetIds: [], securityGroupIds: ['sg-1'] } }, 'vpc.subnetIds is empty'],
    [{ rules: '' }, 'rules is empty'],
    [
      { alarmTopicArn: 'arn:aws:sns:eu-west-1:111111111111:ops:0b9c2e4d' },
      'alarmTopicArn should be the ARN of an SNS topic',
    ],
    [{ stream: { shards: 2 } }, 'stream.mode is missing'],
    [
      { stream: { mode: 'on-demand', parallelization: 11 } },
      'stream.parallelization should be whole invocations, from 1 to 10',
    ],
    [
      { clusters: { a: { ...role, uid, publicKeys: ['MCowBQYDK2VwAyEA'] } } },
      'clusters.a.publicKeys.0 should be an Ed25519 public key: DER in base64, 60 characters',
    ],
    [
      { clusters: { a: { ...role, publicKeys: [publicKey] } } },
      'clusters.a needs both publicKeys and uid, or none: activities go by the UID',
    ],
    [
      { clusters: { a: { ...role, uid: 'prod', publicKeys: [publicKey] } } },
      'clusters.a.uid should be the UID of its namespace kube-system',
    ],
    [
      { clusters: many(2, () => ({ ...role, uid, publicKeys: [publicKey] })) },
      'clusters.c1.uid is that of c0 too: neither of them could prove that it is the one',
    ],
    [
      { clusterRate: { burst: 100 } },
      'clusterRate.burst should be whole observations, from 10000 to 100000000',
    ],
    [
      { otlp: { endpoint: 'http://collector.example', headersSecretArn: `${secret}-AbCdEf` } },
      'otlp has an endpoint of http: what headersSecretArn holds could be read on its way; give one of https',
    ],
    [
      { clusters: { a: { ...onEks(1), externalId: 'rootspan' } } },
      'clusters.a has an externalId or organizationId, which only a principalArn may have',
    ],
    [
      { clusters: { a: { ...role, externalId: 'a b' } } },
      'clusters.a.externalId should be an external id of IAM: 2 letters or digits at least, without spaces',
    ],
    [
      { clusters: { a: { ...role, organizationId: '111111111111' } } },
      'clusters.a.organizationId should be the id of an organisation, like o-exampleorgid',
    ],
    [
      { retention: { queueDays: 1 }, alarms: { spansOldHours: 24 } },
      'alarms.spansOldHours should be less than 24, the hours of retention.queueDays',
    ],
    [
      { stackName: 'rootspan_eu' },
      'stackName should be letters, digits and dashes, 50 at most, the first a letter',
    ],
    [
      { kmsKeyArn: 'arn:aws:kms:eu-west-1:111111111111:alias/rootspan' },
      'kmsKeyArn should be the ARN of a key of KMS (not an alias)',
    ],
    [{ retention: { streamHours: 12 } }, 'retention.streamHours should be whole hours, from 24 to 8760'],
    [{ retention: { queueDays: 15 } }, 'retention.queueDays should be whole days, from 1 to 14'],
    [
      { retention: { logDays: 10 } },
      'retention.logDays should be one of CloudWatch Logs’ own: 1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653',
    ],
    [{ memoryMiB: { settle: 1024 } }, 'memoryMiB.settle should be whole MB, from 1769 to 10240'],
    [
      { table: { maxWriteRequestUnits: 0 } },
      'table.maxWriteRequestUnits should be whole units, from 1 to 1000000',
    ],
    [
      { alarms: { queueLateMinutes: 10 } },
      'alarms.queueLateMinutes should be whole minutes, from 16 to 1440',
    ],
    [{ alarms: { clusterSilentMinutes: 62 } }, 'alarms.clusterSilentMinutes should be a multiple of 5'],
    [
      { tags: { 'aws:team': 'x' } },
      'tags.aws:team should be 1 to 128 letters, digits, spaces and _.:/=+-@, not aws:…',
    ],
    [{ tags: { team: 'a,b' } }, 'tags.team should be up to 256 letters, digits, spaces and _.:/=+-@'],
    [
      { permissionsBoundaryArn: 'arn:aws:iam::111111111111:role/bound' },
      'permissionsBoundaryArn should be the ARN of a managed policy of IAM',
    ],
  ];
  it.each(wrong.map(([settings, reason]) => ({ settings, reason })))('$reason', ({ settings, reason }) => {
    expect(() => readSettings(settings)).toThrow(new UserError(`the context key rootspan: ${reason}`));
  });

  it('take the names of clusters as they are: of EKS, of kops, of any partition', () => {
    const { clusters } = readSettings({
      clusters: {
        '2nd_prod': { eksClusterArn: 'arn:aws-us-gov:eks:us-gov-west-1:111111111111:cluster/2nd_prod' },
        'eu.k8s.example': { oidcIssuerUrl: 'https://oidc.prod.example/tenant/cluster/' },
        cn: {
          oidcProviderArn:
            'arn:aws-cn:iam::111111111111:oidc-provider/oidc.eks.cn-north-1.amazonaws.com.cn/id/A',
        },
        account: { principalArn: 'arn:aws:iam::222222222222:root' },
      },
    });
    expect(Object.keys(clusters)).toEqual(['2nd_prod', 'eu.k8s.example', 'cn', 'account']);
  });

  it('take as many clusters as fit into a stack', () => {
    const template = synthesize({ clusters: many(99, onEks) });
    expect(Object.keys(template.findOutputs('*')).length).toBeLessThanOrEqual(200);
  });
});

describe('who may send, and how much', () => {
  /** Beside the code of ingest. */
  const admissionOf = (settings: object) => {
    const app = new App();
    const template = Template.fromStack(new RootspanStack(app, 'Rootspan', readSettings(settings)));
    const [ingest] = Object.values(template.findResources('AWS::Lambda::Function')).filter(
      ({ Properties }) => Properties.Environment.Variables.ADMISSION_FILE === 'admission.json',
    );
    const asset = (ingest!.Properties.Code.S3Key as string).replace(/\.zip$/, '');
    const text = readFileSync(join(app.outdir, `asset.${asset}`, 'admission.json'), 'utf8');
    return readAdmission(text, 'admission.json');
  };

  it('is open unless something else is said, within a rate', () => {
    expect(admissionOf({ clusters: { edge: { principalArn: 'arn:aws:iam::222222222222:root' } } })).toEqual(
      openAdmission,
    );
  });

  it('is beside the code of ingest', () => {
    const uid = '3c8f4e0a-1d6b-4b1e-9a55-0f6a7a1a9d10';
    const role = { principalArn: 'arn:aws:iam::222222222222:role/edge' };
    const settings = {
      clusters: {
        prod: { ...role, uid, publicKeys: [publicKey] },
        edge: { ...role, alarmWhenSilent: true },
        dev: role,
      },
      requireSignatures: true,
      clusterRate: { perSecond: 100 },
    };
    expect(admissionOf(settings)).toEqual({
      clusters: [
        { name: 'prod', uid, publicKeys: [publicKey] },
        { name: 'edge', expected: true },
      ],
      requireSignatures: true,
      clusterRate: { perSecond: 100, burst: 360_000 },
    });
    const [output] = Object.values(
      synthesize(settings).findOutputs('*', { Description: Match.stringLikeRegexp('prod$') }),
    );
    expect(textOf(output!.Value)).toMatch(/ --set signing\.secretName=rootspan-signing$/);
  });
});

describe('what an operator says', () => {
  const key = 'arn:aws:kms:eu-west-1:111111111111:key/12345678-1234-1234-1234-123456789012';
  const edge = {
    principalArn: 'arn:aws:iam::222222222222:root',
    externalId: 'rootspan',
    organizationId: 'o-exampleorgid',
  };

  it('in an app of one’s own a stack has its figures by the name that it has there', () => {
    const app = new App({ context: { 'aws:cdk:bundling-stacks': [] } });
    for (const [stack, name] of [
      [new OwnStack(app, 'RootspanStage'), 'RootspanStage'],
      [new OwnStack(app, 'Traces', { stackName: 'traces-eu' }), 'traces-eu'],
      [new OwnStack(app, 'Other', { settings: { stackName: 'Figures' } }), 'Figures'],
      [new OwnStack(new Stage(app, 'dev'), 'Rootspan'), 'dev-Rootspan'],
    ] as const)
      for (const { Properties } of Object.values(
        Template.fromStack(stack).findResources('AWS::Lambda::Function'),
      ))
        expect(Properties.Environment.Variables.POWERTOOLS_METRICS_NAMESPACE).toBe(name);
  });

  it('a stack of another name has figures, and everything else, of its own', () => {
    const template = synthesize({ stackName: 'Rootspan-staging' });
    for (const { Properties } of Object.values(template.findResources('AWS::Lambda::Function')))
      expect(Properties.Environment.Variables.POWERTOOLS_METRICS_NAMESPACE).toBe('Rootspan-staging');
    expect(JSON.stringify(template.toJSON())).not.toMatch(/"Namespace":"Rootspan"/);
    // Nothing has a name that a second one in the account and region would want, too.
    const named = Object.values(template.toJSON().Resources as Record<string, { Properties?: object }>)
      .flatMap(({ Properties = {} }) => Object.entries(Properties))
      .filter(([name, value]) => /^(?:[A-Z]\w+)?Name$/.test(name) && typeof value === 'string')
      .map(([name]) => name);
    // Of a policy it is one of its role; a metric’s is in the stack’s namespace.
    expect(new Set(named)).toEqual(new Set(['MetricName', 'PolicyName']));
    expect(
      Object.values(template.toJSON().Outputs as Record<string, object>).filter(
        (output) => 'Export' in output,
      ),
    ).toEqual([]);
  });

  it('a key encrypts stream, table, queues, bucket and logs; whoever reads or writes them may use it', () => {
    const template = synthesize({ kmsKeyArn: key, clusters: { edge } });
    const propertiesOf = (type: string) =>
      Object.values(template.findResources(type)).map(({ Properties }) => Properties);
    expect(propertiesOf('AWS::Kinesis::Stream')[0]!.StreamEncryption).toEqual({
      EncryptionType: 'KMS',
      KeyId: key,
    });
    expect(propertiesOf('AWS::DynamoDB::GlobalTable')[0]).toMatchObject({
      SSESpecification: { SSEEnabled: true, SSEType: 'KMS' },
      Replicas: [{ Region: 'eu-west-1', SSESpecification: { KMSMasterKeyId: key } }],
    });
    const queues = propertiesOf('AWS::SQS::Queue');
    expect(queues.map(({ KmsMasterKeyId }) => KmsMasterKeyId)).toEqual(queues.map(() => key));
    const [encryption] =
      propertiesOf('AWS::S3::Bucket')[0]!.BucketEncryption.ServerSideEncryptionConfiguration;
    expect(encryption).toEqual({
      BucketKeyEnabled: true,
      ServerSideEncryptionByDefault: { KMSMasterKeyID: key, SSEAlgorithm: 'aws:kms' },
    });
    expect(propertiesOf('AWS::Logs::LogGroup').map(({ KmsKeyId }) => KmsKeyId)).toEqual([key, key, key]);
    for (const id of ['Ingest', 'Settle', 'Emit'])
      expect(rightsOf(template, id)).toEqual(
        expect.arrayContaining([`kms:Decrypt ${key}`, `kms:GenerateDataKey ${key}`]),
      );
    expect(rightsOf(template, 'Clustersedge')).toEqual([
      'kinesis:PutRecords Observations',
      `kms:GenerateDataKey ${key}`,
    ]);
  });

  it('how long what is kept', () => {
    const template = synthesize({
      retention: { streamHours: 48, queueDays: 7, logDays: 7, setAsideDays: 30 },
    });
    template.hasResourceProperties('AWS::Kinesis::Stream', { RetentionPeriodHours: 48 });
    template.allResourcesProperties('AWS::SQS::Queue', { MessageRetentionPeriod: 7 * 24 * 3600 });
    template.allResourcesProperties('AWS::Logs::LogGroup', { RetentionInDays: 7 });
    template.hasResourceProperties('AWS::S3::Bucket', {
      LifecycleConfiguration: { Rules: [{ ExpirationInDays: 30, Status: 'Enabled' }] },
    });
  });

  it('how much memory each function has, and how much of the table may be used in a second', () => {
    const template = synthesize({
      memoryMiB: { ingest: 1769, settle: 3538, emit: 1024 },
      table: { maxReadRequestUnits: 4000, maxWriteRequestUnits: 1000 },
    });
    const memory = Object.values(template.findResources('AWS::Lambda::Function')).map(({ Properties }) => [
      Properties.Environment.Variables.POWERTOOLS_SERVICE_NAME,
      Properties.MemorySize,
    ]);
    expect(Object.fromEntries(memory)).toEqual({ ingest: 1769, settle: 3538, emit: 1024 });
    template.hasResourceProperties('AWS::DynamoDB::GlobalTable', {
      WriteOnDemandThroughputSettings: { MaxWriteRequestUnits: 1000 },
      Replicas: [Match.objectLike({ ReadOnDemandThroughputSettings: { MaxReadRequestUnits: 4000 } })],
    });
  });

  it('tags of everything that takes some, and a boundary of every role', () => {
    const boundary = 'arn:aws:iam::111111111111:policy/bound';
    const template = synthesize({
      tags: { team: 'platform', 'cost-centre': '42' },
      permissionsBoundaryArn: boundary,
      clusters: { edge },
    });
    const tags = [
      { Key: 'application', Value: 'rootspan' },
      { Key: 'cost-centre', Value: '42' },
      { Key: 'team', Value: 'platform' },
    ];
    for (const type of [
      'AWS::Kinesis::Stream',
      'AWS::SQS::Queue',
      'AWS::Lambda::Function',
      'AWS::S3::Bucket',
    ])
      template.allResourcesProperties(type, { Tags: Match.arrayWith(tags) });
    template.allResourcesProperties('AWS::IAM::Role', { PermissionsBoundary: boundary });
  });

  it('what a boundary has to allow is what the roles do, and stands in the README', () => {
    const template = synthesize({
      kmsKeyArn: 'arn:aws:kms:eu-west-1:111111111111:key/0f1e2d3c-0000-4000-8000-000000000000',
      records: {},
      clusters: { edge },
      otlp: {
        endpoint: 'https://collector.example',
        headersSecretArn: 'arn:aws:secretsmanager:eu-west-1:111111111111:secret:otlp-AbCdEf',
      },
    });
    // Spans go to X-Ray only where there is no other backend.
    const resources = [plain, template].flatMap((one) => Object.values(one.toJSON().Resources)) as {
      Type: string;
      Properties: Record<string, unknown>;
    }[];
    const done = resources
      .filter(({ Type }) => Type === 'AWS::IAM::Policy' || Type === 'AWS::IAM::Role')
      .flatMap(({ Properties: { AssumeRolePolicyDocument: _, ...rest } }) =>
        [...JSON.stringify(rest).matchAll(/"([a-z0-9]+:[A-Z][A-Za-z*]+)"/g)].map(([, action]) => action!),
      );
    const readme = readFileSync(new URL('../../../infra/aws/README.md', import.meta.url), 'utf8');
    const section = readme.split('## A permissions boundary\n')[1]!.split('\n## ')[0]!;
    const told = [...section.matchAll(/`([a-z0-9]+:[A-Z][A-Za-z]+)`/g)].map(([, action]) => action!);
    expect([...new Set(done)].sort()).toEqual(told.sort());
  });

  it('who of another account assumes a cluster’s role: under its conditions, of which the chart is told', () => {
    const template = synthesize({ clusters: { edge } });
    template.hasResourceProperties('AWS::IAM::Role', {
      AssumeRolePolicyDocument: {
        Statement: [
          Match.objectLike({
            Principal: { AWS: edge.principalArn },
            Condition: {
              StringEquals: { 'sts:ExternalId': 'rootspan', 'aws:PrincipalOrgID': 'o-exampleorgid' },
            },
          }),
        ],
      },
    });
    const [output] = Object.values(
      template.findOutputs('*', { Description: Match.stringLikeRegexp('edge$') }),
    );
    expect(textOf(output!.Value)).toMatch(/ --set stream\.assumeRole\.externalId=rootspan$/);
  });

  it('a provider that the stack made for an issuer outlives it: others of the account may go by it', () => {
    const template = synthesize({ clusters: { a: { oidcIssuerUrl: 'https://oidc.example/id' } } });
    template.hasResource('AWS::IAM::OIDCProvider', {
      DeletionPolicy: 'Retain',
      UpdateReplacePolicy: 'Retain',
    });
  });
});

describe('rules of the users’ own', () => {
  const folder = mkdtempSync(join(tmpdir(), 'rootspan-rules-'));
  afterAll(() => rmSync(folder, { recursive: true }));
  const write = (name: string, text: string) => {
    const rules = join(folder, name);
    writeFileSync(rules, text);
    return rules;
  };
  const rule =
    '- {subject: Shop, reason: Settled, message: ^All (a/b)?, outcome: complete, example: All replicas';
  const environments = (template: Template) =>
    Object.values(template.findResources('AWS::Lambda::Function')).map(
      ({ Properties }) => Properties.Environment.Variables as Record<string, string>,
    );

  it('stand beside the code of settle, which is told so, and of nobody else', () => {
    const rules = write('rules.yaml', `rules:\n${rule}}\n`);
    const app = new App();
    const template = Template.fromStack(new RootspanStack(app, 'Rootspan', readSettings({ rules })));
    expect(environments(template).flatMap(({ RULES_FILE }) => RULES_FILE ?? [])).toEqual(['rules.json']);
    const [settle] = Object.values(template.findResources('AWS::Lambda::Function')).filter(
      ({ Properties }) => 'RULES_FILE' in Properties.Environment.Variables,
    );
    const asset = (settle!.Properties.Code.S3Key as string).replace(/\.zip$/, '');
    expect(settle!.Properties.Environment.Variables.SPANS_QUEUE_URL).toBeDefined();
    const written = readFileSync(join(app.outdir, `asset.${asset}`, 'rules.json'), 'utf8');
    expect(checkRules(JSON.parse(written), 'rules.json')).toEqual(readRulesFile(rules));
  });

  it('are none unless said', () => {
    expect(environments(plain).flatMap(({ RULES_FILE }) => RULES_FILE ?? [])).toEqual([]);
  });

  it('are read before anything is deployed', () => {
    const rules = write('wrong.yaml', `rules:\n${rule}, mesage: All}\n`);
    expect(() => readSettings({ rules })).toThrow(
      new UserError(`${rules}: rules[0] (Shop.Settled): mesage is not known; is message meant?`),
    );
    const none = join(folder, 'none.yaml');
    expect(() => readSettings({ rules: none })).toThrow(
      new UserError(`${none}: no such file; check the path`),
    );
    const large = write('large.yaml', '#'.repeat(131_073));
    expect(() => readSettings({ rules: large })).toThrow(
      new UserError(`${large}: larger than 128 kB; leave out what is not needed`),
    );
  });
});

describe('where spans go', () => {
  it('is X-Ray where nothing is said', () => {
    plain.hasResourceProperties('AWS::Lambda::Function', {
      Environment: {
        Variables: {
          POWERTOOLS_SERVICE_NAME: 'emit',
          OTEL_EXPORTER_OTLP_ENDPOINT: Match.absent(),
          // Of whatever partition.
          URL_SUFFIX: { Ref: 'AWS::URLSuffix' },
        },
      },
    });
  });

  it('is an endpoint, with headers from a secret and from within a VPC where that is said', () => {
    const secret = 'arn:aws:secretsmanager:eu-west-1:111111111111:secret:otlp-AbCdEf';
    const template = synthesize({
      otlp: { endpoint: 'https://collector.example', headersSecretArn: secret, protocol: 'http/json' },
      serviceName: 'component',
      vpc: { subnetIds: ['subnet-0123456789abcdef0'], securityGroupIds: ['sg-0123456789abcdef0'] },
    });
    template.hasResourceProperties('AWS::Lambda::Function', {
      Environment: {
        Variables: Match.objectLike({
          OTEL_EXPORTER_OTLP_ENDPOINT: 'https://collector.example',
          OTLP_HEADERS_SECRET_ARN: secret,
          OTEL_EXPORTER_OTLP_PROTOCOL: 'http/json',
          SERVICE_NAME: 'component',
        }),
      },
      VpcConfig: { SubnetIds: ['subnet-0123456789abcdef0'], SecurityGroupIds: ['sg-0123456789abcdef0'] },
    });
    expect(rightsOf(template, 'Emit').filter((right) => /^(?:xray|secrets)/.test(right))).toEqual([
      `secretsmanager:DescribeSecret ${secret}`,
      `secretsmanager:GetSecretValue ${secret}`,
    ]);
  });
});

it('is clean by cdk-nag’s AwsSolutions, with every setting', () => {
  const app = new App({ context: { 'aws:cdk:bundling-stacks': [] } });
  new RootspanStack(
    app,
    'Rootspan',
    readSettings({
      kmsKeyArn: 'arn:aws:kms:eu-west-1:111111111111:key/12345678-1234-1234-1234-123456789012',
      clusters: { edge: { principalArn: 'arn:aws:iam::222222222222:role/edge' } },
      vpc: { subnetIds: ['subnet-0123456789abcdef0'], securityGroupIds: ['sg-0123456789abcdef0'] },
    }),
  );
  Validations.of(app).addPlugins(new AwsSolutionsChecks(app));
  app.synth();
  expect(process.exitCode ?? 0).toBe(0);
});
