/**
 * What a platform team may say of its deployment, as types of their own, so that an app that uses the stack needs no types of the
 * libraries that check it. read-settings.ts is what checks it; the compiler sees to it that both say the same.
 */
import type { StackProps } from 'aws-cdk-lib';
import type { RecordOutcome } from '../../shared/change-record.ts';

/** One of the four ways in which a cluster's forwarder gets AWS credentials; exactly one has to be given. */
export interface RootspanCluster {
  /** IAM Roles for Service Accounts: the cluster's OIDC provider in IAM, where there is one already. */
  oidcProviderArn?: string | undefined;
  /** The same, where there is none yet; the stack makes the provider. */
  oidcIssuerUrl?: string | undefined;
  /** EKS Pod Identity: the cluster itself. */
  eksClusterArn?: string | undefined;
  /** A role or user, of another account or not, that assumes the cluster's role. */
  principalArn?: string | undefined;
  /** Of a `principalArn`: what it has to say when it assumes the role. */
  externalId?: string | undefined;
  /** Of a `principalArn`: the organisation of AWS Organizations that it is in. */
  organizationId?: string | undefined;
  /** Whether an alarm goes off where nothing of it has come for `alarms.clusterSilentMinutes`; it costs a metric and an alarm. */
  alarmWhenSilent?: boolean | undefined;
  /** Who signs with none of them is not this cluster: DER in base64, each of an Ed25519 key. Goes with `uid`. */
  publicKeys?: string[] | undefined;
  /** Of its namespace kube-system. Goes with `publicKeys`. */
  uid?: string | undefined;
  /** Of the forwarder; `rootspan` unless it is said. */
  namespace?: string | undefined;
  /** Of the forwarder; `rootspan-forwarder` unless it is said. */
  serviceAccount?: string | undefined;
}

/** The same as under the context key `rootspan` of cdk.json; the README says what each is for. */
export interface RootspanSettings {
  /** By a name that says which cluster it is. */
  clusters?: Record<string, RootspanCluster> | undefined;
  /** One provisioned shard unless it is said. */
  stream?:
    | { mode: 'provisioned'; shards: number; parallelization?: number | undefined }
    | { mode: 'on-demand'; parallelization?: number | undefined }
    | undefined;
  /** Where spans go; AWS X-Ray's own OTLP endpoint unless it is said. */
  otlp?:
    | {
        /** The address before /v1/traces. */
        endpoint: string;
        protocol?: 'http/protobuf' | 'http/json' | undefined;
        /** Of a secret of Secrets Manager that holds the headers. */
        headersSecretArn?: string | undefined;
      }
    | undefined;
  /** What a backend shows as the service of a root. */
  serviceName?: 'workload' | 'component' | 'one' | undefined;
  /** For the emitter, where the endpoint is private. */
  vpc?: { subnetIds: string[]; securityGroupIds: string[] } | undefined;
  /** From 5 to 120; 20 unless it is said. */
  settleAfterSeconds?: number | undefined;
  /** How changes ended and how long they took by cluster, too: up to five metrics for each. */
  metricsByCluster?: boolean | undefined;
  /** Between the starts of two changes of one revision: a longer gap is one between two releases. From 5 to 120; 60 unless it is said. */
  releaseGapMinutes?: number | undefined;
  /** Change records on an EventBridge bus; none where it is left out. */
  records?:
    | {
        /** The links in them: an address with {traceId}. */
        traceUrl?: string | undefined;
        /** Records of these alone; of all unless it is said. Without `complete` nobody can tell the share that failed. */
        outcomes?: RecordOutcome[] | undefined;
      }
    | undefined;
  /** Whether nothing is taken of clusters that have no `publicKeys`. */
  requireSignatures?: boolean | undefined;
  /** Observations of one cluster on one shard that are filed; what is beyond is held in the bucket. */
  clusterRate?: { perSecond?: number | undefined; burst?: number | undefined } | undefined;
  /** Several stacks in one account and region each have one of their own; `Rootspan` unless it is said. */
  stackName?: string | undefined;
  /** Of a key of your own for stream, table, queues, bucket and logs. */
  kmsKeyArn?: string | undefined;
  /** How long stream, queues, logs and what was set aside are kept. */
  retention?:
    | {
        streamHours?: number | undefined;
        queueDays?: number | undefined;
        logDays?: number | undefined;
        setAsideDays?: number | undefined;
      }
    | undefined;
  /** MB of each function. */
  memoryMiB?:
    | { ingest?: number | undefined; settle?: number | undefined; emit?: number | undefined }
    | undefined;
  /** From when on alarms go off. */
  alarms?:
    | {
        streamLateMinutes?: number | undefined;
        queueLateMinutes?: number | undefined;
        timersOldHours?: number | undefined;
        spansOldHours?: number | undefined;
        clusterSilentMinutes?: number | undefined;
      }
    | undefined;
  /** The most of units a second that the table is billed for. */
  table?: { maxReadRequestUnits?: number | undefined; maxWriteRequestUnits?: number | undefined } | undefined;
  /** Of everything that takes tags. */
  tags?: Record<string, string> | undefined;
  /** Of a managed policy that bounds every role of the stack. */
  permissionsBoundaryArn?: string | undefined;
  /** Of an SNS topic that hears of alarms, and of their end. */
  alarmTopicArn?: string | undefined;
  /** A file with rules of your own, from where the app runs. */
  rules?: string | undefined;
}

export interface RootspanStackProps extends StackProps {
  settings?: RootspanSettings | undefined;
}
