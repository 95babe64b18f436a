/** What a platform team says of a cluster: who may put records on the stream in its name, and what is expected of it. */
import * as v from 'valibot';
import { Arn, matching } from './setting-texts.ts';

const Namespace = matching(
  /^[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$/,
  'should be a name of Kubernetes: lower case, digits and dashes',
);
const ServiceAccount = matching(
  /^[a-z0-9](?:[a-z0-9.-]{0,251}[a-z0-9])?$/,
  'should be a name of Kubernetes: lower case, digits, dots and dashes',
);

/** Whoever may put records on the stream in a cluster's name; one of the three ways in which a pod gets AWS credentials. */
export const ClusterSchema = v.pipe(
  v.strictObject({
    /** IAM Roles for Service Accounts: the cluster's OIDC provider in IAM, where there is one already. */
    oidcProviderArn: v.optional(Arn('iam', /:\d{12}:oidc-provider\/[^\s*?]+$/, 'an OIDC provider in IAM')),
    /** The same, where there is none yet: the issuer that `aws eks describe-cluster` tells. The stack makes the provider. */
    oidcIssuerUrl: v.optional(
      matching(
        /^https:\/\/[a-z0-9.-]+(?:\/[^\s?#]*)?$/,
        'should be an address like https://oidc.eks…, without a port or query: IAM takes no other',
      ),
    ),
    /** EKS Pod Identity: the cluster itself. */
    eksClusterArn: v.optional(Arn('eks', /[a-z0-9-]+:\d{12}:cluster\/[\w-]+$/, 'an EKS cluster')),
    /** A role or user, of another account or not, that assumes the cluster's role. */
    principalArn: v.optional(
      Arn(
        '(?:iam|sts)',
        /:\d{12}:(?:root|(?:role|user|assumed-role|federated-user)\/[\w+=,.@/-]+)$/,
        'a role, a user or an account (…:root), without wildcards',
      ),
    ),
    /** Of a `principalArn`: what it has to say when it assumes the role, so that nobody else of its account can have it do so. */
    externalId: v.optional(
      matching(
        /^[\w+=,.@:/-]{2,1224}$/,
        'should be an external id of IAM: 2 letters or digits at least, without spaces',
      ),
    ),
    /** Of a `principalArn`: the organisation of AWS Organizations that it is in. */
    organizationId: v.optional(
      matching(/^o-[a-z0-9]{10,32}$/, 'should be the id of an organisation, like o-exampleorgid'),
    ),
    /** Whether an alarm goes off where nothing of it has come for an hour (`alarms.clusterSilentMinutes`). It costs a metric and an alarm. */
    alarmWhenSilent: v.optional(v.boolean(), false),
    namespace: v.optional(Namespace, 'rootspan'),
    serviceAccount: v.optional(ServiceAccount, 'rootspan-forwarder'),
  }),
  v.check(
    ({ oidcProviderArn, oidcIssuerUrl, eksClusterArn, principalArn }) =>
      [oidcProviderArn, oidcIssuerUrl, eksClusterArn, principalArn].filter(Boolean).length === 1,
    'needs exactly one of oidcProviderArn, oidcIssuerUrl, eksClusterArn and principalArn',
  ),
  v.check(
    ({ principalArn, externalId, organizationId }) =>
      principalArn !== undefined || (externalId === undefined && organizationId === undefined),
    'has an externalId or organizationId, which only a principalArn may have',
  ),
);

export type ClusterSettings = v.InferOutput<typeof ClusterSchema>;

/** What one cluster says and another one may not. */
export function findSharedIssuer(clusters: Readonly<Record<string, ClusterSettings>>): string | undefined {
  const byIssuer = new Map<string, string>();
  for (const [name, { oidcIssuerUrl }] of Object.entries(clusters)) {
    if (oidcIssuerUrl === undefined) continue;
    const other = byIssuer.get(oidcIssuerUrl);
    if (other !== undefined) {
      return `clusters.${name}.oidcIssuerUrl is that of ${other} too: IAM has one provider for it; give its oidcProviderArn to both`;
    }
    byIssuer.set(oidcIssuerUrl, name);
  }
  return undefined;
}
