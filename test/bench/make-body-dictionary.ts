/**
 * `node --import ./infra/local/require-node.js test/bench/make-body-dictionary.ts`: prints a module with a dictionary of
 * stored bodies, from what the recordings tell and what becomes of it. One that is in use never changes: this makes the next one, when
 * observations or spans have other fields.
 */
import { explain } from '../../infra/local/explain.ts';
import type { Observation } from '../../shared/observation.ts';
import { readRecording, recordingFiles } from '../read-recordings.ts';

/** Deflate looks back no further. */
const mostBytes = 32_768;
/**
 * Characters that have to be new to be worth a place. Smaller: scraps, whose references cost as much as they save (at 12: 3 % larger
 * bodies); larger: what differs in one word is there twice.
 */
const grain = 64;
/** A word that fewer recordings have is somebody's name. */
const fewestRecordings = 3;

type Json = string | number | boolean | null | Json[] | { [key: string]: Json };

const digits = /\d/g;
const isId = (text: string) => /^[\w-]{16,}$/.test(text) && (text.match(digits)?.length ?? 0) >= 3;
const isTime = (text: string) => /^\d{4}-\d\d-\d\dT/.test(text);
const digestFields: ReadonlySet<string> = new Set(['specDigest', 'fields', 'template', 'key']);
/** Of a spec's section: containers have names of their own. */
const blankPath = (path: string) => path.replace(/\[[a-z0-9-]+\]/g, '[]');

/** Names of the recording's own objects, images and commands, longest first. */
function namesIn(observations: readonly Observation[]): RegExp {
  const names = new Set<string>();
  for (const observation of observations) {
    const { namespace, name } = observation.type === 'event' ? observation.event.subject : observation.object;
    for (const known of [namespace, name]) if (known !== undefined && known.length > 1) names.add(known);
    for (const [image] of JSON.stringify(observation).matchAll(/[\w./-]*\btiny\b(?::[\w.-]+)?/g))
      names.add(image);
  }
  const all = [...names].sort((a, b) => b.length - a.length).map(RegExp.escape);
  return new RegExp(`(?<![\\w])(?:${all.join('|')})(?![\\w])`, 'g');
}

/** Without ids, times and names. */
function blank(value: Json, names: RegExp): Json {
  if (typeof value === 'string') {
    if (isTime(value)) return 'Z';
    if (isId(value) || /^\d+$/.test(value)) return '';
    return value.replace(names, '').replace(/\.[0-9a-f]{5,}|\d{3,}/g, '');
  }
  if (typeof value === 'number') return value > 999 ? 0 : value;
  if (Array.isArray(value)) return value.map((each) => blank(each, names));
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).map(([key, each]) => [blankPath(key), blankField(key, each, names)]),
  );
}

function blankField(key: string, value: Json, names: RegExp): Json {
  if (digestFields.has(key) && typeof value === 'string') return '';
  if (key !== 'digests') return blank(value, names);
  return Object.fromEntries(Object.keys(value as object).map((path) => [blankPath(path), '']));
}

const stringsIn = (value: Json): string[] =>
  typeof value === 'string'
    ? [value]
    : typeof value === 'object' && value !== null
      ? Object.values(value).flatMap(stringsIn)
      : [];

function keepWords(value: Json, words: ReadonlySet<string>): Json {
  if (typeof value === 'string') return words.has(value) ? value : '';
  if (Array.isArray(value)) return value.map((each) => keepWords(each, words));
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, each]) => [key, keepWords(each, words)]));
}

function countBy<T>(groups: Iterable<Iterable<T>>): Map<T, number> {
  const counts = new Map<T, number>();
  for (const group of groups)
    for (const each of new Set(group)) counts.set(each, (counts.get(each) ?? 0) + 1);
  return counts;
}

const grainsOf = (text: string): string[] =>
  Array.from({ length: Math.max(0, text.length - grain + 1) }, (_, at) => text.slice(at, at + grain));

/** Pieces of `text` that hold grains which nothing chosen so far has. */
function newPieces(text: string, isKnown: (grain: string) => boolean): string[] {
  const pieces: string[] = [];
  let from = -1;
  const grains = grainsOf(text);
  for (const [at, each] of [...grains, undefined].entries()) {
    const isNew = each !== undefined && !isKnown(each);
    if (isNew && from < 0) from = at;
    if (!isNew && from >= 0) {
      pieces.push(text.slice(from, at + grain - 1));
      from = -1;
    }
  }
  return pieces;
}

/** As Zstandard's COVER: of all that is left what has most that is common and new for its length, again and again. The best first. */
function choose(texts: readonly string[], weights: ReadonlyMap<string, number>): string[] {
  const known = new Set<string>();
  const chosen: string[] = [];
  const valued = texts.map((text) => ({ text, pieces: [text], value: Number.POSITIVE_INFINITY }));
  let size = 0;
  while (size < mostBytes && valued.length > 0) {
    const next = valued.pop()!;
    next.pieces = newPieces(next.text, (each) => known.has(each) || weights.get(each)! < fewestRecordings);
    const fresh = new Set(next.pieces.flatMap(grainsOf).filter((each) => !known.has(each)));
    const length = next.pieces.join('').length;
    next.value = length === 0 ? 0 : [...fresh].reduce((sum, each) => sum + weights.get(each)!, 0) / length;
    if (next.value === 0) continue;
    const best = valued.at(-1)?.value ?? 0;
    if (next.value >= best) {
      for (const each of fresh) known.add(each);
      chosen.push(...next.pieces);
      size += length;
    } else {
      // What was worth less before is worth no more now.
      let at = valued.length;
      while (at > 0 && valued[at - 1]!.value > next.value) at -= 1;
      valued.splice(at, 0, next);
    }
  }
  return chosen;
}

const recordings: Json[][] = [];
for (const file of recordingFiles) {
  const observations = await readRecording(file);
  const names = namesIn(observations);
  const bodies = [...observations, ...explain(observations)];
  recordings.push(bodies.map((body) => blank(JSON.parse(JSON.stringify(body)) as Json, names)));
}
const words = new Set(
  [...countBy(recordings.map(stringsIn))]
    .filter(([, count]) => count >= fewestRecordings)
    .map(([word]) => word),
);
const texts = recordings.map((bodies) => [
  ...new Set(bodies.map((body) => JSON.stringify(keepWords(body, words)))),
]);
const weights = countBy(texts.map((some) => some.flatMap(grainsOf)));
const pieces = choose([...new Set(texts.flat())], weights);
/** How a chunk begins. */
const beginning = '{"cluster":{"uid":"","name":""},"observations":[';
let room = mostBytes - beginning.length;
const fitting = pieces.filter((piece) => {
  room -= Buffer.byteLength(piece);
  return room >= 0;
});
process.stdout.write(`/**
 * As body-dictionary.ts, of observations and spans as they were later: made by test/bench/make-body-dictionary.ts from what the
 * recordings tell. Never to be changed.
 */
export const laterBodyDictionary: string = [
${[...fitting.reverse(), beginning].map((piece) => `  ${JSON.stringify(piece)},\n`).join('')}].join('');
`);
