/**
 * One file's text to observations: recordings and other JSON, a line or a document at a time, or YAML.
 * All of them stream; the first thing that makes no sense ends it, with file and line.
 */
import { UserError } from '../../../shared/errors.ts';
import { isRecord } from './json-value.ts';
import { foreignLine, knownInputs } from './known-inputs.ts';
import {
  type Found,
  isObject,
  isRecordingLine,
  observeDocument,
  recordingTypes,
} from './observe-document.ts';
import { observeYaml } from './observe-yaml.ts';
import { isContainerLog, readContainerLog } from './read-container-log.ts';
import { skipContainerLogs } from './skip-container-logs.ts';
import { splitJson } from './split-json.ts';
import { splitLines } from './split-text.ts';
import { isLogEntry, unwrapEntry } from './unwrap-entry.ts';

export interface FileOptions {
  /** Whoever named the file wants to know what is wrong with its YAML; in a folder much looks like YAML and is not. */
  isNamed: boolean;
}

export async function* observeFile(
  file: string,
  chunks: AsyncGenerator<string>,
  options: FileOptions,
): AsyncGenerator<Found> {
  try {
    yield* dateDeletions(observeText(file, chunks, options));
  } catch (error) {
    // V8's longest string, and its stack's end: neither Kubernetes nor kubectl writes such a thing.
    if (!(error instanceof RangeError)) throw error;
    throw new UserError(`${file}: one object is too large, or nested too deeply; ${knownInputs}`, {
      cause: error,
    });
  } finally {
    await chunks.return(undefined);
  }
}

/** A watch tells in order: what it tells nothing of the time of was not before what it told before. */
async function* dateDeletions(all: AsyncIterable<Found>): AsyncGenerator<Found> {
  let [newest, newestAt] = ['', -1];
  for await (const found of all) {
    const { observation } = found;
    const at = Date.parse(observation.observedAt);
    if (at > newestAt) [newest, newestAt] = [observation.observedAt, at];
    yield found.undated ? { ...found, observation: { ...observation, observedAt: newest } } : found;
  }
}

async function* observeText(
  file: string,
  chunks: AsyncGenerator<string>,
  { isNamed }: FileOptions,
): AsyncGenerator<Found> {
  const head = await readHead(chunks);
  const text = rejoin(head, chunks);
  const [first = ''] = head.trimStart().split('\n', 1);
  const line = first.trimEnd();
  const where = () => `${file}:${head.slice(0, head.length - head.trimStart().length).split('\n').length}`;
  if (isContainerLog(line)) {
    yield* observeContainerLog(file, text);
    return;
  }
  const foreign = foreignLine(line);
  if (foreign !== undefined) throw new UserError(`${where()}: ${foreign}`);
  // Nothing but space: an empty recording.
  if (line === '') return;
  if (line.startsWith('{') || line.startsWith('[')) {
    yield* startsRecording(line) ? observeLines(file, text) : observeJson(file, text);
  } else if (looksLikeYaml(line) && (isNamed || holdsObjects(head))) {
    yield* observeYaml(file, text);
  } else {
    throw new UserError(`${where()}: neither JSON nor YAML; ${knownInputs}`);
  }
}

const looksLikeYaml = (line: string): boolean => /^(?:---|#|[A-Za-z"'][\w"' .-]*:(?: |$)|- )/.test(line);

/** Without a kind at its beginning, or kspan's caption, it holds no object: it need not be read to its end. */
const holdsObjects = (head: string): boolean =>
  /^(?:- )?["']?(?:apiVersion|kind|items|object)["']?:|^# *\{.*"style"/m.test(head);

/** Up to the end of the first line that says something: enough to see what it is. */
async function readHead(chunks: AsyncGenerator<string>): Promise<string> {
  let head = '';
  while (!head.trimStart().includes('\n') && (head.length < 1 << 20 || head.trim() === '')) {
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

function startsRecording(line: string): boolean {
  try {
    const value: unknown = JSON.parse(line);
    return isRecordingLine(value) && recordingTypes.has(value.type) && unwrapEntry(value) === undefined;
  } catch {
    // One whose first line is cut off is a recording all the same.
    return /^\{\s*"type"\s*:\s*"(?:event|object|start)"/.test(line);
  }
}

async function* observeLines(file: string, chunks: AsyncIterable<string>): AsyncGenerator<Found> {
  let number = 0;
  for await (const lines of splitLines(chunks)) {
    for (const line of lines) {
      number++;
      if (line.trim() !== '') yield* observeLine(`${file}:${number}`, line);
    }
  }
}

function* observeLine(where: string, line: string): Generator<Found> {
  let value: unknown;
  try {
    value = JSON.parse(line);
  } catch {
    const what = foreignLine(line) ?? 'not JSON, or cut off; a recording has one JSON object a line';
    throw new UserError(`${where}: ${what}`);
  }
  if (!isRecord(value) || !(isRecordingLine(value) || isObject(value) || unwrapEntry(value) !== undefined))
    throw new UserError(`${where}: no "type"; ${knownInputs}`);
  // A remark that a later version makes; a log has no line of a recording before it.
  if (isRecordingLine(value) && /^[a-z]/.test(value.type) && !recordingTypes.has(value.type)) return;
  yield* observeDocument(where, value);
}

async function* observeJson(file: string, chunks: AsyncIterable<string>): AsyncGenerator<Found> {
  let found = 0;
  let foreignLogs: string | undefined;
  for await (const { text, line, list } of splitJson(file, skipContainerLogs(chunks))) {
    const where = `${file}:${line}`;
    const value = parseJson(where, text);
    const before = found;
    for (const each of observeDocument(where, value, list)) {
      found++;
      yield each;
    }
    if (found === before && [value].flat().some((each) => isRecord(each) && isLogEntry(each)))
      foreignLogs ??= where;
  }
  // Beside the receiver's, a collector writes the logs of others into the same file; but not theirs alone.
  if (found === 0 && foreignLogs !== undefined) throw noObjectIn(foreignLogs);
}

const noObjectIn = (where: string): UserError =>
  new UserError(
    `${where}: logs of no Kubernetes object; export those of eventrouter, or of the collector's k8sobjects receiver`,
  );

/** What else the container said is skipped, but not all that it said. */
async function* observeContainerLog(file: string, chunks: AsyncIterable<string>): AsyncGenerator<Found> {
  let found = 0;
  for await (const { text, line } of readContainerLog(chunks)) {
    const value = jsonIn(text);
    if (!isRecord(value) || !(isObject(value) || unwrapEntry(value) !== undefined)) continue;
    for (const each of observeDocument(`${file}:${line}`, value)) {
      found++;
      yield each;
    }
  }
  if (found === 0) throw noObjectIn(`${file}:1`);
}

function jsonIn(text: string): unknown {
  try {
    return text.startsWith('{') ? JSON.parse(text) : undefined;
  } catch {
    return undefined;
  }
}

function parseJson(where: string, text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw new UserError(`${where}: ${foreignLine(text) ?? `not JSON; ${knownInputs}`}`);
  }
}
