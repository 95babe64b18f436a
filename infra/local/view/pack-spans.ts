/**
 * Spans as compact JSON, without loss. Attributes say the same again and again (an object's name, its UID, the Event's reason): each
 * text stands once, what an object says of itself stands once an object, and the name of an object within a text is a mark.
 * An array of spans takes a kilobyte a span, this takes some 200 bytes.
 */
import type { Attributes, Span } from '../../../shared/span.ts';

type Value = Attributes[string];
/** A number is a place among the words (those of all traces first, then the trace's own); anything else stands for itself. */
type Cell = number | string | readonly string[];
/** Which keys (a place among the shapes), then the value of each. */
type PackedAttributes = readonly [shape: number, ...values: Cell[]];
type PackedStatus = 'unset' | 'error' | 'as the message' | readonly [Span['status']['code'], string | null];
/** A parent is a place among the spans; an id where it is not there; null of a root. */
type PackedSpan = readonly [
  parent: number | string | null,
  start: number | string,
  lasts: number | string,
  name: Cell,
  resource: number,
  object: number,
  status: number,
  shape: number,
  ...values: Cell[],
];

export interface PackedTrace {
  traceId: string;
  /** The earliest start, in nanoseconds since 1970; starts count from it. */
  start: string;
  /** 16 digits a span. */
  ids: string;
  words: Value[];
  /** Attributes that several spans share: resources, and what objects say of themselves. */
  groups: PackedAttributes[];
  statuses: PackedStatus[];
  spans: PackedSpan[];
  links: [span: number, links: Span['links']][];
}

/** What all traces of a page share. */
export interface SharedWords {
  words: Value[];
  shapes: Cell[][];
}

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

const messageKey = 'k8s.event.message';

function packStatus({ status: { code, message }, attributes }: Span): PackedStatus {
  if (message === undefined) return code === 'ERROR' ? 'error' : 'unset';
  return code === 'ERROR' && message === attributes[messageKey] ? 'as the message' : [code, message];
}

function unpackStatus(packed: PackedStatus, said: () => Value | undefined): Span['status'] {
  if (packed === 'unset') return { code: 'UNSET' };
  if (packed === 'error') return { code: 'ERROR' };
  if (packed === 'as the message') return { code: 'ERROR', message: String(said()) };
  const [code, message] = packed;
  return message === null ? { code } : { code, message };
}

const nameKey = 'k8s.object.name';

const saysOfObject = (key: string): boolean =>
  key.startsWith('k8s.') && !key.startsWith('k8s.event.') && key !== 'k8s.object.resource_version';

/** Two characters that Unicode gives no meaning: the object's name, and what was such a character before. */
const MARK = '\ue000';
const ESCAPE = '\ue001';

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

function withoutMark(value: Value, name: string): Value {
  if (typeof value !== 'string' || !/[\ue000\ue001]/.test(value)) return value;
  return value.replace(/\ue000|\ue001[ab]/g, (c) => (c === MARK ? name : c === `${ESCAPE}a` ? MARK : ESCAPE));
}

/** Attributes are unpacked when somebody reads them: of a large trace few are ever looked at. */
export function unpackSpans(trace: PackedTrace, shared: SharedWords): Span[] {
  const { traceId, ids } = trace;
  const start = BigInt(trace.start);
  const read = (cell: Cell): Value => {
    if (typeof cell !== 'number') return cell as string | string[];
    return shared.words[cell] ?? trace.words[cell - shared.words.length]!;
  };
  const shapes = shared.shapes.map((keys) => keys.map((key) => String(read(key))));
  const groups = trace.groups.map((group) =>
    unpackAttributes(shapes[group[0]]!, group as readonly Cell[], 1, read),
  );
  const idOf = (place: number) => ids.slice(place * 16, place * 16 + 16);
  const links = new Map(trace.links);
  return trace.spans.map((packed, place): Span => {
    const [parent, at, lasts, name, resource, object, status, shape] = packed;
    const begin = start + BigInt(at);
    let attributes: Attributes | undefined;
    return {
      traceId,
      spanId: idOf(place),
      parentSpanId: typeof parent === 'number' ? idOf(parent) : parent,
      name: String(read(name)),
      startTimeUnixNano: String(begin),
      endTimeUnixNano: String(begin + BigInt(lasts)),
      get status() {
        return unpackStatus(trace.statuses[status]!, () => this.attributes[messageKey]);
      },
      resource: groups[resource]!,
      get attributes() {
        const ofObject = groups[object]!;
        attributes ??= {
          ...ofObject,
          ...unpackAttributes(shapes[shape]!, packed as readonly Cell[], 8, (cell) =>
            withoutMark(read(cell), String(ofObject[nameKey] ?? '')),
          ),
        };
        return attributes;
      },
      links: links.get(place) ?? [],
    };
  });
}

/** @param from where the values begin */
function unpackAttributes(
  keys: readonly string[],
  cells: readonly Cell[],
  from: number,
  read: (cell: Cell) => Value,
): Attributes {
  const attributes: Attributes = {};
  let place = from;
  for (const key of keys) {
    const value = read(cells[place++]!);
    // Somebody's key may be `__proto__`, which is not for assigning.
    if (key === '__proto__')
      Object.defineProperty(attributes, key, { value, enumerable: true, configurable: true, writable: true });
    else attributes[key] = value;
  }
  return attributes;
}
