/**
 * What tools wrap an object in: the lines of a watch (the API's `?watch=1`, `kubectl get -w --output-watch-events`), which
 * are those of the collector's k8sobjects receiver as well, those of heptio/eventrouter (sinks/eventdata.go), and around each of them
 * what carries logs: whatever it calls the field, and whether an object stands there or its text.
 */
import type { Cluster } from '../../../shared/observation.ts';
import { isRecord, type Json } from './json-value.ts';
import { readEventRecord } from './read-event-record.ts';
import { isOtlpLogs, readOtlpLogs } from './read-otlp-logs.ts';

/** An object as somebody had it, and how. */
export interface Entry {
  object: unknown;
  how: 'listed' | 'watched' | 'deleted';
  /** Where nobody says, it is read from the object. */
  seenAt?: string | undefined;
  /** Where it is told beside the object. */
  cluster?: Cluster | undefined;
}

/** Undefined: nothing is wrapped here. A bookmark, or the end of a watch, is no entry. */
export function unwrapEntry(value: Json, depth = 0): Entry[] | undefined {
  if (isWatchLine(value)) return unwrapWatchLine(value);
  if (isRoutedEvent(value)) return unwrapRoutedEvent(value);
  if (isOtlpLogs(value)) return [...unwrapLogs(value)];
  return depth < deepest && isCarrier(value) ? unwrapCarried(value, depth + 1) : undefined;
}

/** Elasticsearch's hit holds what Filebeat read, and that the line of a log. More: whatever stands deep in a request is no entry. */
const deepest = 2;

/** What has a kind, or a field that says what it is, is that itself. */
const isCarrier = (value: Json): boolean =>
  !['kind', 'type', 'metadata', 'items', 'involvedObject', 'regarding'].some((field) => field in value);

function unwrapCarried(value: Json, depth: number): Entry[] | undefined {
  for (const field in value) {
    const carried = parsedText(value[field]);
    if (!isRecord(carried)) continue;
    const entries = unwrapEntry(carried, depth) ?? (isObject(carried) ? [listed(carried)] : []);
    if (entries.length > 0) return entries;
  }
  return isLogEntry(value) ? [] : undefined;
}

/** By which those that keep logs are known: Docker, Loki's logcli, CloudWatch, Google Cloud, Elasticsearch, Splunk. */
const logFields = ['stream', 'labels', 'ingestionTime', 'insertId', '_source', 'sourcetype'];

/** Others write logs too: one without an object of Kubernetes is nothing, as long as there are others with one. */
export const isLogEntry = (value: Json): boolean =>
  isOtlpLogs(value) || (isCarrier(value) && logFields.some((field) => field in value));

function parsedText(value: unknown): unknown {
  if (typeof value !== 'string' || !value.trimStart().startsWith('{')) return value;
  try {
    return JSON.parse(value);
  } catch {
    return undefined;
  }
}

const watchTypes: Readonly<Record<string, Entry['how'] | undefined>> = {
  ADDED: 'watched',
  MODIFIED: 'watched',
  DELETED: 'deleted',
  BOOKMARK: undefined,
  ERROR: undefined,
};

/** An object has a type as well, and may have a field `object`; a watch line has no kind. */
const isWatchLine = ({ type, object, kind }: Json): boolean =>
  kind === undefined && isRecord(object) && typeof type === 'string' && Object.hasOwn(watchTypes, type);

function unwrapWatchLine({ type, object }: Json): Entry[] {
  const how = watchTypes[String(type)];
  return how === undefined ? [] : [{ object, how }];
}

const isRoutedEvent = ({ verb, event, kind }: Json): boolean =>
  kind === undefined && typeof verb === 'string' && isRecord(event);

/** Both are an Event without a kind; the old one is what it was before an update, an occurrence of its own. */
function unwrapRoutedEvent({ verb, event, old_event }: Json): Entry[] {
  const how = verb === 'DELETED' ? 'deleted' : 'watched';
  return [old_event, event].filter(isRecord).map((object) => ({ object: { kind: 'Event', ...object }, how }));
}

/** A collector's file may hold the logs of others: only what is an object, what carries one, or an Event's record is an entry. */
function* unwrapLogs(logs: Json): Generator<Entry> {
  for (const record of readOtlpLogs(logs)) {
    const { seenAt, cluster } = record;
    const event = readEventRecord(record);
    for (const entry of event === undefined ? entriesOf(record.body) : [listed(event)])
      yield { ...entry, seenAt, cluster };
  }
}

function entriesOf(raw: unknown): Entry[] {
  const body = parsedText(raw);
  if (!isRecord(body)) return [];
  return unwrapEntry(body, deepest) ?? (isObject(body) ? [listed(body)] : []);
}

const isObject = ({ kind, metadata }: Json): boolean => typeof kind === 'string' && isRecord(metadata);

const listed = (object: Json): Entry => ({ object, how: 'listed' });
