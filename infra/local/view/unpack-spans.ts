/** Compact JSON into spans: see packed-spans.ts. */
import type { Attributes, Span } from '../../../shared/span.ts';
import {
  type Cell,
  ESCAPE,
  MARK,
  messageKey,
  nameKey,
  type PackedStatus,
  type PackedTrace,
  type SharedWords,
  type Value,
} from './packed-spans.ts';

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

function unpackStatus(packed: PackedStatus, said: () => Value | undefined): Span['status'] {
  if (packed === 'unset') return { code: 'UNSET' };
  if (packed === 'error') return { code: 'ERROR' };
  if (packed === 'as the message') return { code: 'ERROR', message: String(said()) };
  const [code, message] = packed;
  return message === null ? { code } : { code, message };
}

function withoutMark(value: Value, name: string): Value {
  if (typeof value !== 'string' || !/[\ue000\ue001]/.test(value)) return value;
  return value.replace(/\ue000|\ue001[ab]/g, (c) => (c === MARK ? name : c === `${ESCAPE}a` ? MARK : ESCAPE));
}
