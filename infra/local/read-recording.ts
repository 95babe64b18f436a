/**
 * Files to observations: recordings (JSON lines), kspan's captures (YAML documents), and what `kubectl get … -o
 * json|yaml` prints. All of them stream; the first thing that makes no sense ends it, with file and line.
 */
import { createReadStream } from 'node:fs';
import { resolve } from 'node:path';
import { TextDecoder } from 'node:util';
import { parseDocument } from 'yaml';
import { observeEvent, observeObject } from '../../functions/forwarder/observe.ts';
import { UserError } from '../../shared/errors.ts';
import type { Cluster, Observation, Parsed } from '../../shared/observation.ts';
import { neverShipped } from '../../shared/snapshot-fields.ts';
import { type ListHead, splitJson } from './split-json.ts';
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
    if (file === '') throw new UserError('a file without a name; name the recordings to read');
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
  let line = 1;
  try {
    for await (const chunk of bytes) {
      const text = typeof chunk === 'string' ? chunk : decodeChunk(decoder, chunk, file, line);
      yield text;
      for (let at = text.indexOf('\n'); at >= 0; at = text.indexOf('\n', at + 1)) line++;
    }
    decodeChunk(decoder, undefined, file, line);
  } catch (error) {
    if (error instanceof UserError) throw error;
    const { code = 'error' } = error as NodeJS.ErrnoException;
    throw new UserError(`${file}: ${readErrors[code] ?? `cannot be read (${code}); check the file`}`);
  }
}

function decodeChunk(decoder: TextDecoder, chunk: Buffer | undefined, file: string, line: number): string {
  try {
    return chunk === undefined ? decoder.decode() : decoder.decode(chunk, { stream: true });
  } catch {
    const valid = new TextDecoder().decode(chunk).split('\uFFFD', 1)[0]!;
    const at = line + valid.split('\n').length - 1;
    throw new UserError(`${file}:${at}: not UTF-8 text; ${known}`);
  }
}

const readErrors: Readonly<Record<string, string>> = {
  ENOENT: 'no such file; check the path',
  EISDIR: 'is a directory; name the files in it',
  EACCES: 'may not be read; check its permissions',
};

const known = 'give a recording, a kspan capture or the output of kubectl get events -o json|yaml';

async function* readText(file: string, chunks: AsyncGenerator<string>): AsyncGenerator<Observation> {
  try {
    const head = await readHead(chunks);
    const text = rejoin(head, chunks);
    const first = head.trimStart().split('\n', 1)[0]!.trimEnd();
    if (first === '') {
      // Nothing but space: an empty recording.
      return;
    }
    if (first.startsWith('{') || first.startsWith('[')) {
      yield* isRecordingLine(first) ? readRecording(file, text) : readJson(file, text);
    } else if (/^(?:---|#|[A-Za-z"'][\w"' .-]*:(?: |$)|- )/.test(first)) {
      yield* readYaml(file, text);
    } else {
      const line = head.slice(0, head.length - head.trimStart().length).split('\n').length;
      throw new UserError(`${file}:${line}: neither JSON nor YAML; ${known}`);
    }
  } finally {
    await chunks.return(undefined);
  }
}

/** Up to the end of the first line that says something: enough to see what it is. */
async function readHead(chunks: AsyncGenerator<string>): Promise<string> {
  let head = '';
  while (!/\S[^\n]*\n/.test(head) && (head.length < 1 << 20 || head.trim() === '')) {
    const { value, done } = await chunks.next();
    if (done === true) break;
    head += value;
  }
  return head;
}

async function* rejoin(head: string, rest: AsyncIterable<string>): AsyncGenerator<string> {
  yield head.startsWith('\uFEFF') ? head.slice(1) : head;
  yield* rest;
}

/** An Event has a `type` too (Normal, Warning), and `jq -c` puts it in one line. */
function isRecordingLine(line: string): boolean {
  if (/^\{\s*"type"\s*:\s*"(?:event|object|start|command|eventv1|gap|end)"/.test(line)) return true;
  try {
    const entry = JSON.parse(line) as Json;
    return 'type' in entry && !('metadata' in entry || 'kind' in entry);
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
      return need(where, 'Event', observeEvent(entry.event, timestamp(where, 'receivedAt', entry)));
    case 'object': {
      const at = timestamp(where, 'at', entry);
      if (isNeverShipped(entry.object)) return undefined;
      const observed = need(where, 'object', observeObject(entry.object, at, deleted));
      return entry.watch === 'LIST' ? { ...observed, from: 'list' } : observed;
    }
    default:
      // What `kubectl get --watch --output-watch-events` prints has a type as well, and would be lost without a word.
      if (/^[A-Z]+$/.test(entry.type)) {
        throw new UserError(`${where}: "type" is neither event nor object; ${known}`);
      }
      return undefined;
  }
}

function timestamp(where: string, field: string, entry: Json): string {
  const value = entry[field];
  if (isTime(value)) return value;
  throw new UserError(`${where}: "${field}" is not an RFC 3339 time; write it like 2026-11-23T04:51:02.137Z`);
}

function need<T extends Observation>(where: string, what: string, parsed: Parsed<T>): T {
  if (parsed.ok) return parsed.value;
  throw new UserError(`${where}: ${what} ${parsed.reason}; ${known}`);
}

const isNeverShipped = (object: unknown): boolean => neverShipped.has(String((object as Json | null)?.kind));

async function* readJson(file: string, chunks: AsyncIterable<string>): AsyncGenerator<Observation> {
  for await (const { text, line, list } of splitJson(file, chunks)) {
    let value: unknown;
    try {
      value = JSON.parse(text);
    } catch {
      throw new UserError(`${file}:${line}: not JSON; ${known}`);
    }
    yield* fromKubernetes(`${file}:${line}`, value, list);
  }
}

async function* readYaml(file: string, chunks: AsyncIterable<string>): AsyncGenerator<Observation> {
  for await (const { holds, text, line, list } of splitYaml(chunks)) {
    const where = `${file}:${line}`;
    const value = parseYaml(file, line, text);
    if (holds === 'shell') continue;
    const caption = kspanCaption(text);
    if (caption === undefined) yield* fromKubernetes(where, value, list);
    else yield* fromKspan(where, value, caption);
  }
}

function parseYaml(file: string, line: number, text: string): unknown {
  const document = parseDocument(text, { prettyErrors: false });
  const [error] = document.errors;
  if (error !== undefined) {
    const at = line + text.slice(0, error.pos[0]).split('\n').length - 1;
    const what = error.code.toLowerCase().replaceAll('_', ' ');
    throw new UserError(`${file}:${at}: not YAML (${what}); ${known}`);
  }
  try {
    return document.toJS();
  } catch {
    // Aliases that would unfold to gigabytes.
    throw new UserError(`${file}:${line}: YAML with too many aliases; ${known}`);
  }
}

/** kspan writes `# {"time":"…","style":"event|initial","kind":"…"}` on a document's first line (its playback.go). */
function kspanCaption(text: string): Json | undefined {
  const comment = /^(?:\s*#[^{\n]*\n)*\s*#\s*(\{.*\})\s*\n/.exec(text)?.[1];
  if (comment === undefined) return undefined;
  try {
    const caption = JSON.parse(comment) as Json;
    return typeof caption.style === 'string' ? caption : undefined;
  } catch {
    return undefined;
  }
}

function* fromKspan(where: string, value: unknown, caption: Json): Generator<Observation> {
  if (isNeverShipped(value)) return;
  const at = timestamp(where, 'time', caption);
  const object = { ...needRecord(where, value) };
  object.kind ??= caption.kind;
  if (object.kind === 'Event') yield need(where, 'Event', observeEvent(object, at));
  else yield need(where, kindOf(object), observeObject(object, at, caption.style === 'deleted'));
}

/** What kubectl or the API prints: an object, or a list of them. Nobody says when it was observed: its own newest time. */
function* fromKubernetes(where: string, value: unknown, list: ListHead | undefined): Generator<Observation> {
  if (value === null) return;
  if (Array.isArray(value)) {
    for (const item of value) yield* fromKubernetes(where, item, list);
    return;
  }
  const object = { ...needRecord(where, value) };
  if (Array.isArray(object.items)) {
    for (const item of object.items) yield* fromKubernetes(where, item, headOf(object));
    return;
  }
  if (object.kind === undefined && object.apiVersion === undefined) {
    object.kind = list?.kind?.replace(/List$/, '') || undefined;
    if (object.kind !== undefined) object.apiVersion = list?.apiVersion;
  }
  object.kind ??= 'involvedObject' in object || 'regarding' in object ? 'Event' : undefined;
  if (object.kind === undefined)
    throw new UserError(`${where}: no Kubernetes object (kind is missing); ${known}`);
  if (isNeverShipped(object) || isEmptyList(object)) return;
  yield object.kind === 'Event' ? eventAtItsTime(where, object) : objectAtItsTime(where, object);
}

/** Of an observation whose time is read from what is observed. */
const unknownTime = '1970-01-01T00:00:00Z';

function eventAtItsTime(where: string, raw: Json): Observation {
  const occurrence = need(where, 'Event', observeEvent(raw, unknownTime));
  const { lastTimestamp, lastObservedTime, eventTime, firstTimestamp } = occurrence.event;
  const created = newest([record(raw.metadata).creationTimestamp]);
  const observedAt = lastTimestamp ?? lastObservedTime ?? eventTime ?? firstTimestamp ?? created;
  if (observedAt === undefined) throw new UserError(`${where}: Event has no time; ${known}`);
  return { ...occurrence, observedAt };
}

function objectAtItsTime(where: string, raw: Json): Observation {
  const snapshot = need(where, kindOf(raw), observeObject(raw, unknownTime, false));
  const { creationTimestamp, deletionTimestamp, managedFields } = record(raw.metadata);
  const managed = Array.isArray(managedFields) ? managedFields.map((entry) => record(entry).time) : [];
  const observedAt = newest([creationTimestamp, deletionTimestamp, ...managed]);
  if (observedAt === undefined) throw new UserError(`${where}: ${kindOf(raw)} has no time; ${known}`);
  return { ...snapshot, from: 'list', observedAt };
}

const isTime = (value: unknown): value is string =>
  typeof value === 'string' && value.length >= 20 && !Number.isNaN(Date.parse(value));

const newest = (times: unknown[]): string | undefined =>
  times
    .filter(isTime)
    .sort((a, b) => Date.parse(a) - Date.parse(b))
    .at(-1);

const isEmptyList = ({ kind, metadata }: Json): boolean =>
  typeof kind === 'string' && kind.endsWith('List') && record(metadata).name === undefined;

const record = (value: unknown): Json => (typeof value === 'object' && value !== null ? (value as Json) : {});

function needRecord(where: string, value: unknown): Json {
  if (typeof value === 'object' && value !== null) return value as Json;
  throw new UserError(`${where}: no Kubernetes object; ${known}`);
}

/** Only what is surely a kind, and no more of the file, goes into a message. */
const kindOf = ({ kind }: Json): string =>
  typeof kind === 'string' && /^[A-Z]\w{0,62}$/.test(kind) ? kind : 'object';

const headOf = ({ apiVersion, kind }: Json): ListHead => ({
  apiVersion: typeof apiVersion === 'string' ? apiVersion : undefined,
  kind: typeof kind === 'string' ? kind : undefined,
});
