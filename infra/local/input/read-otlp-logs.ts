/**
 * Logs as the collector's file exporter writes them: OTLP/JSON, a request a line
 * (https://opentelemetry.io/docs/specs/otlp/#json-protobuf-encoding).
 */
import * as v from 'valibot';
import { boundCluster } from '../../../shared/bounds.ts';
import type { Cluster } from '../../../shared/observation.ts';
import { fieldsOf, type Json, recordsOf } from './json-value.ts';
import { timeOfNanoseconds } from './newest-time.ts';

export interface LogRecord {
  body: unknown;
  attributes: Json;
  /** Of the resource. */
  resource: Json;
  severity: unknown;
  /** When it happened, as whoever wrote the record says. */
  at: string | undefined;
  /** When the collector saw it. */
  seenAt: string | undefined;
  /** As the resource says. */
  cluster: Cluster | undefined;
}

export const isOtlpLogs = ({ resourceLogs }: Json): boolean => Array.isArray(resourceLogs);

export function* readOtlpLogs({ resourceLogs }: Json): Generator<LogRecord> {
  for (const { resource, scopeLogs } of recordsOf(resourceLogs)) {
    const about = pairsOf(fieldsOf(resource).attributes);
    const cluster = clusterOf(about);
    for (const { logRecords } of recordsOf(scopeLogs)) {
      for (const record of recordsOf(logRecords)) {
        yield {
          body: anyValue(record.body),
          attributes: pairsOf(record.attributes),
          resource: about,
          severity: record.severityText,
          at: timeOfNanoseconds(record.timeUnixNano),
          seenAt: timeOfNanoseconds(record.observedTimeUnixNano),
          cluster,
        };
      }
    }
  }
}

const ClusterName = v.optional(v.pipe(v.string(), v.minLength(1)));
const ClusterAttributes = v.object({ 'k8s.cluster.uid': ClusterName, 'k8s.cluster.name': ClusterName });

function clusterOf(attributes: Json): Cluster | undefined {
  const { success, output } = v.safeParse(ClusterAttributes, attributes);
  if (!success) return undefined;
  const { 'k8s.cluster.uid': uid, 'k8s.cluster.name': name } = output;
  return uid === undefined && name === undefined
    ? undefined
    : boundCluster({ ...(uid !== undefined && { uid }), ...(name !== undefined && { name }) });
}

/** Of an AnyValue; an empty one is null, and an integer is written as text. */
function anyValue(raw: unknown): unknown {
  const { stringValue, boolValue, intValue, doubleValue, arrayValue, kvlistValue } = fieldsOf(raw);
  if (intValue !== undefined) return Number(intValue);
  if (arrayValue !== undefined) return recordsOf(fieldsOf(arrayValue).values).map(anyValue);
  if (kvlistValue !== undefined) return pairsOf(fieldsOf(kvlistValue).values);
  return stringValue ?? boolValue ?? doubleValue ?? null;
}

const pairsOf = (pairs: unknown): Json =>
  Object.fromEntries(recordsOf(pairs).map(({ key, value }) => [String(key), anyValue(value)]));
