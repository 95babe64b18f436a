/**
 * Files to observations: recordings (JSON lines), kspan's captures (YAML documents), and what `kubectl get … -o
 * json|yaml` prints. All of them stream; the first thing that makes no sense ends it, with file and line.
 */
import { createReadStream } from 'node:fs';
import { resolve } from 'node:path';
import { parseDocument } from 'yaml';
import { observeEvent, observeObject } from '../../functions/forwarder/observe.ts';
import { UserError } from '../../shared/errors.ts';
import type { Cluster, Observation, Parsed } from '../../shared/observation.ts';
import { neverShipped } from '../../shared/snapshot-fields.ts';
import { splitJson } from './split-json.ts';
import { splitLines, splitYaml } from './split-text.ts';

type Json = Record<string, unknown>;

/**
 * Observations of all files, one after the other; `-` is standard input. Relative paths are the caller's.
 * Throws UserError: `FILE:LINE: what is wrong; what to do`.
 */
export async function* readObservations(
  files: readonly string[],
  {
    baseDirectory,
    standardInput = process.stdin,
  }: { baseDirectory: string; standardInput?: AsyncIterable<Buffer | string> },
): AsyncGenerator<Observation> {
  for (const file of files) {
    const name = file === '-' ? 'standard input' : file;
    const bytes =
      file === '-'
        ? standardInput
        : createReadStream(resolve(baseDirectory, file), { highWaterMark: 1 << 20 });
    yield* readText(name, decode(name, bytes));
  }
}

/** The UID of namespace kube-system is the cluster's, where a snapshot shows it. */
export function clusterOf(observations: Iterable<Observation>): Cluster {
  for (const observation of observations) {
    if (observation.type !== 'object') continue;
    const { kind, name, uid } = observation.object;
    if (kind === 'Namespace' && name === 'kube-system') return { uid };
  }
  return {};
}

async function* decode(file: string, bytes: AsyncIterable<Buffer | string>): AsyncGenerator<string> {
  const decoder = new TextDecoder('utf-8', { fatal: true });
  try {
    for await (const chunk of bytes)
      yield typeof chunk === 'string' ? chunk : decoder.decode(chunk, { stream: true });
    yield decoder.decode();
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    throw new UserError(`${file}: ${readErrors[code ?? ''] ?? `cannot be read (${code})`}`);
  }
}

const readErrors: Readonly<Record<string, string>> = {
  ENOENT: 'no such file; check the path',
  EISDIR: 'is a directory; name the files in it',
  EACCES: 'may not be read; check its permissions',
  ERR_ENCODING_INVALID_ENCODED_DATA: 'is not UTF-8 text; give a recording, a kspan capture or kubectl output',
};

const known = 'give a recording, a kspan capture or the output of kubectl get events -o json|yaml';

async function* readText(file: string, chunks: AsyncGenerator<string>): AsyncGenerator<Observation> {
  // Chunks before the first word: enough of them to see what it is.
  let head = '';
  while (head.trim() === '' || !/\S[^\n]*\n/.test(head)) {
    const { value, done } = await chunks.next();
    if (done === true) break;
    head += value;
    if (head.length > 1 << 20 && head.trim() !== '') break;
  }
  const text = rejoin(head, chunks);
  const first = head.trimStart().split('\n', 1)[0]!.trimEnd();
  if (first === '') {
    // Nothing but space: an empty recording.
    return;
  }
  if (first.startsWith('{')) {
    yield* isRecordingLine(first) ? readRecording(file, text) : readJson(file, text);
  } else if (/^(?:---|#|[A-Za-z"'][\w"' .-]*:(?: |$)|- )/.test(first)) {
    yield* readYaml(file, text);
  } else {
    throw new UserError(`${file}:1: neither JSON nor YAML; ${known}`);
  }
}

async function* rejoin(head: string, rest: AsyncIterable<string>): AsyncGenerator<string> {
  yield head.startsWith('\uFEFF') ? head.slice(1) : head;
  yield* rest;
}

function isRecordingLine(line: string): boolean {
  if (/^\{\s*"type"\s*:/.test(line)) return true;
  try {
    return 'type' in (JSON.parse(line) as Json);
  } catch {
    return false;
  }
}

async function* readRecording(file: string, chunks: AsyncIterable<string>): AsyncGenerator<Observation> {
  let number = 0;
  for await (const lines of splitLines(chunks)) {
    for (const line of lines) {
      number++;
      if (line.trim() === '') continue;
      const observation = fromRecordingLine(`${file}:${number}`, line);
      if (observation !== undefined) yield observation;
    }
  }
}

/** Remarks (commands, gaps, …) are skipped, and so is the DELETED of an Event: its expiry, not a new one. */
function fromRecordingLine(where: string, line: string): Observation | undefined {
  let entry: Json;
  try {
    entry = JSON.parse(line);
  } catch {
    throw new UserError(`${where}: not JSON, or cut off; a recording has one JSON object a line`);
  }
  if (typeof entry !== 'object' || entry === null || typeof entry.type !== 'string') {
    throw new UserError(`${where}: no "type"; ${known}`);
  }
  const deleted = entry.watch === 'DELETED';
  switch (entry.type) {
    case 'event':
      if (deleted) return undefined;
      return need(where, 'event', observeEvent(entry.event, timestamp(where, 'receivedAt', entry)));
    case 'object': {
      const at = timestamp(where, 'at', entry);
      if (isNeverShipped(entry.object)) return undefined;
      return need(where, 'object', observeObject(entry.object, at, deleted));
    }
    default:
      return undefined;
  }
}

function timestamp(where: string, field: string, entry: Json): string {
  const value = entry[field];
  if (typeof value === 'string' && value.length >= 20 && !Number.isNaN(Date.parse(value))) return value;
  throw new UserError(`${where}: "${field}" is not an RFC 3339 time; write it like 2026-11-23T04:51:02.137Z`);
}

function need<T extends Observation>(where: string, what: string, parsed: Parsed<T>): T {
  if (parsed.ok) return parsed.value;
  throw new UserError(`${where}: ${what} ${parsed.reason}; ${known}`);
}

const isNeverShipped = (object: unknown): boolean => neverShipped.has(String((object as Json | null)?.kind));

async function* readJson(file: string, chunks: AsyncIterable<string>): AsyncGenerator<Observation> {
  for await (const { text, line, listKind } of splitJson(file, chunks)) {
    let value: unknown;
    try {
      value = JSON.parse(text);
    } catch {
      throw new UserError(`${file}:${line}: not JSON; ${known}`);
    }
    yield* fromKubernetes(`${file}:${line}`, value, listKind);
  }
}

async function* readYaml(file: string, chunks: AsyncIterable<string>): AsyncGenerator<Observation> {
  for await (const { text, line } of splitYaml(chunks)) {
    const document = parseDocument(text, { prettyErrors: false });
    const [error] = document.errors;
    if (error !== undefined) {
      const at = line + text.slice(0, error.pos[0]).split('\n').length - 1;
      throw new UserError(
        `${file}:${at}: not YAML (${error.code.toLowerCase().replaceAll('_', ' ')}); ${known}`,
      );
    }
    const value: unknown = document.toJS();
    const caption = kspanCaption(text);
    if (caption === undefined) yield* fromKubernetes(`${file}:${line}`, value, undefined);
    else yield* fromKspan(`${file}:${line}`, value, caption);
  }
}

/** kspan writes `# {"time":"…","style":"event|initial|deleted","kind":"…"}` before each document. */
function kspanCaption(text: string): Json | undefined {
  const comment = /^\s*#\s*(\{.*\})\s*$/m.exec(text)?.[1];
  if (comment === undefined) return undefined;
  try {
    const caption = JSON.parse(comment) as Json;
    return typeof caption.style === 'string' ? caption : undefined;
  } catch {
    return undefined;
  }
}

function* fromKspan(where: string, value: unknown, caption: Json): Generator<Observation> {
  if (value === null || isNeverShipped(value)) return;
  const at = timestamp(where, 'time', caption);
  const kind = (value as Json).kind ?? caption.kind;
  if (kind === 'Event') yield need(where, 'Event', observeEvent(value, at));
  else
    yield need(where, 'object', observeObject({ ...(value as Json), kind }, at, caption.style === 'deleted'));
}

/** What kubectl or the API prints: an object, or a list of them. Nobody says when it was observed: its own newest time. */
function* fromKubernetes(
  where: string,
  value: unknown,
  listKind: string | undefined,
): Generator<Observation> {
  if (value === null) return;
  if (Array.isArray(value)) {
    for (const item of value) yield* fromKubernetes(where, item, listKind);
    return;
  }
  const raw = value as Json;
  if (Array.isArray(raw.items)) {
    for (const item of raw.items) yield* fromKubernetes(where, item, String(raw.kind ?? ''));
    return;
  }
  if (typeof value !== 'object') throw new UserError(`${where}: no Kubernetes object; ${known}`);
  const kind = raw.kind ?? ((raw.involvedObject ?? raw.regarding) ? 'Event' : listKind?.replace(/List$/, ''));
  const object: Json = {
    ...raw,
    kind,
    apiVersion: raw.apiVersion ?? (kind === 'Pod' ? 'v1' : raw.apiVersion),
  };
  if (isNeverShipped(object) || isEmptyList(object)) return;
  const at = newestTime(object);
  if (at === undefined) throw new UserError(`${where}: ${kind ?? 'object'} has no time anywhere; ${known}`);
  if (kind === 'Event') yield need(where, 'Event', observeEvent(object, at));
  else yield need(where, String(kind ?? 'object'), observeObject(object, at, false));
}

const isEmptyList = ({ kind, metadata }: Json): boolean =>
  typeof kind === 'string' && kind.endsWith('List') && (metadata as Json | undefined)?.name === undefined;

function newestTime(object: Json): string | undefined {
  const metadata = (object.metadata ?? {}) as Json;
  const series = (object.series ?? {}) as Json;
  const managed = Array.isArray(metadata.managedFields) ? (metadata.managedFields as Json[]) : [];
  const own =
    object.kind === 'Event'
      ? (object.lastTimestamp ??
        object.deprecatedLastTimestamp ??
        series.lastObservedTime ??
        object.eventTime ??
        object.firstTimestamp ??
        metadata.creationTimestamp)
      : undefined;
  const times = own
    ? [own]
    : [metadata.creationTimestamp, metadata.deletionTimestamp, ...managed.map(({ time }) => time)];
  return times
    .filter((time): time is string => typeof time === 'string' && !Number.isNaN(Date.parse(time)))
    .sort((a, b) => Date.parse(a) - Date.parse(b))
    .at(-1);
}
