/** What a platform team says of a cluster: who may put records on the stream in its name, and what is expected of it. */
import * as v from 'valibot';
import { readPublicKey } from '../../shared/sign-batches.ts';
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
    /**
     * Who has none of them is not this cluster, whoever else may put records on the stream: DER in base64, each of an Ed25519 key. Several,
     * where one takes the place of another, or where somebody brings back what was set aside.
     */
    publicKeys: v.optional(
      v.pipe(
        v.array(
          v.pipe(
            v.string(),
            v.check(
              (text) => readPublicKey(text) !== undefined,
              'should be an Ed25519 public key: DER in base64, 60 characters',
            ),
          ),
        ),
        v.nonEmpty(),
      ),
    ),
    /** Of its namespace kube-system: with keys, what says that it is of this UID has to be signed with one, too. */
    uid: v.optional(
      matching(
        /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/,
        'should be the UID of its namespace kube-system',
      ),
    ),
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
  v.check(
    ({ publicKeys, uid }) => (publicKeys === undefined) === (uid === undefined),
    'needs both publicKeys and uid, or none: activities go by the UID',
  ),
);

export type ClusterSettings = v.InferOutput<typeof ClusterSchema>;

/** The first that says what another one has said before. */
function findShared(
  clusters: Readonly<Record<string, ClusterSettings>>,
  setting: 'oidcIssuerUrl' | 'uid',
  why: string,
): string | undefined {
  const saidBy = new Map<string, string>();
  for (const [name, { [setting]: said }] of Object.entries(clusters)) {
    if (said === undefined) continue;
    const other = saidBy.get(said);
    if (other !== undefined) return `clusters.${name}.${setting} is that of ${other} too: ${why}`;
    saidBy.set(said, name);
  }
  return undefined;
}

export const findSharedIssuer = (clusters: Readonly<Record<string, ClusterSettings>>): string | undefined =>
  findShared(clusters, 'oidcIssuerUrl', 'IAM has one provider for it; give its oidcProviderArn to both');

export const findSharedUid = (clusters: Readonly<Record<string, ClusterSettings>>): string | undefined =>
  findShared(clusters, 'uid', 'neither of them could prove that it is the one');
