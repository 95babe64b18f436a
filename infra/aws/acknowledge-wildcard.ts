/** cdk-nag fails `cdk synth` for each `*` in a policy that nobody has said why of. */
import { type CfnElement, Stack, Validations } from 'aws-cdk-lib';
import type { IBucket } from 'aws-cdk-lib/aws-s3';
import type { IConstruct } from 'constructs';

/** @param resource as in the policy; of a bucket's objects, `objectsOf` */
export function acknowledgeWildcard(scope: IConstruct, resource: string, reason: string): void {
  Validations.of(scope).acknowledge({ id: `AwsSolutions-IAM5[Resource::${resource}]`, reason });
}

/** The objects under a prefix, as cdk-nag names them. */
export const objectsOf = (bucket: IBucket, prefix: string): string =>
  `<${Stack.of(bucket).getLogicalId(bucket.node.defaultChild as CfnElement)}.Arn>/${prefix}*`;
