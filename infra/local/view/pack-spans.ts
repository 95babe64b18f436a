/** Spans into compact JSON: see packed-spans.ts. */
import type { Span } from '../../../shared/span.ts';
import {
  type Cell,
  ESCAPE,
  MARK,
  messageKey,
  nameKey,
  type PackedAttributes,
  type PackedSpan,
  type PackedStatus,
  type PackedTrace,
  type SharedWords,
  type Value,
} from './packed-spans.ts';

export interface PackedSpans {
  shared: SharedWords;
  traces: PackedTrace[];
}

/** @param traces the spans of each, every span id once */
export function packSpans(traces: readonly (readonly Span[])[]): PackedSpans {
  const sorted = traces.map((spans) => spans.map(sortEntries));
  const uses = countWords(sorted);
  const shared = uses.filter((use) => use.traces > 1);
  const places = new Map(shared.map(({ key }, place) => [key, place]));
  const shapes = new Table();
  const ownUses = Map.groupBy(
    uses.filter((use) => use.traces === 1 && isWorthAPlace(use)),
    ({ lastTrace }) => lastTrace,
  );
  const packed = sorted.map((spans, trace) => {
    const own = ownUses.get(trace) ?? [];
    const ownPlaces = new Map(own.map(({ key }, i) => [key, shared.length + i]));
    const cellOf = (value: Value): Cell => {
      const key = keyOf(value);
      return places.get(key) ?? ownPlaces.get(key) ?? (value as string | string[]);
    };
    return { ...packTrace(spans, cellOf, shapes), words: own.map(({ value }) => value) };
  });
  // Shapes name their keys; a key that only one trace uses is spelled out.
  const cells = shapes.entries.map((keys) =>
    (JSON.parse(keys) as string[]).map((key) => places.get(keyOf(key)) ?? key),
  );
  return { shared: { words: shared.map(({ value }) => value), shapes: cells }, traces: packed };
}

/** A span's attributes, by how often they repeat. */
interface SortedSpan {
  span: Span;
  /** The same on each span about one object. */
  object: Entry[];
  /** With marks in them. */
  own: Entry[];
}

type Entry = [key: string, value: Value];

function sortEntries(span: Span): SortedSpan {
  const name = markedName(span);
  const object: Entry[] = [];
  const own: Entry[] = [];
  for (const [key, value] of Object.entries(span.attributes)) {
    if (saysOfObject(key)) object.push([key, value]);
    else own.push([key, withMark(value, name)]);
  }
  return { span, object, own };
}

interface WordUse {
  key: string;
  value: Value;
  uses: number;
  traces: number;
  lastTrace: number;
}

/** Those used most first: they get the shortest numbers. */
function countWords(traces: readonly (readonly SortedSpan[])[]): WordUse[] {
  const uses = new Map<string, WordUse>();
  const count = (value: Value, trace: number) => {
    const key = keyOf(value);
    const use = uses.get(key);
    if (use === undefined) {
      uses.set(key, { key, value, uses: 1, traces: 1, lastTrace: trace });
      return;
    }
    use.uses++;
    if (use.lastTrace !== trace) use.traces++;
    use.lastTrace = trace;
  };
  for (const [trace, spans] of traces.entries())
    for (const { span, object, own } of spans) {
      count(span.name, trace);
      for (const entries of [Object.entries(span.resource), object, own])
        for (const [key, value] of entries) {
          count(key, trace);
          count(value, trace);
        }
    }
  return [...uses.values()].sort((a, b) => b.uses - a.uses);
}

/** What is a text (or several) may stand in its place; a number there would be a place. */
const isWorthAPlace = ({ value, uses }: WordUse): boolean =>
  uses > 1 || typeof value === 'number' || typeof value === 'boolean';

/** Texts are what they are; of all else the JSON, behind what no text begins with. */
const keyOf = (value: Value): string => (typeof value === 'string' ? `"${value}` : JSON.stringify(value));

/** Distinct texts, in the order of their first use. */
class Table {
  readonly entries: string[] = [];
  readonly #places = new Map<string, number>();

  placeOf(entry: string): number {
    const known = this.#places.get(entry);
    if (known !== undefined) return known;
    this.#places.set(entry, this.entries.length);
    this.entries.push(entry);
    return this.entries.length - 1;
  }
}

function packTrace(spans: readonly SortedSpan[], cellOf: (value: Value) => Cell, shapes: Table) {
  const groups = new Table();
  const statuses = new Table();
  const places = new Map(spans.map(({ span }, place) => [span.spanId, place]));
  const start = earliestStart(spans);
  const pack = (entries: readonly Entry[]): [number, ...Cell[]] => [
    shapes.placeOf(JSON.stringify(entries.map(([key]) => key))),
    ...entries.map(([, value]) => cellOf(value)),
  ];
  const group = (entries: readonly Entry[]) => groups.placeOf(JSON.stringify(pack(entries)));
  const packed = spans.map(({ span, object, own }): PackedSpan => {
    const { parentSpanId, startTimeUnixNano, endTimeUnixNano, resource } = span;
    const begin = BigInt(startTimeUnixNano);
    return [
      parentSpanId === null ? null : (places.get(parentSpanId) ?? parentSpanId),
      exact(begin - start),
      exact(BigInt(endTimeUnixNano) - begin),
      cellOf(span.name),
      group(Object.entries(resource)),
      group(object),
      statuses.placeOf(JSON.stringify(packStatus(span))),
      ...pack(own),
    ];
  });
  return {
    traceId: spans[0]!.span.traceId,
    start: String(start),
    ids: spans.map(({ span }) => span.spanId).join(''),
    groups: groups.entries.map((entry) => JSON.parse(entry) as PackedAttributes),
    statuses: statuses.entries.map((entry) => JSON.parse(entry) as PackedStatus),
    spans: packed,
    links: spans.flatMap(({ span: { links } }, place): PackedTrace['links'] =>
      links.length > 0 ? [[place, links]] : [],
    ),
  };
}

function earliestStart(spans: readonly SortedSpan[]): bigint {
  let earliest = BigInt(spans[0]!.span.startTimeUnixNano);
  for (const { span } of spans) {
    const start = BigInt(span.startTimeUnixNano);
    if (start < earliest) earliest = start;
  }
  return earliest;
}

const exact = (nanoseconds: bigint): number | string =>
  nanoseconds <= BigInt(Number.MAX_SAFE_INTEGER) && nanoseconds >= BigInt(Number.MIN_SAFE_INTEGER)
    ? Number(nanoseconds)
    : String(nanoseconds);

function packStatus({ status: { code, message }, attributes }: Span): PackedStatus {
  if (message === undefined) return code === 'ERROR' ? 'error' : 'unset';
  return code === 'ERROR' && message === attributes[messageKey] ? 'as the message' : [code, message];
}

const saysOfObject = (key: string): boolean =>
  key.startsWith('k8s.') && !key.startsWith('k8s.event.') && key !== 'k8s.object.resource_version';

/** Undefined of a name that it is not worth while to mark, or that looks like a mark. */
function markedName({ attributes }: Span): string | undefined {
  const name = attributes[nameKey];
  return typeof name === 'string' && name.length > 3 && !/[\ue000\ue001]/.test(name) ? name : undefined;
}

function withMark(value: Value, name: string | undefined): Value {
  if (typeof value !== 'string') return value;
  const text = /[\ue000\ue001]/.test(value)
    ? value.replace(/[\ue000\ue001]/g, (c) => ESCAPE + (c === MARK ? 'a' : 'b'))
    : value;
  return name === undefined ? text : text.replaceAll(name, MARK);
}
