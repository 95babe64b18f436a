/** What lets a cluster's forwarder put records on the stream, and nothing else. It costs nothing while it is not used. */
import { CfnOutput, Fn, RemovalPolicy, Stack } from 'aws-cdk-lib';
import {
  ArnPrincipal,
  type IPrincipal,
  OidcProviderNative,
  Role,
  ServicePrincipal,
  SessionTagsPrincipal,
  WebIdentityPrincipal,
} from 'aws-cdk-lib/aws-iam';
import type { IStream } from 'aws-cdk-lib/aws-kinesis';
import type { IKey } from 'aws-cdk-lib/aws-kms';
import { Construct } from 'constructs';
import type { ClusterSettings } from './cluster-settings.ts';

export interface ClusterAccessProps {
  settings: ClusterSettings;
  stream: IStream;
  /** Of the stream, where it is the users' own. */
  key: IKey | undefined;
}

export class ClusterAccess extends Construct {
  constructor(scope: Construct, id: string, { settings, stream, key }: ClusterAccessProps) {
    super(scope, id);
    const role = new Role(this, 'Role', {
      assumedBy: this.#principalOf(settings),
      description: `The Rootspan forwarder of the cluster ${id}: puts records on one stream`,
    });
    stream.grant(role, 'kinesis:PutRecords');
    // Kinesis asks for it in the sender's name; with its own key it asks nobody.
    key?.grant(role, 'kms:GenerateDataKey');

    const values = {
      'stream.name': stream.streamName,
      'stream.region': Stack.of(this).region,
      'stream.roleArn': role.roleArn,
      'serviceAccount.name': settings.serviceAccount,
      // How a principal's credentials come to the pod only the user knows; Helm refuses this and lists the ways.
      ...(settings.principalArn !== undefined && { 'stream.assumeRole.from': 'CHOOSE' }),
      ...(settings.publicKeys !== undefined && { 'signing.secretName': 'rootspan-signing' }),
      ...(settings.externalId !== undefined && { 'stream.assumeRole.externalId': settings.externalId }),
    };
    new CfnOutput(this, 'HelmValues', {
      description: `helm install rootspan infra/kubernetes/chart …: what it has to be told of the cluster ${id}`,
      value: Fn.join(' ', [
        `--namespace ${settings.namespace}`,
        // A cluster may be called 2024, which Helm would take for a number.
        `--set-string cluster.name=${id}`,
        ...Object.entries(values).map(([name, value]) => `--set ${name}=${value}`),
      ]),
    });
    if (settings.eksClusterArn !== undefined) {
      new CfnOutput(this, 'PodIdentityAssociation', {
        description: `Once, for the cluster ${id}: EKS Pod Identity hands out the role`,
        value:
          `aws eks create-pod-identity-association --cluster-name ${settings.eksClusterArn.split('/').at(-1)}` +
          ` --namespace ${settings.namespace} --service-account ${settings.serviceAccount} --role-arn ${role.roleArn}`,
      });
    }
  }

  #principalOf(settings: ClusterSettings): IPrincipal {
    const { eksClusterArn, oidcIssuerUrl, principalArn, namespace, serviceAccount } = settings;
    if (principalArn !== undefined) return principalUnderConditions(principalArn, settings);
    if (eksClusterArn !== undefined) {
      // https://docs.aws.amazon.com/eks/latest/userguide/pod-id-role.html
      return new SessionTagsPrincipal(
        new ServicePrincipal('pods.eks.amazonaws.com', {
          conditions: {
            StringEquals: {
              'aws:RequestTag/eks-cluster-arn': eksClusterArn,
              'aws:RequestTag/kubernetes-namespace': namespace,
              'aws:RequestTag/kubernetes-service-account': serviceAccount,
            },
          },
        }),
      );
    }
    // https://docs.aws.amazon.com/eks/latest/userguide/associate-service-account-role.html
    const providerArn =
      settings.oidcProviderArn ??
      new OidcProviderNative(this, 'OidcProvider', {
        url: oidcIssuerUrl!,
        clientIds: ['sts.amazonaws.com'],
        // IAM has one for each issuer: roles of others go by it too, and would be refused once it is gone.
        removalPolicy: RemovalPolicy.RETAIN,
      }).oidcProviderArn;
    const issuer = (oidcIssuerUrl ?? settings.oidcProviderArn!).replace(
      /^https:\/\/|^.*:oidc-provider\//,
      '',
    );
    return new WebIdentityPrincipal(providerArn, {
      StringEquals: {
        [`${issuer}:aud`]: 'sts.amazonaws.com',
        [`${issuer}:sub`]: `system:serviceaccount:${namespace}:${serviceAccount}`,
      },
    });
  }
}

function principalUnderConditions(
  principalArn: string,
  { externalId, organizationId }: ClusterSettings,
): IPrincipal {
  const StringEquals = {
    ...(externalId !== undefined && { 'sts:ExternalId': externalId }),
    ...(organizationId !== undefined && { 'aws:PrincipalOrgID': organizationId }),
  };
  const principal = new ArnPrincipal(principalArn);
  return Object.keys(StringEquals).length === 0 ? principal : principal.withConditions({ StringEquals });
}
