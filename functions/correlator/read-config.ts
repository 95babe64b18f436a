/** What the stack tells the correlator's functions. Errors name the variable and never quote it. */
import * as v from 'valibot';
import { type RecordOutcome, recordOutcomes } from '../../shared/change-record.ts';
import { UserError } from '../../shared/errors.ts';
import { parseWith } from '../../shared/observation.ts';
import { defaultThresholds, type Thresholds, withReleaseGap } from './thresholds.ts';

const Text = v.pipe(v.string(), v.nonEmpty());
const Seconds = (least: number, most: number) =>
  v.pipe(
    v.string(),
    v.check(
      (text) => /^[1-9]\d*$/.test(text) && Number(text) >= least && Number(text) <= most,
      `should be whole seconds, from ${least} to ${most}`,
    ),
    v.transform(Number),
  );

const commonEntries = {
  TABLE_NAME: Text,
  TIMERS_QUEUE_URL: Text,
  SET_ASIDE_BUCKET: Text,
  SETTLE_AFTER_QUIET_SECONDS: v.optional(Seconds(1, 999)),
};
const IngestSchema = v.object({ ...commonEntries, ADMISSION_FILE: v.optional(Text) });
const SettleSchema = v.object({
  ...commonEntries,
  SPANS_QUEUE_URL: Text,
  RULES_FILE: v.optional(Text),
  RELEASES_BY_IMAGES: v.optional(v.picklist(['yes', 'no'])),
  RECORDS_BUS: v.optional(Text),
  RECORDS_ENDPOINT: v.optional(v.pipe(v.string(), v.url('is not a URL'))),
  RECORD_OUTCOMES: v.optional(
    v.pipe(
      v.string(),
      v.transform((text) => text.split(',')),
      v.array(v.picklist(recordOutcomes)),
    ),
  ),
  TRACE_URL: v.optional(Text),
  METRICS_BY_CLUSTER: v.optional(v.picklist(['yes', 'no'])),
  RELEASE_GAP_SECONDS: v.optional(Seconds(10, 9999)),
});

interface CommonConfig {
  tableName: string;
  timersQueueUrl: string;
  setAsideBucket: string;
  thresholds: Thresholds;
}

export interface IngestConfig extends CommonConfig {
  /** Who may send, and how much: beside the code. */
  admissionFile?: string;
}

export interface SettleConfig extends CommonConfig {
  spansQueueUrl: string;
  /** Rules of the users' own, beside the code. */
  rulesFile?: string;
  releasesByImages: boolean;
  /** Where change records go; undefined: nobody wants to be told. */
  records?: { bus: string; endpoint: URL };
  /** Undefined: all. */
  recordOutcomes?: ReadonlySet<RecordOutcome>;
  /** A template for links to traces. */
  traceUrl?: string;
  metricsByCluster: boolean;
}

type Environment = Readonly<Record<string, string | undefined>>;

/** @throws UserError that names the variable to put right */
export function readIngestConfig(env: Environment): IngestConfig {
  const values = read(IngestSchema, env);
  return {
    ...toConfig(values),
    ...(values.ADMISSION_FILE !== undefined && { admissionFile: values.ADMISSION_FILE }),
  };
}

/** @throws UserError that names the variable to put right */
export function readSettleConfig(env: Environment): SettleConfig {
  const values = read(SettleSchema, env);
  const {
    RECORDS_BUS: bus,
    RECORDS_ENDPOINT: endpoint,
    RECORD_OUTCOMES: outcomes,
    TRACE_URL: traceUrl,
  } = values;
  const { thresholds, ...common } = toConfig(values);
  return {
    ...common,
    thresholds: withReleaseGap(thresholds, values.RELEASE_GAP_SECONDS ?? thresholds.releaseGap),
    ...(bus !== undefined && endpoint !== undefined && { records: { bus, endpoint: new URL(endpoint) } }),
    ...(outcomes !== undefined && { recordOutcomes: new Set(outcomes) }),
    ...(traceUrl !== undefined && { traceUrl }),
    spansQueueUrl: values.SPANS_QUEUE_URL,
    metricsByCluster: values.METRICS_BY_CLUSTER === 'yes',
    releasesByImages: values.RELEASES_BY_IMAGES === 'yes',
    ...(values.RULES_FILE !== undefined && { rulesFile: values.RULES_FILE }),
  };
}

function read<T extends v.GenericSchema>(schema: T, env: Environment): v.InferOutput<T> {
  const parsed = parseWith(schema, env);
  if (!parsed.ok) throw new UserError(parsed.reason);
  return parsed.value;
}

const CommonSchema = v.object(commonEntries);

const toConfig = (values: v.InferOutput<typeof CommonSchema>): CommonConfig => ({
  tableName: values.TABLE_NAME,
  timersQueueUrl: values.TIMERS_QUEUE_URL,
  setAsideBucket: values.SET_ASIDE_BUCKET,
  thresholds: {
    ...defaultThresholds,
    quiet: values.SETTLE_AFTER_QUIET_SECONDS ?? defaultThresholds.quiet,
  },
});
