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
  const uses = countWords(traces);
  const shared = uses.filter(({ traces, uses }) => traces > 1 && uses > 1);
  const places = new Map(shared.map(({ value }, place) => [keyOf(value), place]));
  const shapes = new Table();
  const ownUses = Map.groupBy(
    uses.filter((use) => use.traces === 1 && isWorthAPlace(use)),
    ({ lastTrace }) => lastTrace,
  );
  const packed = traces.map((spans, trace) => {
    const own = ownUses.get(trace) ?? [];
    const ownPlaces = new Map(own.map(({ value }, i) => [keyOf(value), shared.length + i]));
    const cellOf = (value: Value): Cell => {
      const place = places.get(keyOf(value)) ?? ownPlaces.get(keyOf(value));
      return place ?? (value as string | string[]);
    };
    return { ...packTrace(spans, cellOf, shapes), words: own.map(({ value }) => value) };
  });
  // Shapes name their keys; a key that only one trace uses is spelled out.
  const cells = shapes.entries.map((keys) =>
    (JSON.parse(keys) as string[]).map((key) => places.get(keyOf(key)) ?? key),
  );
  return { shared: { words: shared.map(({ value }) => value), shapes: cells }, traces: packed };
}

interface WordUse {
  value: Value;
  uses: number;
  traces: number;
  lastTrace: number;
}

/** Those used most first: they get the shortest numbers. */
function countWords(traces: readonly (readonly Span[])[]): WordUse[] {
  const uses = new Map<string, WordUse>();
  for (const [trace, spans] of traces.entries())
    for (const span of spans)
      for (const value of wordsOf(span)) {
        const key = keyOf(value);
        const use = uses.get(key);
        if (use === undefined) uses.set(key, { value, uses: 1, traces: 1, lastTrace: trace });
        else {
          use.uses++;
          if (use.lastTrace !== trace) use.traces++;
          use.lastTrace = trace;
        }
      }
  return [...uses.values()].sort((a, b) => b.uses - a.uses);
}

/** What is a text (or several) may stand in its place; a number there would be a place. */
const isWorthAPlace = ({ value, uses }: WordUse): boolean =>
  uses > 1 || typeof value === 'number' || typeof value === 'boolean';

const keyOf = (value: Value): string => (typeof value === 'string' ? `"${value}` : JSON.stringify(value));

function* wordsOf(span: Span): Generator<Value> {
  yield span.name;
  const name = markedName(span);
  for (const [key, value] of [...Object.entries(span.resource), ...Object.entries(span.attributes)]) {
    yield key;
    yield saysOfObject(key) ? value : withMark(value, name);
  }
}

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

function packTrace(spans: readonly Span[], cellOf: (value: Value) => Cell, shapes: Table) {
  const groups = new Table();
  const statuses = new Table();
  const places = new Map(spans.map(({ spanId }, place) => [spanId, place]));
  const start = earliestStart(spans);
  const pack = (entries: [string, Value][]): [number, ...Cell[]] => [
    shapes.placeOf(JSON.stringify(entries.map(([key]) => key))),
    ...entries.map(([, value]) => cellOf(value)),
  ];
  const group = (entries: [string, Value][]) => groups.placeOf(JSON.stringify(pack(entries)));
  const packed = spans.map((span): PackedSpan => {
    const { parentSpanId, startTimeUnixNano, endTimeUnixNano, resource } = span;
    const entries = Object.entries(span.attributes);
    const name = markedName(span);
    return [
      parentSpanId === null ? null : (places.get(parentSpanId) ?? parentSpanId),
      exact(BigInt(startTimeUnixNano) - start),
      exact(BigInt(endTimeUnixNano) - BigInt(startTimeUnixNano)),
      cellOf(span.name),
      group(Object.entries(resource)),
      group(entries.filter(([key]) => saysOfObject(key))),
      statuses.placeOf(JSON.stringify(packStatus(span))),
      ...pack(
        entries.filter(([key]) => !saysOfObject(key)).map(([key, value]) => [key, withMark(value, name)]),
      ),
    ];
  });
  return {
    traceId: spans[0]!.traceId,
    start: String(start),
    ids: spans.map(({ spanId }) => spanId).join(''),
    groups: groups.entries.map((entry) => JSON.parse(entry) as PackedAttributes),
    statuses: statuses.entries.map((entry) => JSON.parse(entry) as PackedStatus),
    spans: packed,
    links: spans.flatMap(({ links }, place): PackedTrace['links'] =>
      links.length > 0 ? [[place, links]] : [],
    ),
  };
}

function earliestStart(spans: readonly Span[]): bigint {
  let earliest = BigInt(spans[0]!.startTimeUnixNano);
  for (const { startTimeUnixNano } of spans)
    if (BigInt(startTimeUnixNano) < earliest) earliest = BigInt(startTimeUnixNano);
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

function unpackStatus(packed: PackedStatus, attributes: Attributes): Span['status'] {
  if (packed === 'unset') return { code: 'UNSET' };
  if (packed === 'error') return { code: 'ERROR' };
  if (packed === 'as the message') return { code: 'ERROR', message: String(attributes[messageKey]) };
  const [code, message] = packed;
  return message === null ? { code } : { code, message };
}

const nameKey = 'k8s.object.name';

/** The same on each span about one object, whatever happened to it. */
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

export function unpackSpans(trace: PackedTrace, shared: SharedWords): Span[] {
  const { traceId, ids } = trace;
  const start = BigInt(trace.start);
  const read = (cell: Cell): Value => {
    if (typeof cell !== 'number') return cell as string | string[];
    return shared.words[cell] ?? trace.words[cell - shared.words.length]!;
  };
  const shapes = shared.shapes.map((keys) => keys.map((key) => String(read(key))));
  const unpack = (shape: number, values: readonly Cell[], from: number) =>
    shapes[shape]!.map((key, i): [string, Value] => [key, read(values[from + i]!)]);
  const groups = trace.groups.map((group) => unpack(group[0], group as readonly Cell[], 1));
  const idOf = (place: number) => ids.slice(place * 16, place * 16 + 16);
  const links = new Map(trace.links);
  return trace.spans.map((packed, place): Span => {
    const [parent, at, lasts, name, resource, object, status, shape] = packed;
    const begin = start + BigInt(at);
    const attributes = toAttributes(groups[object]!);
    const marked = String(attributes[nameKey] ?? '');
    for (const [key, value] of unpack(shape, packed as readonly Cell[], 8))
      set(attributes, key, withoutMark(value, marked));
    return {
      traceId,
      spanId: idOf(place),
      parentSpanId: typeof parent === 'number' ? idOf(parent) : parent,
      name: String(read(name)),
      startTimeUnixNano: String(begin),
      endTimeUnixNano: String(begin + BigInt(lasts)),
      status: unpackStatus(trace.statuses[status]!, attributes),
      resource: toAttributes(groups[resource]!),
      attributes,
      links: links.get(place) ?? [],
    };
  });
}

function toAttributes(entries: readonly [string, Value][]): Attributes {
  const attributes: Attributes = {};
  for (const [key, value] of entries) set(attributes, key, value);
  return attributes;
}

/** Somebody's key may be `__proto__`. */
function set(attributes: Attributes, key: string, value: Value): void {
  if (key === '__proto__')
    Object.defineProperty(attributes, key, { value, enumerable: true, configurable: true, writable: true });
  else attributes[key] = value;
}
