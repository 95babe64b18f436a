/** An example: changes of a namespace that stalled or failed, to a topic of SNS, and to a chat's webhook where there is one. */
import { CfnOutput, Duration, SecretValue, Stack } from 'aws-cdk-lib';
import {
  ApiDestination,
  Authorization,
  Connection,
  EventBus,
  EventField,
  HttpMethod,
  type IApiDestination,
  Rule,
  RuleTargetInput,
} from 'aws-cdk-lib/aws-events';
import { SnsTopic, ApiDestination as ToApiDestination } from 'aws-cdk-lib/aws-events-targets';
import { Topic } from 'aws-cdk-lib/aws-sns';
import { Queue, QueueEncryption } from 'aws-cdk-lib/aws-sqs';
import type { Construct } from 'constructs';

export interface NotifySettings {
  /** The output RecordsBus of the stack Rootspan. */
  busName: string;
  namespace: string;
  /** Of a chat that takes `{"text": …}` (Slack, Mattermost, Teams' workflows). */
  webhook?: {
    url: string;
    /** Name of a secret of Secrets Manager, whose text is the header Authorization, where the chat wants one. */
    secretName?: string;
  };
}

export class NotifyStack extends Stack {
  constructor(scope: Construct, id: string, { busName, namespace, webhook }: NotifySettings) {
    super(scope, id, { description: 'Rootspan: tells of changes that stalled or failed' });
    const rule = new Rule(this, 'Troubles', {
      eventBus: EventBus.fromEventBusName(this, 'Records', busName),
      description: `Changes in namespace ${namespace} that stalled or failed`,
      eventPattern: {
        source: ['rootspan'],
        detail: {
          kind: ['ended', 'stalled'],
          outcome: ['failed', 'stalled'],
          object: { namespace: [namespace] },
        },
      },
    });
    // What could not be told for a day: EventBridge tries for so long.
    const deadLetterQueue = new Queue(this, 'Untold', {
      encryption: QueueEncryption.SQS_MANAGED,
      enforceSSL: true,
      retentionPeriod: Duration.days(14),
    });
    const text = sentence();
    const topic = new Topic(this, 'Topic', { displayName: 'Rootspan', enforceSSL: true });
    rule.addTarget(new SnsTopic(topic, { message: RuleTargetInput.fromText(text), deadLetterQueue }));
    new CfnOutput(this, 'Told', {
      description:
        'The topic to subscribe to: aws sns subscribe --topic-arn … --protocol email --notification-endpoint …',
      value: topic.topicArn,
    });
    if (webhook === undefined) return;
    // A cast, because the CDK's own declarations are not written for exactOptionalPropertyTypes.
    const destination = new ApiDestination(this, 'Chat', {
      connection: new Connection(this, 'ChatConnection', {
        authorization: authorizationOf(webhook),
      }),
      endpoint: webhook.url,
      httpMethod: HttpMethod.POST,
      rateLimitPerSecond: 1,
    }) as IApiDestination;
    rule.addTarget(
      new ToApiDestination(destination, { event: RuleTargetInput.fromObject({ text }), deadLetterQueue }),
    );
  }
}

/** EventBridge has no connection without a header; one that no chat reads is none to keep secret. */
const authorizationOf = ({ secretName }: { secretName?: string }): Authorization =>
  secretName === undefined
    ? Authorization.apiKey('X-Rootspan', SecretValue.unsafePlainText('change-record'))
    : Authorization.apiKey('Authorization', SecretValue.secretsManager(secretName));

/** "Deployment shop/web failed in eu-3: image … (ErrImagePull) https://…" */
function sentence(): string {
  const of = (path: string) => EventField.fromPath(`$.detail.${path}`);
  return (
    `${of('object.kind')} ${of('object.namespace')}/${of('object.name')} ${of('outcome')} in ${of('cluster.name')}: ` +
    `${of('change.summary')} (${of('cause.type')}) ${of('trace.url')}`
  );
}
