/**
 * What a platform team says of its deployment: the context key `rootspan` of cdk.json, of ~/.cdk.json, or JSON on the
 * command line (`-c rootspan='{"clusters": …}'`). It is read once, here; nothing else asks the context.
 */
import * as v from 'valibot';
import type { EventRow } from '../../functions/correlator/causality/rules/event-row.ts';
import { readRulesFile } from '../../functions/correlator/read-rules-file.ts';
import { defaultThresholds } from '../../functions/correlator/thresholds.ts';
import { serviceNamings } from '../../functions/emitter/name-services.ts';
import { otlpProtocols } from '../../functions/emitter/read-config.ts';
import { UserError } from '../../shared/errors.ts';
import { parseWith } from '../../shared/observation.ts';
import type { RootspanSettings } from './settings.ts';

const matching = (pattern: RegExp, message: string) =>
  v.pipe(
    v.string(),
    v.check((text) => pattern.test(text), message),
  );

/** @param rest how it goes on after the service and a colon, as far as a mix-up would show */
const Arn = (service: string, rest: RegExp, what: string) =>
  matching(new RegExp(`^arn:aws[a-z-]*:${service}:${rest.source}`), `should be the ARN of ${what}`);

const Namespace = matching(
  /^[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$/,
  'should be a name of Kubernetes: lower case, digits and dashes',
);
const ServiceAccount = matching(
  /^[a-z0-9](?:[a-z0-9.-]{0,251}[a-z0-9])?$/,
  'should be a name of Kubernetes: lower case, digits, dots and dashes',
);

/** Whoever may put records on the stream in a cluster's name; one of the three ways in which a pod gets AWS credentials. */
const ClusterSchema = v.pipe(
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
    namespace: v.optional(Namespace, 'rootspan'),
    serviceAccount: v.optional(ServiceAccount, 'rootspan-forwarder'),
  }),
  v.check(
    ({ oidcProviderArn, oidcIssuerUrl, eksClusterArn, principalArn }) =>
      [oidcProviderArn, oidcIssuerUrl, eksClusterArn, principalArn].filter(Boolean).length === 1,
    'needs exactly one of oidcProviderArn, oidcIssuerUrl, eksClusterArn and principalArn',
  ),
);

const Count = v.pipe(
  v.number(),
  v.check((count) => Number.isInteger(count) && count > 0, 'should be a whole number above 0'),
);

const SettingsSchema = v.strictObject({
  /** By a name that says which cluster it is: whatever EKS, kops and others allow. */
  clusters: v.optional(
    v.record(
      matching(
        /^[A-Za-z0-9][\w.-]{0,99}$/,
        'should be a name of letters, digits, dots, dashes and underscores, 100 at most, the first a letter or digit',
      ),
      ClusterSchema,
    ),
    {},
  ),
  /** One provisioned shard takes 1,000 records and 1 MB a second; on demand scales by itself at about three times the idle price. */
  stream: v.optional(
    v.variant('mode', [
      v.strictObject({ mode: v.literal('provisioned'), shards: Count }),
      v.strictObject({ mode: v.literal('on-demand') }),
    ]),
    { mode: 'provisioned', shards: 1 },
  ),
  /** Without it: AWS X-Ray's own OTLP endpoint, signed with the emitter's role. */
  otlp: v.optional(
    v.strictObject({
      /** As OTEL_EXPORTER_OTLP_ENDPOINT: the address before /v1/traces. */
      endpoint: v.pipe(
        v.string(),
        v.check(
          (text) => /^https?:\/\/\S+$/.test(text) && URL.canParse(text),
          'should be an address like https://collector.example:4318',
        ),
        v.check((text) => {
          const { username, password, search, hash } = new URL(text);
          return username + password + search + hash === '';
        }, 'should have no user, password or query: what is secret belongs in headersSecretArn'),
        v.check(
          (text) => !/\/v1\/traces\/*$/.test(text),
          'should be the address before /v1/traces, which is added',
        ),
      ),
      /** How the backend wants OTLP. */
      protocol: v.optional(v.picklist(otlpProtocols)),
      /** Of a secret of Secrets Manager that holds the headers. */
      headersSecretArn: v.optional(
        Arn(
          'secretsmanager',
          /[a-z0-9-]+:\d{12}:secret:.+-[A-Za-z0-9]{6}$/,
          'a secret, with its last six characters',
        ),
      ),
    }),
  ),
  /** What a backend shows as the service of a root: the workload, the component, or one for all spans. */
  serviceName: v.optional(v.picklist(serviceNamings), 'workload'),
  /** For the emitter, where the endpoint is private. It also needs a way to SQS, S3 and Secrets Manager from there. */
  vpc: v.optional(
    v.strictObject({
      subnetIds: v.pipe(v.array(matching(/^subnet-/, 'should be the id of a subnet')), v.nonEmpty()),
      securityGroupIds: v.pipe(
        v.array(matching(/^sg-/, 'should be the id of a security group')),
        v.nonEmpty(),
      ),
    }),
  ),
  /**
   * Without an observation for so long an activity is quiet, and its traces are sent: both functions of the correlator get it. Below 5
   * a burst of Events (up to 11 s between two of them) is many traces that come in parts, beyond 120 a related change is no longer
   * waited for.
   */
  settleAfterSeconds: v.optional(
    v.pipe(
      v.number(),
      v.check(
        (seconds) => Number.isInteger(seconds) && seconds >= 5 && seconds <= 120,
        'should be whole seconds, from 5 to 120',
      ),
    ),
    defaultThresholds.quiet,
  ),
  /** Of an SNS topic that hears of alarms, and of their end. */
  alarmTopicArn: v.optional(Arn('sns', /[a-z0-9-]+:\d{12}:[\w.-]+$/, 'an SNS topic')),
  /** A file with rules of the users' own (docs/rules.md), from where the CDK runs: the folder of cdk.json. */
  rules: v.optional(v.pipe(v.string(), v.nonEmpty())),
});

type WrittenSettings = v.InferOutput<typeof SettingsSchema>;
export interface Settings extends Omit<WrittenSettings, 'rules'> {
  /** What stands in the file. */
  rules?: readonly EventRow[];
}
export type ClusterSettings = v.InferOutput<typeof ClusterSchema>;

/** Fails to compile where the types that apps see (settings.ts) and what is checked here say different things. */
type Same<A, B> = [A, B] extends [B, A] ? true : never;
true satisfies Same<v.InferInput<typeof SettingsSchema>, RootspanSettings>;

/**
 * @param context what the CDK found under `rootspan`: an object, or JSON from the command line, or nothing
 * @param where it was written, for a message
 * @throws UserError that names the setting to put right, or the file of rules and the row
 */
export function readSettings(context: unknown, where = 'the context key rootspan'): Settings {
  const input = typeof context === 'string' ? parseJson(context) : (context ?? {});
  const wrong = (reason: string) => new UserError(`${where}: ${reason}`);
  // To valibot an array is an object without any of the settings.
  if (Array.isArray(input)) throw wrong('should be an object, is an array');
  const settings = parseWith(SettingsSchema, input);
  if (!settings.ok) throw wrong(settings.reason);
  const clash = findSharedIssuer(settings.value) ?? findTooMany(settings.value);
  if (clash !== undefined) throw wrong(clash);
  const { rules, ...others } = settings.value;
  return { ...others, ...(rules !== undefined && { rules: readRulesFile(rules) }) };
}

function findSharedIssuer({ clusters }: WrittenSettings): string | undefined {
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

/** CloudFormation's quotas of a stack, less what the pipeline itself has. */
const roomFor = { outputs: 200 - 1, resources: 500 - 50 };

function findTooMany({ clusters }: WrittenSettings): string | undefined {
  const all = Object.values(clusters);
  const associations = all.filter(({ eksClusterArn }) => eksClusterArn !== undefined).length;
  const providers = all.filter(({ oidcIssuerUrl }) => oidcIssuerUrl !== undefined).length;
  const takes = { outputs: all.length + associations, resources: 2 * all.length + providers };
  for (const what of ['outputs', 'resources'] as const) {
    if (takes[what] > roomFor[what]) {
      return `clusters would take ${takes[what]} ${what}, and a stack has room for ${roomFor[what]}; let some share a principalArn`;
    }
  }
  return undefined;
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw new UserError('the context key rootspan is not JSON');
  }
}
