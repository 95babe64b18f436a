/**
 * What tools wrap an object in: the lines of a watch (the API's `?watch=1`, `kubectl get -w --output-watch-events`), which
 * are those of the collector's k8sobjects receiver as well, and those of heptio/eventrouter (sinks/eventdata.go).
 */
import type { Cluster } from '../../../shared/observation.ts';
import { isRecord, type Json } from './json-value.ts';
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
export function unwrapEntry(value: Json): Entry[] | undefined {
  if (isWatchLine(value)) return unwrapWatchLine(value);
  if (isRoutedEvent(value)) return unwrapRoutedEvent(value);
  return isOtlpLogs(value) ? [...unwrapLogs(value)] : undefined;
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

/** A collector's file may hold the logs of others: only what is an object, or a watch's line of one, is an entry. */
function* unwrapLogs(logs: Json): Generator<Entry> {
  for (const { body, seenAt, cluster } of readOtlpLogs(logs)) {
    const entries = isWatchLine(body) ? unwrapWatchLine(body) : isObject(body) ? [listed(body)] : [];
    for (const entry of entries) yield { ...entry, seenAt, cluster };
  }
}

const isObject = ({ kind, metadata }: Json): boolean => typeof kind === 'string' && isRecord(metadata);

const listed = (object: Json): Entry => ({ object, how: 'listed' });
