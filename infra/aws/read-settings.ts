/**
 * What a platform team says of its deployment: the context key `rootspan` of cdk.json, of ~/.cdk.json, or JSON on the
 * command line (`-c rootspan='{"clusters": …}'`). It is read once, here; nothing else asks the context.
 */
import * as v from 'valibot';
import type { EventRow } from '../../functions/correlator/causality/rules/event-row.ts';
import { readRulesFile } from '../../functions/correlator/read-rules-file.ts';
import { defaultClusterRate, defaultThresholds, leastBurst } from '../../functions/correlator/thresholds.ts';
import { serviceNamings } from '../../functions/emitter/name-services.ts';
import { keepsSecrets, otlpProtocols } from '../../functions/emitter/read-config.ts';
import { recordOutcomes } from '../../shared/change-record.ts';
import { UserError } from '../../shared/errors.ts';
import { parseWith } from '../../shared/observation.ts';
import { checkTraceUrl } from '../../shared/trace-url.ts';
import { ClusterSchema, findSharedIssuer, findSharedUid } from './cluster-settings.ts';
import { operatorEntries } from './operator-settings.ts';
import { Arn, matching, Whole } from './setting-texts.ts';
import type { RootspanSettings } from './settings.ts';

const Count = v.pipe(
  v.number(),
  v.check((count) => Number.isInteger(count) && count > 0, 'should be a whole number above 0'),
);

/** Invocations of ingest at once for each shard; all of one partition key go one after the other. */
const Parallelization = v.optional(Whole(1, 10, 'invocations'), 1);

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
      v.strictObject({ mode: v.literal('provisioned'), shards: Count, parallelization: Parallelization }),
      v.strictObject({ mode: v.literal('on-demand'), parallelization: Parallelization }),
    ]),
    { mode: 'provisioned', shards: 1, parallelization: 1 },
  ),
  /** Without it: AWS X-Ray's own OTLP endpoint, signed with the emitter's role. */
  otlp: v.optional(
    v.pipe(
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
      v.check(
        ({ endpoint, headersSecretArn }) => headersSecretArn === undefined || keepsSecrets(new URL(endpoint)),
        'has an endpoint of http: what headersSecretArn holds could be read on its way; give one of https',
      ),
    ),
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
  settleAfterSeconds: v.optional(Whole(5, 120, 'seconds'), defaultThresholds.quiet),
  /** How changes ended and how long they took by cluster, too: up to five metrics for each, of $0.30 a month. */
  metricsByCluster: v.optional(v.boolean(), false),
  /** Smaller: a release that goes out in waves is told in parts. Larger: it is told later, 20 minutes more than this after its last start, and 80 at least. */
  releaseGapMinutes: v.optional(Whole(5, 120, 'minutes'), defaultThresholds.releaseGap / 60),
  /** Change records on an EventBridge bus; none where it is left out. */
  records: v.optional(
    v.strictObject({
      /** The links in them: an address with {traceId}. */
      traceUrl: v.optional(
        v.pipe(
          v.string(),
          v.check((text) => checkTraceUrl(text) === undefined, 'should be https://… with {traceId} in it'),
        ),
      ),
      /** Each record that is put is billed, whatever the rules do with it. */
      outcomes: v.optional(v.pipe(v.array(v.picklist(recordOutcomes)), v.nonEmpty('is empty'))),
    }),
  ),
  /** Of an SNS topic that hears of alarms, and of their end. */
  alarmTopicArn: v.optional(Arn('sns', /[a-z0-9-]+:\d{12}:[\w.-]+$/, 'an SNS topic')),
  /** A file with rules of the users' own (docs/rules.md), from where the CDK runs: the folder of cdk.json. */
  rules: v.optional(v.pipe(v.string(), v.nonEmpty())),
  /** Whether nothing is taken of clusters that have no `publicKeys`. */
  requireSignatures: v.optional(v.boolean(), false),
  /** Observations of one cluster on one shard that are filed; what is beyond is held in the bucket. */
  clusterRate: v.optional(
    v.strictObject({
      perSecond: v.optional(Whole(1, 100_000, 'observations'), defaultClusterRate.perSecond),
      burst: v.optional(Whole(leastBurst, 100_000_000, 'observations'), defaultClusterRate.burst),
    }),
    {},
  ),
  ...operatorEntries,
});

type WrittenSettings = v.InferOutput<typeof SettingsSchema>;
export interface Settings extends Omit<WrittenSettings, 'rules'> {
  /** What stands in the file. */
  rules?: readonly EventRow[];
}

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
  const clash =
    findSharedIssuer(settings.value.clusters) ??
    findSharedUid(settings.value.clusters) ??
    findTooMany(settings.value) ??
    findTooLate(settings.value);
  if (clash !== undefined) throw wrong(clash);
  const { rules, ...others } = settings.value;
  return { ...others, ...(rules !== undefined && { rules: readRulesFile(rules) }) };
}

/** An alarm of what is gone when it goes off. */
const findTooLate = ({ alarms: { spansOldHours = 0 }, retention: { queueDays } }: WrittenSettings) =>
  spansOldHours >= 24 * queueDays
    ? `alarms.spansOldHours should be less than ${24 * queueDays}, the hours of retention.queueDays`
    : undefined;

/** CloudFormation's quotas of a stack, less what the pipeline itself has. */
const roomFor = { outputs: 200 - 2, resources: 500 - 70 };

function findTooMany({ clusters }: WrittenSettings): string | undefined {
  const all = Object.values(clusters);
  const associations = all.filter(({ eksClusterArn }) => eksClusterArn !== undefined).length;
  const providers = all.filter(({ oidcIssuerUrl }) => oidcIssuerUrl !== undefined).length;
  const alarms = all.filter(({ alarmWhenSilent }) => alarmWhenSilent).length;
  const takes = { outputs: all.length + associations, resources: 2 * all.length + providers + alarms };
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
