/**
 * What a platform team may say of its deployment, as types of their own, so that an app that uses the stack needs no types of the
 * libraries that check it. read-settings.ts is what checks it; the compiler sees to it that both say the same.
 */
import type { StackProps } from 'aws-cdk-lib';

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
  stream?: { mode: 'provisioned'; shards: number } | { mode: 'on-demand' } | undefined;
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
  /** Of an SNS topic that hears of alarms, and of their end. */
  alarmTopicArn?: string | undefined;
  /** A file with rules of your own, from where the app runs. */
  rules?: string | undefined;
}

export interface RootspanStackProps extends StackProps {
  settings?: RootspanSettings | undefined;
}
