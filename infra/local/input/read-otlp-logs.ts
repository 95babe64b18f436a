/**
 * Logs as the collector's file exporter writes them: OTLP/JSON, a request a line
 * (https://opentelemetry.io/docs/specs/otlp/#json-protobuf-encoding).
 */
import * as v from 'valibot';
import { boundCluster } from '../../../shared/bounds.ts';
import type { Cluster } from '../../../shared/observation.ts';
import { fieldsOf, isRecord, type Json, recordsOf } from './json-value.ts';
import { timeOfNanoseconds } from './newest-time.ts';

export interface LogRecord {
  body: Json;
  /** When the collector saw it. */
  seenAt: string | undefined;
  /** As the resource says. */
  cluster: Cluster | undefined;
}

export const isOtlpLogs = ({ resourceLogs }: Json): boolean => Array.isArray(resourceLogs);

/** Those whose body is an object, or the text of one. */
export function* readOtlpLogs({ resourceLogs }: Json): Generator<LogRecord> {
  for (const { resource, scopeLogs } of recordsOf(resourceLogs)) {
    const cluster = clusterOf(fieldsOf(resource).attributes);
    for (const { logRecords } of recordsOf(scopeLogs)) {
      for (const { body: raw, observedTimeUnixNano } of recordsOf(logRecords)) {
        const body = parsedText(anyValue(raw));
        if (isRecord(body)) yield { body, seenAt: timeOfNanoseconds(observedTimeUnixNano), cluster };
      }
    }
  }
}

function parsedText(value: unknown): unknown {
  if (typeof value !== 'string' || !value.trimStart().startsWith('{')) return value;
  try {
    return JSON.parse(value);
  } catch {
    return undefined;
  }
}

const ClusterName = v.optional(v.pipe(v.string(), v.minLength(1)));
const ClusterAttributes = v.object({ 'k8s.cluster.uid': ClusterName, 'k8s.cluster.name': ClusterName });

function clusterOf(attributes: unknown): Cluster | undefined {
  const { success, output } = v.safeParse(ClusterAttributes, pairsOf(attributes));
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
