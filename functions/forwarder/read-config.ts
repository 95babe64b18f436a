/** What the chart tells the forwarder; AWS_… are the SDK's. Errors name the variable and never quote it. */
import * as v from 'valibot';
import { mostPartitions } from '../../shared/batch-codec.ts';
import { longestClusterAttribute, mostClusterAttributes } from '../../shared/bounds.ts';
import { UserError } from '../../shared/errors.ts';
import { parseWith } from '../../shared/observation.ts';
import { neverShipped } from '../../shared/snapshot-fields.ts';
import { EventFiltersSchema } from './filter-events.ts';
import { EventRateLimitSchema } from './guard-rate.ts';
import { neverRead } from './kubernetes/look-up-object.ts';
import {
  customKinds,
  events,
  groupOf,
  type KindToWatch,
  kindsOf,
  nameIn,
  resourceName,
  watchedObjects,
} from './kubernetes/watched-resources.ts';
import { logLevels } from './log.ts';

const Text = v.pipe(v.string(), v.nonEmpty());
const PatternsSchema = v.array(Text);
/** API group (`core` has none) to plurals. */
const WatchSchema = v.record(Text, v.array(Text));
/** `apiVersion` names one version of a group, `group` whichever the API server prefers; the kind is for the reader. */
const ExtraKindsSchema = v.array(
  v.strictObject({
    apiVersion: v.optional(Text),
    group: v.optional(Text),
    kind: v.optional(Text),
    resource: Text,
  }),
);
type ExtraKind = v.InferOutput<typeof ExtraKindsSchema>[number];

/** What Rootspan says itself is no setting. */
const isAttributeName = (name: string): boolean =>
  /^[A-Za-z][\w.-]*$/.test(name) && !/^(?:service|k8s|rootspan|telemetry)\./.test(name);

const ClusterAttributesSchema = v.pipe(
  v.record(
    v.pipe(
      v.string(),
      v.check(isAttributeName, 'is no name that may be set: letters, digits and dots, not service.…, k8s.…'),
      v.maxLength(longestClusterAttribute.name),
    ),
    v.pipe(Text, v.maxLength(longestClusterAttribute.value)),
  ),
  v.check(
    (attributes) => Object.keys(attributes).length <= mostClusterAttributes,
    `has more than ${mostClusterAttributes} entries`,
  ),
);

const EnvironmentSchema = v.object({
  CLUSTER_NAME: v.optional(Text),
  CLUSTER_ATTRIBUTES: v.optional(v.string(), '{}'),
  STREAM_NAME: Text,
  POD_NAME: Text,
  POD_NAMESPACE: Text,
  LEASE_NAME: v.optional(Text, 'rootspan-forwarder'),
  STATUS_PORT: v.optional(
    v.pipe(
      v.string(),
      v.check((text) => /^\d{1,5}$/.test(text) && Number(text) < 65_536, 'should be a port'),
      v.transform(Number),
    ),
    '8080',
  ),
  LOG_LEVEL: v.optional(v.picklist(logLevels), 'info'),
  EVENT_FILTERS: v.optional(v.string(), '{}'),
  EVENT_RATE_LIMIT: v.optional(v.string(), '{}'),
  REDACT_PATTERNS: v.optional(v.string(), '[]'),
  WATCH: v.optional(v.string()),
  EXTRA_KINDS: v.optional(v.string()),
  SIGNING_KEY_FILE: v.optional(Text),
  PARTITIONS: v.optional(
    v.pipe(
      v.string(),
      v.check(
        (text) => /^[1-9]\d?$/.test(text) && Number(text) <= mostPartitions,
        `should be a number from 1 to ${mostPartitions}`,
      ),
      v.transform(Number),
    ),
    '1',
  ),
});

type Environment = Readonly<Record<string, string | undefined>>;

export type ForwarderConfig = ReturnType<typeof readConfig>;

/** @throws UserError that names the variable to put right */
export function readConfig(env: Environment) {
  // An empty variable counts as not set: charts write them so.
  const set = Object.fromEntries(Object.entries(env).filter(([, value]) => value !== ''));
  const parsed = parseWith(EnvironmentSchema, set);
  if (!parsed.ok) throw new UserError(parsed.reason);
  const values = parsed.value;
  return {
    clusterName: values.CLUSTER_NAME,
    clusterAttributes: inOrder(
      readJson('CLUSTER_ATTRIBUTES', values.CLUSTER_ATTRIBUTES, ClusterAttributesSchema),
    ),
    streamName: values.STREAM_NAME,
    podName: values.POD_NAME,
    podNamespace: values.POD_NAMESPACE,
    leaseName: values.LEASE_NAME,
    statusPort: values.STATUS_PORT,
    logLevel: values.LOG_LEVEL,
    filters: readJson('EVENT_FILTERS', values.EVENT_FILTERS, EventFiltersSchema),
    rateLimit: readJson('EVENT_RATE_LIMIT', values.EVENT_RATE_LIMIT, EventRateLimitSchema),
    redactPatterns: readPatterns('REDACT_PATTERNS', values.REDACT_PATTERNS),
    kinds: readKinds(values),
    partitions: values.PARTITIONS,
    /** Where what is shipped is signed: a private key in PEM. */
    signingKeyFile: values.SIGNING_KEY_FILE,
  };
}

/** The same in whatever order they were written. */
const inOrder = (attributes: Record<string, string>): Record<string, string> =>
  Object.fromEntries(Object.entries(attributes).sort(([a], [b]) => (a < b ? -1 : 1)));

/**
 * Each once; what `extraKinds` says of a version counts.
 * @throws UserError that names the variable to put right
 */
export function readKinds(env: { [name in 'WATCH' | 'EXTRA_KINDS']?: string | undefined }): KindToWatch[] {
  const { WATCH = JSON.stringify(customKinds), EXTRA_KINDS = '[]' } = env;
  const kinds = new Map<string, KindToWatch>();
  const own = new Set([events, ...watchedObjects].map(resourceName));
  const take = (variable: string, wanted: KindToWatch, kind = '') => {
    const name = nameIn(wanted.group, wanted.resource);
    if (own.has(name)) throw new UserError(`${variable} is watched already`);
    // What they are really called is looked at once more when they are found (kubernetes/discover-kinds.ts).
    if (neverRead.has(wanted.resource) || neverShipped.has(kind) || kind === 'Event')
      throw new UserError(`${variable} may not be watched (${[...neverShipped].join(', ')}, Event)`);
    kinds.set(name, wanted);
  };
  for (const wanted of kindsOf(readJson('WATCH', WATCH, WatchSchema)))
    take(`WATCH.${wanted.group || 'core'}`, wanted);
  for (const [index, extra] of readJson('EXTRA_KINDS', EXTRA_KINDS, ExtraKindsSchema).entries())
    take(`EXTRA_KINDS.${index}`, kindOf(extra), extra.kind);
  return [...kinds.values()];
}

function kindOf({ apiVersion, group, resource }: ExtraKind): KindToWatch {
  if (apiVersion === undefined) return { group: group === 'core' ? '' : (group ?? ''), resource };
  return { group: groupOf(apiVersion), resource, version: apiVersion.split('/').at(-1) };
}

function readJson<T extends v.GenericSchema>(variable: string, text: string, schema: T): v.InferOutput<T> {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw new UserError(`${variable} is no JSON`);
  }
  const parsed = parseWith(schema, value);
  if (!parsed.ok) throw new UserError(`${variable}: ${parsed.reason}`);
  return parsed.value;
}

function readPatterns(variable: string, text: string): RegExp[] {
  return readJson(variable, text, PatternsSchema).map((source, index) => {
    let pattern: RegExp;
    try {
      pattern = new RegExp(source, 'gu');
    } catch {
      throw new UserError(`${variable}.${index} is no regular expression of JavaScript with the flag u`);
    }
    if (''.search(pattern) === 0) throw new UserError(`${variable}.${index} matches what is empty`);
    return pattern;
  });
}
