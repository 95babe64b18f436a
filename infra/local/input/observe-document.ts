/** One document of a file (a line of a recording, an object, a list of them, what a tool wraps them in) to observations. */
import { observeEvent, observeObject } from '../../../functions/forwarder/observe.ts';
import { createSpecReader, fixedKey } from '../../../functions/forwarder/read-spec.ts';
import { UserError } from '../../../shared/errors.ts';
import type { Cluster, Observation, Parsed } from '../../../shared/observation.ts';
import { neverShipped } from '../../../shared/snapshot-fields.ts';
import { fieldsOf, isRecord, type Json, textOf } from './json-value.ts';
import { knownInputs } from './known-inputs.ts';
import { isTime, newestTimeOf, newestTimeOfEvent } from './newest-time.ts';
import type { ListHead } from './split-json.ts';
import { type Entry, unwrapEntry } from './unwrap-entry.ts';

export interface Found {
  observation: Observation;
  /** Where it is told beside the object. */
  cluster?: Cluster | undefined;
  /** A deletion of which nothing says when it was; its time is that of the last change before it. */
  undated?: boolean;
}

/** Digests of a file are compared and never shown. */
const specs = createSpecReader(fixedKey);

/** Of lists in lists: kubectl writes none, jq one or two. */
const deepest = 10;

/** @throws UserError `FILE:LINE: what is wrong; what to do`, of which `where` is the first part */
export function* observeDocument(
  where: string,
  value: unknown,
  list?: ListHead | undefined,
  depth = 0,
): Generator<Found> {
  if (value === null) return;
  if (depth > deepest) throw new UserError(`${where}: lists nested too deeply; ${knownInputs}`);
  if (Array.isArray(value)) {
    for (const item of value) yield* observeDocument(where, item, list, depth + 1);
    return;
  }
  if (!isRecord(value)) throw new UserError(`${where}: no Kubernetes object; ${knownInputs}`);
  const entries = unwrapEntry(value);
  if (entries !== undefined) {
    for (const entry of entries) yield* observeEntry(where, entry, undefined);
  } else if (isRecordingLine(value)) {
    yield* observeRecorded(where, value);
  } else if (Array.isArray(value.items)) {
    for (const item of value.items) yield* observeDocument(where, item, headOf(value), depth + 1);
  } else {
    yield* observeEntry(where, { object: value, how: 'listed' }, list);
  }
}

/** Or a list of them, however much was stripped of it. */
export const isObject = (value: Json): boolean =>
  ['kind', 'metadata', 'items', 'involvedObject', 'regarding'].some((field) => field in value);

/** Of the lines of a recording; all but the first two are remarks. */
export const recordingTypes: ReadonlySet<string> = new Set([
  'event',
  'object',
  'start',
  'command',
  'eventv1',
  'gap',
  'end',
]);

/** An Event has a `type` too (Normal, Warning), and the remark that something is missing has a kind. */
export const isRecordingLine = (value: unknown): value is Json & { type: string } =>
  isRecord(value) &&
  typeof value.type === 'string' &&
  (recordingTypes.has(value.type) ? !('metadata' in value) : !isObject(value));

/** Remarks (commands, gaps, …) are skipped, and so is the DELETED of an Event: its expiry, not a new one. */
function* observeRecorded(where: string, line: Json & { type: string }): Generator<Found> {
  const deleted = line.watch === 'DELETED';
  if (line.type === 'event') {
    if (deleted) return;
    const at = needTime(where, 'receivedAt', line);
    yield { observation: need(where, 'Event', observeEvent(line.event, at)) };
  } else if (line.type === 'object') {
    const at = needTime(where, 'at', line);
    if (isNeverShipped(line.object)) return;
    const observation = need(where, 'object', observeObject(line.object, at, deleted, specs));
    yield { observation: line.watch === 'LIST' ? { ...observation, from: 'list' } : observation };
  } else if (!recordingTypes.has(line.type)) {
    // Of a log, or the line of a watch but for what it is about: lost without a word.
    throw new UserError(`${where}: "type" is neither event nor object; ${knownInputs}`);
  }
}

/** kspan's captures: it writes beside each object when it saw it, and of what kind it is. */
export function* observeCaptured(where: string, value: unknown, caption: Json): Generator<Found> {
  if (isNeverShipped(value)) return;
  const at = needTime(where, 'time', caption);
  if (!isRecord(value)) throw new UserError(`${where}: no Kubernetes object; ${knownInputs}`);
  const object = { ...value, kind: value.kind ?? caption.kind };
  if (object.kind === 'Event') yield { observation: need(where, 'Event', observeEvent(object, at)) };
  else
    yield {
      observation: need(where, kindOf(object), observeObject(object, at, caption.style === 'deleted', specs)),
    };
}

function* observeEntry(where: string, entry: Entry, list: ListHead | undefined): Generator<Found> {
  const object = withKind(fieldsOf(entry.object), list);
  if (object.kind === undefined)
    throw new UserError(`${where}: no Kubernetes object (kind is missing); ${knownInputs}`);
  if (isNeverShipped(object) || isEmptyList(object)) return;
  if (String(object.apiVersion).startsWith('audit.k8s.io/'))
    throw new UserError(`${where}: an audit log, whose Events are requests; ${knownInputs}`);
  if (!isEvent(object)) yield observeSnapshot(where, object, entry);
  // The end of an Event is its expiry: nothing happened.
  else if (entry.how !== 'deleted') yield observeOccurrence(where, object, entry);
}

/** The API server leaves kind and version out of the items of a typed list, and client-go out of Events. */
function withKind(object: Json, list: ListHead | undefined): Json {
  if (object.kind !== undefined) return object;
  const listed = object.apiVersion === undefined ? list?.kind?.replace(/List$/, '') || undefined : undefined;
  if (listed !== undefined) return { ...object, kind: listed, apiVersion: list?.apiVersion };
  return 'involvedObject' in object || 'regarding' in object ? { ...object, kind: 'Event' } : object;
}

/** Others have kinds of that name, in groups of theirs. */
const isEvent = ({ kind, apiVersion }: Json): boolean =>
  kind === 'Event' && /^(?:events\.k8s\.io\/.*|[^/]*)$/.test(textOf(apiVersion) ?? '');

/** Of an observation whose time is read from what is observed. */
const unknownTime = '1970-01-01T00:00:00Z';

function observeOccurrence(where: string, raw: Json, { seenAt, cluster }: Entry): Found {
  const occurrence = need(where, 'Event', observeEvent(raw, seenAt ?? unknownTime));
  const { lastTimestamp, lastObservedTime, eventTime, firstTimestamp } = occurrence.event;
  const own = lastTimestamp ?? lastObservedTime ?? eventTime ?? firstTimestamp ?? newestTimeOfEvent(raw);
  const observedAt = seenAt ?? own;
  if (observedAt === undefined) throw new UserError(`${where}: Event has no time; ${knownInputs}`);
  return { observation: { ...occurrence, observedAt }, cluster };
}

function observeSnapshot(where: string, raw: Json, { how, seenAt, cluster }: Entry): Found {
  const deleted = how === 'deleted';
  const snapshot = need(where, kindOf(raw), observeObject(raw, unknownTime, deleted, specs));
  const observedAt = seenAt ?? newestTimeOf(raw);
  if (observedAt === undefined) throw new UserError(`${where}: ${kindOf(raw)} has no time; ${knownInputs}`);
  const dated = how === 'listed' ? { ...snapshot, from: 'list', observedAt } : { ...snapshot, observedAt };
  const undated = deleted && seenAt === undefined && snapshot.object.deletionTimestamp === undefined;
  return { observation: dated, cluster, undated };
}

function needTime(where: string, field: string, entry: Json): string {
  const value = entry[field];
  if (isTime(value)) return value;
  throw new UserError(`${where}: "${field}" is not an RFC 3339 time; write it like 2026-11-23T04:51:02.137Z`);
}

function need<T extends Observation>(where: string, what: string, parsed: Parsed<T>): T {
  if (parsed.ok) return parsed.value;
  throw new UserError(`${where}: ${what} ${parsed.reason}; ${knownInputs}`);
}

const isNeverShipped = (object: unknown): boolean => neverShipped.has(String(fieldsOf(object).kind));

const isEmptyList = ({ kind, metadata }: Json): boolean =>
  typeof kind === 'string' && kind.endsWith('List') && fieldsOf(metadata).name === undefined;

/** Only what is surely a kind, and no more of the file, goes into a message. */
const kindOf = ({ kind }: Json): string =>
  typeof kind === 'string' && /^[A-Z]\w{0,62}$/.test(kind) ? kind : 'object';

const headOf = ({ apiVersion, kind }: Json): ListHead => ({
  apiVersion: textOf(apiVersion),
  kind: textOf(kind),
});
